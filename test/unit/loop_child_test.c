// SPDX-License-Identifier: Apache-2.0
#include "server/loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static struct loop *loop;
static struct {
    struct child *child;
    char said[4096];
    size_t n;
    unsigned ends, exits;
    int status, signal;
} seen;

static void on_bytes(void *, struct str bytes)
{
    assert_true(seen.n + bytes.n < sizeof seen.said);
    memcpy(seen.said + seen.n, bytes.p, bytes.n);
    seen.n += bytes.n;
}

static void on_end(void *)
{
    seen.ends++;
}

static void on_exited(void *, int status, int signal)
{
    seen.exits++;
    seen.status = status;
    seen.signal = signal;
}

static const struct child_events events = {on_bytes, on_end, on_exited};

static int begin(void **)
{
    memset(&seen, 0, sizeof seen);
    return loop_create(&loop) == OK ? 0 : 1;
}

static int finish(void **)
{
    child_destroy(seen.child);
    loop_destroy(loop);
    return 0;
}

static void spawn(const char *script)
{
    const char *argv[] = {"sh", "-c", script, nullptr};
    const char *env[] = {"ONLY=this", nullptr};
    const struct child_spec spec = {"/bin/sh", argv, env};
    assert_ok(child_spawn(loop, &spec, &events, nullptr, &seen.child));
}

static void until_over(void)
{
    while (seen.ends == 0 || seen.exits == 0)
        loop_step(loop, 1000);
}

static void talks_through_descriptor_3(void **)
{
    spawn("read line <&3; echo \"heard $line\" >&3; exit 7");
    assert_true(child_pid(seen.child) > 0);
    assert_ok(child_write(seen.child, S("hello\n")));
    until_over();
    assert_string_equal(seen.said, "heard hello\n");
    assert_int_equal(seen.status, 7);
    assert_int_equal(seen.signal, 0);
    assert_int_equal(child_pid(seen.child), 0);
    assert_err(child_write(seen.child, S("anybody?")), ERR_CLOSED);
}

static void inherits_nothing_else(void **)
{
    setenv("SECRET", "of the server", 1);
    int leak = open("/dev/null", O_RDONLY | O_CLOEXEC);
    spawn("cd /proc/self/fd; pwd -P >/dev/null; echo \"${SECRET-none} $ONLY $OLDPWD\" >&3; "
          "for fd in 4 5 6 7 8 9; do [ -e $fd ] && readlink $fd >&3; done; exit 0");
    until_over();
    close(leak);
    /* The shell's own descriptor of the script's cd or its like is no leak; a path of ours is. */
    assert_string_equal(seen.said, "none this /\n");
}

/* The other end of the next test, in a process of this program: says what the descriptor holds that came
 * with some bytes. */
static int read_what_comes_along(void)
{
    char byte, text[64];
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec room = {&byte, 1};
    struct msghdr msg = {.msg_iov = &room,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof control};
    if (recvmsg(3, &msg, 0) != 1)
        return 1;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (c == nullptr || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return 2;
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    ssize_t n = read(fd, text, sizeof text);
    return n > 0 && write(3, text, (size_t)n) == n ? 0 : 3;
}

static void takes_a_descriptor_along(void **)
{
    const char *argv[] = {"loop_child_test", "along", nullptr}, *env[] = {nullptr};
    const struct child_spec spec = {"/proc/self/exe", argv, env};
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "a document", 10), 10);
    assert_ok(child_spawn(loop, &spec, &events, nullptr, &seen.child));
    assert_ok(child_write_fd(seen.child, S("!"), fds[0]));
    close(fds[0]);
    close(fds[1]);
    until_over();
    assert_int_equal(seen.status, 0);
    assert_int_equal(seen.n, 10);
    assert_string_equal(seen.said, "a document");
    assert_err(child_write_fd(seen.child, S("anybody?"), STDERR_FILENO), ERR_CLOSED);
}

static void can_be_killed(void **)
{
    spawn("exec sleep 1000");
    child_kill(seen.child, SIGTERM);
    assert_int_equal(seen.exits, 0);
    until_over();
    assert_int_equal(seen.signal, SIGTERM);
    child_kill(seen.child, SIGTERM);
}

static void destroying_kills_and_reaps(void **)
{
    spawn("exec sleep 1000");
    pid_t pid = child_pid(seen.child);
    child_destroy(seen.child);
    seen.child = nullptr;
    while (kill(pid, 0) == 0)
        loop_step(loop, 1000);
    assert_int_equal(waitpid(pid, nullptr, WNOHANG), -1);
    assert_int_equal(seen.exits + seen.ends, 0);
}

static void a_missing_program_is_told_at_once(void **)
{
    const char *argv[] = {"x", nullptr}, *env[] = {nullptr};
    const struct child_spec missing = {"/nowhere/x", argv, env},
                            no_program = {"/etc/passwd", argv, env};
    struct child *c;
    assert_err(child_spawn(loop, &missing, &events, nullptr, &c), ERR_NOTFOUND);
    assert_err(child_spawn(loop, &no_program, &events, nullptr, &c), ERR_DENIED);
    loop_step(loop, 0);
    assert_int_equal(seen.exits + seen.ends, 0);
}

int main(int argc, char **)
{
    if (argc > 1)
        return read_what_comes_along();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(talks_through_descriptor_3, begin, finish),
        cmocka_unit_test_setup_teardown(inherits_nothing_else, begin, finish),
        cmocka_unit_test_setup_teardown(takes_a_descriptor_along, begin, finish),
        cmocka_unit_test_setup_teardown(can_be_killed, begin, finish),
        cmocka_unit_test_setup_teardown(destroying_kills_and_reaps, begin, finish),
        cmocka_unit_test_setup_teardown(a_missing_program_is_told_at_once, begin, finish),
    };
    return cmocka_run_group_tests_name("loop/child", tests, nullptr, nullptr);
}
