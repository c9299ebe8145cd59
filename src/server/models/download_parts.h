// SPDX-License-Identifier: Apache-2.0
/* The inside of a download, shared by its files: download.c (its life: connections, patience, the end) and
 * download_answer.c (what an answer means). Whatever fails or finishes frees the download. */
#pragma once

#include "server/loop/loop.h"
#include "server/models/download.h"
#include "server/net/fetch.h"
#include "server/net/fetch_url.h"

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

/* download.c */
void download_finish(struct download *d, const struct download_result *result);
__attribute__((format(printf, 4, 5))) void download_fail(struct download *d, enum err err,
                                                         int status, const char *fmt, ...);
void download_fail_by_disk(struct download *d, enum err err);
void download_stop(struct download *d); /* the connection, not the download */
/* The same place again, or the one that d->url names now. */
void download_ask_again(struct download *d, uint64_t after_ms);
void download_ask(struct download *d);
void download_begin_anew(struct download *d); /* without what has come */

/* download_answer.c */
bool download_knows_hash(const struct download *d);
/* Opens what an earlier try has left; false: the download has failed. */
bool download_open_part(struct download *d);
void download_take_head(struct download *d);
void download_take_body(struct download *d, struct str bytes);
void download_judge(struct download *d); /* all has come */
