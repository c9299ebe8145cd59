// SPDX-License-Identifier: Apache-2.0
/*
 * Private to net/: the server, its connections, and the request that each has under way.
 *
 *   accept ─▶ IDLE ─first byte─▶ HEAD ─headers─▶ BODY ─last byte─▶ ANSWER ─response─▶ IDLE
 *               ▲                   │              │ response                 │
 *               └──── last byte ────┼────────── DISCARD                       │
 *                                   ▼                                         ▼
 *                    CLOSING (what is queued goes out, the rest of the input is thrown away)
 *
 * A response may be complete before its request (DISCARD reads the rest, if that is short), and the next
 * requests may have come already (`input`); they wait until the responses so far have been taken.
 * Exactly one exchange exists from HEAD's end to the response.
 * The pump (parse in conn.c) is the only place that parses, so nothing recurses however requests are answered; a conn is
 * freed at the end of the pump, or outside of it.
 */
#pragma once

#include "server/net/exchange.h"
#include "server/net/front.h"
#include "server/net/tls.h"

enum conn_state : uint8_t {
    CONN_IDLE,    /* between requests: no parser */
    CONN_HEAD,    /* a request has begun */
    CONN_BODY,    /* its headers have been handed over; exchange */
    CONN_ANSWER,  /* all of it has come; exchange */
    CONN_DISCARD, /* answered before its body had come */
    CONN_CLOSING, /* nothing is parsed any more */
    CONN_UPGRADED,
    CONN_DEAD,
};

struct conn {
    struct front *front;
    struct sock *sock;
    struct conn *next, **at; /* front->conns */
    struct timer timer;      /* the nearest of the deadlines below */
    struct deferred pump;
    struct http_parser *parser; /* from HEAD on, until the exchange has ended */
    struct exchange *x;
    struct ws *ws; /* when UPGRADED: who has the socket now */
    struct sock_peer peer;
    struct buf input;         /* came while it could not be parsed */
    uint64_t since_ms;        /* of the present state */
    uint64_t stall_ms;        /* since when the queue is above its cap; 0: it is not */
    uint64_t stall_delivered; /* what had reached the peer then */
    uint64_t discarded;
    enum conn_state state;
    uint16_t effort; /* of the present pump */
    bool pumping, reading_off, close_after, doomed;
    bool fresh;   /* no request has begun yet */
    bool flushed; /* CLOSING: all has been sent */
};

enum body_mode : uint8_t { BODY_NONE, BODY_WHOLE, BODY_STREAM };

struct exchange {
    struct conn *conn;
    const struct exchange_events *events; /* NULL until the body has been asked for */
    void *arg;
    struct buf headers; /* lines added by exchange_set */
    struct buf body;    /* BODY_WHOLE: so far */
    struct str whole;   /* BODY_WHOLE: all of it, still in the bytes being parsed */
    size_t body_cap;
    uint64_t body_seen, body_noted; /* bytes: in all, and when body_ms began last */
    enum body_mode mode;
    bool continued; /* "100 Continue" was sent */
    bool begun, chunked, no_body, retry_set, paused;
};

struct front {
    struct loop *loop;
    struct front_limits limits;
    front_fn on_head;
    void *arg;
    struct net_stats stats;
    struct conn *conns;
    struct ws *websockets;
    struct http_parser *spare_parser; /* one request's end is mostly the next one's beginning */
    char *lines;                      /* of every response */
    size_t lines_n;
    char date[48];
    int64_t date_s;
    struct tls *tls; /* of the listener that speaks it; NULL: none */
    bool draining;
    unsigned listener_count;
    struct listener *listeners[4];
};

/* front.c */
struct str front_date(struct front *f); /* "Date: …\r\n" of this second */
/* No more connections, not even to be told so. */
bool front_is_full(const struct front *f);

/* What one pump does before it lets others have their turn, in pieces of a body; a request costs more.
 * Where others wait already it begins with EFFORT_CROWDED: room for a request with its body, or for two. */
enum : uint16_t {
    EFFORT_MAX = 256,
    EFFORT_OF_REQUEST = 32,
    EFFORT_CROWDED = EFFORT_MAX - 3 * EFFORT_OF_REQUEST / 2
};

constexpr uint64_t DISCARD_MAX =
    64 * 1024; /* of a refused request's body, to keep the connection */

/* request.c */
bool conn_may_parse(const struct conn *c);
/* One piece of a request off *bytes. False when more bytes are needed. */
bool conn_parse_one(struct conn *c, struct str *bytes);

/* conn.c */
void conn_set_state(struct conn *c, enum conn_state state);
void conn_drop_parser(struct conn *c);
/* Sends what is queued, then closes; on_gone if an exchange is under way. */
void conn_close_softly(struct conn *c);
/* Answers with an error that is the connection's, not the owner's, and closes. */
void conn_refuse(struct conn *c, int status, enum err err);
void conn_accept(struct front *f, struct sock *s);
/* Plain HTTP where TLS is spoken: told so, and closed. */
void conn_accept_misled(struct front *f, struct sock *s);
void conn_drain(struct conn *c);
/* Ends it now: on_gone if an exchange is under way. Not inside a callback of the exchange. */
void conn_destroy(struct conn *c);
/* The response is complete: frees the exchange; the connection goes on or closes. */
void conn_answered(struct exchange *x);
/* Cuts the connection without on_gone; frees the exchange. */
void conn_cut(struct exchange *x);
/* As conn_destroy, in the next step. */
void conn_doom(struct conn *c);
/* The socket has gone to c->ws. */
void conn_upgraded(struct exchange *x);
/* Has the connection a future after this response? */
bool conn_keeps(const struct exchange *x);
void conn_note_queue(struct conn *c, size_t queued);
void conn_set_reading(struct conn *c);
/* After exchange_pause: the body may flow again. */
void conn_resumed(struct conn *c);
void exchange_free(struct exchange *x);

/* exchange.c: an error response of the connection itself, when there is no exchange; closes. `message`
 * NULL: err_text. */
void response_refuse(struct conn *c, int status, enum err err, const char *message);

/* ws_conn.c: takes the socket over at once; ERR_NOMEM leaves it. What came behind the request is handed
 * in later, when the parser has let go of it. */
enum err ws_start(struct front *f, struct sock *s, size_t max_message,
                  const struct ws_events *events, void *arg, struct ws **ret_ws);
void ws_early_bytes(struct ws *ws, struct str bytes);
void ws_destroy(struct ws *ws); /* on_close (1001) comes inside */
