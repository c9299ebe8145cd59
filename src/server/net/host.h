// SPDX-License-Identifier: Apache-2.0
/*
 * Who may speak to the server through a browser: the Host allow-list (against DNS rebinding) and the
 * Origin check (against other sites' scripts), on every non-GET request and every WebSocket. Pure
 * after creation. Loopback is no boundary against browsers.
 *
 * Host: 127.0.0.1, [::1] and localhost with any port while every listener is on loopback, and the
 * configured names, with their port or, without one, with any. Nothing configured and not bound to
 * loopback: any Host (the key guards). For requests through a Unix socket there is nothing to ask.
 * Origin: absent (no browser), or of the same host and port as the Host, or configured. "null" is
 * refused.
 */
#pragma once

#include "base/err.h"
#include "server/net/http.h"

struct host_rules;
/* `hosts` and `origins` separated by commas: "chat.example.org, 10.0.0.5:8600" and
 * "https://example.org". ERR_INVALID for anything else. */
enum err host_rules_create(bool loopback, struct str hosts, struct str origins,
                           struct host_rules **ret_rules);
void host_rules_destroy(struct host_rules *r); /* takes NULL */

/* ERR_DENIED, with a sentence for the client in *ret_why (static). */
enum err host_check(const struct host_rules *r, const struct http_head *head, const char **ret_why);
bool host_allowed(const struct host_rules *r, struct str host);
bool origin_allowed(const struct host_rules *r, struct str origin, struct str host);
