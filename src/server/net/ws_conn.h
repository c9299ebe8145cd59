// SPDX-License-Identifier: Apache-2.0
/*
 * A WebSocket of the server, on a connection that exchange_upgrade has turned into one. Loop thread.
 *
 * Life: on_close comes exactly once, whoever closes, and the pointer is dead when it returns. It is
 * never called from inside a ws_ call (but from front_destroy). After ws_close no message comes any
 * more; sending is then a no-op.
 *
 * Back-pressure: the ws_send_ functions return what is queued; above WS_QUEUE the owner stops and
 * waits for on_writable. While it is above, the peer's messages are not read; above it for 5 s the
 * peer is closed with 1013, above 16 times that at once. A ping goes out every 15 s; a peer from which
 * nothing came for two of them is dropped (1006). An idle one costs about 0.9 KB.
 */
#pragma once

#include "base/mem.h"
#include "server/net/ws.h"

constexpr uint32_t WS_QUEUE = 64 * 1024;

struct ws;
struct ws_events {
    void (*on_text)(struct ws *ws, void *arg, struct str text);    /* valid UTF-8; borrowed */
    void (*on_binary)(struct ws *ws, void *arg, struct str bytes); /* borrowed */
    void (*on_close)(struct ws *ws, void *arg, uint16_t code);
    void (*on_writable)(struct ws *ws, void *arg); /* may be NULL */
};

size_t ws_send_text(struct ws *ws, struct str text);
/* One binary message made of `head` and then `body` (may be NULL), which is not copied. */
size_t ws_send_binary(struct ws *ws, struct str head, struct blob *body);
size_t ws_queued(const struct ws *ws);
/* Sends a close frame and waits up to 2 s for the peer's. `reason` at most 123 bytes of UTF-8, cut. */
void ws_close(struct ws *ws, uint16_t code, const char *reason);
/* Stops and resumes the reading of messages; pings are answered again after the resume. */
void ws_pause(struct ws *ws);
void ws_resume(struct ws *ws);
