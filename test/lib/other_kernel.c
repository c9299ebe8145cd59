// SPDX-License-Identifier: Apache-2.0
/*
 * other_kernel none|1 COMMAND...: runs a command, and all that it starts, as if the kernel had no Landlock
 * (its calls answer ENOSYS), or only the first version of it.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

[[noreturn]] static void fail(const char *what)
{
    perror(what);
    exit(125);
}

static scmp_filter_ctx filter_new(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        fail("seccomp_init");
    return filter;
}

static void filter_load(scmp_filter_ctx filter)
{
    errno = -seccomp_load(filter);
    if (errno)
        fail("seccomp_load");
}

static void add(scmp_filter_ctx filter, uint32_t action, int call, unsigned tests,
                struct scmp_arg_cmp test)
{
    if (seccomp_rule_add_array(filter, action, call, tests, &test) != 0)
        fail("seccomp_rule_add");
}

static void without_landlock(void)
{
    static const int calls[] = {SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_add_rule),
                                SCMP_SYS(landlock_restrict_self)};
    scmp_filter_ctx filter = filter_new();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        add(filter, SCMP_ACT_ERRNO(ENOSYS), calls[i], 0, (struct scmp_arg_cmp){});
    filter_load(filter);
    seccomp_release(filter);
}

/* Answers whoever asks for the version, as long as the command lives. */
[[noreturn]] static void answer(int fd, int version)
{
    struct seccomp_notif *question;
    struct seccomp_notif_resp *reply;
    if (seccomp_notify_alloc(&question, &reply) != 0)
        fail("seccomp_notify_alloc");
    for (;;) {
        memset(question, 0, sizeof *question);
        if (seccomp_notify_receive(fd, question) != 0) {
            if (errno == EINTR || errno == ENOENT)
                continue;
            exit(0);
        }
        *reply = (struct seccomp_notif_resp){.id = question->id, .val = version};
        (void)seccomp_notify_respond(fd, reply); /* the one who asked may be gone */
    }
}

/* The one who answers is a child, so that the command keeps the number that its starter knows. */
static void with_version(int version)
{
    scmp_filter_ctx filter = filter_new();
    add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(landlock_create_ruleset), 1,
        SCMP_CMP(2, SCMP_CMP_EQ, LANDLOCK_CREATE_RULESET_VERSION));
    filter_load(filter);
    int fd = seccomp_notify_fd(filter);
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close_range(0, STDERR_FILENO,
                          0); /* whoever reads what the command says sees its end */
        answer(fd, version);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: other_kernel none|1 COMMAND...\n");
        return 125;
    }
    if (strcmp(argv[1], "none") == 0)
        without_landlock();
    else
        with_version((int)strtol(argv[1], nullptr, 10));
    execvp(argv[2], argv + 2);
    fail(argv[2]);
}
