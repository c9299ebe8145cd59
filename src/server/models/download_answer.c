// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/statvfs.h>

#include "server/models/download_parts.h"

enum {
    HOPS_MAX = 3,
    WAITS_MAX = 3,
    WAIT_MAX_S = 30, /* more patience is the operator's to have */
};
/* What others on the disk, the documents above all, are left, or of a small disk a 20th; and of a file whose size
 * nobody stated, how often that is looked at, and how long it may get. The hub keeps in Git what is smaller by far. */
constexpr double RESERVE_BYTES = 256e6;
constexpr int64_t LOOK_EVERY_BYTES = 64 << 20;
constexpr int64_t UNSTATED_MAX_BYTES = 256LL << 30;
constexpr int64_t GIT_MAX_BYTES = 32 << 20;

bool download_knows_hash(const struct download *d)
{
    return d->is.sha256[0] || d->is.git[0];
}

/* --- what answers mean --- */

static void follow(struct download *d)
{
    autobuf next = BUF(URL_MAX);
    struct str location = str_trim(fetch_header(d->fetch, "Location"));
    enum err err = location.n ? url_follow(d->url.p, location, &next) : ERR_INVALID;
    int status = fetch_status(d->fetch);
    download_stop(d);
    if (err == OK && ++d->hops > HOPS_MAX)
        return download_fail(d, ERR_DENIED, status,
                             "%.100s redirects on and on; look at the address", d->here.host);
    if (err != OK || !buf_z(&next))
        return download_fail(d, ERR_IO, status,
                             "%.100s redirects to no address (HTTP %d); try again later",
                             d->here.host, status);
    struct buf old = d->url;
    d->url = next;
    next = old;
    download_ask(d);
}

static void refuse(struct download *d, int status)
{
    const char *host = d->here.host;
    if (status == 401 && !d->request.token[0])
        return download_fail(
            d, ERR_AUTH, status,
            "%.100s wants to know who asks (HTTP 401): the file is not there or not free for all",
            host);
    if (status == 401)
        return download_fail(d, ERR_AUTH, status,
                             "%.100s does not accept the token (HTTP 401); make a new one", host);
    if (status == 403)
        return download_fail(d, ERR_DENIED, status,
                             "%.100s does not give this file to you (HTTP 403)", host);
    if (status == 404 || status == 410)
        return download_fail(d, ERR_NOTFOUND, status,
                             "there is no such file at %.100s (HTTP %d); check its name", host,
                             status);
    download_fail(d, ERR_IO, status, "%.100s refuses the file (HTTP %d); try again later", host,
                  status);
}

static void wait_or_refuse(struct download *d, int status)
{
    int64_t s = header_number(fetch_header(d->fetch, "Retry-After"), 1);
    if (s <= WAIT_MAX_S && d->waits++ < WAITS_MAX)
        return download_ask_again(d, (uint64_t)s * 1000);
    if (status == 429)
        return download_fail(d, ERR_RATE, status,
                             "%.100s is asked too much (HTTP 429); try again in %lld s",
                             d->here.host, (long long)(s > 1 ? s : 60));
    download_fail(d, ERR_BUSY, status, "%.100s has failed (HTTP %d); try again later", d->here.host,
                  status);
}

/* What the hub states of the file, which it sends itself or not; false: the download has failed. */
static bool learn(struct download *d, bool is_file)
{
    struct hub_facts f;
    const struct hub_headers headers = {
        .linked_etag = fetch_header(d->fetch, "X-Linked-Etag"),
        .linked_size = fetch_header(d->fetch, "X-Linked-Size"),
        .repo_commit = fetch_header(d->fetch, "X-Repo-Commit"),
        .etag = is_file ? fetch_header(d->fetch, "ETag") : S(""),
    };
    hub_facts_read(&headers, &f);
    if (f.commit[0])
        memcpy(d->is.commit, f.commit, sizeof f.commit);
    if (f.sha256[0] && d->is.sha256[0] && strcmp(f.sha256, d->is.sha256) != 0) {
        download_fail(
            d, ERR_INVALID, 0,
            "%.100s states another SHA-256 for the file than is expected (%.64s, not %.64s); it is not the same file",
            d->here.host, f.sha256, d->is.sha256);
        return false;
    }
    if (f.git[0] && d->is.git[0] && strcmp(f.git, d->is.git) != 0) {
        download_fail(d, ERR_INVALID, 0,
                      "the file has just been changed at %.100s; try again for the new one",
                      d->here.host);
        return false;
    }
    if (f.size && d->is.size && f.size != d->is.size) {
        download_fail(
            d, ERR_INVALID, 0,
            "%.100s states another size for the file than is expected (%lld bytes, not %lld); it is not the same file",
            d->here.host, (long long)f.size, (long long)d->is.size);
        return false;
    }
    if (f.sha256[0])
        memcpy(d->is.sha256, f.sha256, sizeof f.sha256);
    if (f.git[0])
        memcpy(d->is.git, f.git, sizeof f.git);
    if (f.size)
        d->is.size = f.size;
    return true;
}

/* --- the file --- */

/* For so many bytes more of the file; false: the download has failed. */
static bool has_room(struct download *d, int64_t by)
{
    struct statvfs disk;
    if (statvfs(d->request.folder, &disk) != 0)
        return true;
    double reserve = (double)disk.f_blocks * (double)disk.f_frsize / 20;
    reserve = reserve < RESERVE_BYTES ? reserve : RESERVE_BYTES;
    double room = (double)disk.f_bavail * (double)disk.f_frsize - reserve;
    double need = (double)(by + d->request.others);
    if (need <= room)
        return true;
    download_fail(
        d, ERR_NOSPACE, 0,
        "the model needs %.1f MB more than are free at %.200s, where %.1f MB are left for others; make room and try again",
        (need - room) / 1e6, d->request.folder, reserve / 1e6);
    return false;
}

/* More of a file whose size nobody stated; false: the download has failed. */
static bool may_grow(struct download *d, int64_t by)
{
    int64_t size = part_size(d->part);
    if (size + by > (d->is.sha256[0] ? UNSTATED_MAX_BYTES : GIT_MAX_BYTES)) {
        part_discard(d->part);
        download_fail(d, ERR_TOOBIG, 0, "%.100s sends on and on; it was thrown away", d->here.host);
        return false;
    }
    return size / LOOK_EVERY_BYTES == (size + by) / LOOK_EVERY_BYTES || has_room(d, by);
}

bool download_open_part(struct download *d)
{
    if (d->part)
        return true;
    const char *hash = d->is.sha256[0] ? d->is.sha256 : d->is.git;
    enum err err = part_open(d->request.folder, hash, &d->part);
    if (err == OK && d->is.size && part_size(d->part) > d->is.size)
        err = part_restart(d->part);
    if (err != OK)
        download_fail_by_disk(d, err);
    return err == OK;
}

/* What only Git's name was known of gets its SHA-256, too. */
static enum err is_right(struct download *d, bool *ret_is)
{
    try(part_is_whole(d->part, d->is.size, ret_is));
    return *ret_is ? part_sha256(d->part, d->is.sha256) : OK;
}

void download_judge(struct download *d)
{
    bool is_whole;
    enum err err = is_right(d, &is_whole);
    if (err == ERR_NOMEM)
        return download_fail(d, err, 0,
                             "there is not enough memory; end some programs and try again");
    if (err != OK)
        return download_fail_by_disk(d, err);
    d->is.size = part_size(d->part);
    if (is_whole)
        return download_finish(d, &(struct download_result){.part = d->part, .is = d->is});
    if (d->is_resumed && !d->is_repeated) {
        d->is_repeated = true;
        d->is.size = d->request.size;
        return download_begin_anew(d);
    }
    part_discard(d->part);
    if (!d->is.size)
        return download_fail(d, ERR_INVALID, 0, "%.100s sent an empty file, which is no model",
                             d->here.host);
    download_fail(
        d, ERR_INVALID, 0,
        "what %.100s sent is not the file that was meant: its %s is not %.64s; it was thrown away",
        d->here.host, d->is.sha256[0] ? "SHA-256" : "name in Git",
        d->is.sha256[0] ? d->is.sha256 : d->is.git);
}

/* False: the download has failed. */
static bool may_be_so_large(struct download *d)
{
    if (d->is.sha256[0] || d->is.size <= GIT_MAX_BYTES)
        return true;
    download_fail(
        d, ERR_TOOBIG, 0,
        "%.100s states no SHA-256 of a file of %.1f MB; write it behind the source: sha256:…",
        d->here.host, (double)d->is.size / 1e6);
    return false;
}

/* The file would come now, but nobody wants more than its size. */
static void tell_facts(struct download *d)
{
    if (!d->is.size)
        d->is.size = header_number(fetch_header(d->fetch, "Content-Length"), 0);
    if (may_be_so_large(d))
        download_finish(d, &(struct download_result){.is = d->is});
}

/* 200 or 206: sees that what comes is what is missing. */
static void accept_file(struct download *d, int status)
{
    if (!download_knows_hash(d))
        return download_fail(
            d, ERR_UNSUPPORTED, 0,
            "%.100s does not state the file's SHA-256; write it behind the source: sha256:…",
            d->here.host);
    if (d->request.facts_only)
        return tell_facts(d);
    bool is_known = d->part;
    if (!download_open_part(d))
        return;
    int64_t there = part_size(d->part), from = 0;
    int64_t total = header_number(fetch_header(d->fetch, "Content-Length"), 0);
    if (status == 200 && there && !is_known)
        return download_ask_again(d, 0); /* for the rest of it alone */
    if (status == 206 &&
        (!content_range_read(fetch_header(d->fetch, "Content-Range"), &from, &total) ||
         from != there))
        return download_begin_anew(d);
    if (total && d->is.size && total != d->is.size)
        return download_fail(
            d, ERR_INVALID, 0,
            "%.100s would send %lld bytes in the place of %lld; it is not the same file",
            d->here.host, (long long)total, (long long)d->is.size);
    enum err err = status == 200 && there ? part_restart(d->part) : OK;
    if (err == OK && status == 200)
        err = part_set_etag(d->part, fetch_header(d->fetch, "ETag"));
    if (err != OK)
        return download_fail_by_disk(d, err);
    d->is_resumed = status == 206;
    if (total)
        d->is.size = total;
    int64_t missing = d->is.size ? d->is.size - part_size(d->part) : 0;
    if (may_be_so_large(d) && has_room(d, missing))
        d->is_body = true;
}

void download_take_head(struct download *d)
{
    int status = fetch_status(d->fetch);
    bool is_file = status == 200 || status == 206;
    if (d->request.is_hub && url_is_same_place(&d->first, &d->here) && status < 400 &&
        !learn(d, is_file))
        return;
    if (d->request.facts_only && download_knows_hash(d) && d->is.size)
        tell_facts(d);
    else if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
        follow(d);
    else if (is_file)
        accept_file(d, status);
    else if (status == 416 && d->part && part_size(d->part))
        download_begin_anew(d);
    else if (status == 429 || status >= 500)
        wait_or_refuse(d, status);
    else
        refuse(d, status);
}

void download_take_body(struct download *d, struct str bytes)
{
    if (d->is.size && part_size(d->part) + (int64_t)bytes.n > d->is.size) {
        part_discard(d->part);
        return download_fail(
            d, ERR_INVALID, 0,
            "%.100s sends more than the %lld bytes that the file has; it was thrown away",
            d->here.host, (long long)d->is.size);
    }
    if (!d->is.size && !may_grow(d, (int64_t)bytes.n))
        return;
    enum err err = part_write(d->part, bytes);
    if (err != OK)
        return download_fail_by_disk(d, err);
    d->came += (int64_t)bytes.n;
    d->events->progress(d->arg, part_size(d->part), d->is.size);
}
