// SPDX-License-Identifier: Apache-2.0
/*
 * A server on a Unix socket for the tables of hostile bytes. Every path reads its body and answers 200, "/no…" answers 404
 * before it does, "/ws" becomes a WebSocket if it can. What the owner was told is written down:
 *
 *     GET /a; POST /b?q [body]; POST /c ...      the last one's body has not ended; "cut": and never will
 *     text(hello) binary(\xff)                   of a WebSocket
 */
#pragma once

#include <sys/un.h>

#include "net_peer.h"
#include "server/net/front.h"
#include "server/net/ws_conn.h"
#include "table.h"

enum { BODY_SHOWN = 40, MESSAGE_MAX = 2000, BODY_MAX = 100000 };

static struct front *front;

static struct {
    struct buf seen, body;
    bool reading;    /* a body is under way */
    bool streams;    /* bodies are taken as they come */
    uint16_t closed; /* the WebSocket, with this code */
} owner;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    va_list ap;
    char text[400];
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    assert_ok(buf_add(&owner.seen, str_of(text)));
}

static void note_bytes(struct str bytes)
{
    if (bytes.n > BODY_SHOWN)
        note("%zu bytes", bytes.n);
    else
        table_text(bytes, &owner.seen);
}

/* --- requests ------------------------------------------------------------------------------------ */

static void on_request(struct exchange *x, void *, struct str body)
{
    owner.reading = false;
    if (body.n > 0) {
        note(" [");
        note_bytes(body);
        note("]");
    }
    exchange_reply(x, 200, "text/plain", S("ok"));
}

static void on_body(struct exchange *, void *, struct str bytes)
{
    assert_ok(buf_add(&owner.body, bytes));
}

static void on_body_end(struct exchange *x, void *)
{
    on_request(x, nullptr, buf_str(&owner.body));
}

static void on_gone(struct exchange *, void *)
{
    owner.reading = false;
    note(" cut");
}

static void on_text(struct ws *, void *, struct str text)
{
    note(" text(");
    note_bytes(text);
    note(")");
}

static void on_binary(struct ws *, void *, struct str bytes)
{
    note(" binary(");
    note_bytes(bytes);
    note(")");
}

static void on_close(struct ws *, void *, uint16_t code)
{
    owner.closed = code;
}

static void on_head(void *, struct exchange *x)
{
    static const struct exchange_events whole = {.on_request = on_request, .on_gone = on_gone},
                                        streaming = {.on_body = on_body,
                                                     .on_body_end = on_body_end,
                                                     .on_gone = on_gone};
    static const struct ws_events ws_events = {on_text, on_binary, on_close, nullptr};
    const struct http_head *h = exchange_head(x);
    note("%s%s ", owner.seen.n > 0 ? "; " : "", http_method_name(h->method));
    note_bytes(h->path);
    if (h->query.n > 0) {
        note("?");
        note_bytes(h->query);
    }
    struct ws *ws;
    if (str_eq(h->path, S("/ws"))) {
        if (!h->wants_websocket)
            exchange_error(x, ERR_INVALID, nullptr, nullptr);
        else if (exchange_upgrade(x, nullptr, MESSAGE_MAX, &ws_events, nullptr, &ws) != OK)
            exchange_error(x, ERR_UPGRADE, nullptr, nullptr);
        else
            note(" websocket");
    } else if (str_starts(h->path, S("/no"))) {
        exchange_error(x, ERR_NOTFOUND, nullptr, nullptr);
    } else {
        owner.reading = true;
        buf_clear(&owner.body);
        if (owner.streams)
            exchange_stream_body(x, BODY_MAX, &streaming, nullptr);
        else
            exchange_read_body(x, BODY_MAX, &whole, nullptr);
    }
}

/* --- connections --------------------------------------------------------------------------------- */

static struct sockaddr_un table_address = {.sun_family = AF_UNIX};

static inline int table_begin(void **)
{
    owner.seen = owner.body = BUF(1 << 20);
    peer_time(1000000);
    struct front_limits limits = FRONT_LIMITS;
    snprintf(table_address.sun_path, sizeof table_address.sun_path, "/tmp/repartee-table-%d",
             (int)getpid());
    return loop_create(&loop) != OK ||
           front_create(loop, &limits, on_head, nullptr, &front) != OK ||
           front_listen_unix(front, table_address.sun_path) != OK;
}

static inline int table_finish(void **)
{
    front_destroy(front);
    loop_destroy(loop);
    buf_finish(&owner.seen);
    buf_finish(&owner.body);
    clock_fake(UINT64_MAX);
    return 0;
}

static inline struct peer table_peer(bool streams)
{
    buf_clear(&owner.seen);
    owner.reading = false;
    owner.streams = streams;
    owner.closed = 0;
    struct peer p = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = BUF(1u << 20)};
    assert_int_equal(connect(p.fd, (struct sockaddr *)&table_address, sizeof table_address), 0);
    loop_step(loop, 0);
    return p;
}

/* Everything that the bytes sent so far lead to: nothing here waits for a clock. */
static inline void table_settle(struct peer *p)
{
    for (unsigned i = 0; i < 4; i++)
        loop_step(loop, 0);
    for (size_t had = SIZE_MAX; p->in.n != had;) {
        had = p->in.n;
        loop_step(loop, 0);
        peer_read(p);
    }
}

/* `first` bytes, then pieces of `step`. */
static inline void table_send(struct peer *p, struct str bytes, size_t first, size_t step)
{
    for (size_t n = first; bytes.n > 0; n = step) {
        peer_send(p, str_sub(bytes, 0, n));
        loop_step(loop, 0);
        bytes = str_sub(bytes, n, bytes.n);
    }
    table_settle(p);
}
