// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of an engine elsewhere: life.c, probe.c (is the server there, and has it the model? asked for by
 * probe_models.c or probe_wyoming.c) and a role of it: job.c (an answer of a language model), hearing.c (an utterance of a
 * recogniser). It is behind the same face as a child: it gets the frames of wire/msg_table.h and answers with them, but
 * never from inside a write.
 */
#pragma once

#include "server/engine/engine_parts.h"
#include "server/engine/remote/answer.h"
#include "server/engine/remote/verdict.h"
#include "server/engine/remote/wyoming_line.h"
#include "server/net/fetch.h"

struct remote;
struct hearing_way;

enum { REMOTE_FAILURES_MAX = 2 }; /* of probes in a row: one may be chance */

/* One job of the engine's: the first member of what a role keeps of it. */
struct remote_work {
    struct remote_work *next, **link;
    uint32_t stream;
    bool is_over; /* its owner has got its end */
    uint64_t
        busy_until_ms; /* with its request the server may be, and miss a probe; 0: it has none */
};

/* How a server is asked whether it is there. */
struct remote_asking {
    enum err (*begin)(struct remote *r,
                      uint32_t connect_ms); /* answered by remote_is_ready and the like */
    void (*end)(struct remote *r);          /* hangs up; also where none is under way */
};
extern const struct remote_asking remote_asking_models, remote_asking_wyoming;

/* What the servers of a kind have in common. */
struct remote_role {
    enum remote_kind kind;
    const char *name;    /* of the engine's role; its options begin with it */
    const char *server;  /* what it is called */
    const char *path;    /* behind the URL: where it is asked */
    const char *or_path; /* where translations are; NULL: it makes none */
    const char *task;    /* of its models, where they tell it; NULL: any */
    bool lists_models;   /* one that lists none is no such server */
    /* Whatever goes wrong is the job's end, told later: what waited for a place has no caller to hear of it. */
    void (*take)(struct remote *r, const struct frame *f, const union msg *msg);
    void (*free_work)(struct remote_work *w); /* unheard */
    const struct remote_asking *asking;
    const struct hearing_way *way; /* of a recogniser's server */
};
extern const struct remote_role remote_llm, remote_stt, remote_wyoming;

struct remote {
    struct engine *engine;
    const struct remote_role *role;
    struct fetcher *fetcher;
    char *url, *ask_url, *or_url, *models_url, *key; /* owned */
    uint32_t connect_ms, first_token_ms, silence_ms, reply_ms;
    uint32_t context_wanted, context; /* tokens */
    bool counts_completion;           /* it has told that it knows max_completion_tokens alone */
    bool tells_text_alone;            /* it has refused verbose_json */
    uint64_t took_us;                 /* the last transcript; 0: none yet */

    const char
        *address; /* in url: HOST:PORT of a server that speaks Wyoming; NULL: it speaks HTTP */
    bool tells_partials; /* over Wyoming */

    bool is_probing;
    struct fetch *probe; /* over HTTP; NULL: none under way */
    struct buf probe_body;
    struct wyoming_line probe_line;
    struct timer timer; /* while it runs its deadline, else its next beginning */
    uint64_t backoff_ms;
    uint32_t failures;             /* in a row, since it was ready */
    bool lists_none;               /* the last probe has found no list of models there */
    bool is_proven;                /* it has answered a job of its role */
    int missed;                    /* how it said that there is nothing at ask_url; 0: it did not */
    uint64_t missed_until_ms;      /* then it gets another chance */
    const struct verdict *absence; /* what a client hears who asks while it is down */
    bool is_heard; /* an answer's bytes came since a probe was answered, or missed */

    struct remote_work *works;
    struct buf frame;        /* reserved, so that an end can always be told */
    struct deferred orphans; /* jobs that there was no memory for */
};

/* probe.c: from now on it is known whether the server is there, until remote_unwatch. */
void remote_watch(struct remote *r);
void remote_unwatch(struct remote *r);
/* Looks now. */
void remote_look(struct remote *r);
/* From those who ask, once each time, and nothing of r's is used after it: it is there, with this model; it is not, or has
 * it not, by this sentence; nobody could ask, for want of memory. */
void remote_is_ready(struct remote *r, const struct remote_models *m);
void remote_is_broken(struct remote *r, const struct verdict *absence, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void remote_probe_later(struct remote *r);
/* Which of the two, by the models that there are. */
void remote_judge_models(struct remote *r, const struct remote_models *m);
/* probe_models.c: remote_look, of a job that has found nothing at ask_url. */
void remote_look_for_path(struct remote *r, int status);
/* life.c: to a job's owner, who may cancel it meanwhile. */
void remote_send(struct remote *r, uint32_t stream, enum msg_type type, const void *msg);
void remote_send_failure(struct remote *r, uint32_t stream, enum err err, const char *sentence);
void remote_work_add(struct remote *r, struct remote_work *w, uint32_t stream);
void remote_work_remove(struct remote_work *w);
/* NULL: its owner has got its end. */
struct remote_work *remote_work_find(const struct remote *r, uint32_t stream);
