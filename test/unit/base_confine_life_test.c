// SPDX-License-Identifier: Apache-2.0
/* What confinement does besides refusing: who the process becomes, its limits, what it may still do. */
#include "base/confine.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

enum { NOBODY = 65534, UNEXPECTED = 250 };

static void confine(struct confine_rules rules)
{
    struct confine_report report;
    if (confine_self(&rules, &report) != OK)
        _exit(UNEXPECTED);
}

/* The exit status of `life` in a process of its own, or 256 + the signal that ended it. */
static int outcome(int (*life)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(life());
    int status = 0;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int be_somebody(void)
{
    uid_t user = getuid();
    confine((struct confine_rules){.threads = true});
    if (user != 0)
        return getuid() != user;
    if (getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY || getegid() != NOBODY)
        return 1;
    return 0;
}

static void root_becomes_nobody(void **)
{
    assert_int_equal(outcome(be_somebody), 0);
}

/* Its parent ends; who holds `line`, ends with it. */
static int leave_a_child(void)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        return UNEXPECTED;
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        confine((struct confine_rules){.threads = true});
        (void)!write(ready[1], "x", 1);
        for (int i = 0; i < 30; i++) /* long enough to be killed in vain */
            sleep(1);
        _exit(0);
    }
    return read(ready[0], &byte, 1) == 1 ? 0 : UNEXPECTED;
}

static void the_parent_s_death_still_kills(void **)
{
    int line[2];
    assert_int_equal(pipe(line), 0);
    assert_int_equal(outcome(leave_a_child), 0);
    close(line[1]);
    struct pollfd gone = {.fd = line[0]}; /* hangs up when the grandchild has ended */
    assert_int_equal(poll(&gone, 1, 25000), 1);
    close(line[0]);
}

static int take_too_much(void)
{
    confine((struct confine_rules){.memory_bytes = 512 << 20, .cpu_seconds = 5});
    struct rlimit cpu, core;
    if (getrlimit(RLIMIT_CPU, &cpu) != 0 || cpu.rlim_max != 5)
        return 1;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
        return 2;
    void *p = mmap(nullptr, 1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 0 : 3;
}

static void memory_and_time_are_limited(void **)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their shadow is larger than any limit */
#endif
    assert_int_equal(outcome(take_too_much), 0);
}

static int give_up(void)
{
    confine((struct confine_rules){.threads = true});
    abort();
}

static void abort_still_aborts(void **)
{
    assert_int_equal(outcome(give_up), 256 + SIGABRT);
}

#ifdef __x86_64__
static int call_by_another_door(void)
{
    signal(SIGSEGV, SIG_DFL);
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid of i386 */) : "memory");
    return result > 0 ? 0 : 1;
}

static int call_by_it_confined(void)
{
    confine((struct confine_rules){.threads = true});
    return call_by_another_door();
}

/* Some kernels have no such door at all: whoever knocks there dies, confined or not. */
static void a_foreign_instruction_set_ends_it(void **)
{
    int free = outcome(call_by_another_door);
    assert_true(free == 0 || free == 256 + SIGSEGV);
    assert_int_equal(outcome(call_by_it_confined), free == 0 ? 256 + SIGSYS : 256 + SIGSEGV);
}
#endif

static int run_a_program(void)
{
    static const char *const dirs[] = {"/usr", "/lib", "/lib64", nullptr};
    confine((struct confine_rules){.read_dirs = dirs, .exec = true});
    char *const reads[] = {(char[]){"cat"}, (char[]){"/etc/passwd"}, nullptr};
    char *const nothing[] = {nullptr};
    close(STDERR_FILENO);
    pid_t child;
    int status;
    if (posix_spawn(&child, "/usr/bin/cat", nullptr, nullptr, reads, nothing) != 0 ||
        waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 1)
        return 1;
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 0 : 2;
}

static void a_program_can_be_allowed(void **)
{
    assert_int_equal(outcome(run_a_program), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_becomes_nobody),
        cmocka_unit_test(the_parent_s_death_still_kills),
        cmocka_unit_test(memory_and_time_are_limited),
        cmocka_unit_test(abort_still_aborts),
#ifdef __x86_64__
        cmocka_unit_test(a_foreign_instruction_set_ends_it),
#endif
        cmocka_unit_test(a_program_can_be_allowed),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
