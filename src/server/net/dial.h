// SPDX-License-Identifier: Apache-2.0
/*
 * A connection of our own over plain TCP to "HOST:PORT", which the operator has configured. The name is looked up and its
 * addresses are tried by libcurl (net/fetch), so nobody waits for either and no thread of ours is needed. Loop thread.
 *
 *     try(dial_start(fetcher, loop, &(struct dial_request){"127.0.0.1:10300", 5000}, on_dialled, self, &d));
 *     … on_dialled(self, s, &result), exactly once, never from inside of dial_start
 *     dial_cancel(d);                           // or this; then it does not come
 */
#pragma once

#include "server/net/fetch.h"

struct dial;
struct sock;

struct dial_request {
    const char *address; /* see dial_check; copied */
    uint32_t connect_ms; /* for the name and the connection together */
};

/* `s` is the owner's, who gives it events at once (sock_set_owner). NULL: `result` says why, with the errors of a
 * fetch. With it the dial is gone. */
typedef void (*dial_fn)(void *arg, struct sock *s, const struct fetch_result *result);

/* ERR_INVALID: no address; ERR_NOMEM. */
enum err dial_start(struct fetcher *m, struct loop *loop, const struct dial_request *request,
                    dial_fn fn, void *arg, struct dial **ret_d);
void dial_cancel(struct dial *d); /* takes NULL */

/* A name or address, a colon, a port, nothing else; IPv6 in brackets. ERR_INVALID, ERR_NOMEM. */
enum err dial_check(const char *address);
