// SPDX-License-Identifier: Apache-2.0
/*
 * Brings one file into a models folder's .part and sees that it is the file that was meant: its size and SHA-256 are
 * those that were asked for, or that the hub states. Goes on where an earlier try ended (Range, If-Range), follows
 * redirects itself (https, public addresses, port 443, three at most; the token stays with the first host), waits when
 * a server asks for a little patience, and comes again when a connection broke after it had brought something.
 *
 *     try(download_start(loop, fetcher, &(struct download_request){…}, &events, self, &d));
 *     … events.done(self, &result), exactly once, unless cancelled; then the download is gone
 *
 * On the loop's thread, which it holds up for as long as the disk takes: for commands. No callback from inside a call.
 */
#pragma once

#include "server/models/hub.h"
#include "server/models/part.h"

struct loop;
struct fetcher;
struct download;

/* Texts are borrowed until the download is gone. */
struct download_request {
    const char *url;
    bool
        is_hub; /* a hub that the operator configured: trusted to state what its files are, wherever it is */
    const char *token; /* for the hub, or "" */
    const char *
        allow; /* hosts that may be asked though they are not public, also by plain http (fetch.allow) */
    const char *folder; /* of models */
    const char *sha256; /* what it must be; "": what the hub states */
    const char *git;    /* the same by Git's name, where no SHA-256 is known; else "" */
    int64_t size;       /* 0: not known */
    int64_t others;     /* bytes that the disk must have room for beside it */
    bool facts_only;    /* what it is, and nothing of itself */
    uint32_t silence_ms;
};
struct download_result {
    enum err err;
    int status;        /* that it failed by; 0: not by an answer */
    char why[400];     /* a sentence with its remedy, without a full stop */
    struct part *part; /* OK: whole and right; the receiver closes it. NULL of facts_only */
    struct hub_facts
        is; /* what it is: of one that has come its SHA-256 and size; of facts_only as far as is stated */
};
struct download_events {
    /* `total` 0: not known. */
    void (*progress)(void *arg, int64_t done, int64_t total);
    void (*done)(void *arg, const struct download_result *result);
};

enum err download_start(struct loop *loop, struct fetcher *fetcher,
                        const struct download_request *request,
                        const struct download_events *events, void *arg, struct download **ret_d);
void download_cancel(struct download *d); /* what has come stays; takes NULL */
