// SPDX-License-Identifier: Apache-2.0
#include "server/models/download.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "server/loop/loop.h"
#include "server/net/fetch.h"
#include "server/net/fetch_url.h"

enum {
    HOPS_MAX = 3,
    CONNECTIONS_MAX = 20, /* of one download, redirects not counted */
    WAITS_MAX = 3,
    WAIT_MAX_S = 30, /* more patience is the operator's to have */
    CONNECT_MAX_MS = 15000,
    HTTPS_PORT = 443,
};
/* What others on the disk, the documents above all, are left, or of a small disk a 20th; and of a file whose size
 * nobody stated, how often that is looked at, and how long it may get. */
constexpr double RESERVE_BYTES = 256e6;
constexpr int64_t LOOK_EVERY_BYTES = 64 << 20;
constexpr int64_t UNSTATED_MAX_BYTES = 256LL << 30;

struct download {
    struct fetcher *fetcher;
    const struct download_events *events;
    void *arg;
    struct download_request request;
    struct buf url; /* of this hop */
    struct url_parts first, here;
    struct fetch *fetch; /* NULL: none under way */
    struct part *part;   /* NULL: what it will be is not known yet */
    struct timer timer;  /* without a fetch until its beginning, with one the end of patience */
    struct hub_facts is;
    unsigned hops, connections, waits;
    int64_t came;     /* bytes of this connection */
    bool is_body;     /* what comes is the file */
    bool is_resumed;  /* some of it came by an earlier connection */
    bool is_repeated; /* it was begun anew because the whole was wrong */
};

static void ask(struct download *d);

/* --- the end --- */

static void stop_fetch(struct download *d)
{
    fetch_cancel(d->fetch);
    d->fetch = nullptr;
    timer_stop(&d->timer);
}

void download_cancel(struct download *d)
{
    if (!d)
        return;
    stop_fetch(d);
    part_close(d->part);
    buf_finish(&d->url);
    free(d);
}

static void finish(struct download *d, const struct download_result *result)
{
    const struct download_events *events = d->events;
    void *arg = d->arg;
    if (result->err == OK)
        d->part = nullptr; /* the receiver's */
    download_cancel(d);
    events->done(arg, result);
}

__attribute__((format(printf, 4, 5))) static void fail(struct download *d, enum err err, int status,
                                                       const char *fmt, ...)
{
    struct download_result result = {.err = err, .status = status, .is = d->is};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(result.why, sizeof result.why, fmt, ap);
    va_end(ap);
    finish(d, &result);
}

static void fail_by_disk(struct download *d, enum err err)
{
    if (err == ERR_NOSPACE)
        fail(d, err, 0,
             "the disk is full at %.200s; make room and try again, what has come is kept",
             d->request.folder);
    else
        fail(d, err, 0, "%.200s/.part cannot be written (%s); look at its rights",
             d->request.folder, err_text(err));
}

/* --- a new try --- */

static void ask_again_after(struct download *d, uint64_t ms)
{
    stop_fetch(d);
    buf_clear(&d->url);
    if (buf_add(&d->url, str_of(d->request.url)) != OK)
        return fail(d, ERR_NOMEM, 0, "there is not enough memory; end some programs and try again");
    d->hops = 0;
    timer_start(&d->timer, ms);
}

static void begin_anew(struct download *d)
{
    enum err err = part_restart(d->part);
    if (err != OK)
        return fail_by_disk(d, err);
    d->is_resumed = false;
    if (++d->connections > CONNECTIONS_MAX)
        return fail(d, ERR_IO, 0,
                    "%.100s does not send the file from where it is asked to; try again later",
                    d->here.host);
    ask_again_after(d, 0);
}

/* The connection is gone before its end. */
static void go_on(struct download *d, enum err err, const char *why)
{
    bool has_brought = d->came > 0;
    d->came = 0;
    if (has_brought && ++d->connections <= CONNECTIONS_MAX)
        return ask_again_after(d, 0);
    fail(d, err, 0, "the connection to %.100s broke (%.120s); try again, what has come is kept",
         d->here.host, why);
}

/* --- what answers mean --- */

static void follow(struct download *d)
{
    autobuf next = BUF(URL_MAX);
    struct str location = str_trim(fetch_header(d->fetch, "Location"));
    enum err err = location.n ? url_follow(d->url.p, location, &next) : ERR_INVALID;
    int status = fetch_status(d->fetch);
    stop_fetch(d);
    if (err == OK && ++d->hops > HOPS_MAX)
        return fail(d, ERR_DENIED, status, "%.100s redirects on and on; look at the address",
                    d->here.host);
    if (err != OK || !buf_z(&next))
        return fail(d, ERR_IO, status, "%.100s redirects to no address (HTTP %d); try again later",
                    d->here.host, status);
    struct buf old = d->url;
    d->url = next;
    next = old;
    ask(d);
}

static void refuse(struct download *d, int status)
{
    const char *host = d->here.host;
    if (status == 401 && !d->request.token[0])
        return fail(
            d, ERR_AUTH, status,
            "%.100s wants to know who asks (HTTP 401): the file is not there or not free for all",
            host);
    if (status == 401)
        return fail(d, ERR_AUTH, status,
                    "%.100s does not accept the token (HTTP 401); make a new one", host);
    if (status == 403)
        return fail(d, ERR_DENIED, status, "%.100s does not give this file to you (HTTP 403)",
                    host);
    if (status == 404 || status == 410)
        return fail(d, ERR_NOTFOUND, status,
                    "there is no such file at %.100s (HTTP %d); check its name", host, status);
    fail(d, ERR_IO, status, "%.100s refuses the file (HTTP %d); try again later", host, status);
}

static void wait_or_refuse(struct download *d, int status)
{
    int64_t s = header_number(fetch_header(d->fetch, "Retry-After"), 1);
    if (s <= WAIT_MAX_S && d->waits++ < WAITS_MAX)
        return ask_again_after(d, (uint64_t)s * 1000);
    if (status == 429)
        return fail(d, ERR_RATE, status, "%.100s is asked too much (HTTP 429); try again in %lld s",
                    d->here.host, (long long)(s > 1 ? s : 60));
    fail(d, ERR_BUSY, status, "%.100s has failed (HTTP %d); try again later", d->here.host, status);
}

/* What the hub states of the file; false: the download has failed. */
static bool learn(struct download *d)
{
    struct hub_facts f;
    hub_facts_read(fetch_header(d->fetch, "X-Linked-Etag"), fetch_header(d->fetch, "X-Linked-Size"),
                   fetch_header(d->fetch, "X-Repo-Commit"), &f);
    if (f.commit[0])
        memcpy(d->is.commit, f.commit, sizeof f.commit);
    if (f.sha256[0] && d->is.sha256[0] && strcmp(f.sha256, d->is.sha256) != 0) {
        fail(
            d, ERR_INVALID, 0,
            "%.100s states another SHA-256 for the file than is expected (%.64s, not %.64s); it is not the same file",
            d->here.host, f.sha256, d->is.sha256);
        return false;
    }
    if (f.size && d->is.size && f.size != d->is.size) {
        fail(
            d, ERR_INVALID, 0,
            "%.100s states another size for the file than is expected (%lld bytes, not %lld); it is not the same file",
            d->here.host, (long long)f.size, (long long)d->is.size);
        return false;
    }
    if (f.sha256[0])
        memcpy(d->is.sha256, f.sha256, sizeof f.sha256);
    if (f.size)
        d->is.size = f.size;
    return true;
}

/* --- the file --- */

/* False: the download has failed. */
static bool has_room(struct download *d, int64_t need)
{
    struct statvfs disk;
    if (statvfs(d->request.folder, &disk) != 0)
        return true;
    double reserve = (double)disk.f_blocks * (double)disk.f_frsize / 20;
    reserve = reserve < RESERVE_BYTES ? reserve : RESERVE_BYTES;
    double room = (double)disk.f_bavail * (double)disk.f_frsize - reserve;
    if ((double)need <= room)
        return true;
    fail(
        d, ERR_NOSPACE, 0,
        "the file needs %.1f MB more than are free at %.200s, where %.1f MB are left for others; make room and try again",
        ((double)need - room) / 1e6, d->request.folder, reserve / 1e6);
    return false;
}

/* More of a file whose size nobody stated; false: the download has failed. */
static bool may_grow(struct download *d, int64_t by)
{
    int64_t size = part_size(d->part);
    if (size + by > UNSTATED_MAX_BYTES) {
        part_discard(d->part);
        fail(d, ERR_TOOBIG, 0, "%.100s sends on and on; it was thrown away", d->here.host);
        return false;
    }
    return size / LOOK_EVERY_BYTES == (size + by) / LOOK_EVERY_BYTES || has_room(d, by);
}

/* Opens what an earlier try has left; false: the download has failed. */
static bool open_part(struct download *d)
{
    if (d->part)
        return true;
    enum err err = part_open(d->request.folder, d->is.sha256, &d->part);
    if (err == OK && d->is.size && part_size(d->part) > d->is.size)
        err = part_restart(d->part);
    if (err != OK)
        fail_by_disk(d, err);
    return err == OK;
}

static void judge_whole(struct download *d)
{
    bool is_whole;
    enum err err = part_is_whole(d->part, d->is.size, &is_whole);
    if (err != OK)
        return fail(d, err, 0, "there is not enough memory; end some programs and try again");
    d->is.size = part_size(d->part);
    if (is_whole)
        return finish(d, &(struct download_result){.part = d->part, .is = d->is});
    if (d->is_resumed && !d->is_repeated) {
        d->is_repeated = true;
        d->is.size = d->request.size;
        return begin_anew(d);
    }
    part_discard(d->part);
    if (!d->is.size)
        return fail(d, ERR_INVALID, 0, "%.100s sent an empty file, which is no model",
                    d->here.host);
    fail(
        d, ERR_INVALID, 0,
        "what %.100s sent is not the file that was meant: its SHA-256 is not %.64s; it was thrown away",
        d->here.host, d->is.sha256);
}

/* 200 or 206: sees that what comes is what is missing. */
static void accept_file(struct download *d, int status)
{
    if (!d->is.sha256[0])
        return fail(
            d, ERR_UNSUPPORTED, 0,
            "%.100s does not state the file's SHA-256; write it behind the source: sha256:…",
            d->here.host);
    bool is_known = d->part;
    if (!open_part(d))
        return;
    int64_t there = part_size(d->part), from = 0;
    int64_t total = header_number(fetch_header(d->fetch, "Content-Length"), 0);
    if (status == 200 && there && !is_known)
        return ask_again_after(d, 0); /* for the rest of it alone */
    if (status == 206 &&
        (!content_range_read(fetch_header(d->fetch, "Content-Range"), &from, &total) ||
         from != there))
        return begin_anew(d);
    if (total && d->is.size && total != d->is.size)
        return fail(d, ERR_INVALID, 0,
                    "%.100s would send %lld bytes in the place of %lld; it is not the same file",
                    d->here.host, (long long)total, (long long)d->is.size);
    enum err err = status == 200 && there ? part_restart(d->part) : OK;
    if (err == OK && status == 200)
        err = part_set_etag(d->part, fetch_header(d->fetch, "ETag"));
    if (err != OK)
        return fail_by_disk(d, err);
    d->is_resumed = status == 206;
    if (total)
        d->is.size = total;
    if (has_room(d, d->is.size ? d->is.size - part_size(d->part) : 0))
        d->is_body = true; /* otherwise it is over, and gone */
}

static void on_head(void *arg)
{
    struct download *d = arg;
    int status = fetch_status(d->fetch);
    timer_start(&d->timer, d->request.silence_ms);
    if (d->request.is_hub && url_is_same_place(&d->first, &d->here) && status < 400 && !learn(d))
        return;
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
        follow(d);
    else if (status == 200 || status == 206)
        accept_file(d, status);
    else if (status == 416 && d->part && part_size(d->part))
        begin_anew(d);
    else if (status == 429 || status >= 500)
        wait_or_refuse(d, status);
    else
        refuse(d, status);
}

static void on_body(void *arg, struct str bytes)
{
    struct download *d = arg;
    timer_start(&d->timer, d->request.silence_ms);
    if (!d->is_body)
        return;
    if (d->is.size && part_size(d->part) + (int64_t)bytes.n > d->is.size) {
        part_discard(d->part);
        return fail(d, ERR_INVALID, 0,
                    "%.100s sends more than the %lld bytes that the file has; it was thrown away",
                    d->here.host, (long long)d->is.size);
    }
    if (!d->is.size && !may_grow(d, (int64_t)bytes.n))
        return;
    enum err err = part_write(d->part, bytes);
    if (err != OK)
        return fail_by_disk(d, err);
    d->came += (int64_t)bytes.n;
    d->events->progress(d->arg, part_size(d->part), d->is.size);
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct download *d = arg;
    d->fetch = nullptr;
    timer_stop(&d->timer);
    if (result->err == ERR_DENIED)
        return fail(
            d, ERR_DENIED, 0,
            "%.100s has no public address; if it is a machine of your own, name it in fetch.allow",
            d->here.host);
    if (result->err == ERR_NOTFOUND)
        return fail(
            d, ERR_NOTFOUND, 0,
            "%.100s cannot be reached (%.120s); look at the network, HTTPS_PROXY is honoured",
            d->here.host, result->why);
    if (result->err != OK)
        return go_on(d, result->err, result->why);
    if (d->is.size && part_size(d->part) < d->is.size)
        return go_on(d, ERR_CLOSED, "it ended too early");
    judge_whole(d);
}

/* --- asking --- */

static uint32_t connect_ms(const struct download *d)
{
    return d->request.silence_ms < CONNECT_MAX_MS ? d->request.silence_ms : CONNECT_MAX_MS;
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

static void ask(struct download *d)
{
    if (d->part && d->is.size && part_size(d->part) == d->is.size) {
        d->is_resumed = true;
        return judge_whole(d);
    }
    enum err err = buf_z(&d->url) ? url_read(d->url.p, &d->here) : ERR_NOMEM;
    if (err != OK)
        return fail(d, err, 0, "a redirect leads to no address of the web (%s)", err_text(err));
    bool is_own = d->request.is_hub && url_is_same_place(&d->first, &d->here);
    bool is_allowed = is_own || url_is_listed(&d->here, d->request.allow);
    if (!d->here.is_https && !is_allowed)
        return fail(
            d, ERR_DENIED, 0,
            "%.100s would be asked without encryption; take an https address, or name a machine of your own in fetch.allow",
            d->here.host);
    if (d->hops && d->here.port != HTTPS_PORT && !is_allowed &&
        !url_is_same_place(&d->first, &d->here))
        return fail(
            d, ERR_DENIED, 0,
            "a redirect leads to port %u of %.100s; if it is a machine of your own, name it in fetch.allow",
            d->here.port, d->here.host);
    err = start_fetch(d, is_allowed);
    if (err != OK)
        return fail(d, err, 0, "%.100s cannot be asked (%s); try again", d->here.host,
                    err_text(err));
    timer_start(&d->timer, d->request.silence_ms + connect_ms(d));
}

static void on_time(void *arg)
{
    struct download *d = arg;
    if (!d->fetch) {
        if (d->is.sha256[0] && !open_part(d))
            return;
        return ask(d);
    }
    stop_fetch(d);
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
