// SPDX-License-Identifier: Apache-2.0
/* Responses that take their time, and who reads them. */
#include "net_app.h"
#include "server/net/client.h"

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
    assert_true(peer_has(
        &p, "Transfer-Encoding: chunked\r\n\r\n11\r\n0123456789abcdefg\r\n1\r\nx\r\n0\r\n\r\n"));
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

static void a_producer_that_does_not_stop_is_stopped(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    exchange_begin(app.held, 200, "text/plain");
    char *part = calloc(1, 100000);
    size_t most = 0;
    app.inside = true;
    for (unsigned i = 0; i < 1000; i++) {
        size_t queued = exchange_write(app.held, (struct str){part, 100000});
        most = queued > most ? queued : most;
    }
    app.inside = false;
    assert_true(most > EXCHANGE_QUEUE && most < 17 * EXCHANGE_QUEUE + 100000);
    while (app.gones == 0)
        loop_step(loop, 5);
    free(part);
    peer_close(&p);
}

static void events_that_cannot_be_made_end_the_stream(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hold")));
    peer_until(&p, app.held != nullptr);
    assert_ok(sse_open(app.held, &app.sse));
    char *big = calloc(1, 2 << 20);
    app.inside = true;
    assert_true(sse_send(app.sse, nullptr, 0, (struct str){big, 2 << 20}) == SIZE_MAX);
    app.inside = false;
    peer_until(&p, p.ended);
    assert_int_equal(app.gones, 1);
    free(big);
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
    peer_send(&p, S(POST("/upload", "Transfer-Encoding: chunked\r\n") "420000\r\n"));
    char part[100000] = {};
    for (unsigned i = 0; i < 43; i++)
        peer_send(&p, (struct str){part, sizeof part});
    peer_until(&p, peer_has(&p, "HTTP/1.1 413"));
    assert_int_equal(app.gones, 1);
    assert_int_equal(app.ends, 0);
    assert_true(app.body.n <= 1 << 22);
    peer_close(&p);
}

static enum err take_event(void *arg, struct str data)
{
    try(buf_add(arg, data));
    return buf_add_byte(arg, '|');
}

/* Whatever the data, the client sees one event, in any pieces, and line ends as its only change. */
static void events_are_read_back(void **)
{
    static const struct str data[] = {S("{}"), S("a\nevent: end\ndata: b"), S("a\r\nb\rc\n\n"),
                                      S(": ping"), S(" x")};
    static const char want[] = "{}|a\nevent: end\ndata: b|a\nb\nc\n\n|: ping| x|";
    autobuf wire = BUF(1000), got = BUF(1000);
    for (size_t i = 0; i < countof(data); i++) {
        assert_ok(buf_add(&wire, S(": ping\n\n")));
        assert_ok(sse_encode(&wire, "token", i, data[i]));
    }
    for (size_t step = 1; step < 9; step++) {
        struct sse_reader reader = {};
        buf_clear(&got);
        for (size_t at = 0; at < wire.n; at += step)
            assert_ok(
                sse_reader_feed(&reader, str_sub(buf_str(&wire), at, at + step), take_event, &got));
        assert_str(buf_str(&got), want);
        sse_reader_finish(&reader);
    }
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
        T(streams_are_chunked),
        T(a_cut_stream_has_no_end),
        T(a_slow_reader_holds_the_producer_up),
        T(a_reader_that_does_not_read_is_dropped),
        T(a_producer_that_does_not_stop_is_stopped),
        T(events_that_cannot_be_made_end_the_stream),
        T(a_whole_answer_may_take_its_time_but_not_forever),
        T(a_streamed_body_can_be_held_up),
        T(a_streamed_body_has_its_cap),
        T(events_cannot_be_forged),
        T(events_are_read_back),
        T(silent_streams_are_pinged),
    };
    return cmocka_run_group_tests_name("net/stream", tests, nullptr, nullptr);
}
