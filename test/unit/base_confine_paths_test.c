// SPDX-License-Identifier: Apache-2.0
/*
 * A program that may read no files (repartee-read) cannot even ask about paths. Landlock has no say in
 * most of these calls: that they fail is the filter's work alone. Each is made by its number, in a
 * process of its own: free, where it must succeed, and confined, where it must be refused.
 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unit.h"

enum { UNEXPECTED = 250 };

static char dir[] = "/tmp/confine-XXXXXX", file[64], text[4096];
static int folder; /* opened before, to be used inside */
static struct stat st;
static struct statx stx;

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

TRY(open_path, from_fd(syscall(SYS_openat, AT_FDCWD, file, O_RDONLY)))
TRY(find_path, from_fd(syscall(SYS_openat, AT_FDCWD, file, O_PATH)))
TRY(stat_at, syscall(SYS_newfstatat, AT_FDCWD, file, &st, 0))
TRY(stat_below, syscall(SYS_newfstatat, folder, "f", &st, 0))
TRY(stat_x, syscall(SYS_statx, AT_FDCWD, file, 0, STATX_BASIC_STATS, &stx))
TRY(access_at, syscall(SYS_faccessat, AT_FDCWD, file, F_OK))
TRY(access_at_2, syscall(SYS_faccessat2, AT_FDCWD, file, F_OK, 0))
TRY(read_link_at, from_fd(syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", text, sizeof text)))
TRY(where_am_i, from_fd(syscall(SYS_getcwd, text, sizeof text)))
TRY(go_there, syscall(SYS_chdir, dir))
TRY(go_below, syscall(SYS_fchdir, folder))
TRY(space_there, statfs(dir, &(struct statfs){}))
TRY(path_handle, syscall(SYS_name_to_handle_at, AT_FDCWD, dir, nullptr, nullptr, 0))
TRY(list_attributes, from_fd(listxattr(file, text, sizeof text)))
TRY(copy_tree, from_fd(syscall(SYS_open_tree, AT_FDCWD, file, 0)))
/* Names that only the older architecture has. */
#ifdef SYS_open
TRY(open_old, from_fd(syscall(SYS_open, file, O_RDONLY)))
TRY(stat_old, syscall(SYS_stat, file, &st))
TRY(lstat_old, syscall(SYS_lstat, file, &st))
TRY(access_old, syscall(SYS_access, file, F_OK))
TRY(read_link_old, from_fd(syscall(SYS_readlink, "/proc/self/exe", text, sizeof text)))
#endif

static const struct action {
    const char *name;
    long (*ask)(void);
    enum { HERE, NOT_HERE } free; /* NOT_HERE: kernels and file systems differ */
    bool leak_checker;            /* allowed in builds with AddressSanitizer */
} actions[] = {
#define A(act, ...) {#act, act, __VA_ARGS__}
    A(open_path, .leak_checker = true),
    A(find_path, .leak_checker = true),
    A(stat_at),
    A(stat_below),
    A(stat_x),
    A(access_at),
    A(access_at_2),
    A(read_link_at, .leak_checker = true),
    A(where_am_i),
    A(go_there),
    A(go_below),
    A(space_there),
    A(path_handle, NOT_HERE),
    A(list_attributes, NOT_HERE),
    A(copy_tree, NOT_HERE),
#ifdef SYS_open
    A(open_old, .leak_checker = true),
    A(stat_old),
    A(lstat_old),
    A(access_old),
    A(read_link_old, .leak_checker = true),
#endif
#undef A
};

static bool relaxed(const struct action *a)
{
#ifdef __SANITIZE_ADDRESS__
    return a->leak_checker;
#else
    (void)a;
    return false;
#endif
}

/* The errno of the action in a process of its own, or 256 + the signal that ended it. */
static int outcome(const struct action *a, bool confined)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct confine_report report;
        folder = open(dir, O_PATH | O_DIRECTORY);
        if (confined && (confine_self(&(struct confine_rules){}, &report) != OK || !report.seccomp))
            _exit(UNEXPECTED);
        errno = 0;
        _exit(a->ask() == 0 ? 0 : errno);
    }
    int status = 0;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void paths_mean_nothing(void **)
{
    for (size_t i = 0; i < countof(actions); i++) {
        const struct action *a = &actions[i];
        int confined = relaxed(a) ? EPERM : outcome(a, true);
        if (confined != EPERM)
            fail_msg("%s, confined: %d (%s)", a->name, confined, strerror(confined));
        int free = outcome(a, false);
        if (free != 0 && a->free == HERE)
            fail_msg("%s, free: %d (%s)", a->name, free, strerror(free));
    }
}

static int make_files(void **)
{
    if (!mkdtemp(dir) || chmod(dir, 0755) != 0)
        return -1;
    snprintf(file, sizeof file, "%s/f", dir);
    int fd = open(file, O_WRONLY | O_CREAT, 0644);
    return fd < 0 ? -1 : close(fd);
}

static int remove_files(void **)
{
    (void)unlink(file);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_mean_nothing),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
