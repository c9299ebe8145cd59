// SPDX-License-Identifier: Apache-2.0
/*
 * The HTTP server: listeners, limits, counters, and all connections. Loop thread.
 *
 *     struct front_limits limits = FRONT_LIMITS;
 *     try(front_create(loop, &limits, on_head, me, &front));
 *     try(front_listen_tcp(front, S("127.0.0.1"), 8600));
 *     puts(front_address(front, 0));
 *
 * Every request of every connection comes to on_head (see net/exchange.h), pipelined ones one after
 * another. The front itself answers what never becomes a request: malformed bytes, too many
 * connections (503), late headers (408).
 */
#pragma once

#include <stdint.h>

#include "server/net/exchange.h"

struct front;
struct tls;
typedef void (*front_fn)(void *arg, struct exchange *x);

struct front_limits {
    uint32_t connections; /* at once; more get 503 */
    uint32_t header_ms;   /* from the first byte (or the accept) to the end of the headers: 408 */
    uint32_t body_ms;     /* for a body, and again while it comes at 16 KB/s or more: 408 */
    uint32_t idle_ms;     /* between requests */
    uint32_t stall_ms;    /* how long a reader may stay above its queue's cap */
    uint32_t ping_ms;     /* WebSocket pings, SSE comments */
    uint64_t body_bytes;  /* whole bodies held at once over all connections: 503 */
};
#define FRONT_LIMITS                                                                               \
    ((struct front_limits){.connections = 12000, .header_ms = 10000, .body_ms = 60000,             \
                           .idle_ms = 75000, .stall_ms = 5000, .ping_ms = 15000,                   \
                           .body_bytes = 256u << 20})

/* Since the start; `_now` are gauges. */
struct net_stats {
    uint64_t connections_now, connections, refused; /* refused: over the limit or out of memory */
    uint64_t requests, requests_now;
    uint64_t responses[6];                      /* by hundreds: [2] is 2xx */
    uint64_t malformed;                         /* requests that were no HTTP */
    uint64_t handshakes_now, handshakes_failed; /* of TLS; late ones are failed ones */
    uint64_t timeouts, slow_readers, gone;      /* gone: left before the response was complete */
    uint64_t websockets_now, websockets;
    uint64_t bytes_in, bytes_out;
    uint64_t body_bytes_now;
};

enum err front_create(struct loop *l, const struct front_limits *limits, front_fn on_head,
                      void *arg, struct front **ret_front);
/* Closes every connection (on_gone, on_close come inside this call) and every listener. Not inside a
 * callback of the front, an exchange or a WebSocket. Takes NULL. */
void front_destroy(struct front *f);

enum err front_listen_tcp(struct front *f, struct str host, uint16_t port);
enum err front_listen_unix(struct front *f, const char *path); /* see listener_open_unix */
/* TCP with TLS. One front has one `tls`, which outlives it. */
enum err front_listen_tls(struct front *f, struct str host, uint16_t port, struct tls *tls);
/* The address of the i-th listener with its real port, or NULL past the last. */
const char *front_address(const struct front *f, unsigned i);
bool front_all_loopback(const struct front *f);

/* Header lines that every response carries ("Name: value\r\n" each): security headers. Copied. */
enum err front_set_headers(struct front *f, struct str lines);

/* Stops listening, closes idle connections, and every other one when its response is complete. */
void front_drain(struct front *f);
const struct net_stats *front_stats(const struct front *f);
