// SPDX-License-Identifier: Apache-2.0
/*
 * One face for every engine. An engine does jobs (an utterance, an answer, a synthesis); a job is a
 * stream of messages of wire/msg_table.h in both directions. Behind the face stands a child process
 * with its supervisor, or for a language model and a recogniser a server elsewhere (remote/parts.h). Loop thread only.
 *
 *     static const struct job_events events = {.message = on_message, .ended = on_ended};
 *     try(engine_open(stt, &events, self, &self->job));
 *     try(job_send(self->job, MSG_stt_open, &open));
 *     … on_message(self, MSG_stt_final, msg) … on_ended(self, OK, "")
 *
 * A job that no slot is free for waits its turn for at most ENGINE_WAIT_MS, its messages kept, and
 * ends with ERR_BUSY when none came free. When the engine dies, every job ends with ERR_ENGINE at
 * once. `ended` fires exactly once, never from inside engine_open or job_send, and never after
 * job_cancel; afterwards the job is gone. A job's owner therefore holds either a live job or NULL.
 */
#pragma once

#include "wire/guard.h"
#include "wire/msg.h"

struct blob;
struct loop;
struct engine;
struct histogram;
struct job;

enum { ENGINE_WAIT_MS = 2000 };
/* Jobs that need no slot, at once: well below the streams that a program has places for, so that those
 * with a slot always find one. */
enum { ENGINE_LIGHT_MAX = 768 };
/* Bytes that a job keeps for an engine that does not take them; more is ERR_BUSY. */
enum { JOB_BACKLOG_MAX = 2 * 1024 * 1024 };

enum engine_state : uint8_t {
    ENGINE_STARTING, /* spawned, loading */
    ENGINE_READY,
    ENGINE_DOWN,    /* died; waiting to be started again */
    ENGINE_STOPPED, /* for good */
};

/* A server that speaks OpenAI's chat completions or, for the role "stt", its transcriptions. Texts are copied. */
struct engine_remote {
    const char *url;  /* base, such as "http://host:8000/v1"; see fetch_check_url */
    const char *key;  /* or "" */
    uint32_t context; /* tokens of prompt and answer; 0: as the server says */
    uint32_t slots;   /* jobs at once */
    uint32_t connect_ms;
    uint32_t first_token_ms, silence_ms; /* of an answer */
    uint32_t reply_ms;                   /* of a transcript, besides the length of what is heard */
};

struct engine_mouth; /* mouth/mouth.h */

struct engine_config {
    /* "stt", "ears", "llm", "tts", "embed": also the name of the program, repartee-ROLE. */
    const char *role;
    const char *program; /* another name of it, without "repartee-"; NULL: the role */
    /* What it is started with besides; NULL: nothing. Lives as long as the engine. */
    const char *flag;
    const char *driver, *model_dir, *model, *options; /* what `load` carries; copied */
    const char *sha256;        /* of the model's file, where it is known; copied */
    const char *sha256_beside; /* of a second file that belongs to it; the same */
    const char *vad,
        *vad_sha256; /* a recogniser's voice detector, a file; NULL: the built-in; copied */
    uint32_t threads;
    uint32_t start_ms;                  /* it may take so long to be ready; 0: a minute */
    const struct engine_remote *remote; /* NULL: a child process */
    const struct engine_mouth *mouth; /* of a synthesiser: who speaks in its place; NULL: nobody */
    /* Fires on every change of state. */
    void (*on_state)(void *arg, struct engine *e);
    /* Optional. Fires when the engine hears with the words that it was told last, or (not OK, with a
     * sentence) will not: after engine_set_words and after each restart. */
    void (*on_learnt)(void *arg, struct engine *e, enum err err, struct str sentence);
    void *arg;
};

/* What /readyz shows. Texts live until the next state change. */
struct engine_info {
    const char *role, *driver, *model, *languages, *notes;
    const char *vad;     /* the file of the voice detector that it was told to load; "": none */
    const char *voices;  /* of a synthesiser: their names, with ", " between them */
    const char *refusal; /* why it would not load what it was told to, in a sentence; "": it did */
    bool refusal_passes; /* it may be there later without our doing */
    const char
        *last_words; /* of a child that ended since: what it failed with, refusals and others; "" */
    enum engine_state state;
    uint64_t since_ms; /* in this state, clock_ms() */
    uint32_t rate_hz, slots, live, waiting, restarts;
    uint32_t leaving; /* jobs that were cancelled and that the engine is still at */
    int pid;
    bool learnt; /* nothing that it was told is still to be learnt */
};

struct job_events {
    /* `msg` is good for the call. Not called after `ended`. */
    void (*message)(void *arg, enum msg_type type, const union msg *msg);
    /* OK: the engine finished the job. text: a sentence fit for a client. */
    void (*ended)(void *arg, enum err err, const char *text);
};

/* Starts the child, or looks for the server, and keeps at it. A child: back-off 100 ms doubling to 10 s,
 * reset once it was ready ten times as long as the last one, or 10 s; a child that does not answer pings is
 * killed. */
enum err engine_create(struct loop *loop, const struct engine_config *config,
                       struct engine **ret_e);
/* Ends every job with ERR_DRAINING, stops the child. Takes NULL. Not from inside a callback of the engine. */
void engine_destroy(struct engine *e);
/* The same while the server goes on, with a word of its own for the jobs. */
void engine_end(struct engine *e, enum err err, const char *text);
void engine_info(const struct engine *e, struct engine_info *ret_info);
const char *engine_state_name(enum engine_state s);
/* From job_cancel to the engine's word that the job's place is free. */
const struct histogram *engine_cancel_seconds(const struct engine *e);
/* How often a recogniser has not believed what it heard, for this reason. */
uint64_t engine_guarded(const struct engine *e, enum guard guard);
/* The words of the documents, for a recogniser that adapts to them (stt_words). Kept by reference and
 * told again after a restart. NULL: none. The same words again are no news. */
void engine_set_words(struct engine *e, struct blob *text);

/* ERR_ENGINE while the engine is down, ERR_BUSY when too many wait already, ERR_NOMEM. */
enum err engine_open(struct engine *e, const struct job_events *events, void *arg,
                     struct job **ret_job);
/* The same for a job that needs no slot: it waits only for the engine to be ready. ERR_BUSY beyond
 * ENGINE_LIGHT_MAX. */
enum err engine_open_light(struct engine *e, const struct job_events *events, void *arg,
                           struct job **ret_job);
/* For what may be of use later: where the engine has nothing else to do, but for other spare jobs, and a slot. It ends
 * with ERR_BUSY as soon as a job has to wait for its slot, which is told from inside that one's engine_open. ERR_BUSY,
 * ERR_UNSUPPORTED: a server elsewhere does nothing in advance, be it that it speaks for this engine; ERR_NOMEM. */
/* Whether it has nothing else to do; a slot it may lack. */
bool engine_is_spare(const struct engine *e);
enum err engine_open_spare(struct engine *e, const struct job_events *events, void *arg,
                           struct job **ret_job);
/* A spare job is wanted now: it keeps its slot like any other. Takes NULL. */
void job_claim(struct job *j);
/* Kept when the engine has given no credit; ERR_BUSY when the backlog is full. */
enum err job_send(struct job *j, enum msg_type type, const void *msg);
size_t job_backlog(const struct job *j);
/* The owner has dealt with `bytes` of what the engine sent: it may send as much again. Owners that
 * never hold anything back call it from `message`. */
void job_consumed(struct job *j, size_t bytes);
/* Nothing more of this job; no callback fires any more. Takes NULL. */
void job_cancel(struct job *j);
