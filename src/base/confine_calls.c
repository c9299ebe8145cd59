// SPDX-License-Identifier: Apache-2.0
/*
 * The system calls that an engine may make. Everything not listed answers EPERM, so that a library
 * which tries something new degrades instead of dying. Structures behind pointers cannot be looked
 * at: calls that hide their flags there (clone3, openat2) answer ENOSYS, and the C library falls
 * back to the older ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/confine_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Allowed whatever their arguments. */
static const int plain[] = {
    /* descriptors that are open, the socket among them */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(lseek),
    SCMP_SYS(fadvise64),
    SCMP_SYS(eventfd2),
    /* files by name: reading them is Landlock's business */
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mincore),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    /* threads */
    SCMP_SYS(futex),
    SCMP_SYS(futex_wake),
    SCMP_SYS(futex_wait),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(getcpu),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* signals within */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    /* time, chance, and who am I */
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(times),
    SCMP_SYS(getrlimit),
};

/* What a program needs to start, beside execve and what is above. */
static const int starting[] = {
    SCMP_SYS(execve), SCMP_SYS(fork),  SCMP_SYS(vfork),      SCMP_SYS(wait4), SCMP_SYS(waitid),
    SCMP_SYS(pipe),   SCMP_SYS(pipe2), SCMP_SYS(arch_prctl), SCMP_SYS(ioctl),
};

/* What LeakSanitizer does at the end. */
static const int inspecting[] = {
    SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(wait4), SCMP_SYS(prctl), SCMP_SYS(kill),
};

/* Allowed when the masked argument has the value. */
struct conditional {
    int call;
    unsigned argument;
    uint64_t mask, value;
};

static const struct conditional conditional[] = {
    {SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    {SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    {SCMP_SYS(prctl), 0, UINT64_MAX, PR_SET_NAME},
    {SCMP_SYS(prctl), 0, UINT64_MAX, PR_GET_NAME},
    {SCMP_SYS(prctl), 0, UINT64_MAX, PR_SET_VMA},
    {SCMP_SYS(prlimit64), 2, UINT64_MAX, 0},         /* asking, not setting */
    {SCMP_SYS(sched_setaffinity), 0, UINT64_MAX, 0}, /* of oneself */
    /* F_SETOWN and F_SETSIG would have the kernel send signals to others. */
    {SCMP_SYS(fcntl), 1, UINT64_MAX, F_DUPFD},
    {SCMP_SYS(fcntl), 1, UINT64_MAX, F_DUPFD_CLOEXEC},
    {SCMP_SYS(fcntl), 1, UINT64_MAX, F_GETFD},
    {SCMP_SYS(fcntl), 1, UINT64_MAX, F_SETFD},
    {SCMP_SYS(fcntl), 1, UINT64_MAX, F_GETFL},
    {SCMP_SYS(fcntl), 1, UINT64_MAX, F_SETFL},
};

static const struct conditional no_code[] = {
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
};
static const struct conditional code[] = {
    {SCMP_SYS(mmap), 0, 0, 0},
    {SCMP_SYS(mprotect), 0, 0, 0},
};

constexpr uint64_t CLONE_NEW_ANY = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr uint64_t CLONE_A_THREAD = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;

static const struct conditional thread_only[] = {
    {SCMP_SYS(clone), 0, CLONE_NEW_ANY | CLONE_A_THREAD, CLONE_A_THREAD},
};
static const struct conditional any_child[] = {
    {SCMP_SYS(clone), 0, CLONE_NEW_ANY, 0},
};

static const int absent[] = {SCMP_SYS(clone3), SCMP_SYS(openat2)};

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return result;
}

static int allow_if(scmp_filter_ctx filter, const struct conditional *rules, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        const struct scmp_arg_cmp test = {rules[i].argument, SCMP_CMP_MASKED_EQ, rules[i].mask,
                                          rules[i].value};
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, 1, &test);
    }
    return result;
}

static int fill(scmp_filter_ctx filter, const struct confine_rules *rules, bool leak_checker)
{
    int result = allow(filter, plain, COUNT(plain));
    if (result == 0)
        result = allow_if(filter, conditional, COUNT(conditional));
    if (result == 0 && rules->exec)
        result = allow(filter, starting, COUNT(starting));
    if (result == 0 && leak_checker)
        result = allow(filter, inspecting, COUNT(inspecting));
    if (result == 0)
        result = rules->exec ? allow_if(filter, code, COUNT(code))
                             : allow_if(filter, no_code, COUNT(no_code));
    if (result == 0 && rules->exec)
        result = allow_if(filter, any_child, COUNT(any_child));
    else if (result == 0 && rules->threads)
        result = allow_if(filter, thread_only, COUNT(thread_only));
    for (size_t i = 0; i < COUNT(absent) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), absent[i], 0);
    /* abort() and raise(), to oneself only */
    const struct scmp_arg_cmp self = {0, SCMP_CMP_EQ, (uint64_t)getpid(), 0};
    if (result == 0)
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
    return result;
}

enum err confine_calls(const struct confine_rules *rules, bool leak_checker,
                       struct confine_report *report)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return ERR_NOMEM;
    /* By default only the thread would end that calls by way of another instruction set. */
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = fill(filter, rules, leak_checker);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    report->seccomp = result == 0;
    if (result == 0)
        return OK;
    bool missing = prctl(PR_GET_SECCOMP) < 0;
    confine_say(report,
                missing ? "this kernel has no seccomp" : "the filter of system calls failed");
    return missing ? OK : ERR_INTERNAL;
}
