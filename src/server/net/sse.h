// SPDX-License-Identifier: Apache-2.0
/*
 * Server-sent events on an exchange: one encoder, which splits data at CR and LF so that no text can
 * forge an `event:` line, and a comment ping every 15 s. Loop thread. WHATWG HTML, 9.2.
 *
 *     try(sse_open(x, &sse));                       // in or after on_request
 *     if (sse_send(sse, nullptr, 0, json) > EXCHANGE_QUEUE) wait for on_writable
 *     sse_end(sse);                                 // ends the exchange too
 *
 * When on_gone comes the owner calls sse_drop: the exchange is gone, only the sse is freed.
 */
#pragma once

#include "base/json.h"
#include "server/net/exchange.h"

struct sse;
/* Sends the headers (text/event-stream, no-store, X-Accel-Buffering: no). ERR_NOMEM leaves the
 * exchange to be answered. */
enum err sse_open(struct exchange *x, struct sse **ret_sse);
/* `event` NULL: a plain message; `id` 0: none. Returns what is queued; SIZE_MAX when the event cannot be
 * made (no memory, above 1 MiB): on_gone follows. */
size_t sse_send(struct sse *s, const char *event, uint64_t id, struct str data);
/* A plain message: the one object that `j` has begun is ended and sent; when it cannot be, for want of memory,
 * as above. Nothing waits for a reader that is too slow: its connection drops it. */
void sse_send_json(struct sse *s, struct json_out *j);
void sse_end(struct sse *s);  /* takes NULL */
void sse_drop(struct sse *s); /* takes NULL */

/* The encoder alone; pure. `event` must hold no line ends: check()ed. */
enum err sse_encode(struct buf *out, const char *event, uint64_t id, struct str data);
