// SPDX-License-Identifier: Apache-2.0
/*
 * The way from a command to the server of its data directory: DATA/server.sock. When nobody listens
 * there, a private server is started for the time of the command: the same program, listening on that
 * socket only. Other commands may come to use it as well; it ends when the command that started it has
 * ended, however, and the last of the others.
 */
#pragma once

#include "server/cli/cli.h"
#include "server/net/client.h"

struct connection;
/* Waits until the server can answer (its engines and the first documents are there). CONNECT_SETTLED is content with one
 * whose engines do not run: after 5 s, or 20 s while one still starts; CONNECT_ALIVE with one that lives. On failure a
 * sentence was printed; the result is the exit code. */
enum connect_mode : uint8_t { CONNECT_READY, CONNECT_SETTLED, CONNECT_ALIVE };
int connect_server(const struct cli *c, enum connect_mode mode, struct connection **ret_connection);
void disconnect_server(struct connection *k); /* takes NULL */
struct client *connection_client(const struct connection *k);
bool connection_is_private(const struct connection *k); /* the server is ours */

/* One request with a JSON answer of at most 64 MiB. Prints the server's sentence on an error. */
int connection_json(const struct cli *c, struct connection *k, const char *method, const char *path,
                    const char *content_type, struct str body, struct buf *ret_answer);
/* A GET whose status is the caller's business. */
enum err connection_get(struct connection *k, const char *path, struct buf *ret_answer,
                        int *ret_status);
/* Prints what a refused request says; returns EXIT_FAILED. */
int connection_refused(const struct cli *c, int status, struct str answer);
