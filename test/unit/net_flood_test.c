// SPDX-License-Identifier: Apache-2.0
/* Clients that send more at once, or read less, than anybody in good faith: what waits for them has a bound,
 * and nobody else waits. */
#include "net_app.h"

/* More than is read ahead: the client has to wait, nothing is lost. */
static void a_flood_of_pipelined_requests_waits(void **)
{
    enum { MANY = 4000 };
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    static const char one[] = "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: " A256 "\r\n\r\n";
    char *all = malloc(sizeof one * MANY);
    for (size_t i = 0; i < MANY; i++)
        memcpy(all + i * (sizeof one - 1), one, sizeof one - 1);
    struct str rest = {all, (sizeof one - 1) * MANY};
    for (unsigned i = 0; i < 50; i++) {
        ssize_t n = send(p.fd, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        rest = str_sub(rest, n > 0 ? (size_t)n : 0, rest.n);
        loop_step(loop, 0);
    }
    assert_int_equal(app.heads, 1);
    assert_true(stats()->bytes_in < 300000);
    exchange_reply(app.held, 200, "text/plain", S("held"));
    while (rest.n > 0) {
        ssize_t n = send(p.fd, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        rest = str_sub(rest, n > 0 ? (size_t)n : 0, rest.n);
        loop_step(loop, 0);
        peer_read(&p);
    }
    peer_until(&p, stats()->requests == MANY + 1);
    peer_settle(&p);
    for (size_t had = 0; had != p.in.n;) {
        had = p.in.n;
        loop_step(loop, 5);
        peer_read(&p);
    }
    assert_int_equal(peer_count(&p, "HTTP/1.1 200"), MANY + 1);
    free(all);
    peer_close(&p);
}

/* A client that asks and asks and reads nothing: what waits for it does not grow with its questions. */
static void answers_that_nobody_reads_stop_the_questions(void **)
{
    enum { MANY = 2000 };
    static const char one[] = GET("/long");
    struct peer p = peer_open_unix(front);
    for (unsigned i = 0; i < MANY; i++)
        peer_send(&p, (struct str){one, sizeof one - 1});
    for (uint64_t had = UINT64_MAX; had != stats()->requests;) {
        had = stats()->requests;
        peer_settle(nullptr);
    }
    /* Of 32 MB: what the kernel takes and what is queued. */
    assert_true(stats()->requests * sizeof long_answer < 8u << 20);
    peer_until(&p, p.in.n > sizeof long_answer);
    size_t head_n = str_find(buf_str(&p.in), S("\r\n\r\n")) + 4;
    peer_until(&p, p.in.n == MANY * (head_n + sizeof long_answer));
    assert_int_equal(peer_count(&p, "HTTP/1.1 200"), MANY);
    peer_close(&p);
}

/* The same, and it stays: it is gone at the deadline of one that does not read. */
static void who_asks_and_never_reads_is_dropped(void **)
{
    enum { MANY = 2000 };
    static const char one[] = GET("/long");
    struct peer p = peer_open_unix(front);
    for (unsigned i = 0; i < MANY; i++)
        peer_send(&p, (struct str){one, sizeof one - 1});
    for (unsigned i = 0; i < 3; i++) { /* the kernel takes some of it in the first period */
        peer_settle(nullptr);
        peer_time(peer_now_ms + 4 * 5000 + 1);
    }
    assert_int_equal(stats()->connections_now, 0);
    assert_int_equal(stats()->slow_readers, 1);
    peer_close(&p);
}

/* The answer comes in the same step as more questions than are read ahead. */
static void questions_that_come_with_the_answer_wait(void **)
{
    enum { MANY = 800, BUFFER_BYTES = 400000 };
    static const char one[] = "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: " A256 "\r\n\r\n";
    static char all[MANY * (sizeof one - 1)];
    for (size_t i = 0; i < MANY; i++)
        memcpy(all + i * (sizeof one - 1), one, sizeof one - 1);
    struct peer p = peer_open_unix(front);
    assert_int_equal(setsockopt(p.fd, SOL_SOCKET, SO_SNDBUF, &(int){BUFFER_BYTES}, sizeof(int)), 0);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    assert_int_equal(send(p.fd, all, sizeof all, MSG_DONTWAIT), sizeof all);
    exchange_reply(app.held, 200, "text/plain", S("held"));
    peer_until(&p, p.ended || peer_count(&p, "HTTP/1.1 200") == MANY + 1);
    assert_false(p.ended);
    peer_close(&p);
}

/* A thousand questions that have come at once do not keep another client from its answer. */
static void a_flood_leaves_others_their_turn(void **)
{
    enum { MANY = 1000 };
    static const char one[] = GET("/hello");
    struct peer p = peer_open(address), q = peer_open(address);
    peer_settle(&p);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(send(p.fd, one, sizeof one - 1, MSG_NOSIGNAL), sizeof one - 1);
    peer_send(&q, S(GET("/hello")));
    for (unsigned steps = 0; !peer_has(&q, "hello"); steps++) {
        assert_true(steps < 10 && stats()->requests < MANY / 4);
        loop_step(loop, 5);
        peer_read(&q);
    }
    assert_true(stats()->requests < MANY / 4);
    peer_until(&p, stats()->requests == MANY + 1);
    peer_settle(&p);
    assert_int_equal(peer_count(&p, "HTTP/1.1 200"), MANY);
    peer_close(&p);
    peer_close(&q);
}

/* Of many who do so each gets less at a time, and all together a part of each step. */
static void many_floods_leave_others_their_turn(void **)
{
    enum { FLOODS = 15, MANY = 100, BOUND = 8 + 3 * FLOODS };
    static const char one[] = GET("/work");
    struct peer flood[FLOODS], q = peer_open(address);
    for (unsigned i = 0; i < FLOODS; i++)
        flood[i] = peer_open(address);
    peer_settle(&q);
    for (unsigned i = 0; i < FLOODS; i++)
        for (unsigned n = 0; n < MANY; n++)
            assert_int_equal(send(flood[i].fd, one, sizeof one - 1, MSG_NOSIGNAL), sizeof one - 1);
    loop_step(loop, 5);
    assert_true(stats()->requests < BOUND);
    peer_send(&q, S(GET("/work")));
    for (; !peer_has(&q, "hello"); peer_read(&q)) {
        assert_true(stats()->requests < BOUND);
        loop_step(loop, 5);
    }
    for (unsigned i = 0; i < FLOODS; i++) {
        peer_until(&flood[i], peer_count(&flood[i], "HTTP/1.1 200") == MANY);
        peer_close(&flood[i]);
    }
    peer_close(&q);
}

/* What the kernel would take by the megabyte waits where it is counted. */
static void who_does_not_read_fills_no_kernel_buffers(void **)
{
    enum { MANY = 2000 };
    static const char one[] = GET("/long");
    struct peer p = peer_open(address);
    for (unsigned i = 0; i < MANY; i++)
        peer_send(&p, (struct str){one, sizeof one - 1});
    peer_settle(nullptr);
    assert_true(stats()->requests * sizeof long_answer < 1u << 20);
    peer_close(&p);
}

/* The same of a body in a thousand pieces; none of them is lost. */
static void a_body_in_many_pieces_takes_several_steps(void **)
{
    enum { MANY = 1000 };
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/upload", "Transfer-Encoding: chunked\r\n")));
    peer_until(&p, app.held != nullptr);
    for (unsigned i = 0; i < MANY; i++)
        peer_send(&p, S("1\r\na\r\n"));
    peer_send(&p, S("0\r\n\r\n"));
    loop_step(loop, 5);
    assert_true(app.body.n > 0 && app.body.n < MANY);
    peer_until(&p, app.ends == 1);
    assert_int_equal(app.body.n, MANY);
    peer_until(&p, peer_has(&p, "\r\n\r\naaaa"));
    buf_clear(&p.in);
    peer_send(&p, S(POST("/echo", "Transfer-Encoding: chunked\r\n")));
    for (unsigned i = 0; i < MANY; i++)
        peer_send(&p, S("1\r\nb\r\n"));
    peer_send(&p, S("0\r\n\r\n"));
    peer_until(&p, peer_has(&p, "Content-Length: 1000\r\n") && peer_has(&p, "\r\n\r\nbbbb"));
    peer_close(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(a_flood_of_pipelined_requests_waits), T(answers_that_nobody_reads_stop_the_questions),
        T(who_asks_and_never_reads_is_dropped), T(questions_that_come_with_the_answer_wait),
        T(a_flood_leaves_others_their_turn),    T(a_body_in_many_pieces_takes_several_steps),
        T(many_floods_leave_others_their_turn), T(who_does_not_read_fills_no_kernel_buffers),
    };
    return cmocka_run_group_tests_name("net/flood", tests, nullptr, nullptr);
}
