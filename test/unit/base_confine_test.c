// SPDX-License-Identifier: Apache-2.0
/*
 * Each forbidden action is tried twice, in a process of its own: free, where it must succeed (or the
 * row would prove nothing; root is needed for some), and confined, where it must be refused.
 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "forbidden.h"
#include "unit.h"

enum { FREE_USER = 4711, UNEXPECTED = 250 };

/* --- what it must be able to do --- */

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
static long read_readable(void)
{
    char byte;
    int fd = open(ground.allowed_file, O_RDONLY);
    return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : -1;
}
TRY(list_readable, from_fd(open(ground.allowed, O_RDONLY | O_DIRECTORY)))
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
    send(ground.listener, "x", 1, MSG_NOSIGNAL) < 0 && (errno == ENOTCONN || errno == EPIPE) ? 0
                                                                                             : -1)
TRY(write_log, write(STDERR_FILENO, "", 0))
static long tell_time(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0
               ? nanosleep(&(struct timespec){.tv_nsec = 1000}, nullptr)
               : -1;
}
static const struct forbidden_action needs[] = {
#define A(act, ...) {#act, act, __VA_ARGS__}
    A(forbidden_make_thread),
    A(read_readable),
    A(list_readable),
    A(take_memory),
    A(use_socket),
    A(write_log),
    A(tell_time),
#undef A
};

/* --- */

static void confine(void)
{
    const char *const dirs[] = {ground.allowed, "/nonexistent", nullptr};
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
static int outcome(const struct forbidden_action *a, enum who who, bool confined)
{
    pid_t pid = fork();
    if (pid == 0) {
        forbidden_open();
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
    (void)unlink(ground.absent);
    (void)rmdir(ground.absent);
    write_anew(ground.file);
    write_anew(ground.allowed_file);
}

static int make_files(void **)
{
    char dir[] = "/tmp/confine-XXXXXX";
    if (!mkdtemp(dir) || chmod(dir, 0777) != 0)
        return -1;
    forbidden_choose(dir);
    return mkdir(ground.allowed, 0755);
}

static int remove_files(void **)
{
    (void)unlink(ground.absent);
    (void)rmdir(ground.absent);
    (void)unlink(ground.file);
    (void)unlink(ground.allowed_file);
    (void)rmdir(ground.allowed);
    return rmdir(ground.dir);
}

static bool relaxed(const struct forbidden_action *a)
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
    for (size_t i = 0; i < forbidden_count; i++) {
        const struct forbidden_action *a = &forbidden[i];
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
