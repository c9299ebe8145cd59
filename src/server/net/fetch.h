// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP requests of the server's own to addresses that its operator has configured, on the loop: libcurl's
 * multi interface, whose sockets and timer the loop watches. Loop thread only. Addresses that others chose, such
 * as those that redirects lead to, are asked with `is_public` (TRUST R6).
 *
 *     try(fetcher_create(loop, &m));
 *     try(fetch_start(m, &(struct fetch_request){.url = …}, &events, self, &f));
 *     … events.body(self, bytes) … events.done(self, &result), exactly once
 *     fetcher_destroy(m);                       // after its fetches
 *
 * No callback fires from inside a call, and none after fetch_cancel; an owner may cancel in any callback,
 * and holds either a live fetch or NULL: with `done` it is gone. Redirects are not followed, certificates
 * are verified, and a proxy that the environment names is asked unless the host is this machine.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct loop;
struct fetcher;
struct fetch;

enum err fetcher_create(struct loop *loop, struct fetcher **ret_m);
void fetcher_destroy(struct fetcher *m); /* takes NULL */

struct fetch_request {
    const char *url;     /* see fetch_check_url; copied */
    const char *key;     /* of "Authorization: Bearer", or ""; copied */
    struct str body;     /* what is posted; empty: a GET. Borrowed until the fetch is gone */
    const char *type;    /* of the body; NULL: application/json. Copied */
    uint32_t connect_ms; /* for the name, the connection and TLS together */
    /* By a new connection. One that was kept and is found closed before a byte has come is replaced in silence. */
    bool is_fresh;
    /* Only by addresses of the public Internet (net/public_address.h), or by a proxy that the environment names, which
     * then is the one to judge. ERR_DENIED when there are none such. */
    bool is_public;
    /* The connection alone, as far as TCP: nothing is sent, no proxy asked, and fetch_result.fd is it. */
    bool is_dial;
    const char *const
        *headers; /* further lines, such as "Range: bytes=5-", up to NULL; NULL: none. Copied */
};
struct fetch_result {
    enum err
        err; /* OK: the answer is whole, whatever its status. ERR_TIMEOUT, ERR_NOMEM, ERR_CLOSED: cut;
                   * ERR_NOTFOUND: no connection; ERR_DENIED: none that is allowed; ERR_IO: what came is no HTTP, or TLS failed */
    int status; /* 0: none came */
    int fd;     /* with is_dial and OK: connected, and the owner's from now on; else -1 */
    uint32_t retry_after_s;
    char why[120]; /* of err, for the log; "" with OK */
};
struct fetch_events {
    void (*head)(
        void *
            arg); /* optional: fetch_status and fetch_header are known; once, before body and done */
    void (*body)(void *arg, struct str bytes); /* fetch_status is known by then */
    void (*done)(void *arg, const struct fetch_result *result);
};

enum err fetch_start(struct fetcher *m, const struct fetch_request *request,
                     const struct fetch_events *events, void *arg, struct fetch **ret_f);
void fetch_cancel(struct fetch *f); /* closes its connection; takes NULL */
int fetch_status(const struct fetch *f);
/* What the answer says in this header; empty: nothing. Good until more comes. */
struct str fetch_header(const struct fetch *f, const char *name);
/* Is the answer of this type, such as "text/event-stream", whatever its parameters? */
bool fetch_is(const struct fetch *f, const char *type);

/* http or https, a host, perhaps a path; no name, password, query or fragment. ERR_INVALID. */
enum err fetch_check_url(const char *url);
/* Fit for "Authorization: Bearer", or "". ERR_INVALID. */
enum err fetch_check_key(const char *key);
