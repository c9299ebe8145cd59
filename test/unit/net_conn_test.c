// SPDX-License-Identifier: Apache-2.0
#include "net_app.h"

static void answers_and_keeps_the_connection(void **)
{
    assert_ok(front_set_headers(front, S("X-Content-Type-Options: nosniff\r\n")));
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hello")));
    peer_until(&p, peer_has(&p, "hello"));
    assert_true(peer_has(&p, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:16:40 GMT\r\n"
                             "Content-Type: text/plain\r\nContent-Length: 5\r\n"
                             "X-Content-Type-Options: nosniff\r\n\r\nhello"));
    buf_clear(&p.in);
    peer_send(&p, S("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n" GET("/none")));
    peer_until(&p, peer_has(&p, "}}"));
    assert_true(peer_has(
        &p,
        "Content-Length: 5\r\nX-Content-Type-Options: nosniff\r\n\r\nHTTP/1.1 404 Not Found\r\n"));
    assert_true(peer_has(
        &p, "{\"error\":{\"message\":\"there is nothing here by that name\","
            "\"type\":\"invalid_request_error\",\"code\":\"not_found\",\"param\":\"path\"}}"));
    assert_int_equal(stats()->connections, 1);
    assert_int_equal(stats()->requests, 3);
    assert_int_equal(stats()->requests_now, 0);
    assert_int_equal(stats()->responses[2], 2);
    assert_int_equal(stats()->responses[4], 1);
    peer_close(&p);
}

static void pipelined_requests_are_answered_in_order(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/echo", "Content-Length: 1\r\n") "1" GET("/hold")
                        POST("/echo", "Content-Length: 1\r\n") "3" GET("/hello")));
    peer_until(&p, app.held != nullptr);
    peer_settle(&p);
    assert_int_equal(app.heads, 2);
    exchange_reply(app.held, 200, "text/plain", S("2"));
    peer_until(&p, peer_has(&p, "hello"));
    assert_int_equal(peer_count(&p, "HTTP/1.1 200"), 4);
    assert_true(peer_has(&p, "\r\n\r\n1HTTP") && peer_has(&p, "\r\n\r\n2HTTP") &&
                peer_has(&p, "\r\n\r\n3HTTP"));
    peer_close(&p);
}

static void whole_bodies_come_in_any_pieces(void **)
{
    struct peer p = peer_open(address);
    static const struct str request = S(POST("/echo", "Content-Length: 10\r\n") "0123456789");
    for (size_t i = 0; i < request.n; i++) {
        peer_send(&p, str_sub(request, i, i + 1));
        loop_step(loop, 5);
    }
    peer_until(&p, peer_has(&p, "\r\n\r\n0123456789"));
    buf_clear(&p.in);
    peer_send(&p, S(POST("/echo", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n"));
    peer_settle(&p);
    peer_send(&p, S("3\r\ndef\r\n0\r\n\r\n"));
    peer_until(&p, peer_has(&p, "\r\n\r\nabcdef"));
    assert_int_equal(stats()->body_bytes_now, 0);
    peer_close(&p);
}

/* Stopped and resumed while nothing has come in between: what comes later is of the same body. */
static void a_body_goes_on_after_a_pause(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/upload", "Content-Length: 9\r\n") "abc"));
    peer_until(&p, app.body.n == 3);
    exchange_pause(app.held);
    peer_settle(&p);
    exchange_resume(app.held);
    peer_settle(&p);
    peer_send(&p, S("def"));
    peer_until(&p, app.body.n == 6 || app.ends == 1);
    exchange_pause(app.held);
    exchange_resume(app.held);
    peer_settle(&p);
    peer_send(&p, S("ghi"));
    peer_until(&p, peer_has(&p, "HTTP/1.1 200"));
    peer_until(&p, peer_has(&p, "\r\n\r\nabcdefghi"));
    peer_close(&p);
}

static void bodies_above_their_cap_get_413(void **)
{
    struct peer p = peer_open(address), q = peer_open(address);
    peer_send(&p, S(POST("/echo", "Content-Length: 100001\r\n") "abc"));
    peer_until(&p, p.ended || peer_has(&p, "too_large"));
    assert_true(peer_has(&p, "HTTP/1.1 413 ") && peer_has(&p, "Connection: close"));
    assert_int_equal(app.gones, 1);

    peer_send(&q, S(POST("/echo", "Transfer-Encoding: chunked\r\n") "200000\r\n"));
    char kilobyte[1024] = {};
    for (unsigned i = 0; i < 98; i++)
        peer_send(&q, (struct str){kilobyte, sizeof kilobyte});
    peer_until(&q, peer_has(&q, "too_large"));
    assert_int_equal(app.gones, 2);
    assert_int_equal(app.requests, 0);
    peer_until(&q, q.ended);
    peer_until(&p, p.ended);
    peer_close(&p);
    peer_close(&q);
}

static void all_bodies_together_are_bounded(void **)
{
    struct peer p[4];
    char part[90000] = {};
    unsigned refused = 0;
    for (unsigned i = 0; i < countof(p); i++) {
        p[i] = peer_open(address);
        peer_send(&p[i], S(POST("/echo", "Content-Length: 99999\r\n")));
        peer_send(&p[i], (struct str){part, sizeof part});
        peer_settle(&p[i]);
        refused += peer_has(&p[i], "HTTP/1.1 503") && peer_has(&p[i], "Retry-After: 1\r\n");
    }
    assert_true(refused >= 1 && refused < countof(p));
    for (unsigned i = 0; i < countof(p); i++)
        peer_close(&p[i]);
    peer_settle(nullptr);
    assert_int_equal(stats()->body_bytes_now, 0);
}

static void expect_continue_is_answered(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/echo", "Expect: 100-continue\r\nContent-Length: 2\r\n")));
    peer_until(&p, peer_has(&p, "HTTP/1.1 100 Continue\r\n\r\n"));
    peer_send(&p, S("ab"));
    peer_until(&p, peer_has(&p, "\r\n\r\nab"));
    buf_clear(&p.in);
    /* Refused before the body: nobody knows whether it will come, so the connection ends. */
    peer_send(&p, S(POST("/none", "Expect: 100-continue\r\nContent-Length: 2\r\n")));
    peer_until(&p, p.ended);
    assert_true(peer_has(&p, "404") && peer_has(&p, "Connection: close") &&
                !peer_has(&p, "100 Continue"));
    peer_close(&p);
    p = peer_open(address);
    peer_send(&p, S(POST("/echo", "Expect: 100-continue\r\nContent-Length: 200000\r\n")));
    peer_until(&p, peer_has(&p, "413"));
    assert_false(peer_has(&p, "100 Continue"));
    peer_close(&p);
}

static void a_refused_body_is_skipped_or_ends_the_connection(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/none", "Content-Length: 4\r\n") "ab"));
    peer_until(&p, peer_has(&p, "404"));
    peer_send(&p, S("cd" GET("/hello")));
    peer_until(&p, peer_has(&p, "hello"));
    assert_false(peer_has(&p, "Connection: close"));
    buf_clear(&p.in);

    peer_send(&p, S(POST("/none", "Content-Length: 1000000\r\n")));
    char part[100000] = {};
    for (unsigned i = 0; i < 10; i++)
        peer_send(&p, (struct str){part, sizeof part});
    peer_until(&p, p.ended);
    assert_true(peer_has(&p, "404") && peer_has(&p, "Connection: close"));
    peer_close(&p);
}

static void malformed_requests_get_their_status_and_the_end(void **)
{
    static const struct {
        struct str bytes;
        const char *want;
    } cases[] = {
        {S("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request\r\n"},
        {S("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 400 "},
        {S("GET / HTTP/3.0\r\nHost: x\r\n\r\n"), "HTTP/1.1 505 "},
        {S("GET /../ HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 400 "},
        {S("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "HTTP/1.1 400 "},
        {S(POST("/echo", "Transfer-Encoding: chunked\r\n") "zz\r\n"), "HTTP/1.1 400 "},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct peer p = peer_open(address);
        peer_send(&p, cases[i].bytes);
        peer_until(&p, p.ended);
        assert_true(peer_has(&p, cases[i].want) && peer_has(&p, "Connection: close\r\n"));
        assert_true(peer_has(&p, "{\"error\":{\"message\":"));
        peer_close(&p);
    }
    assert_int_equal(stats()->malformed, countof(cases));
    assert_int_equal(app.gones, 1);
    peer_settle(nullptr);
    assert_int_equal(stats()->connections_now, 0);
}

static void deadlines_are_kept(void **)
{
    struct peer silent = peer_open(address), slow = peer_open(address), idle = peer_open(address),
                late = peer_open(address);
    peer_send(&slow, S("GET /hello HTTP/1.1\r\nHo"));
    peer_send(&idle, S(GET("/hello")));
    peer_send(&late, S(POST("/echo", "Content-Length: 4\r\n") "ab"));
    peer_until(&idle, peer_has(&idle, "hello"));
    peer_settle(&late);
    peer_time(peer_now_ms + 9999);
    peer_send(&slow, S("s")); /* a byte more does not help */
    peer_settle(&slow);
    assert_false(slow.ended || silent.ended);
    peer_time(peer_now_ms + 2);
    peer_until(&slow, slow.ended);
    assert_true(peer_has(&slow, "HTTP/1.1 408 "));
    peer_until(&silent, silent.ended);
    assert_int_equal(silent.in.n, 0);
    assert_int_equal(app.gones, 0);
    peer_time(peer_now_ms + 50000);
    peer_until(&late, late.ended);
    assert_true(peer_has(&late, "HTTP/1.1 408 "));
    assert_int_equal(app.gones, 1);
    assert_false(idle.ended);
    peer_time(peer_now_ms + 15001);
    peer_until(&idle, idle.ended);
    assert_int_equal(peer_count(&idle, "HTTP/1.1"), 1);
    assert_int_equal(stats()->timeouts, 2);
    peer_close(&silent);
    peer_close(&slow);
    peer_close(&idle);
    peer_close(&late);
}

static void a_large_body_may_take_longer(void **)
{
    static const size_t part = 1024 * 1024;
    autobuf piece = BUF(part);
    for (size_t i = 0; i < part; i++)
        assert_ok(buf_add_byte(&piece, 'x'));
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/upload", "Content-Length: 3145728\r\n")));
    for (int i = 0; i < 2; i++) {
        peer_send(&p, buf_str(&piece));
        peer_until(&p, app.body.n == (size_t)(i + 1) * part);
        peer_time(peer_now_ms + 59000);
        peer_settle(&p);
        assert_false(p.ended);
    }
    peer_send(&p, S("x")); /* this is no pace */
    peer_time(peer_now_ms + 60001);
    peer_until(&p, p.ended);
    assert_true(peer_has(&p, "HTTP/1.1 408 "));
    assert_int_equal(app.gones, 1);
    peer_close(&p);
}

static void a_held_answer_has_no_deadline(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/hold", "Content-Length: 3\r\n") "abc"));
    peer_until(&p, app.held != nullptr);
    peer_time(peer_now_ms + 3600 * 1000);
    peer_settle(&p);
    assert_non_null(app.held);
    assert_str(buf_str(&app.body), "abc");
    assert_err(exchange_set(app.held, "X-Name", S("a\r\nSet-Cookie: b")), ERR_INVALID);
    assert_err(exchange_set(app.held, "X-Name", (struct str){"a\0b", 3}), ERR_INVALID);
    assert_ok(exchange_set(app.held, "X-Name", S("value")));
    exchange_error(app.held, ERR_RATE, "slow down", nullptr);
    peer_until(&p, peer_has(&p, "}}"));
    assert_true(peer_has(&p, "X-Name: value\r\nRetry-After: 1\r\n\r\n"));
    assert_true(peer_has(&p, "HTTP/1.1 429 Too Many Requests\r\n") &&
                peer_has(&p, "\"rate_limit_error\""));
    assert_false(peer_has(&p, "Set-Cookie"));
    peer_close(&p);
}

static void a_protocol_that_is_needed_is_named(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    exchange_error(app.held, ERR_UPGRADE, nullptr, nullptr);
    peer_until(&p, peer_has(&p, "}}"));
    assert_true(peer_has(&p, "HTTP/1.1 426 Upgrade Required\r\n") &&
                peer_has(&p, "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
    peer_close(&p);
}

static void a_client_that_leaves_is_told_once(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    peer_close(&p);
    p = peer_open(address);
    peer_until(&p, app.gones == 1);
    peer_settle(&p);
    assert_int_equal(app.gones, 1);
    assert_int_equal(stats()->gone, 1);
    assert_int_equal(stats()->requests_now, 0);
    peer_close(&p);
}

static void too_many_connections_get_503(void **)
{
    struct peer p[22];
    for (unsigned i = 0; i < countof(p); i++)
        p[i] = peer_open(address);
    for (unsigned i = 20; i < countof(p); i++) {
        peer_until(&p[i], p[i].ended);
        assert_true(peer_has(&p[i], "HTTP/1.1 503 ") && peer_has(&p[i], "Retry-After: 1\r\n"));
        peer_close(&p[i]);
    }
    peer_send(&p[0], S(GET("/hello")));
    peer_until(&p[0], peer_has(&p[0], "hello"));
    assert_int_equal(stats()->refused, 2);
    for (unsigned i = 0; i < 20; i++)
        peer_close(&p[i]);
    struct peer q = peer_open(address);
    peer_settle(&q);
    peer_send(&q, S(GET("/hello")));
    peer_until(&q, peer_has(&q, "hello"));
    peer_close(&q);
}

static void draining_lets_answers_finish(void **)
{
    struct peer idle = peer_open(address), busy = peer_open(address), half = peer_open(address);
    peer_send(&idle, S(GET("/hello")));
    peer_until(&idle, peer_has(&idle, "hello"));
    peer_send(&busy, S(GET("/hold")));
    peer_send(&half, S("GET /hello HTTP/1.1\r\n"));
    peer_until(&busy, app.held != nullptr);
    peer_settle(&half);
    front_drain(front);
    peer_until(&idle, idle.ended);
    assert_false(busy.ended);
    peer_send(&half, S("Host: x\r\n\r\n"));
    peer_until(&half, half.ended);
    assert_true(peer_has(&half, "Connection: close\r\n\r\nhello"));
    exchange_reply(app.held, 200, "text/plain", S("done"));
    peer_until(&busy, busy.ended);
    assert_true(peer_has(&busy, "Connection: close\r\n\r\ndone"));
    peer_close(&idle);
    peer_close(&busy);
    peer_close(&half);
}

static void destroying_the_front_ends_what_is_under_way(void **)
{
    struct peer p = peer_open(address), q = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    peer_send(&q, S(POST("/upload", "Content-Length: 5\r\n") "a"));
    peer_until(&q, app.body.n == 1);
    front_destroy(front);
    front = nullptr;
    assert_int_equal(app.gones, 2);
    peer_close(&p);
    peer_close(&q);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(answers_and_keeps_the_connection),
        T(pipelined_requests_are_answered_in_order),
        T(whole_bodies_come_in_any_pieces),
        T(a_body_goes_on_after_a_pause),
        T(bodies_above_their_cap_get_413),
        T(all_bodies_together_are_bounded),
        T(expect_continue_is_answered),
        T(a_refused_body_is_skipped_or_ends_the_connection),
        T(malformed_requests_get_their_status_and_the_end),
        T(deadlines_are_kept),
        T(a_large_body_may_take_longer),
        T(a_held_answer_has_no_deadline),
        T(a_protocol_that_is_needed_is_named),
        T(a_client_that_leaves_is_told_once),
        T(too_many_connections_get_503),
        T(draining_lets_answers_finish),
        T(destroying_the_front_ends_what_is_under_way),
    };
    return cmocka_run_group_tests_name("net/conn", tests, nullptr, nullptr);
}
