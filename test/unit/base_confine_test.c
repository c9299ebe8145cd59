// SPDX-License-Identifier: Apache-2.0
/*
 * Each forbidden action is tried twice, in a process of its own: free, where it must succeed (or the
 * row would prove nothing; root is needed for some), and confined, where it must be refused.
 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

enum { FREE_USER = 4711, UNEXPECTED = 250 };

static char dir[] = "/tmp/confine-XXXXXX", file[64], absent[64], allowed[64], allowed_file[64];
static int listener, folder; /* opened before, to be used inside */

/* One expression: 0 when it worked. */
#define TRY(name, expression)                                                                      \
    static long name(void)                                                                         \
    {                                                                                              \
        return expression;                                                                         \
    }

static long from_fd(long fd)
{
    return fd < 0 ? -1 : 0;
}

/* --- what an engine must not be able to do: 0 when it worked --- */

TRY(make_inet, from_fd(socket(AF_INET, SOCK_STREAM, 0)))
TRY(make_udp, from_fd(socket(AF_INET6, SOCK_DGRAM, 0)))
TRY(make_unix, from_fd(socket(AF_UNIX, SOCK_STREAM, 0)))
TRY(make_netlink, from_fd(socket(AF_NETLINK, SOCK_RAW, 0)))
static long make_pair(void)
{
    int pair[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}
static long bind_listener(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    return bind(listener, (const struct sockaddr *)&any, sizeof any);
}
TRY(listen_there, listen(listener, 1))
static long connect_out(void)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    return connect(listener, (const struct sockaddr *)&to, sizeof to) == 0 || errno == ECONNREFUSED
               ? 0
               : -1;
}
TRY(change_socket, setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)))
static long run_program(void)
{
    char *const argv[] = {(char[]){"true"}, nullptr};
    return execv("/usr/bin/true", argv);
}
static long spawn_program(void)
{
    char *const argv[] = {(char[]){"true"}, nullptr};
    pid_t pid;
    errno = posix_spawn(&pid, "/usr/bin/true", nullptr, nullptr, argv, nullptr);
    return errno ? -1 : 0;
}
static long make_child(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return from_fd(pid);
}
TRY(new_user_namespace, unshare(CLONE_NEWUSER))
TRY(new_mount_namespace, unshare(CLONE_NEWNS))
static long clone_namespace(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return from_fd(pid);
}
static long enter_namespace(void)
{
    int fd = open("/proc/self/ns/uts", O_RDONLY);
    return fd < 0 ? -1 : setns(fd, CLONE_NEWUTS);
}
/* Nowhere, so that nothing stays mounted when it is free. */
TRY(mount_folder, mount("none", "/nonexistent", "tmpfs", 0, nullptr))
TRY(change_root, chroot(dir))
static long host_name(void)
{
    char name[64];
    return gethostname(name, sizeof name) == 0 ? sethostname(name, strlen(name)) : -1;
}
TRY(be_traced, ptrace(PTRACE_TRACEME, 0, nullptr, nullptr))
static long read_parent(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {file, 1};
    return from_fd(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}
static long limit_cores_of(pid_t pid)
{
    cpu_set_t set;
    return sched_getaffinity(pid, sizeof set, &set) == 0 ? sched_setaffinity(pid, sizeof set, &set)
                                                         : -1;
}
TRY(signal_parent, kill(getppid(), 0))
TRY(signal_thread_of_parent, syscall(SYS_tgkill, getppid(), getppid(), 0))
TRY(signals_to_parent, fcntl(listener, F_SETOWN, getppid()))
TRY(choose_signal, fcntl(listener, F_SETSIG, SIGUSR1))
TRY(pin_parent, limit_cores_of(getppid()))
TRY(open_parent, from_fd(syscall(SYS_pidfd_open, getppid(), 0)))
static long limit_parent(void)
{
    struct rlimit now;
    return prlimit(getppid(), RLIMIT_CORE, nullptr, &now) == 0
               ? prlimit(getppid(), RLIMIT_CORE, &now, nullptr)
               : -1;
}
static long load_bpf(void)
{
    union bpf_attr attr = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return from_fd(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}
static long count_events(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK};
    return from_fd(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}
static long make_ring(void)
{
    struct io_uring_params params = {};
    return from_fd(syscall(SYS_io_uring_setup, 1, &params));
}
TRY(look_at_keys, from_fd(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1)))
TRY(handle_faults, from_fd(syscall(SYS_userfaultfd, O_CLOEXEC | 1)))
TRY(share_memory, from_fd(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600)))
TRY(memory_file, from_fd(memfd_create("x", 0)))
static long executable_pages(void)
{
    void *p =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : 0;
}
static long later_executable_pages(void)
{
    void *p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 0 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
TRY(read_file, from_fd(open("/etc/passwd", O_RDONLY)))
TRY(list_folder, from_fd(open("/", O_RDONLY | O_DIRECTORY)))
TRY(read_in_folder, from_fd(openat(folder, "f", O_RDONLY)))
static long open_by_structure(void)
{
    const uint64_t how[3] = {O_RDONLY};
    return from_fd(syscall(SYS_openat2, AT_FDCWD, file, how, sizeof how));
}
TRY(write_file, from_fd(open(file, O_WRONLY)))
TRY(append_to_file, from_fd(open(file, O_RDWR | O_APPEND)))
TRY(write_device, from_fd(open("/dev/null", O_WRONLY)))
TRY(write_readable, from_fd(open(allowed_file, O_WRONLY)))
TRY(make_file, from_fd(open(absent, O_RDONLY | O_CREAT, 0600)))
TRY(make_nameless_file, from_fd(open(dir, O_TMPFILE | O_WRONLY, 0600)))
TRY(cut_file, truncate(file, 0))
TRY(remove_file, unlink(file))
TRY(rename_file, rename(file, absent))
TRY(link_file, link(file, absent))
TRY(symlink_file, symlink(file, absent))
TRY(make_folder, mkdir(absent, 0700))
TRY(make_fifo, mknod(absent, S_IFIFO | 0600, 0))
TRY(change_mode, chmod(file, 0644))
TRY(change_times, utimensat(AT_FDCWD, file, nullptr, 0))
TRY(watch_files, from_fd(syscall(SYS_inotify_init1, 0)))
TRY(become_root, setresuid(0, 0, 0))
static long raise_limit(void)
{
    struct rlimit now;
    return getrlimit(RLIMIT_CORE, &now) == 0 ? setrlimit(RLIMIT_CORE, &now) : -1;
}
TRY(be_dumpable, prctl(PR_SET_DUMPABLE, 1))
TRY(change_personality, from_fd(syscall(SYS_personality, 0xffffffff)))
TRY(be_important, setpriority(PRIO_PROCESS, 0, 1))
TRY(filter_itself, prctl(PR_SET_SECCOMP, 99))

static const struct action {
    const char *name;
    long (*act)(void);
    enum { ANYBODY, ROOT, NOT_HERE } free; /* who can do it when free; NOT_HERE: kernels differ */
    bool leak_checker;                     /* allowed in builds with AddressSanitizer */
} actions[] = {
#define A(act, ...) {#act, act, __VA_ARGS__}
    A(make_inet),
    A(make_udp),
    A(make_unix),
    A(make_netlink),
    A(make_pair),
    A(bind_listener),
    A(listen_there),
    A(connect_out),
    A(change_socket),
    A(run_program),
    A(spawn_program),
    A(make_child, .leak_checker = true),
    A(new_user_namespace, NOT_HERE),
    A(new_mount_namespace, ROOT),
    A(clone_namespace, NOT_HERE, .leak_checker = true),
    A(enter_namespace, ROOT),
    A(mount_folder, NOT_HERE),
    A(change_root, ROOT),
    A(host_name, ROOT),
    A(be_traced, .leak_checker = true),
    A(read_parent, NOT_HERE),
    A(signal_parent, NOT_HERE),
    A(signal_thread_of_parent, NOT_HERE),
    A(signals_to_parent, NOT_HERE),
    A(choose_signal),
    A(pin_parent, NOT_HERE),
    A(open_parent),
    A(limit_parent, NOT_HERE),
    A(load_bpf, NOT_HERE),
    A(count_events, NOT_HERE),
    A(make_ring, NOT_HERE),
    A(look_at_keys, NOT_HERE),
    A(handle_faults, NOT_HERE),
    A(share_memory),
    A(memory_file),
    A(executable_pages),
    A(later_executable_pages),
    A(read_file),
    A(list_folder),
    A(read_in_folder),
    A(open_by_structure),
    A(write_file),
    A(append_to_file),
    A(write_device),
    A(write_readable),
    A(make_file),
    A(make_nameless_file, NOT_HERE),
    A(cut_file),
    A(remove_file),
    A(rename_file),
    A(link_file),
    A(symlink_file),
    A(make_folder),
    A(make_fifo),
    A(change_mode),
    A(change_times),
    A(watch_files),
    A(become_root, ROOT),
    A(raise_limit),
    A(be_dumpable, .leak_checker = true),
    A(change_personality),
    A(be_important),
    A(filter_itself, NOT_HERE, .leak_checker = true),
#undef A
};

/* --- what it must be able to do --- */

static void *nothing(void *arg)
{
    return arg;
}
static long make_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, nullptr, nothing, nullptr);
    return errno ? -1 : pthread_join(thread, nullptr);
}
static long read_readable(void)
{
    char byte;
    int fd = open(allowed_file, O_RDONLY);
    return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : -1;
}
TRY(list_readable, from_fd(open(allowed, O_RDONLY | O_DIRECTORY)))
static long take_memory(void)
{
    void *p = malloc(64 << 20);
    if (!p)
        return -1;
    memset(p, 1, 64 << 20);
    free(p);
    return 0;
}
TRY(use_socket,
    send(listener, "x", 1, MSG_NOSIGNAL) < 0 && (errno == ENOTCONN || errno == EPIPE) ? 0 : -1)
TRY(write_log, write(STDERR_FILENO, "", 0))
static long tell_time(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0
               ? nanosleep(&(struct timespec){.tv_nsec = 1000}, nullptr)
               : -1;
}
static const struct action needs[] = {
#define A(act, ...) {#act, act, __VA_ARGS__}
    A(make_thread), A(read_readable), A(list_readable), A(take_memory),
    A(use_socket),  A(write_log),     A(tell_time),
#undef A
};

/* --- */

static void confine(void)
{
    const char *const dirs[] = {allowed, "/nonexistent", nullptr};
    const struct confine_rules rules = {.read_dirs = dirs, .threads = true};
    struct confine_report report;
    if (confine_self(&rules, &report) != OK || !report.seccomp || !report.landlock) {
        fprintf(stderr, "confine_self: %s\n", report.text);
        _exit(UNEXPECTED);
    }
}

static void be_ordinary(void)
{
    if (setgroups(0, nullptr) != 0 || setresgid(FREE_USER, FREE_USER, FREE_USER) != 0 ||
        setresuid(FREE_USER, FREE_USER, FREE_USER) != 0)
        _exit(UNEXPECTED);
}

enum who { AS_WE_ARE, AS_ORDINARY };

/* The errno of the action in a process of its own, or 256 + the signal that ended it. */
static int outcome(const struct action *a, enum who who, bool confined)
{
    pid_t pid = fork();
    if (pid == 0) {
        listener = socket(AF_INET, SOCK_STREAM, 0);
        folder = open(dir, O_PATH | O_DIRECTORY);
        if (who == AS_ORDINARY)
            be_ordinary();
        if (confined)
            confine();
        errno = 0;
        _exit(a->act() == 0 ? 0 : errno);
    }
    int status = 0;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void write_anew(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0 && write(fd, "x", 1) == 1 && fchmod(fd, 0666) == 0);
    if (geteuid() == 0)
        assert_int_equal(fchown(fd, FREE_USER, FREE_USER), 0);
    close(fd);
}

static void prepare_files(void)
{
    (void)unlink(absent);
    (void)rmdir(absent);
    write_anew(file);
    write_anew(allowed_file);
}

static int make_files(void **)
{
    if (!mkdtemp(dir) || chmod(dir, 0777) != 0)
        return -1;
    snprintf(file, sizeof file, "%s/f", dir);
    snprintf(absent, sizeof absent, "%s/new", dir);
    snprintf(allowed, sizeof allowed, "%s/allowed", dir);
    snprintf(allowed_file, sizeof allowed_file, "%s/allowed/f", dir);
    return mkdir(allowed, 0755);
}

static int remove_files(void **)
{
    (void)unlink(absent);
    (void)rmdir(absent);
    (void)unlink(file);
    (void)unlink(allowed_file);
    (void)rmdir(allowed);
    return rmdir(dir);
}

static bool relaxed(const struct action *a)
{
#ifdef __SANITIZE_ADDRESS__
    return a->leak_checker;
#else
    (void)a;
    return false;
#endif
}

static void try_all(enum who who)
{
    bool root = geteuid() == 0 && who == AS_WE_ARE;
    for (size_t i = 0; i < countof(actions); i++) {
        const struct action *a = &actions[i];
        prepare_files();
        int confined = relaxed(a) ? EPERM : outcome(a, who, true);
        if (confined != EPERM && confined != EACCES && confined != ENOSYS)
            fail_msg("%s, confined: %d (%s)", a->name, confined, strerror(confined));
        int free = outcome(a, who, false);
        if (free != 0 && (a->free == ANYBODY || (a->free == ROOT && root)))
            fail_msg("%s, free: %d (%s)", a->name, free, strerror(free));
    }
    for (size_t i = 0; i < countof(needs); i++) {
        int confined = outcome(&needs[i], who, true);
        if (confined != 0)
            fail_msg("%s: %d (%s)", needs[i].name, confined, strerror(confined));
    }
}

static void nothing_is_possible_as_we_are(void **)
{
    try_all(AS_WE_ARE);
}

static void nothing_is_possible_as_ordinary_user(void **)
{
    if (geteuid() != 0)
        skip();
    try_all(AS_ORDINARY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_possible_as_we_are),
        cmocka_unit_test(nothing_is_possible_as_ordinary_user),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
