// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of an engine, shared by its files: job_open.c and job.c (jobs: who is let in; credit, dispatch), engine.c (its
 * life) and those who do the work: process.c (a child: start, watch, restart) and remote/life.c (a server elsewhere). Nobody
 * else includes it but their tests.
 */
#pragma once

#include "base/mem.h"
#include "base/metrics.h"
#include "server/engine/engine.h"
#include "server/loop/child.h"

struct job {
    struct engine *engine;
    const struct job_events *events;
    void *arg;
    struct job *next, **link; /* in engine->live, engine->waiting or engine->leaving */
    uint32_t stream;
    bool started; /* its frames may go out */
    bool told;    /* one has: the engine knows of it */
    bool light;   /* takes no slot */
    bool spare;   /* gives its slot up to whoever wants one */
    bool dead;    /* cancelled or ended; freed when no callback of it is running */
    bool leaving; /* cancelled, and the engine has not said its last word of it */
    bool in_callback;
    uint64_t waiting_until_ms, canceled_us;
    uint64_t credit;    /* bytes that the engine still takes */
    uint32_t consumed;  /* bytes that we have dealt with and not yet granted anew */
    struct buf backlog; /* whole frames that wait for a slot or for credit */
    void *filtered;     /* the filter's own; NULL: none */
};

/* Stands between a job's owner and the engine, and may say something else to it than the owner did. */
struct job_filter {
    enum err (*begin)(struct engine *e, const struct engine_config *config);
    void (*stop)(struct engine *e); /* after the jobs; also after a begin that failed */
    enum err (*send)(struct job *j, enum msg_type type, const void *msg); /* ends in job_put */
    void (*go_on)(struct job *j); /* it may send, or send more; j may be gone afterwards */
    void (*drop)(struct job *j);  /* it is over; once, where `filtered` is set */
};
extern const struct job_filter mouth_filter; /* mouth/clauses.c */

/* Who does an engine's work. */
struct backend {
    enum err (*begin)(struct engine *e, const struct engine_config *config);
    enum err (*write)(struct engine *e, struct str bytes); /* one frame or more, whole */
    void (*stop)(struct engine *e); /* for good; also after a begin that failed */
};
extern const struct backend backend_child, backend_remote;

struct engine {
    const struct backend *backend;
    struct remote *remote;           /* of backend_remote */
    const struct job_filter *filter; /* NULL: none */
    struct mouth *mouth;             /* of mouth_filter */
    struct loop *loop;
    char *role, *driver, *model_dir, *model, *options, *program, *sha256, *vad, *vad_sha256,
        *sha256_beside; /* owned */
    const char *flag;
    uint32_t threads, start_ms;
    void (*on_state)(void *arg, struct engine *e);
    void (*on_learnt)(void *arg, struct engine *e, enum err err, struct str sentence);
    void *arg;

    enum engine_state state;
    uint64_t since_ms;
    char *ready_driver, *ready_model, *languages, *notes; /* owned, from `ready` */
    char *voices;                                         /* owned, from `tts_voices` */
    bool refusal_passes;
    char *refusal;    /* owned: why it would not load, the last time; NULL: it did */
    char *last_words; /* owned: of a child that failed, until the next one is ready */
    uint32_t rate_hz, slots, restarts;

    struct child *child; /* NULL between its exit and the next start */
    struct buf in, out;  /* a frame that has not arrived whole; a frame being encoded */
    struct timer timer;
    uint64_t backoff_ms, restart_ms, overdue_ms;
    uint64_t ping_ms; /* of the oldest ping that is not answered; 0: none */
    struct blob *words;
    uint32_t telling; /* how often words were told */
    bool learnt;      /* what was told last, by this process */

    struct job *live, *waiting, **waiting_tail, *leaving;
    uint32_t live_count, light_count;      /* that take a slot; that take none */
    uint32_t waiting_count, light_waiting; /* the same of those that wait */
    uint32_t leaving_count;                /* of both kinds */
    uint32_t next_stream;
    struct histogram cancel_seconds;
    uint64_t guarded[GUARD_COUNT];
};

/* engine.c → those who do the work */
void engine_set_state(struct engine *e, enum engine_state state);
void engine_keep_text(char **owned,
                      struct str s); /* without memory for it: NULL, which shows as "" */

/* process.c, remote/ → job.c */
void jobs_start_waiting(struct engine *e);
void jobs_expire(struct engine *e, uint64_t now_ms);
void jobs_end_all(struct engine *e, enum err err, const char *text);
void jobs_end_waiting(struct engine *e, enum err err, const char *text);
/* One frame of a job. ERR_SYNTAX: the engine does not follow the protocol. */
enum err jobs_dispatch(struct engine *e, const struct frame *frame);
bool jobs_pending(const struct engine *e);

/* job.c → job_open.c: behind all that wait; it may start at once. */
void jobs_add(struct job *j);

/* job.c → a filter: what job_send does without one. */
enum err job_put(struct job *j, enum msg_type type, const void *msg);
/* The engine is told to stop, the owner why; j is gone. Not from inside job_send. */
void job_break(struct job *j, enum err err, const char *text);

/* job.c → process.c. ERR_ENGINE when there is no child. */
enum err engine_write(struct engine *e, struct str bytes);
/* Looks after deadlines sooner than the usual second. */
void engine_watch_closely(struct engine *e);
