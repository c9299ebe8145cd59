// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "server/models/download_parts.h"

enum {
    CONNECTIONS_MAX = 20, /* of one download, redirects not counted */
    CONNECT_MAX_MS = 15000,
    HTTPS_PORT = 443,
};
/* --- the end --- */

void download_stop(struct download *d)
{
    fetch_cancel(d->fetch);
    d->fetch = nullptr;
    timer_stop(&d->timer);
}

void download_cancel(struct download *d)
{
    if (!d)
        return;
    download_stop(d);
    part_close(d->part);
    buf_finish(&d->url);
    free(d);
}

void download_finish(struct download *d, const struct download_result *result)
{
    const struct download_events *events = d->events;
    void *arg = d->arg;
    if (result->err == OK)
        d->part = nullptr; /* the receiver's */
    download_cancel(d);
    events->done(arg, result);
}

void download_fail(struct download *d, enum err err, int status, const char *fmt, ...)
{
    struct download_result result = {.err = err, .status = status, .is = d->is};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(result.why, sizeof result.why, fmt, ap);
    va_end(ap);
    download_finish(d, &result);
}

void download_fail_by_disk(struct download *d, enum err err)
{
    if (err == ERR_NOSPACE)
        download_fail(d, err, 0,
                      "the disk is full at %.200s; make room and try again, what has come is kept",
                      d->request.folder);
    else
        download_fail(d, err, 0, "%.200s/.part cannot be written (%s); look at its rights",
                      d->request.folder, err_text(err));
}

/* --- a new try --- */

void download_ask_again(struct download *d, uint64_t after_ms)
{
    download_stop(d);
    buf_clear(&d->url);
    if (buf_add(&d->url, str_of(d->request.url)) != OK)
        return download_fail(d, ERR_NOMEM, 0,
                             "there is not enough memory; end some programs and try again");
    d->hops = 0;
    timer_start(&d->timer, after_ms);
}

void download_begin_anew(struct download *d)
{
    enum err err = part_restart(d->part);
    if (err != OK)
        return download_fail_by_disk(d, err);
    d->is_resumed = false;
    if (++d->connections > CONNECTIONS_MAX)
        return download_fail(
            d, ERR_IO, 0,
            "%.100s does not send the file from where it is asked to; try again later",
            d->here.host);
    download_ask_again(d, 0);
}

/* The connection is gone before its end. */
static void go_on(struct download *d, enum err err, const char *why)
{
    bool has_brought = d->came > 0;
    d->came = 0;
    if (has_brought && ++d->connections <= CONNECTIONS_MAX)
        return download_ask_again(d, 0);
    download_fail(d, err, 0,
                  "the connection to %.100s broke (%.120s); try again, what has come is kept",
                  d->here.host, why);
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct download *d = arg;
    d->fetch = nullptr;
    timer_stop(&d->timer);
    if (result->err == ERR_DENIED)
        return download_fail(
            d, ERR_DENIED, 0,
            "%.100s has no public address; if it is a machine of your own, name it in fetch.allow",
            d->here.host);
    if (result->err == ERR_NOTFOUND)
        return download_fail(
            d, ERR_NOTFOUND, 0,
            "%.100s cannot be reached (%.120s); look at the network, HTTPS_PROXY is honoured",
            d->here.host, result->why);
    if (result->err != OK)
        return go_on(d, result->err, result->why);
    if (d->is.size && part_size(d->part) < d->is.size)
        return go_on(d, ERR_CLOSED, "it ended too early");
    download_judge(d);
}

/* --- asking --- */

static uint32_t connect_ms(const struct download *d)
{
    return d->request.silence_ms < CONNECT_MAX_MS ? d->request.silence_ms : CONNECT_MAX_MS;
}

static void on_head(void *arg)
{
    struct download *d = arg;
    timer_start(&d->timer, d->request.silence_ms);
    download_take_head(d);
}

static void on_body(void *arg, struct str bytes)
{
    struct download *d = arg;
    timer_start(&d->timer, d->request.silence_ms);
    if (d->is_body)
        download_take_body(d, bytes);
}

static enum err start_fetch(struct download *d, bool is_allowed)
{
    static const struct fetch_events events = {.head = on_head, .body = on_body, .done = on_done};
    char range[64], if_range[ETAG_BYTES + 16];
    const char *headers[3] = {};
    size_t n = 0;
    if (d->part && part_size(d->part)) {
        snprintf(range, sizeof range, "Range: bytes=%lld-", (long long)part_size(d->part));
        headers[n++] = range;
        snprintf(if_range, sizeof if_range, "If-Range: %s", part_etag(d->part));
        if (part_etag(d->part)[0])
            headers[n++] = if_range;
    }
    bool is_first = url_is_same_place(&d->first, &d->here);
    const struct fetch_request request = {
        .url = d->url.p,
        .key = is_first ? d->request.token : "",
        .connect_ms = connect_ms(d),
        .is_fresh = true,
        .is_public = !is_allowed,
        .headers = headers,
    };
    d->is_body = false;
    d->came = 0;
    return fetch_start(d->fetcher, &request, &events, d, &d->fetch);
}

void download_ask(struct download *d)
{
    if (d->part && d->is.size && part_size(d->part) == d->is.size) {
        d->is_resumed = true;
        return download_judge(d);
    }
    enum err err = buf_z(&d->url) ? url_read(d->url.p, &d->here) : ERR_NOMEM;
    if (err != OK)
        return download_fail(d, err, 0, "a redirect leads to no address of the web (%s)",
                             err_text(err));
    bool is_own = d->request.is_hub && url_is_same_place(&d->first, &d->here);
    bool is_allowed = is_own || url_is_listed(&d->here, d->request.allow);
    if (!d->here.is_https && !is_allowed)
        return download_fail(
            d, ERR_DENIED, 0,
            "%.100s would be asked without encryption; take an https address, or name a machine of your own in fetch.allow",
            d->here.host);
    if (d->hops && d->here.port != HTTPS_PORT && !is_allowed &&
        !url_is_same_place(&d->first, &d->here))
        return download_fail(
            d, ERR_DENIED, 0,
            "a redirect leads to port %u of %.100s; if it is a machine of your own, name it in fetch.allow",
            d->here.port, d->here.host);
    err = start_fetch(d, is_allowed);
    if (err != OK)
        return download_fail(d, err, 0, "%.100s cannot be asked (%s); try again", d->here.host,
                             err_text(err));
    timer_start(&d->timer, d->request.silence_ms + connect_ms(d));
}

static void on_time(void *arg)
{
    struct download *d = arg;
    if (!d->fetch) {
        if (download_knows_hash(d) && !d->request.facts_only && !download_open_part(d))
            return;
        return download_ask(d);
    }
    download_stop(d);
    go_on(d, ERR_TIMEOUT, "nothing came any more");
}

enum err download_start(struct loop *loop, struct fetcher *fetcher,
                        const struct download_request *request,
                        const struct download_events *events, void *arg, struct download **ret_d)
{
    struct download *d = mem_zero(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    *d = (struct download){.fetcher = fetcher,
                           .events = events,
                           .arg = arg,
                           .request = *request,
                           .url = BUF(URL_MAX),
                           .is.size = request->size};
    timer_init(&d->timer, loop, on_time, d);
    snprintf(d->is.sha256, sizeof d->is.sha256, "%s", request->sha256);
    snprintf(d->is.git, sizeof d->is.git, "%s", request->git);
    enum err err = url_read(request->url, &d->first);
    d->here = d->first;
    if (err == OK)
        err = buf_add(&d->url, str_of(request->url));
    if (err != OK) {
        download_cancel(d);
        return err;
    }
    timer_start(&d->timer, 0);
    *ret_d = d;
    return OK;
}
