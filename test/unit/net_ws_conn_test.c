// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include "net_peer.h"
#include "server/net/front.h"
#include "server/net/ws_conn.h"

static struct front *front;
static const char *address;

static struct {
    struct ws *ws;
    struct buf got;
    unsigned closes, writables;
    uint16_t code;
    bool inside; /* of a ws_ call: on_close may not come now */
    bool echo, pause_after_each, close_on_text;
} app;

static void on_text(struct ws *ws, void *, struct str text)
{
    assert_ok(buf_addf(&app.got, "text(%.*s) ", STR_FMT(text)));
    if (app.echo)
        ws_send_text(ws, text);
    if (app.pause_after_each)
        ws_pause(ws);
    if (app.close_on_text)
        ws_close(ws, 1000, "enough");
}

static void on_binary(struct ws *, void *, struct str bytes)
{
    assert_ok(buf_addf(&app.got, "binary[%zu] ", bytes.n));
}

static void on_close(struct ws *ws, void *, uint16_t code)
{
    assert_false(app.inside);
    app.closes++;
    app.code = code;
    if (app.ws == ws)
        app.ws = nullptr;
}

static void on_writable(struct ws *, void *)
{
    app.writables++;
}

static const struct ws_events events = {on_text, on_binary, on_close, on_writable};

static void on_head(void *, struct exchange *x)
{
    if (!exchange_head(x)->wants_websocket)
        exchange_error(x, ERR_INVALID, "this is a WebSocket", nullptr);
    else if (exchange_upgrade(x, "voice", 100000, &events, nullptr, &app.ws) != OK)
        exchange_error(x, ERR_INVALID, "no WebSocket that we know", nullptr);
    else if (app.close_on_text)
        ws_send_text(app.ws, S("first"));
}

static int begin(void **)
{
    memset(&app, 0, sizeof app);
    app.got = BUF(1 << 20);
    app.echo = true;
    peer_time(1000000);
    struct front_limits limits = FRONT_LIMITS;
    if (loop_create(&loop) != OK || front_create(loop, &limits, on_head, nullptr, &front) != OK ||
        front_listen_tcp(front, S("127.0.0.1"), 0) != OK)
        return 1;
    address = front_address(front, 0);
    return 0;
}

static int finish(void **)
{
    front_destroy(front);
    loop_destroy(loop);
    buf_finish(&app.got);
    clock_fake(UINT64_MAX);
    return 0;
}

#define UPGRADE " /voice HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION(n) "Sec-WebSocket-Version: " #n "\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define HANDSHAKE "GET" UPGRADE VERSION(13) KEY "\r\n"
#define Z "\0\0\0\0"

static struct peer open_ws(void)
{
    struct peer p = peer_open(address);
    app.ws = nullptr;
    peer_send(&p, S(HANDSHAKE));
    peer_until(&p, app.ws != nullptr && peer_has(&p, "\r\n\r\n"));
    assert_true(peer_has(&p, "HTTP/1.1 101 Switching Protocols\r\n") &&
                peer_has(&p, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") &&
                peer_has(&p, "Sec-WebSocket-Protocol: voice\r\n"));
    buf_clear(&p.in);
    return p;
}

static bool got(const char *text)
{
    return str_find(buf_str(&app.got), str_of(text)) < app.got.n;
}

static bool has_bytes(const struct peer *p, struct str bytes)
{
    return str_find(buf_str(&p->in), bytes) < p->in.n;
}

static void messages_go_both_ways(void **)
{
    struct peer p = open_ws();
    peer_send(&p, S("\x81\x82" Z "hi"
                    "\x01\x81" Z "a"
                    "\x89\x81" Z "?"
                    "\x80\x81" Z "b"
                    "\x82\x83" Z "abc"));
    peer_until(&p, got("binary[3]"));
    assert_str(buf_str(&app.got), "text(hi) text(ab) binary[3] ");
    peer_until(&p, has_bytes(&p, S("\x81\x02hi"
                                   "\x8a\x01?"
                                   "\x81\x02"
                                   "ab")));
    buf_clear(&p.in);
    struct blob *blob = blob_create(S("sound"));
    ws_send_binary(app.ws, S("\x07\0\0\0"), blob);
    blob_unref(blob);
    peer_until(&p, has_bytes(&p, S("\x82\x09\x07\0\0\0sound")));
    assert_int_equal(front_stats(front)->websockets_now, 1);
    assert_int_equal(front_stats(front)->requests_now, 0);
    peer_close(&p);
    while (app.closes == 0)
        loop_step(loop, 5);
    assert_int_equal(app.code, 1006);
    assert_int_equal(front_stats(front)->websockets_now, 0);
    assert_int_equal(front_stats(front)->connections_now, 0);
}

static void bytes_behind_the_handshake_are_messages(void **)
{
    struct peer p = peer_open(address);
    peer_send(&p, S(HANDSHAKE "\x81\x85" Z "early"));
    peer_until(&p, got("text(early)"));
    peer_until(&p, has_bytes(&p, S("\r\n\r\n\x81\x05"
                                   "early")));
    peer_close(&p);
}

/* More messages than a step takes: all are answered, in order, over several. */
static void a_flood_of_messages_takes_several_steps(void **)
{
    enum { MANY = 1000 };
    struct peer p = open_ws();
    for (unsigned i = 0; i < MANY; i++)
        peer_send(&p, S("\x89\x81" Z "?"));
    loop_step(loop, 5);
    peer_read(&p);
    assert_true(p.in.n > 0 && p.in.n < (size_t)3 * MANY / 4);
    peer_until(&p, p.in.n == (size_t)3 * MANY);
    peer_send(&p, S("\x81\x82" Z "hi"));
    peer_until(&p, got("text(hi)"));
    peer_close(&p);
}

/* What comes behind the handshake in more than one read is kept within its bound. */
static void much_behind_the_handshake_waits(void **)
{
    enum { MESSAGE = 60000, MANY = 6 };
    static char payload[MESSAGE];
    struct peer p = peer_open(address);
    app.echo = false;
    peer_send(&p, S(HANDSHAKE));
    for (unsigned i = 0; i < MANY; i++) {
        peer_send(&p, S("\x82\xfe\xea\x60" Z));
        peer_send(&p, (struct str){payload, MESSAGE});
    }
    peer_until(&p, app.closes > 0 || app.got.n == MANY * strlen("binary[60000] "));
    assert_int_equal(app.closes, 0);
    peer_close(&p);
}

static void bad_handshakes_are_answered(void **)
{
    static const struct {
        struct str bytes;
        const char *want;
    } cases[] = {
        {S("GET /voice HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 400 "},
        {S("GET" UPGRADE VERSION(8) KEY "\r\n"), "Sec-WebSocket-Version: 13\r\n"},
        {S("GET" UPGRADE VERSION(13) "Sec-WebSocket-Key: short\r\n\r\n"), "HTTP/1.1 400 "},
        {S("GET" UPGRADE VERSION(13) "\r\n"), "HTTP/1.1 400 "},
        {S("GET" UPGRADE VERSION(13) VERSION(8) KEY "\r\n"), "HTTP/1.1 400 "},
        {S("GET" UPGRADE VERSION(13) KEY KEY "\r\n"), "HTTP/1.1 400 "},
        {S("POST" UPGRADE VERSION(13) KEY "\r\n"), "HTTP/1.1 400 "},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct peer p = peer_open(address);
        peer_send(&p, cases[i].bytes);
        peer_until(&p, peer_has(&p, "}}"));
        assert_true(peer_has(&p, cases[i].want) && peer_has(&p, "HTTP/1.1 400"));
        assert_null(app.ws);
        peer_close(&p);
    }
}

static void hostile_frames_get_their_close_code(void **)
{
    static const struct {
        const char *name;
        struct str bytes;
        uint16_t code;
    } cases[] = {
        {"unmasked",
         S("\x81\x01"
           "a"),
         1002},
        {"reserved bit", S("\xc1\x80" Z), 1002},
        {"reserved opcode", S("\x83\x80" Z), 1002},
        {"lone continuation", S("\x80\x80" Z), 1002},
        {"fragmented ping", S("\x09\x80" Z), 1002},
        {"long ping", S("\x89\xfe\x00\x7e" Z), 1002},
        {"overlong length", S("\x82\xfe\x00\x01" Z "a"), 1002},
        {"negative length", S("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" Z), 1002},
        {"close of one byte", S("\x88\x81" Z "\x03"), 1002},
        {"close 1005", S("\x88\x82" Z "\x03\xed"), 1002},
        {"bad UTF-8", S("\x81\x82" Z "\xc0\xaf"), 1007},
        {"bad close reason", S("\x88\x83" Z "\x03\xe8\xff"), 1007},
        {"too big", S("\x82\xff\x00\x00\x00\x00\x00\x01\x86\xa1" Z), 1009},
        {"normal close", S("\x88\x82" Z "\x03\xe8"), 1000},
        {"own close",
         S("\x88\x84" Z "\x0f\xa0"
           "ok"),
         4000},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        for (unsigned bytewise = 0; bytewise < 2; bytewise++) {
            struct peer p = open_ws();
            app.closes = 0;
            for (size_t at = 0; at < cases[i].bytes.n; at += bytewise ? 1 : cases[i].bytes.n) {
                peer_send(&p, str_sub(cases[i].bytes, at, bytewise ? at + 1 : SIZE_MAX));
                peer_settle(&p);
            }
            peer_until(&p, p.ended);
            const char frame[] = {(char)0x88, 2, (char)(cases[i].code >> 8), (char)cases[i].code};
            if (p.in.n != sizeof frame || memcmp(p.in.p, frame, sizeof frame) != 0)
                fail_msg("%s: %zu bytes", cases[i].name, p.in.n);
            assert_int_equal(app.closes, 1);
            assert_int_equal(app.code, cases[i].code);
            peer_close(&p);
            peer_settle(nullptr);
            assert_int_equal(front_stats(front)->websockets_now, 0);
        }
    }
}

static void the_server_closes_with_a_handshake(void **)
{
    struct peer p = open_ws();
    app.inside = true;
    ws_close(app.ws, 1001, "going away");
    ws_close(app.ws, 1000, "not twice");
    assert_int_equal(ws_send_text(app.ws, S("nor this")), 0);
    app.inside = false;
    peer_until(&p, p.in.n >= 14);
    assert_true(p.in.n == 14 && has_bytes(&p, S("\x88\x0c\x03\xe9going away")));
    peer_send(&p, S("\x81\x84" Z "late"
                    "\x88\x82" Z "\x03\xe9"));
    peer_until(&p, p.ended);
    assert_int_equal(app.closes, 1);
    assert_int_equal(app.code, 1001);
    assert_false(got("late"));
    peer_close(&p);

    p = open_ws(); /* a peer that does not answer the close */
    ws_close(app.ws, 4001, nullptr);
    peer_until(&p, p.in.n == 4);
    peer_settle(&p);
    assert_int_equal(app.closes, 1);
    peer_time(peer_now_ms + 2000);
    peer_until(&p, p.ended);
    assert_int_equal(app.closes, 2);
    assert_int_equal(app.code, 4001);
    peer_close(&p);
}

static void may_be_closed_inside_a_message(void **)
{
    app.close_on_text = true;
    struct peer p = peer_open(address);
    peer_send(&p, S(HANDSHAKE "\x81\x81" Z "a"
                              "\x81\x81" Z "b"));
    peer_until(&p, has_bytes(&p, S("\x81\x05"
                                   "first"
                                   "\x81\x01"
                                   "a"
                                   "\x88\x08\x03\xe8"
                                   "enough")));
    assert_str(buf_str(&app.got), "text(a) ");
    peer_close(&p);
    while (app.closes == 0)
        loop_step(loop, 5);
    assert_int_equal(app.code, 1000);
}

static void a_silent_peer_is_pinged_and_dropped(void **)
{
    struct peer p = open_ws(), q;
    for (unsigned i = 1; i <= 2; i++) {
        peer_time(peer_now_ms + 15000);
        peer_until(&p, p.in.n == 2 * i);
    }
    assert_true(has_bytes(&p, S("\x89\x00\x89\x00")));
    peer_send(&p, S("\x8a\x80" Z)); /* one pong pays for both */
    peer_settle(&p);
    for (unsigned i = 3; i <= 4; i++) {
        peer_time(peer_now_ms + 15000);
        peer_until(&p, p.in.n == 2 * i);
    }
    assert_int_equal(app.closes, 0);
    peer_time(peer_now_ms + 15000);
    peer_until(&p, p.ended);
    assert_int_equal(app.closes, 1);
    assert_int_equal(app.code, 1006);
    peer_close(&p);

    q = open_ws(); /* who is not read cannot answer */
    ws_pause(app.ws);
    for (unsigned i = 0; i < 10; i++) {
        peer_time(peer_now_ms + 15000);
        peer_settle(&q);
    }
    assert_int_equal(app.closes, 1);
    peer_close(&q);
}

static size_t fill(void)
{
    struct blob *blob = blob_reserve(4096);
    memset(blob->bytes, 'x', blob->n);
    size_t queued = 0;
    for (unsigned i = 0; i < 10000 && queued <= WS_QUEUE; i++)
        queued = ws_send_binary(app.ws, S("h"), blob);
    blob_unref(blob);
    return queued;
}

static void a_slow_reader_is_paused_then_dropped(void **)
{
    struct peer p = open_ws();
    assert_uint_in_range(fill(), WS_QUEUE + 1, WS_QUEUE + 5000);
    peer_send(&p, S("\x81\x84" Z "wait"));
    peer_time(peer_now_ms + 4999);
    for (unsigned i = 0; i < 20; i++)
        loop_step(loop, 0);
    assert_false(got("wait")); /* not read while it does not read */
    assert_int_equal(app.closes, 0);
    peer_until(&p, app.writables == 1);
    peer_until(&p, got("wait"));
    fill();
    peer_time(peer_now_ms + 5001);
    for (unsigned i = 0; i < 1000 && app.closes == 0; i++)
        loop_step(loop, 5);
    assert_int_equal(app.closes, 1);
    assert_int_equal(app.code, 1013);
    assert_int_equal(front_stats(front)->slow_readers, 1);
    peer_close(&p);
}

static void an_owner_who_does_not_stop_is_stopped(void **)
{
    struct peer p = open_ws();
    struct blob *blob = blob_reserve(100000);
    memset(blob->bytes, 'x', blob->n);
    app.inside = true;
    size_t most = 0;
    for (unsigned i = 0; i < 1000; i++) {
        size_t queued = ws_send_binary(app.ws, S(""), blob);
        most = queued > most ? queued : most;
    }
    app.inside = false;
    assert_true(most > WS_QUEUE && most < 16 * WS_QUEUE + 200000);
    while (app.closes == 0)
        loop_step(loop, 5);
    assert_int_equal(app.code, 1013);
    peer_settle(nullptr);
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
    peer_close(&p);
}

/* Far more than is kept, taken one by one: the socket is read as fast as its owner takes. */
static void many_messages_wait_for_one_who_pauses_after_each(void **)
{
    enum { MESSAGES = 800, BYTES = 1000 };
    static char message[8 + BYTES] = "\x81\xfe\x03\xe8" Z;
    memset(message + 8, 'x', BYTES);
    app.pause_after_each = true;
    app.echo = false;
    struct peer p = open_ws();
    size_t sent = 0;
    for (unsigned taken = 0; taken < MESSAGES; taken++) {
        for (ssize_t n = 1; n > 0 && sent < MESSAGES * sizeof message;
             sent += n > 0 ? (size_t)n : 0) {
            size_t at = sent % sizeof message;
            n = send(p.fd, message + at, sizeof message - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        peer_until(&p, app.got.n >= (taken + 1) * (BYTES + 7));
        assert_int_equal(app.got.n, (taken + 1) * (BYTES + 7));
        ws_resume(app.ws);
    }
    assert_int_equal(app.closes, 0);
    peer_close(&p);
}

static void messages_wait_while_paused(void **)
{
    app.pause_after_each = true;
    struct peer p = open_ws();
    peer_send(&p, S("\x81\x81" Z "a"
                    "\x81\x81" Z "b"
                    "\x81\x81" Z "c"));
    peer_until(&p, got("text(a)"));
    peer_settle(&p);
    assert_str(buf_str(&app.got), "text(a) ");
    ws_resume(app.ws);
    peer_settle(&p);
    assert_str(buf_str(&app.got), "text(a) text(b) ");
    app.pause_after_each = false;
    ws_resume(app.ws);
    peer_send(&p, S("\x81\x81" Z "d"));
    peer_until(&p, got("text(d)"));
    assert_str(buf_str(&app.got), "text(a) text(b) text(c) text(d) ");
    peer_close(&p);
}

static void destroying_the_front_closes(void **)
{
    struct peer p = open_ws();
    front_destroy(front);
    front = nullptr;
    assert_int_equal(app.closes, 1);
    assert_int_equal(app.code, 1001);
    peer_close(&p);
}

/* SPEC's 10,000 sessions: an idle WebSocket costs at most 2 KB of ours. */
static void an_idle_one_is_small(void **)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#else
    enum { MANY = 200 };
    struct peer p[MANY];
    struct peer first = open_ws();
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = open_ws();
        peer_send(&p[i], S("\x81\x85" Z "hello"));
        peer_until(&p[i], p[i].in.n >= 7);
        buf_finish(&p[i].in);
    }
    buf_finish(&app.got);
    size_t each = (mallinfo2().uordblks - before) / MANY;
    print_message("# an idle WebSocket: %zu bytes\n", each);
    assert_true(each <= 2048);
    for (unsigned i = 0; i < MANY; i++)
        peer_close(&p[i]);
    peer_close(&first);
#endif
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(messages_go_both_ways),
        T(bytes_behind_the_handshake_are_messages),
        T(a_flood_of_messages_takes_several_steps),
        T(much_behind_the_handshake_waits),
        T(bad_handshakes_are_answered),
        T(hostile_frames_get_their_close_code),
        T(the_server_closes_with_a_handshake),
        T(may_be_closed_inside_a_message),
        T(a_silent_peer_is_pinged_and_dropped),
        T(a_slow_reader_is_paused_then_dropped),
        T(an_owner_who_does_not_stop_is_stopped),
        T(messages_wait_while_paused),
        T(many_messages_wait_for_one_who_pauses_after_each),
        T(destroying_the_front_closes),
        T(an_idle_one_is_small),
    };
    return cmocka_run_group_tests_name("net/ws_conn", tests, nullptr, nullptr);
}
