// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of a remote language model, shared by its two files: remote.c (is the server there, and has it
 * the model?) and remote_job.c (one answer). It is behind the same face as a child: it gets the frames of
 * wire/msg_table.h and answers with them, but never from inside a write.
 */
#pragma once

#include "server/engine/engine_parts.h"
#include "server/engine/remote_verdict.h"
#include "server/net/fetch.h"

struct remote_job;

struct remote {
    struct engine *engine;
    struct fetcher *fetcher;
    char *url, *chat_url, *models_url, *key; /* owned */
    uint32_t connect_ms, first_token_ms, silence_ms;
    uint32_t context_wanted, context; /* tokens */
    bool counts_completion;           /* it has told that it knows max_completion_tokens alone */

    struct fetch *probe; /* NULL: none under way */
    struct buf probe_body;
    struct timer timer; /* while it runs its deadline, else its next beginning */
    uint64_t backoff_ms;
    uint32_t failures;             /* in a row, since it was ready */
    const struct verdict *absence; /* what a client hears who asks while it is down */
    bool is_heard; /* an answer's bytes came since a probe was answered, or missed */

    struct remote_job *jobs;
    struct buf frame;        /* reserved, so that an end can always be told */
    struct deferred orphans; /* jobs that there was no memory for */
};

/* remote.c: looks whether the server is still there. */
void remote_look(struct remote *r);
/* To a job's owner, who may cancel it meanwhile. */
void remote_send(struct remote *r, uint32_t stream, enum msg_type type, const void *msg);
void remote_send_failure(struct remote *r, uint32_t stream, enum err err, const char *sentence);

/* remote_job.c */
enum err remote_take(struct engine *e, struct str frame);
void remote_jobs_drop(struct remote *r);
/* NULL: its owner has got its end. */
struct remote_job *remote_job_find(const struct remote *r, uint32_t stream);
