// SPDX-License-Identifier: Apache-2.0
/*
 * A small blocking HTTP client for the command line, which talks to a running server through its
 * Unix socket. Wraps curl, whose header appears in client.c only. Any thread, one at a time per
 * object. Not for addresses that clients give (TRUST R6).
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "server/net/sse_reader.h"
#include "server/net/ws.h"

struct client;
/* `socket_path` of a server, or NULL and `base_url` "http://127.0.0.1:8600". */
enum err client_create(const char *socket_path, const char *base_url, struct client **ret_client);
void client_destroy(struct client *c); /* takes NULL */

/* Gets the body as it comes; another return than OK stops the request and comes back from it. */
typedef enum err (*client_body_fn)(void *arg, struct str bytes);
struct client_request {
    const char *method, *path;
    const char *const *headers; /* NULL-terminated "Name: value", or NULL */
    struct str body;
    uint32_t timeout_ms; /* for the whole; 0: none */
};
/* OK also for 4xx and 5xx (look at *ret_status, which is known when on_body is called). ERR_NOTFOUND: nobody
 * listens; ERR_TIMEOUT; ERR_IO. */
enum err client_do(struct client *c, const struct client_request *r, client_body_fn on_body,
                   void *arg, int *ret_status);

/* A WebSocket as a client. `fd` may be polled; ws_client_read waits up to timeout_ms. */
struct ws_client;
enum err ws_client_open(struct client *c, const char *path, struct ws_client **ret_ws);
int ws_client_fd(const struct ws_client *w);
enum err ws_client_send(struct ws_client *w, enum ws_op op, struct str payload);
/* ERR_TIMEOUT: nothing came; ERR_CLOSED after the close (code in ret_message). */
enum err ws_client_read(struct ws_client *w, uint32_t timeout_ms, struct ws_message *ret_message);
void ws_client_close(struct ws_client *w); /* takes NULL */
