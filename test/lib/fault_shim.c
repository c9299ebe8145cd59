// SPDX-License-Identifier: Apache-2.0
/*
 * Makes what a running program asks of the C library fail, on a test's word: LD_PRELOAD it. The words
 * come through a file that is shared memory here and that a test in another process writes
 * (fault-shim.js): which call, how many go through first, how many then fail, with which errno. It
 * counts the calls, so that a test knows how many points of failure a thing has, and the blocks of
 * memory in use. It also moves the clocks. Engines do not inherit it: their environment is empty.
 *
 * A call that carries bytes may, instead of failing, carry only one of them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* name, failing result, types and names of its arguments: those that are like one another in this. */
#define CALLS(X)                                                                                          \
    X(accept4, int, -1, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags))         \
    X(socket, int, -1, (int domain, int type, int protocol), (domain, type, protocol))                    \
    X(socketpair, int, -1, (int domain, int type, int protocol, int into[2]), (domain, type, protocol, into)) \
    X(connect, int, -1, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))                      \
    X(setsockopt, int, -1, (int fd, int level, int name, const void *v, socklen_t n), (fd, level, name, v, n)) \
    X(sendmsg, ssize_t, -1, (int fd, const struct msghdr *m, int flags), (fd, m, flags))                  \
    X(fsync, int, -1, (int fd), (fd))                                                                     \
    X(fdatasync, int, -1, (int fd), (fd))                                                                 \
    X(ftruncate64, int, -1, (int fd, off64_t n), (fd, n))                                                 \
    X(fstat64, int, -1, (int fd, struct stat64 *into), (fd, into))                                        \
    X(stat64, int, -1, (const char *path, struct stat64 *into), (path, into))                             \
    X(rename, int, -1, (const char *from, const char *to), (from, to))                                    \
    X(unlink, int, -1, (const char *path), (path))                                                        \
    X(mmap64, void *, MAP_FAILED, (void *at, size_t n, int prot, int flags, int fd, off64_t off),         \
      (at, n, prot, flags, fd, off))                                                                      \
    X(memfd_create, int, -1, (const char *name, unsigned flags), (name, flags))                           \
    X(epoll_pwait, int, -1, (int epoll, struct epoll_event *into, int n, int ms, const sigset_t *mask),   \
      (epoll, into, n, ms, mask))                                                                         \
    X(fork, pid_t, -1, (void), ())                                                                        \
    X(flock, int, -1, (int fd, int how), (fd, how))
/* Those that carry n bytes. */
#define CARRIERS(X)                                                                                       \
    X(read, (int fd, void *into, size_t n), (fd, into, n))                                                \
    X(write, (int fd, const void *from, size_t n), (fd, from, n))                                         \
    X(recv, (int fd, void *into, size_t n, int flags), (fd, into, n, flags))                              \
    X(send, (int fd, const void *from, size_t n, int flags), (fd, from, n, flags))                        \
    X(pread64, (int fd, void *into, size_t n, off64_t off), (fd, into, n, off))                           \
    X(pwrite64, (int fd, const void *from, size_t n, off64_t off), (fd, from, n, off))                    \
    X(getrandom, (void *into, size_t n, unsigned flags), (into, n, flags))
#define first(a, ...) _Generic(a, int: a, default: -1) /* the descriptor, where there is one */

enum call {
    CALL_NONE,
    CALL_malloc, /* and calloc, realloc, posix_memalign, aligned_alloc */
    CALL_open64, /* and openat64 */
    CALL_fcntl64,
    CALL_pthread_create,
    CALL_epoll_ctl,
    CALL_writev,
#define X(name, ...) CALL_##name,
    CALLS(X) CARRIERS(X)
#undef X
        CALL_COUNT
};

/* What is shared. `names` tells the test the numbers of the calls. */
static struct control {
    atomic_uint call;              /* the one that fails; CALL_NONE */
    atomic_uint pass;              /* so many go through first */
    atomic_uint times;             /* so many then fail */
    atomic_int error;              /* errno; 0: only one byte is carried */
    atomic_uint failed;            /* so many have */
    atomic_int blocks;             /* of memory in use */
    _Atomic int64_t clock_shift_s; /* of the wall clock */
    atomic_uint calls[64];         /* so many have been made of each */
    char names[1024];              /* "malloc open64 …", from number 1 on */
    _Atomic int64_t passed_ms;     /* the monotonic clock is ahead */
    atomic_uint kinds;             /* of descriptors that are meant: bits of enum kind; 0: all */
} *control;
static_assert(CALL_COUNT <= 64 && sizeof(struct control) <= 4096);

enum kind { KIND_SOCKET = 1, KIND_FILE = 2, KIND_OTHER = 4 };

static bool is_meant(int fd)
{
    static typeof(fstat64) *real;
    struct stat64 about;
    unsigned kinds = atomic_load(&control->kinds);
    if (fd < 0 || kinds == 0)
        return true;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "fstat64");
    if (real(fd, &about) != 0)
        return false;
    unsigned kind = S_ISSOCK(about.st_mode)  ? KIND_SOCKET
                    : S_ISREG(about.st_mode) ? KIND_FILE
                                             : KIND_OTHER;
    return (kinds & kind) != 0;
}

static bool must_fail_on(enum call call, int fd)
{
    if (!control)
        return false;
    atomic_fetch_add_explicit(&control->calls[call], 1, memory_order_relaxed);
    if (atomic_load_explicit(&control->call, memory_order_acquire) != (unsigned)call ||
        !is_meant(fd))
        return false;
    /* Threads may race for the last one that passes: each takes a number of its own. */
    if ((int)atomic_fetch_sub(&control->pass, 1) > 0)
        return false;
    atomic_store(&control->pass, 0);
    unsigned times = atomic_load(&control->times);
    do {
        if (times == 0)
            return false;
    } while (!atomic_compare_exchange_weak(&control->times, &times, times - 1));
    atomic_fetch_add(&control->failed, 1);
    errno = atomic_load(&control->error);
    return true;
}

static bool must_fail(enum call call)
{
    return must_fail_on(call, -1);
}

/* --- memory: glibc's, and what stands before it when a sanitizer is linked in --- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);
[[gnu::weak]] void *__interceptor_malloc(size_t size);
[[gnu::weak]] void *__interceptor_calloc(size_t count, size_t size);
[[gnu::weak]] void *__interceptor_realloc(void *p, size_t size);
[[gnu::weak]] void *__interceptor_aligned_alloc(size_t alignment, size_t size);
[[gnu::weak]] void __interceptor_free(void *p);

static void *counted(void *p)
{
    if (p && control)
        atomic_fetch_add_explicit(&control->blocks, 1, memory_order_relaxed);
    return p;
}

void *malloc(size_t size)
{
    if (must_fail(CALL_malloc))
        return nullptr;
    return counted(__interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (must_fail(CALL_malloc))
        return nullptr;
    return counted(__interceptor_calloc ? __interceptor_calloc(count, size)
                                        : __libc_calloc(count, size));
}

void *realloc(void *p, size_t size)
{
    if (!p)
        return malloc(size);
    if (size > 0 && must_fail(CALL_malloc))
        return nullptr;
    void *q = __interceptor_realloc ? __interceptor_realloc(p, size) : __libc_realloc(p, size);
    if (!q && size == 0 && control)
        atomic_fetch_sub_explicit(&control->blocks, 1, memory_order_relaxed);
    return q;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (must_fail(CALL_malloc))
        return nullptr;
    return counted(__interceptor_aligned_alloc ? __interceptor_aligned_alloc(alignment, size)
                                               : __libc_memalign(alignment, size));
}

int posix_memalign(void **into, size_t alignment, size_t size)
{
    int before = errno;
    void *p = aligned_alloc(alignment, size);
    errno = before; /* it tells by its result alone */
    if (!p)
        return ENOMEM;
    *into = p;
    return 0;
}

void free(void *p)
{
    if (p && control)
        atomic_fetch_sub_explicit(&control->blocks, 1, memory_order_relaxed);
    if (__interceptor_free)
        __interceptor_free(p);
    else
        __libc_free(p);
}

/* --- system calls --- */

#define X(name, type, failing, takes, gives)                                                              \
    type name takes                                                                                       \
    {                                                                                                     \
        static typeof(name) *real;                                                                        \
        if (!real)                                                                                        \
            real = (typeof(real))dlsym(RTLD_NEXT, #name);                                                 \
        return must_fail(CALL_##name) ? failing : real gives;                                             \
    }
CALLS(X)
#undef X
#define X(name, takes, gives)                                                                             \
    ssize_t name takes                                                                                    \
    {                                                                                                     \
        static typeof(name) *real;                                                                        \
        if (!real)                                                                                        \
            real = (typeof(real))dlsym(RTLD_NEXT, #name);                                                 \
        if (must_fail_on(CALL_##name, first gives)) {                                                                     \
            if (errno != 0)                                                                               \
                return -1;                                                                                \
            n = n > 0;                                                                                    \
        }                                                                                                 \
        return real gives;                                                                                \
    }
CARRIERS(X)
#undef X

/* Whoever wants it may fork as well; and here the child must not come back through a frame of its parent's. */
pid_t vfork(void)
{
    return fork();
}

ssize_t writev(int fd, const struct iovec *from, int n)
{
    static typeof(writev) *real;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "writev");
    struct iovec one;
    if (must_fail_on(CALL_writev, fd)) {
        if (errno != 0)
            return -1;
        one = (struct iovec){from->iov_base, from->iov_len > 0};
        from = &one;
        n = 1;
    }
    return real(fd, from, n);
}

/* Only a descriptor that is not watched yet needs anything that there may be too little of. */
int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    static typeof(epoll_ctl) *real;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "epoll_ctl");
    int result = real(epoll, op, fd, event);
    if (result != 0 || op != EPOLL_CTL_ADD || !must_fail_on(CALL_epoll_ctl, fd))
        return result;
    int error = errno;
    real(epoll, EPOLL_CTL_DEL, fd, nullptr);
    errno = error;
    return -1;
}

int openat64(int folder, const char *path, int flags, ...)
{
    static typeof(openat64) *real;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "openat64");
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return must_fail(CALL_open64) ? -1 : real(folder, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat64(AT_FDCWD, path, flags, mode);
}

int fcntl64(int fd, int command, ...)
{
    static typeof(fcntl64) *real;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "fcntl64");
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *); /* an int is passed in the same place */
    va_end(more);
    /* Giving a lock back does not fail. */
    bool unlocks = command == F_SETLK && ((struct flock *)argument)->l_type == F_UNLCK;
    return !unlocks && must_fail(CALL_fcntl64) ? -1 : real(fd, command, argument);
}

int pthread_create(pthread_t *into, const pthread_attr_t *how, void *(*run)(void *), void *arg)
{
    static typeof(pthread_create) *real;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "pthread_create");
    return must_fail(CALL_pthread_create) ? errno : real(into, how, run, arg);
}

/* --- the clocks --- */

static int64_t shift_s(void)
{
    return control ? atomic_load_explicit(&control->clock_shift_s, memory_order_relaxed) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *into)
{
    static typeof(clock_gettime) *real;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, into);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        into->tv_sec += shift_s();
    if (control && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)) {
        int64_t ns = into->tv_nsec + atomic_load(&control->passed_ms) * 1000000;
        into->tv_sec += ns / 1000000000;
        into->tv_nsec = ns % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone)
{
    static typeof(gettimeofday) *real;
    if (!real)
        real = (typeof(real))dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(into, zone);
    into->tv_sec += shift_s();
    return result;
}

time_t time(time_t *into)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into)
        *into = now.tv_sec;
    return now.tv_sec;
}

/* --- */

[[gnu::constructor]] static void set_up(void)
{
    const char *path = getenv("FAULT_CONTROL");
    int fd = path ? open64(path, O_RDWR | O_CLOEXEC) : -1;
    struct control *c =
        fd < 0 ? MAP_FAILED : mmap64(nullptr, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (c == MAP_FAILED) {
        fputs("fault_shim: FAULT_CONTROL must name a file of 4096 bytes\n", stderr);
        _exit(125);
    }
    close(fd);
    static const char names[] = "malloc open64 fcntl64 pthread_create epoll_ctl writev"
#define X(name, ...) " " #name
        CALLS(X) CARRIERS(X);
#undef X
    static_assert(sizeof names <= sizeof c->names);
    for (size_t i = 0; i < sizeof names; i++)
        c->names[i] = names[i];
    control = c;
}
