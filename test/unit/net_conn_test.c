// SPDX-License-Identifier: Apache-2.0
#include "net_peer.h"
#include "server/net/front.h"
#include "server/net/sse.h"

static struct front *front;
static const char *address;

/* What the server under test has seen and keeps for the test to act on. */
static struct {
    struct exchange *held;
    struct sse *sse;
    struct buf body;
    unsigned heads, requests, ends, gones, writables;
    bool inside; /* of an exchange_ call: on_gone may not come now */
} app;

static void on_gone(struct exchange *x, void *)
{
    assert_false(app.inside);
    assert_int_equal(exchange_head(x)->path.p[0], '/');
    app.gones++;
    if (app.held == x)
        app.held = nullptr;
    sse_drop(app.sse);
    app.sse = nullptr;
}

static void on_writable(struct exchange *, void *)
{
    app.writables++;
}

static void echo(struct exchange *x, void *, struct str body)
{
    app.requests++;
    exchange_reply(x, 200, "text/plain", body);
}

static void hold(struct exchange *x, void *, struct str body)
{
    app.requests++;
    buf_clear(&app.body);
    assert_ok(buf_add(&app.body, body));
    app.held = x;
}

static void on_body(struct exchange *, void *, struct str bytes)
{
    assert_ok(buf_add(&app.body, bytes));
}

static void on_body_end(struct exchange *x, void *)
{
    app.ends++;
    exchange_reply(x, 200, "text/plain", buf_str(&app.body));
    app.held = nullptr;
}

static void on_head(void *, struct exchange *x)
{
    static const struct exchange_events echoing = {.on_request = echo, .on_gone = on_gone},
                                        holding = {.on_request = hold, .on_gone = on_gone, .on_writable = on_writable},
                                        streaming = {.on_body = on_body, .on_body_end = on_body_end, .on_gone = on_gone};
    struct str path = exchange_head(x)->path;
    app.heads++;
    if (str_eq(path, S("/hello")))
        exchange_reply(x, 200, "text/plain", S("hello"));
    else if (str_eq(path, S("/echo")))
        exchange_read_body(x, 100000, &echoing, nullptr);
    else if (str_eq(path, S("/hold")))
        exchange_read_body(x, 100000, &holding, nullptr);
    else if (str_eq(path, S("/upload"))) {
        app.held = x;
        exchange_stream_body(x, 1 << 20, &streaming, nullptr);
    } else
        exchange_error(x, ERR_NOTFOUND, nullptr, "path");
}

static int begin(void **)
{
    memset(&app, 0, sizeof app);
    app.body = BUF(1 << 24);
    peer_time(1000000);
    if (loop_create(&loop) != OK)
        return 1;
    struct front_limits limits = FRONT_LIMITS;
    limits.connections = 20;
    limits.body_bytes = 250000;
    if (front_create(loop, &limits, on_head, nullptr, &front) != OK ||
        front_listen_tcp(front, S("127.0.0.1"), 0) != OK)
        return 1;
    address = front_address(front, 0);
    return 0;
}

static int finish(void **)
{
    front_destroy(front);
    loop_destroy(loop);
    buf_finish(&app.body);
    clock_fake(UINT64_MAX);
    return 0;
}

static const struct net_stats *stats(void)
{
    return front_stats(front);
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A256 A64 A64 A64 A64
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, headers) "POST " path " HTTP/1.1\r\nHost: x\r\n" headers "\r\n"

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
    assert_true(peer_has(&p, "Content-Length: 5\r\nX-Content-Type-Options: nosniff\r\n\r\nHTTP/1.1 404 Not Found\r\n"));
    assert_true(peer_has(&p, "{\"error\":{\"message\":\"there is nothing here by that name\","
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
    peer_send(&p, S(POST("/echo", "Content-Length: 1\r\n") "1" GET("/hold") POST("/echo", "Content-Length: 1\r\n") "3" GET("/hello")));
    peer_until(&p, app.held != nullptr);
    peer_settle(&p);
    assert_int_equal(app.heads, 2);
    exchange_reply(app.held, 200, "text/plain", S("2"));
    peer_until(&p, peer_has(&p, "hello"));
    assert_int_equal(peer_count(&p, "HTTP/1.1 200"), 4);
    assert_true(peer_has(&p, "\r\n\r\n1HTTP") && peer_has(&p, "\r\n\r\n2HTTP") && peer_has(&p, "\r\n\r\n3HTTP"));
    peer_close(&p);
}

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
    assert_true(peer_has(&p, "404") && peer_has(&p, "Connection: close") && !peer_has(&p, "100 Continue"));
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
        {S("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 501 "},
        {S("GET / HTTP/3.0\r\nHost: x\r\n\r\n"), "HTTP/1.1 505 "},
        {S("GET /../ HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 400 "},
        {S("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "HTTP/1.1 400 "},
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
    assert_true(peer_has(&p, "HTTP/1.1 429 Too Many Requests\r\n") && peer_has(&p, "\"rate_limit_error\""));
    assert_false(peer_has(&p, "Set-Cookie"));
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

static void streams_are_chunked(void **)
{
    struct peer p = peer_open(address), q = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    exchange_begin(app.held, 200, "text/plain");
    assert_int_equal(exchange_write(app.held, S("0123456789abcdefg")), 0);
    exchange_write(app.held, S(""));
    exchange_write(app.held, S("x"));
    exchange_end(app.held);
    peer_until(&p, peer_has(&p, "\r\n0\r\n\r\n"));
    assert_true(peer_has(&p, "Transfer-Encoding: chunked\r\n\r\n11\r\n0123456789abcdefg\r\n1\r\nx\r\n0\r\n\r\n"));
    peer_send(&p, S(GET("/hello")));
    peer_until(&p, peer_has(&p, "hello"));

    app.held = nullptr;
    peer_send(&q, S("GET /hold HTTP/1.0\r\n\r\n"));
    peer_until(&q, app.held != nullptr);
    exchange_begin(app.held, 200, "text/plain");
    exchange_write(app.held, S("bare"));
    exchange_end(app.held);
    peer_until(&q, q.ended);
    assert_true(peer_has(&q, "Connection: close\r\n\r\nbare") && !peer_has(&q, "chunked"));
    peer_close(&p);
    peer_close(&q);
}

static void a_cut_stream_has_no_end(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    exchange_begin(app.held, 200, "text/plain");
    exchange_write(app.held, S("half"));
    exchange_abort(app.held);
    peer_until(&p, p.ended);
    assert_true(peer_has(&p, "half") && !peer_has(&p, "\r\n0\r\n\r\n"));
    assert_int_equal(app.gones, 0);
    peer_close(&p);
}

static size_t fill(struct exchange *x)
{
    char part[4096];
    memset(part, 'x', sizeof part);
    size_t queued = 0;
    for (unsigned i = 0; i < 10000 && queued <= EXCHANGE_QUEUE; i++)
        queued = exchange_write(x, (struct str){part, sizeof part});
    return queued;
}

static void a_slow_reader_holds_the_producer_up(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    exchange_begin(app.held, 200, "text/plain");
    assert_uint_in_range(fill(app.held), EXCHANGE_QUEUE + 1, EXCHANGE_QUEUE + 5000);
    for (unsigned i = 0; i < 20; i++)
        loop_step(loop, 0);
    assert_int_equal(app.writables, 0);
    peer_time(peer_now_ms + 4999);
    peer_until(&p, app.writables == 1);
    peer_time(peer_now_ms + 4999);
    fill(app.held);
    peer_until(&p, app.writables == 2);
    assert_int_equal(app.gones, 0);
    exchange_end(app.held);
    peer_until(&p, peer_has(&p, "\r\n0\r\n\r\n"));
    peer_close(&p);
}

static void a_reader_that_does_not_read_is_dropped(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    exchange_begin(app.held, 200, "text/plain");
    fill(app.held);
    peer_time(peer_now_ms + 4900);
    for (unsigned i = 0; i < 20; i++)
        loop_step(loop, 0);
    assert_int_equal(app.gones, 0);
    peer_time(peer_now_ms + 200);
    while (app.gones == 0)
        loop_step(loop, 5);
    assert_int_equal(stats()->slow_readers, 1);
    assert_int_equal(stats()->connections_now, 0);
    peer_close(&p);
}

static void a_whole_answer_may_take_its_time_but_not_forever(void **)
{
    enum { BIG = 16 << 20 };
    struct blob *blob = blob_reserve(BIG);
    memset(blob->bytes, 'b', BIG);
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    exchange_reply_blob(app.held, 200, "audio/wav", blob);
    assert_int_equal(blob->refs, 2);
    while (p.in.n < BIG / 2 && !p.ended) { /* 256 KiB in 4 s */
        for (unsigned i = 0; i < 4; i++)
            peer_read(&p);
        peer_time(peer_now_ms + 4000);
        for (unsigned i = 0; i < 4; i++)
            loop_step(loop, 0);
    }
    assert_false(p.ended);
    peer_time(peer_now_ms + 20001);
    for (unsigned i = 0; i < 50; i++)
        loop_step(loop, 0);
    peer_time(peer_now_ms + 20001);
    for (unsigned i = 0; i < 50; i++)
        loop_step(loop, 0);
    assert_int_equal(stats()->connections_now, 0);
    assert_int_equal(stats()->slow_readers, 1);
    assert_int_equal(app.gones, 0);
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
    peer_close(&p);
}

static void a_streamed_body_can_be_held_up(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/upload", "Content-Length: 1000000\r\n")));
    peer_until(&p, app.held != nullptr);
    exchange_pause(app.held);
    char part[100000];
    memset(part, 'u', sizeof part);
    struct str rest = {part, sizeof part};
    unsigned sent = 0;
    for (unsigned i = 0; i < 100 && sent < 10; i++) {
        ssize_t n = send(p.fd, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        rest = str_sub(rest, n > 0 ? (size_t)n : 0, rest.n);
        if (rest.n == 0) {
            sent++;
            rest = (struct str){part, sizeof part};
        }
        loop_step(loop, 0);
    }
    assert_int_equal(app.body.n, 0);
    assert_true(stats()->bytes_in < 200000);
    peer_time(peer_now_ms + 3600 * 1000);
    peer_settle(&p);
    assert_int_equal(app.gones, 0);
    exchange_resume(app.held);
    for (; sent < 10; sent++) {
        peer_send(&p, rest);
        rest = (struct str){part, sizeof part};
    }
    peer_until(&p, app.ends == 1);
    assert_int_equal(app.body.n, 1000000);
    peer_until(&p, p.in.n > 1000000);
    peer_close(&p);
}

static void a_streamed_body_has_its_cap(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(POST("/upload", "Transfer-Encoding: chunked\r\n") "200000\r\n"));
    char part[100000] = {};
    for (unsigned i = 0; i < 11; i++)
        peer_send(&p, (struct str){part, sizeof part});
    peer_until(&p, peer_has(&p, "HTTP/1.1 413"));
    assert_int_equal(app.gones, 1);
    assert_int_equal(app.ends, 0);
    assert_true(app.body.n <= 1 << 20);
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

static void events_cannot_be_forged(void **)
{
    static const struct {
        const char *event;
        uint64_t id;
        struct str data;
        const char *want;
    } cases[] = {
        {nullptr, 0, S("{}"), "data: {}\n\n"},
        {"token", 7, S("a"), "event: token\nid: 7\ndata: a\n\n"},
        {nullptr, 0, S(""), "data: \n\n"},
        {nullptr, 0, S("a\nevent: end\ndata: b"), "data: a\ndata: event: end\ndata: data: b\n\n"},
        {nullptr, 0, S("a\r\nb\rc\n\n"), "data: a\ndata: b\ndata: c\ndata: \ndata: \n\n"},
        {nullptr, 0, S("a\n\r"), "data: a\ndata: \ndata: \n\n"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        autobuf out = BUF(1000);
        assert_ok(sse_encode(&out, cases[i].event, cases[i].id, cases[i].data));
        assert_str(buf_str(&out), cases[i].want);
    }
    autobuf small = BUF(20);
    assert_ok(sse_encode(&small, nullptr, 0, S("a")));
    assert_err(sse_encode(&small, nullptr, 0, S("0123456789")), ERR_TOOBIG);
    assert_str(buf_str(&small), "data: a\n\n");
}

static void silent_streams_are_pinged(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    assert_ok(sse_open(app.held, &app.sse));
    sse_send(app.sse, nullptr, 0, S("{\"type\":\"start\"}"));
    peer_until(&p, peer_has(&p, "start"));
    assert_true(peer_has(&p, "Content-Type: text/event-stream\r\n"));
    assert_true(peer_has(&p, "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"));
    peer_time(peer_now_ms + 14999);
    peer_settle(&p);
    assert_false(peer_has(&p, ": ping"));
    peer_time(peer_now_ms + 1);
    peer_until(&p, peer_count(&p, ": ping\n\n") == 1);
    peer_time(peer_now_ms + 15000);
    peer_until(&p, peer_count(&p, ": ping\n\n") == 2);
    sse_end(app.sse);
    app.sse = nullptr;
    peer_until(&p, peer_has(&p, "\r\n0\r\n\r\n"));

    app.held = nullptr;
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    assert_ok(sse_open(app.held, &app.sse));
    peer_close(&p);
    while (app.gones == 0)
        loop_step(loop, 5);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(answers_and_keeps_the_connection),
        T(pipelined_requests_are_answered_in_order),
        T(a_flood_of_pipelined_requests_waits),
        T(whole_bodies_come_in_any_pieces),
        T(bodies_above_their_cap_get_413),
        T(all_bodies_together_are_bounded),
        T(expect_continue_is_answered),
        T(a_refused_body_is_skipped_or_ends_the_connection),
        T(malformed_requests_get_their_status_and_the_end),
        T(deadlines_are_kept),
        T(a_held_answer_has_no_deadline),
        T(a_client_that_leaves_is_told_once),
        T(streams_are_chunked),
        T(a_cut_stream_has_no_end),
        T(a_slow_reader_holds_the_producer_up),
        T(a_reader_that_does_not_read_is_dropped),
        T(a_whole_answer_may_take_its_time_but_not_forever),
        T(a_streamed_body_can_be_held_up),
        T(a_streamed_body_has_its_cap),
        T(too_many_connections_get_503),
        T(draining_lets_answers_finish),
        T(destroying_the_front_ends_what_is_under_way),
        T(events_cannot_be_forged),
        T(silent_streams_are_pinged),
    };
    return cmocka_run_group_tests_name("net/conn", tests, nullptr, nullptr);
}
