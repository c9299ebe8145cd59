// SPDX-License-Identifier: Apache-2.0
/* The life of an engine program: greeting, loading, confinement, and all the ways in which it ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine_peer.h"
#include "unit.h"

enum { UNEXPECTED = 250 };

static struct peer *greet(void)
{
    return peer_start(getenv("PROGRAM"));
}

static struct peer *start(const char *options)
{
    struct peer *p = greet();
    peer_load(p, "echo", options);
    return p;
}

static void tell(struct peer *p, uint32_t stream, const char *text)
{
    peer_send(p, MSG_tts_open, stream, &(struct msg_tts_open){});
    peer_send(p, MSG_tts_text, stream, &(struct msg_tts_text){str_of(text)});
}

static void hear(struct peer *p, const char *want)
{
    assert_true(peer_wait(p, MSG_llm_token));
    assert_str(p->msg.llm_token.text, want);
}

static void it_greets_and_loads_once(void **)
{
    struct peer *p = greet();
    assert_str(p->msg.hello.role, "echo");
    assert_str(p->msg.hello.program, REPARTEE_VERSION);
    peer_load(p, "echo", "streams=9");
    assert_str(p->msg.ready.driver, "echo");
    assert_str(p->msg.ready.model, "");
    assert_int_equal(p->msg.ready.slots, 9);
    const struct msg_load again = {.driver = S("echo")};
    peer_send(p, MSG_load, WIRE_STREAM_NONE, &again);
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_fail);
    assert_int_equal(p->msg.fail.err, ERR_UNSUPPORTED);
    tell(p, 1, "say here");
    hear(p, "here");
    peer_send(p, MSG_ping, WIRE_STREAM_NONE, &(struct msg_ping){77});
    assert_true(peer_next(p));
    assert_int_equal(p->msg.pong.token, 77);
    assert_int_equal(p->msg.pong.live_streams, 1);
    assert_int_equal(peer_stop(p), 0);
}

static void a_driver_that_does_not_load_ends_it(void **)
{
    struct peer *p = greet();
    const struct msg_load load = {.driver = S("echo"), .options = S("nonsense=1")};
    peer_send(p, MSG_load, WIRE_STREAM_NONE, &load);
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_fail);
    assert_str(p->msg.fail.text, "the script is not understood at \"nonsense=1\"");
    assert_false(peer_next(p));
    assert_int_equal(peer_stop(p), 1);
}

/* What no server says: the engine leaves at once. */
static void a_broken_protocol_ends_it(void **)
{
    static const struct {
        const char *bytes;
        size_t n;
        bool loaded;
    } rows[] = {
#define ROW(loaded, bytes) {bytes, sizeof(bytes) - 1, loaded}
        ROW(false, "\0\0\0\0\20\0\0\0\0\0\0\0"), /* cancel, before load and cut */
        ROW(false, "\10\0\0\0\4\0\0\0\0\0\0\0"
                   "12345678"),                    /* ping before load */
        ROW(true, "\0\0\0\0\4\0\0\0\0\0\0\0"),     /* ping without its token */
        ROW(true, "\0\0\0\0\1\0\0\0\0\0\0\0"),     /* hello is the engine's */
        ROW(true, "\0\0\0\0\377\377\0\0\0\0\0\0"), /* no such type */
        ROW(true, "\0\0\0\0\20\0\1\0\0\0\0\0"),    /* flags */
        ROW(true, "\1\0\1\0\41\0\0\0\1\0\0\0"),    /* 65,537 bytes */
        ROW(true, "\5\0\0\0\101\0\0\0\1\0\0\0"
                  "\1\0\0\0\377"), /* no UTF-8 */
#undef ROW
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct peer *p = rows[i].loaded ? start("") : greet();
        assert_int_equal(send(p->fd, rows[i].bytes, rows[i].n, 0), (ssize_t)rows[i].n);
        if (peer_next(p))
            fail_msg("row %zu is answered with %s", i, msg_name(p->frame.type));
        assert_int_equal(peer_stop(p), 1);
    }
}

static void it_is_confined(void **)
{
    struct peer *p = start("");
    tell(p, 1, "reach");
    hear(p, "");
    assert_int_equal(peer_stop(p), 0);
}

/* In the middle of computing, waiting for credit, waiting for a place, waiting to write. */
static void the_end_of_the_socket_ends_it(void **)
{
    for (int read_nothing = 0; read_nothing < 2; read_nothing++) {
        struct peer *p = start("streams=3");
        p->stingy = true;
        tell(p, 1, "spin");
        tell(p, 2, "flood 100");
        tell(p, 3, read_nothing ? "chatter 1000000000" : "spin");
        tell(p, 4, "say never");
        if (!read_nothing)
            for (int i = 0; i < 16; i++)
                assert_true(peer_wait(p, MSG_audio));
        assert_int_equal(peer_stop(p), 0); /* 1: a computation did not end */
    }
}

static void deafness_does_not_keep_it(void **)
{
    struct peer *p = start("");
    tell(p, 1, "deaf");
    hear(p, "deaf");
    assert_int_equal(peer_stop(p), 1);
}

static void signals_are_the_server_s(void **)
{
    struct peer *p = start("");
    kill(p->pid, SIGINT);
    kill(p->pid, SIGHUP);
    kill(p->pid, SIGTERM);
    tell(p, 1, "say here");
    hear(p, "here");
    assert_int_equal(peer_stop(p), 0);
}

/* Starts an engine whose parent ends while the socket stays open. */
static pid_t orphan(int ours, int theirs)
{
    pid_t parent = fork();
    if (parent != 0)
        return parent;
    if (fork() == 0) {
        dup2(theirs, 3);
        execl(getenv("PROGRAM"), "echo_engine", nullptr);
        _exit(127);
    }
    close(theirs);
    /* The rest of the greeting is the test's; here only the wait until it is `ready`. */
    char bytes[4096];
    const struct msg_load load = {.driver = S("echo")};
    autobuf out = BUF(1000);
    if (recv(ours, bytes, sizeof bytes, 0) <= 0 ||
        msg_encode(&out, MSG_load, WIRE_STREAM_NONE, &load) != OK ||
        send(ours, out.p, out.n, 0) != (ssize_t)out.n || recv(ours, bytes, sizeof bytes, 0) <= 0)
        _exit(UNEXPECTED);
    _exit(0);
}

static void the_parent_s_death_ends_it(void **)
{
    int pair[2], status = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t parent = orphan(pair[0], pair[1]);
    close(pair[1]);
    assert_true(parent > 0 && waitpid(parent, &status, 0) == parent);
    assert_int_equal(status, 0);
    struct pollfd ended = {.fd = pair[0], .events = POLLIN};
    char byte;
    assert_int_equal(poll(&ended, 1, PEER_WAIT_MS), 1);
    assert_int_equal(recv(pair[0], &byte, 1, 0), 0);
    close(pair[0]);
}

/* --- --socket --- */

static int connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, path, strlen(path));
    const struct timespec nap = {.tv_nsec = 5000000};
    for (int i = 0; i < PEER_WAIT_MS / 5; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
            return fd;
        close(fd);
        nanosleep(&nap, nullptr);
    }
    return -1;
}

static pid_t listen_at(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(getenv("PROGRAM"), "echo_engine", "--socket", path, nullptr);
        _exit(127);
    }
    return pid;
}

static void it_serves_one_server_at_a_path(void **)
{
    char dir[] = "/tmp/wire-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/echo.sock", dir);
    /* What an engine left that was killed while it waited. */
    pid_t killed = listen_at(path);
    struct stat st;
    while (stat(path, &st) != 0)
        assert_int_equal(waitpid(killed, nullptr, WNOHANG), 0); /* it is still there to make it */
    kill(killed, SIGKILL);
    assert_int_equal(waitpid(killed, nullptr, 0), killed);
    assert_int_equal(stat(path, &st), 0);

    pid_t pid = listen_at(path);
    int fd = connect_to(path);
    assert_true(fd >= 0);
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    *p = (struct peer){.fd = fd, .pid = pid, .in = BUF(1 << 20), .out = BUF(1 << 17)};
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_hello);
    assert_int_equal(stat(path, &st), -1); /* nobody else comes in */
    peer_load(p, "echo", "");
    kill(p->pid, SIGINT); /* of somebody else's terminal */
    tell(p, 1, "say here");
    hear(p, "here");
    /* No server above it has to drain: its container's SIGTERM ends it in the midst of work. */
    tell(p, 2, "spin");
    kill(p->pid, SIGTERM);
    assert_false(peer_wait(p, MSG_pong));
    assert_int_equal(peer_stop(p), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* --- */

static int run(const char *first, const char *second)
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(getenv("PROGRAM"), "echo_engine", first, second, nullptr);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static void options_are_read(void **)
{
    static const struct {
        const char *first, *second;
        int status;
    } rows[] = {
        {"--help", nullptr, 0},     {"--version", nullptr, 0},
        {"--fd", nullptr, 2},       {"--fd", "x", 2},
        {"--fd", "-1", 2},          {"--fd", "99", 2},
        {"--fd", "99999999999", 2}, {"--socket", "/nonexistent/x", 2},
        {"--what", nullptr, 2},     {"--fd", "1", 2}, /* no socket */
    };
    for (size_t i = 0; i < countof(rows); i++)
        if (run(rows[i].first, rows[i].second) != rows[i].status)
            fail_msg("%s %s", rows[i].first, rows[i].second ? rows[i].second : "");
}

int main(void)
{
    if (getenv("PROGRAM") == nullptr) {
        fputs("PROGRAM must name the echo engine; 'meson test' sets it\n", stderr);
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_greets_and_loads_once),
        cmocka_unit_test(a_driver_that_does_not_load_ends_it),
        cmocka_unit_test(a_broken_protocol_ends_it),
        cmocka_unit_test(it_is_confined),
        cmocka_unit_test(the_end_of_the_socket_ends_it),
        cmocka_unit_test(deafness_does_not_keep_it),
        cmocka_unit_test(signals_are_the_server_s),
        cmocka_unit_test(the_parent_s_death_ends_it),
        cmocka_unit_test(it_serves_one_server_at_a_path),
        cmocka_unit_test(options_are_read),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
