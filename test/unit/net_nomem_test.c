// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation on the way of a request fails in turn (of ours: the linker hands us malloc's callers
 * in the archives under test). The server may refuse or drop that one connection; it goes on, and
 * nothing is left behind.
 */
#include "net_app.h"
#include "own_fault.h"
#include "server/net/ws_conn.h"

static struct ws *ws;

static void on_message(struct ws *w, void *, struct str bytes)
{
    ws_send_text(w, bytes);
}

static void on_ws_close(struct ws *, void *, uint16_t)
{
    ws = nullptr;
}

static const struct ws_events ws_events = {
    .on_text = on_message, .on_binary = on_message, .on_close = on_ws_close};

static void on_any_head(void *arg, struct exchange *x)
{
    if (!exchange_head(x)->wants_websocket)
        on_head(arg, x);
    else if (exchange_upgrade(x, nullptr, 100000, &ws_events, nullptr, &ws) != OK)
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
}

#define Z "\0\0\0\0"

static const struct {
    const char *name;
    struct str pieces[4];
} scenes[] = {
    {"get", {S(GET("/hello"))}},
    {"not found", {S(GET("/none"))}},
    {"malformed", {S("GET / HTTP/1.1\r\n\r\n")}},
    {"pipelined", {S(GET("/hello") GET("/none") GET("/hello"))}},
    {"body", {S(POST("/echo", "Content-Length: 4\r\n")), S("ab"), S("cd" GET("/hello"))}},
    {"chunked",
     {S(POST("/echo", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n"), S("1\r\nd\r\n"),
      S("0\r\n\r\n")}},
    {"read ahead", {S(GET("/hold")), S(GET("/hello")), S(GET("/hello"))}},
    {"websocket",
     {S("GET /voice HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x81" Z "a"),
      S("\x01\x82" Z "he"), S("\x80\x83" Z "llo"), S("\x89\x80" Z "\x88\x80" Z)}},
};

/* A large answer to a client that does not read at first, so that the socket has to queue. */
static void answer_held(void)
{
    struct exchange *x = app.held;
    if (x == nullptr)
        return;
    app.held = nullptr;
    struct str body = {app.body.p, app.body.n};
    exchange_begin(x, 200, "text/plain");
    for (unsigned i = 0; i < 40 && exchange_queued(x) < 100000; i++)
        exchange_write(x, body);
    exchange_end(x);
}

/* *ret_failed: an allocation did. */
static void play(const struct str pieces[4], bool *ret_failed)
{
    struct peer p = peer_open(address);
    for (unsigned i = 0; i < 4; i++) {
        peer_send(&p, pieces[i]);
        for (unsigned steps = 0; steps < 4; steps++)
            loop_step(loop, 0);
    }
    buf_clear(&app.body);
    unsigned due = own_fault_pause(); /* the test's own memory */
    for (unsigned i = 0; i < 200000; i++)
        assert_ok(buf_add_byte(&app.body, 'x'));
    own_fault_go_on(due);
    answer_held();
    for (unsigned steps = 0; steps < 4; steps++)
        loop_step(loop, 0);
    *ret_failed = own_fault_disarm();
    peer_settle(&p);
    peer_close(&p);
    for (unsigned i = 0; i < 1000 && stats()->connections_now > 0; i++)
        loop_step(loop, 2);
    assert_int_equal(stats()->connections_now, 0);
    assert_int_equal(stats()->requests_now, 0);
    assert_int_equal(stats()->websockets_now, 0);
    assert_int_equal(stats()->body_bytes_now, 0);
    assert_null(ws);
}

static void one_missing_allocation_costs_at_most_one_connection(void **)
{
    for (size_t s = 0; s < countof(scenes); s++) {
        unsigned n = 0;
        bool failed;
        do {
            own_fault_arm(++n);
            play(scenes[s].pieces, &failed);
            struct peer p = peer_open(address);
            peer_send(&p, S(GET("/hello")));
            peer_until(&p, peer_has(&p, "\r\n\r\nhello"));
            peer_close(&p);
            for (unsigned i = 0; i < 1000 && stats()->connections_now > 0; i++)
                loop_step(loop, 2);
        } while (failed && n < 1000);
        print_message("# %s: %u allocations\n", scenes[s].name, n - 1);
        assert_true(n > 2 && n < 1000);
    }
}

static int begin_with_websockets(void **state)
{
    int wrong = begin(state);
    front_destroy(front);
    struct front_limits limits = FRONT_LIMITS;
    if (wrong != 0 || front_create(loop, &limits, on_any_head, nullptr, &front) != OK ||
        front_listen_tcp(front, S("127.0.0.1"), 0) != OK)
        return 1;
    address = front_address(front, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_missing_allocation_costs_at_most_one_connection,
                                        begin_with_websockets, finish),
    };
    return cmocka_run_group_tests_name("net/nomem", tests, nullptr, nullptr);
}
