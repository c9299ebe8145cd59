// SPDX-License-Identifier: Apache-2.0
/* Streams as actors: each has an inbox, and at most one compute thread works on it at a time. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "wire/worker_parts.h"

enum { THREADS_MAX = 64, GRANT_BYTES = WIRE_CREDIT / 4 };

/* One message, its slices pointing into its own copy of the frame. */
struct letter {
    struct letter *next;
    uint16_t type;
    uint32_t cost;
    union msg msg;
    char bytes[];
};

struct worker_stream {
    struct worker_stream *next;     /* mu: all streams */
    struct worker_stream *runnable; /* mu: the run queue */
    uint32_t id;                    /* const after open */
    struct letter *inbox, **tail;   /* mu */
    uint32_t inbox_cost;            /* mu: bytes received and not yet granted anew */
    uint64_t credit;                /* mu: bytes that the server still takes */
    bool queued, busy;              /* mu: in the run queue; a thread works on it */
    atomic_bool canceled;
    bool opened, ended; /* the working thread's */
    uint32_t consumed;  /* the working thread's: to be granted */
    void *state;        /* the role's */
    char why[240];      /* the working thread's */
};

static const struct worker_role *role;
static pthread_t thread[THREADS_MAX];
static uint32_t thread_count;
static atomic_uint thread_share; /* what the server lets us use */

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t credit = PTHREAD_COND_INITIALIZER;
static struct worker_stream *streams;                            /* mu */
static struct worker_stream *run_first, **run_tail = &run_first; /* mu */
static uint32_t live;                                            /* mu */
static bool stopping;                                            /* mu */

/* mu held */
static void make_runnable(struct worker_stream *s)
{
    if (s->queued || s->busy)
        return; /* whoever works on it looks again before he lets go */
    s->queued = true;
    s->runnable = nullptr;
    *run_tail = s;
    run_tail = &s->runnable;
    pthread_cond_signal(&work);
}

/* mu held */
static struct worker_stream *find(uint32_t id)
{
    for (struct worker_stream *s = streams; s; s = s->next)
        if (s->id == id)
            return s;
    return nullptr;
}

static void drop_inbox(struct worker_stream *s)
{
    while (s->inbox) {
        struct letter *next = s->inbox->next;
        free(s->inbox);
        s->inbox = next;
    }
    s->tail = &s->inbox;
}

/* mu held; nobody works on it any more. */
static void remove_stream(struct worker_stream *s)
{
    struct worker_stream **at = &streams;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    live--;
    drop_inbox(s);
    free(s);
}

static void send_failure(struct worker_stream *s, enum err err)
{
    const struct msg_fail fail = {(uint32_t)err, str_of(s->why[0] ? s->why : err_text(err))};
    (void)link_send(MSG_fail, s->id, &fail); /* a server that is gone needs no word */
}

/* The working thread, mu not held. */
static void handle(struct worker_stream *s, struct letter *letter)
{
    enum err err = OK;
    if (!s->opened) {
        err = role->open(s, &s->state);
        s->opened = err == OK;
    }
    if (err == OK)
        err = role->message(s->state, s, letter->type, &letter->msg);
    if (err != OK && !s->ended) {
        s->ended = true;
        if (err != ERR_CANCELED)
            send_failure(s, err);
    }
    s->consumed += letter->cost;
    if (s->consumed >= GRANT_BYTES && !s->ended) {
        const struct msg_credit grant = {s->consumed};
        (void)link_send(MSG_credit, s->id, &grant);
        pthread_mutex_lock(&mu);
        s->inbox_cost -= s->consumed;
        pthread_mutex_unlock(&mu);
        s->consumed = 0;
    }
}

/* mu held on entry and exit. Works until the inbox is empty or the stream is over. */
static void work_on(struct worker_stream *s)
{
    s->queued = false;
    s->busy = true;
    while (s->inbox && !s->ended && !atomic_load(&s->canceled)) {
        struct letter *letter = s->inbox;
        s->inbox = letter->next;
        if (!s->inbox)
            s->tail = &s->inbox;
        pthread_mutex_unlock(&mu);
        handle(s, letter);
        free(letter);
        pthread_mutex_lock(&mu);
    }
    if (s->ended || atomic_load(&s->canceled)) {
        if (s->opened) {
            pthread_mutex_unlock(&mu);
            role->close(s->state);
            pthread_mutex_lock(&mu);
        }
        remove_stream(s);
    } else {
        s->busy = false;
    }
}

static void *compute(void *)
{
    pthread_mutex_lock(&mu);
    for (;;) {
        while (!run_first && !stopping)
            pthread_cond_wait(&work, &mu);
        if (!run_first)
            break;
        struct worker_stream *s = run_first;
        run_first = s->runnable;
        if (!run_first)
            run_tail = &run_first;
        work_on(s);
    }
    pthread_mutex_unlock(&mu);
    return nullptr;
}

enum err actors_start(const struct worker_role *r, uint32_t threads)
{
    role = r;
    atomic_store(&thread_share, threads ? threads : 1);
    uint32_t want = r->max_threads < THREADS_MAX ? r->max_threads : THREADS_MAX;
    for (; thread_count < want; thread_count++)
        if (pthread_create(&thread[thread_count], nullptr, compute, nullptr) != 0)
            break;
    return thread_count ? OK : ERR_NOMEM;
}

void actors_set_threads(uint32_t threads)
{
    atomic_store(&thread_share, threads ? threads : 1);
}

uint32_t worker_threads(void)
{
    return atomic_load(&thread_share);
}

uint32_t actors_live(void)
{
    pthread_mutex_lock(&mu);
    uint32_t n = live;
    pthread_mutex_unlock(&mu);
    return n;
}

/* mu held */
static struct worker_stream *open_stream(uint32_t id)
{
    struct worker_stream *s = mem_zero(1, sizeof *s);
    if (!s)
        return nullptr;
    s->id = id;
    s->tail = &s->inbox;
    s->credit = WIRE_CREDIT;
    s->next = streams;
    streams = s;
    live++;
    return s;
}

static bool begins_stream(uint16_t type)
{
    return type == MSG_stt_open || type == MSG_tts_open || type == MSG_llm_segment ||
           type == MSG_llm_generate;
}

static struct letter *letter_of(const struct frame *frame)
{
    struct letter *l = malloc(sizeof *l + frame->payload.n);
    if (!l)
        return nullptr;
    *l = (struct letter){.type = frame->type,
                         .cost = msg_cost(frame->type, (uint32_t)frame->payload.n)};
    if (frame->payload.n)
        memcpy(l->bytes, frame->payload.p, frame->payload.n);
    struct frame own = *frame;
    own.payload.p = l->bytes;
    if (msg_decode(&own, &l->msg) != OK) {
        free(l);
        return nullptr;
    }
    return l;
}

/* mu held */
static enum err put_letter(struct worker_stream *s, const struct frame *frame)
{
    struct letter *l = letter_of(frame);
    if (!l)
        return ERR_NOMEM;
    s->inbox_cost += l->cost;
    if (s->inbox_cost > WIRE_CREDIT + WIRE_PAYLOAD_MAX) {
        free(l);
        return ERR_SYNTAX; /* more than it was granted */
    }
    *s->tail = l;
    s->tail = &l->next;
    make_runnable(s);
    return OK;
}

enum err actors_frame(const struct frame *frame, const union msg *msg)
{
    enum err err = OK;
    pthread_mutex_lock(&mu);
    struct worker_stream *s = find(frame->stream);
    if (frame->type == MSG_cancel) {
        if (s) {
            atomic_store(&s->canceled, true);
            pthread_cond_broadcast(&credit);
            make_runnable(s); /* to be closed */
        }
    } else if (frame->type == MSG_credit) {
        if (s) {
            s->credit += msg->credit.bytes;
            pthread_cond_broadcast(&credit);
        }
    } else if (s || begins_stream(frame->type)) {
        bool full = !s && live >= role->max_streams;
        if (!s && !full)
            s = open_stream(frame->stream);
        if (s) {
            err = put_letter(s, frame);
        } else {
            pthread_mutex_unlock(&mu);
            const struct msg_fail fail = {full ? ERR_BUSY : ERR_NOMEM, S("too many at once")};
            return link_send(MSG_fail, frame->stream, &fail);
        }
    } /* else: of a stream that has ended a moment ago */
    pthread_mutex_unlock(&mu);
    return err;
}

void actors_stop(void)
{
    pthread_mutex_lock(&mu);
    stopping = true;
    for (struct worker_stream *s = streams; s; s = s->next) {
        atomic_store(&s->canceled, true);
        make_runnable(s);
    }
    pthread_cond_broadcast(&work);
    pthread_cond_broadcast(&credit);
    pthread_mutex_unlock(&mu);
    for (uint32_t i = 0; i < thread_count; i++)
        pthread_join(thread[i], nullptr);
}

enum err worker_send(struct worker_stream *s, enum msg_type type, const void *msg)
{
    uint32_t payload = 0;
    if (type == MSG_audio)
        payload = 4 + (uint32_t)((const struct msg_audio *)msg)->samples.n;
    else if (type == MSG_read_text)
        payload = 4 + (uint32_t)((const struct msg_read_text *)msg)->text.n;
    uint32_t cost = msg_cost(type, payload);
    pthread_mutex_lock(&mu);
    while (s->credit < cost && !atomic_load(&s->canceled))
        pthread_cond_wait(&credit, &mu);
    bool canceled = atomic_load(&s->canceled);
    if (!canceled)
        s->credit -= cost;
    pthread_mutex_unlock(&mu);
    if (canceled)
        return ERR_CANCELED;
    return link_send(type, s->id, msg) == OK ? OK : ERR_CANCELED;
}

bool worker_canceled(const struct worker_stream *s)
{
    return atomic_load_explicit(&s->canceled, memory_order_relaxed);
}

void worker_end(struct worker_stream *s)
{
    s->ended = true;
}

void worker_why(struct worker_stream *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, ap);
    va_end(ap);
}
