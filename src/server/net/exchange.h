// SPDX-License-Identifier: Apache-2.0
/*
 * One request and its response. Loop thread. What net/ gives to api/.
 *
 *     static void ask(void *arg, struct exchange *x)              // the front's on_head
 *     {
 *         if (!authorised(exchange_head(x)))
 *             return exchange_error(x, ERR_AUTH, nullptr, nullptr);   // before any body is read
 *         exchange_read_body(x, 64 * 1024, &events, me);              // on_request follows
 *     }
 *     static void on_request(struct exchange *x, void *me, struct str body)
 *     {
 *         exchange_begin(x, 200, "text/event-stream");
 *         …later: if (exchange_write(x, piece) > EXCHANGE_QUEUE) wait for on_writable
 *         exchange_end(x);
 *     }
 *
 * Life: from on_head on the exchange is the owner's until he completes the response (exchange_reply,
 * _reply_blob, _error, _end, _upgrade) or on_gone comes: exactly one of the two ends it, and the
 * pointer is dead after it. on_gone tells that the client left, was too slow or too big, or that the
 * server closes; it comes exactly once, only after exchange_read_body or exchange_stream_body, and
 * never from inside an exchange_ call. on_head must not return without an answer or one of these two.
 *
 * Back-pressure: a producer of a streamed response stops when exchange_write returns more than
 * EXCHANGE_QUEUE and goes on at on_writable. A reader that stays above it for 5 s is dropped; so is one
 * at once whose producer has not stopped at 16 times that. The next request of a connection waits until
 * the queue is below it again.
 */
#pragma once

#include "base/mem.h"
#include "server/loop/sock.h"
#include "server/net/http.h"

constexpr uint32_t EXCHANGE_QUEUE = 64 * 1024;

struct exchange;
struct ws;
struct ws_events;

struct exchange_events {
    /* The whole body (after exchange_read_body); borrowed for the call. */
    void (*on_request)(struct exchange *x, void *arg, struct str body);
    /* The body as it comes (after exchange_stream_body); on_body_end after its last byte. */
    void (*on_body)(struct exchange *x, void *arg, struct str bytes);
    void (*on_body_end)(struct exchange *x, void *arg);
    void (*on_gone)(struct exchange *x, void *arg);
    void (*on_writable)(struct exchange *x, void *arg); /* may be NULL */
};

/* The request; slices live as long as the exchange. */
const struct http_head *exchange_head(const struct exchange *x);
const struct sock_peer *exchange_peer(const struct exchange *x);
struct loop *exchange_loop(const struct exchange *x);
uint32_t exchange_ping_ms(const struct exchange *x); /* how often a silent stream says something */

/* In on_head, once. A body above `cap` bytes is answered with 413 (and on_gone comes). Both also
 * serve requests without a body. `events` must outlive the exchange. */
void exchange_read_body(struct exchange *x, size_t cap, const struct exchange_events *events,
                        void *arg);
void exchange_stream_body(struct exchange *x, size_t cap, const struct exchange_events *events,
                          void *arg);
/* Stops and resumes the flow of a streamed body: back-pressure towards the client. */
void exchange_pause(struct exchange *x);
void exchange_resume(struct exchange *x);

/* A further response header, before the response begins. Names are the program's; a value that is not
 * printable ASCII (CR, LF, NUL…) is refused with ERR_INVALID and nothing is added. ERR_NOMEM. */
enum err exchange_set(struct exchange *x, const char *name, struct str value);

/* The whole response. HEAD gets its headers only. `type` NULL: no body, no Content-Type. */
void exchange_reply(struct exchange *x, int status, const char *type, struct str body);
void exchange_reply_blob(struct exchange *x, int status, const char *type, struct blob *body);
/* {"error":{"message","type","code","param"}} with err's status, Retry-After: 1 on 429 and 503 unless it
 * was set, and what 426 asks for (a WebSocket). `message` NULL: err_text; `param` NULL: null. */
void exchange_error(struct exchange *x, enum err err, const char *message, const char *param);

/* A streamed response (chunked; HTTP/1.0 gets it until the connection closes). exchange_write
 * returns what is queued, in bytes; with HEAD the body is dropped. */
void exchange_begin(struct exchange *x, int status, const char *type);
size_t exchange_write(struct exchange *x, struct str bytes);
size_t exchange_queued(const struct exchange *x);
void exchange_end(struct exchange *x);
/* Ends a streamed response that cannot be completed: the client sees a cut connection. */
void exchange_abort(struct exchange *x);
/* The same, but on_gone comes, in the next step. */
void exchange_doom(struct exchange *x);
bool exchange_begun(const struct exchange *x); /* has a response been started? */

/* Turns the connection into a WebSocket (RFC 6455): answers 101 and ends the exchange. Only when
 * head->wants_websocket; ERR_INVALID (wrong key, or a version other than 13: a header then says
 * so) and ERR_NOMEM leave the exchange to be answered. `protocol` NULL, or the subprotocol that was chosen. Messages
 * above `max_message` bytes close the socket with 1009. */
enum err exchange_upgrade(struct exchange *x, const char *protocol, size_t max_message,
                          const struct ws_events *events, void *arg, struct ws **ret_ws);
