// SPDX-License-Identifier: Apache-2.0
#include "server/loop/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

static struct loop *loop;

struct side {
    struct sock *sock;
    struct buf in;
    unsigned ends, drains;
    enum err why;
    bool inside; /* of a sock_ call: no callback may come now */
    bool close_in_read;
};

static void on_read(void *arg, struct str bytes)
{
    struct side *s = arg;
    assert_false(s->inside);
    assert_int_equal(s->ends, 0);
    assert_ok(buf_add(&s->in, bytes));
    if (s->close_in_read) {
        sock_close(s->sock);
        s->sock = nullptr;
    }
}

static void on_end(void *arg, enum err why)
{
    struct side *s = arg;
    assert_false(s->inside);
    s->ends++;
    s->why = why;
}

static void on_drain(void *arg)
{
    struct side *s = arg;
    assert_false(s->inside);
    s->drains++;
}

static const struct sock_events events = {on_read, on_end, on_drain};

static struct side a, b;

static void until_ended(const struct side *s)
{
    while (s->ends == 0)
        loop_step(loop, 1000);
}

static void until_bytes(const struct side *s, size_t n)
{
    while (s->in.n < n)
        loop_step(loop, 1000);
}

static int begin(void **)
{
    a = b = (struct side){.in = BUF(64u << 20)};
    return loop_create(&loop) == OK ? 0 : 1;
}

static int finish(void **)
{
    sock_close(a.sock);
    sock_close(b.sock);
    buf_finish(&a.in);
    buf_finish(&b.in);
    loop_destroy(loop);
    return 0;
}

static void join_pair(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_ok(sock_open(loop, fds[0], &events, &a, &a.sock));
    assert_ok(sock_open(loop, fds[1], &events, &b, &b.sock));
}

static void bytes_go_both_ways(void **)
{
    join_pair();
    assert_int_equal(sock_write(a.sock, S("ping")), 0);
    const struct str pieces[] = {S("po"), S(""), S("n"), S("g")};
    assert_int_equal(sock_writev(b.sock, pieces, 4, nullptr), 0);
    until_bytes(&a, 4);
    until_bytes(&b, 4);
    assert_str(buf_str(&a.in), "pong");
    assert_str(buf_str(&b.in), "ping");
    assert_int_equal(sock_written(a.sock), 4);
}

static struct blob *pattern(size_t n)
{
    struct blob *blob = blob_reserve(n);
    assert_non_null(blob);
    for (size_t i = 0; i < n; i++)
        blob->bytes[i] = (char)(i * 31 + i / 251);
    return blob;
}

static void what_the_kernel_refuses_is_queued_in_order(void **)
{
    enum { BIG = 3 << 20, SMALL = 1000 };
    join_pair();
    sock_pause(b.sock);
    struct blob *blob = pattern(BIG);
    size_t queued = sock_writev(a.sock, &S("head"), 1, blob);
    assert_uint_in_range(queued, BIG / 2, BIG + 4);
    assert_int_equal(blob->refs, 2);
    for (unsigned i = 0; i < SMALL; i++)
        queued = sock_write(a.sock, S("0123456789"));
    assert_int_equal(queued, sock_queued(a.sock));
    assert_int_equal(sock_written(a.sock) + queued, 4 + BIG + SMALL * 10);
    loop_step(loop, 0);
    assert_int_equal(a.drains, 0);
    sock_resume(b.sock);
    until_bytes(&b, 4 + BIG + SMALL * 10);
    assert_memory_equal(b.in.p, "head", 4);
    assert_memory_equal(b.in.p + 4, blob->bytes, BIG);
    assert_memory_equal(b.in.p + 4 + BIG + SMALL * 10 - 12, "890123456789", 12);
    assert_int_equal(sock_queued(a.sock), 0);
    assert_int_equal(a.drains, 1);
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
}

/* One who has much to say lets others have their turn. */
static void a_step_reads_so_much_and_no_more(void **)
{
    enum { BIG = 190000, STEP = 128 * 1024 };
    join_pair();
    struct blob *blob = pattern(BIG);
    assert_int_equal(sock_writev(a.sock, &S(""), 1, blob), 0);
    loop_step(loop, 1000);
    assert_int_equal(b.in.n, STEP);
    assert_int_equal(b.ends, 0);
    until_bytes(&b, BIG);
    assert_memory_equal(b.in.p, blob->bytes, BIG);
    blob_unref(blob);
}

static void an_end_is_told_once(void **)
{
    join_pair();
    sock_write(b.sock, S("last words"));
    sock_close(b.sock);
    b.sock = nullptr;
    until_ended(&a);
    assert_int_equal(a.why, ERR_CLOSED);
    assert_str(buf_str(&a.in), "last words");
    a.inside = true;
    assert_int_equal(sock_write(a.sock, S("to nobody")), 0);
    sock_pause(a.sock);
    sock_resume(a.sock);
    a.inside = false;
    for (int i = 0; i < 3; i++)
        loop_step(loop, 0);
    assert_int_equal(a.ends, 1);
}

static void a_failed_write_is_told_in_a_later_step(void **)
{
    join_pair();
    sock_pause(a.sock);
    sock_close(b.sock);
    b.sock = nullptr;
    loop_step(loop, 0);
    a.inside = true;
    sock_write(a.sock, S("to nobody"));
    a.inside = false;
    assert_int_equal(a.ends, 0);
    until_ended(&a);
    assert_int_equal(a.why, ERR_IO);
}

static void closing_with_a_queue_frees_it(void **)
{
    join_pair();
    sock_pause(b.sock);
    struct blob *blob = pattern(1 << 20);
    sock_writev(a.sock, &S("x"), 1, blob);
    sock_write(a.sock, S("y"));
    sock_close(a.sock);
    a.sock = nullptr;
    loop_step(loop, 0);
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
    assert_int_equal(a.ends, 0);
}

static void shutdown_flushes_first(void **)
{
    enum { BIG = 1 << 20 };
    join_pair();
    struct blob *blob = pattern(BIG);
    sock_writev(a.sock, &S(""), 1, blob);
    sock_shutdown(a.sock);
    assert_true(sock_queued(a.sock) > 0);
    sock_write(a.sock, S("dropped"));
    sock_write(b.sock, S("still heard"));
    until_ended(&b);
    assert_int_equal(b.in.n, BIG);
    until_bytes(&a, 11);
    blob_unref(blob);
}

static void may_be_closed_while_it_reads(void **)
{
    join_pair();
    b.close_in_read = true;
    sock_write(a.sock, S("bye"));
    until_ended(&a);
    assert_null(b.sock);
}

/* --- listeners ----------------------------------------------------------------------------------- */

static void on_accept(void *arg, struct sock *s)
{
    struct side *side = arg;
    assert_null(side->sock);
    side->sock = s;
    sock_set_owner(s, &events, side);
}

static int connect_tcp(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1, nullptr, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void tcp_listens_on_a_free_port(void **)
{
    struct listener *l;
    assert_ok(listener_open_tcp(loop, S("localhost"), 0, on_accept, &a, &l));
    const char *address = listener_address(l);
    assert_true(strncmp(address, "127.0.0.1:", 10) == 0 && strcmp(address + 10, "0") != 0);
    assert_true(listener_is_loopback(l));

    struct listener *second;
    uint16_t port = (uint16_t)strtoul(address + 10, nullptr, 10);
    assert_err(listener_open_tcp(loop, S("127.0.0.1"), port, on_accept, &a, &second), ERR_CONFLICT);
    assert_err(listener_open_tcp(loop, S("not.a.host"), 0, on_accept, &a, &second), ERR_INVALID);

    int fd = connect_tcp(address);
    assert_int_equal(write(fd, "hello", 5), 5);
    until_bytes(&a, 5);
    struct sock_peer peer;
    sock_peer(a.sock, &peer);
    assert_string_equal(peer.text, "127.0.0.1");
    assert_true(peer.loopback && !peer.local);
    close(fd);
    until_ended(&a);
    listener_close(l);
}

static void a_reset_ends_with_an_error(void **)
{
    struct listener *l;
    assert_ok(listener_open_tcp(loop, S("127.0.0.1"), 0, on_accept, &a, &l));
    int fd = connect_tcp(listener_address(l));
    while (a.sock == nullptr)
        loop_step(loop, 1000);
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    until_ended(&a);
    assert_int_equal(a.why, ERR_IO);
    listener_close(l);
}

static void unix_sockets_are_private_and_replace_dead_ones(void **)
{
    char dir[] = "/tmp/sock_test.XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/server.sock", dir);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, strlen(path));
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&name, sizeof name), 0);
    close(stale);

    struct listener *l, *second;
    assert_ok(listener_open_unix(loop, path, on_accept, &a, &l));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_err(listener_open_unix(loop, path, on_accept, &a, &second), ERR_CONFLICT);
    listener_close(l);
    assert_int_equal(stat(path, &st), -1);

    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_err(listener_open_unix(loop, path, on_accept, &a, &second), ERR_CONFLICT);
    close(file);
    unlink(path);
    rmdir(dir);
}

/* Somebody listens there and takes nobody in: he is not waited for. */
static void a_path_of_one_who_is_busy_is_taken(void **)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/sock_test.%d", (int)getpid());
    int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting[8];
    assert_int_equal(bind(busy, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(busy, 0), 0);
    unsigned n = 0;
    for (bool full = false; !full && n < countof(waiting); n++) {
        waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        full = connect(waiting[n], (struct sockaddr *)&name, sizeof name) != 0;
    }
    assert_int_equal(errno, EAGAIN);
    struct listener *l;
    assert_err(listener_open_unix(loop, name.sun_path, on_accept, &a, &l), ERR_CONFLICT);
    while (n > 0)
        close(waiting[--n]);
    close(busy);
    unlink(name.sun_path);
}

static unsigned steps_of_30_ms(void)
{
    unsigned steps = 0;
    for (uint64_t until_ms = clock_ms() + 30; clock_ms() < until_ms; steps++)
        loop_step(loop, 30);
    return steps;
}

/* With no descriptor left a waiting connection is shed: it sees its end, and the loop comes to rest. */
static void one_is_shed(const char *at)
{
    int fd = connect_tcp(at);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int full[64];
    none = before;
    none.rlim_cur = 64; /* above the spare descriptor, whatever its number is */
    unsigned n = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    while (n < 64 && (full[n] = dup(fd)) >= 0)
        n++;
    loop_step(loop, 1000);
    char byte;
    bool shut = recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
    unsigned steps = steps_of_30_ms();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (n > 0)
        close(full[--n]);
    assert_true(shut);
    assert_uint_in_range(steps, 1, 20); /* a loop that spins makes thousands */
    assert_null(a.sock);
    close(fd);
}

static void one_is_accepted(int fd)
{
    while (a.sock == nullptr)
        loop_step(loop, 1000);
    close(fd);
    sock_close(a.sock);
    a.sock = nullptr;
}

static void running_out_of_descriptors_does_not_spin(void **)
{
    struct listener *l;
    assert_ok(listener_open_tcp(loop, S("127.0.0.1"), 0, on_accept, &a, &l));
    one_is_shed(listener_address(l));
    one_is_accepted(connect_tcp(listener_address(l)));
    listener_close(l);
}

/* The limit falls below what is open, so that not even the spare descriptor can be had again: a
 * connection waits until there is one. Then there is a spare one again. */
static void without_a_spare_descriptor_connections_wait(void **)
{
    struct listener *l;
    assert_ok(listener_open_tcp(loop, S("127.0.0.1"), 0, on_accept, &a, &l));
    int fd = connect_tcp(listener_address(l));
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, before.rlim_max}), 0);
    unsigned steps = steps_of_30_ms();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_uint_in_range(steps, 1, 20);
    assert_null(a.sock);
    one_is_accepted(fd);
    one_is_shed(listener_address(l));
    listener_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways, begin, finish),
        cmocka_unit_test_setup_teardown(what_the_kernel_refuses_is_queued_in_order, begin, finish),
        cmocka_unit_test_setup_teardown(a_step_reads_so_much_and_no_more, begin, finish),
        cmocka_unit_test_setup_teardown(an_end_is_told_once, begin, finish),
        cmocka_unit_test_setup_teardown(a_failed_write_is_told_in_a_later_step, begin, finish),
        cmocka_unit_test_setup_teardown(closing_with_a_queue_frees_it, begin, finish),
        cmocka_unit_test_setup_teardown(shutdown_flushes_first, begin, finish),
        cmocka_unit_test_setup_teardown(may_be_closed_while_it_reads, begin, finish),
        cmocka_unit_test_setup_teardown(tcp_listens_on_a_free_port, begin, finish),
        cmocka_unit_test_setup_teardown(a_reset_ends_with_an_error, begin, finish),
        cmocka_unit_test_setup_teardown(unix_sockets_are_private_and_replace_dead_ones, begin,
                                        finish),
        cmocka_unit_test_setup_teardown(a_path_of_one_who_is_busy_is_taken, begin, finish),
        cmocka_unit_test_setup_teardown(running_out_of_descriptors_does_not_spin, begin, finish),
        cmocka_unit_test_setup_teardown(without_a_spare_descriptor_connections_wait, begin, finish),
    };
    return cmocka_run_group_tests_name("loop/sock", tests, nullptr, nullptr);
}
