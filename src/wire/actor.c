// SPDX-License-Identifier: Apache-2.0
/*
 * Streams as actors: each has an inbox, and at most one compute thread works on it at a time. A
 * thread handles one message of one stream and then takes the next stream, so that many live streams
 * share few threads fairly. One that waits for another stream (worker_rest) is replaced meanwhile.
 *
 *     begun → (parked: every place of the role is taken) → open → over → closed
 *
 * `mu` guards everything that two threads see; role functions and socket writes run outside it, but for what
 * worker_on_cancel names.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"
#include "wire/inbox.h"
#include "wire/worker_parts.h"

enum {
    THREADS_MAX = 256,
    GRANT_BYTES = WIRE_CREDIT / 4,
    LAST_WORDS_S = 3, /* for what still computes when the server is gone */
};

struct worker_stream {
    struct worker_stream *next;     /* mu: all streams, the oldest first */
    struct worker_stream *runnable; /* mu: the run queue */
    uint32_t id;                    /* const after begin */
    struct inbox inbox;             /* mu */
    uint64_t credit;                /* mu: bytes that the server still takes */
    pthread_cond_t more_credit;
    bool queued, busy;   /* mu: in the run queue; a thread works on it */
    bool placed, parked; /* mu: counts against max_streams; waits until it may */
    atomic_bool canceled;
    void (*stop)(void *arg); /* mu: see worker_on_cancel; or NULL */
    void *stop_arg;          /* mu */
    /* The working thread's: */
    bool opened, ended;
    uint32_t consumed; /* bytes handled, to be granted */
    struct buf out;    /* the frame being sent */
    void *state;       /* the role's */
    char why[WORKER_WHY_BYTES];
};

static const struct worker_role *role; /* const after actors_start */

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t gone = PTHREAD_COND_INITIALIZER;
static pthread_t thread[THREADS_MAX];                            /* mu */
static uint32_t thread_count, idle_count, gone_count;            /* mu */
static uint32_t resting_count;                                   /* mu: see worker_rest */
static struct worker_stream *streams, **streams_tail = &streams; /* mu */
static struct worker_stream *run_first, **run_tail = &run_first; /* mu */
static uint32_t live_count, placed_count, run_count;             /* mu */
static bool stopping;                                            /* mu */

static void *compute(void *);

/* mu held. Threads are made when there is work for them; with one of them all work gets done. */
static enum err add_thread(void)
{
    if (pthread_create(&thread[thread_count], nullptr, compute, nullptr) != 0)
        return ERR_NOMEM;
    thread_count++;
    return OK;
}

/* mu held. Somebody is to do what is runnable. */
static void call_thread(void)
{
    uint32_t most = role->max_threads + resting_count;
    most = most < THREADS_MAX ? most : THREADS_MAX;
    if (run_count > idle_count && !stopping && thread_count < most)
        (void)add_thread(); /* the ones there are come to it later */
    pthread_cond_signal(&work);
}

/* mu held */
static void make_runnable(struct worker_stream *s)
{
    if (s->queued || s->busy)
        return; /* whoever works on it looks again before letting go */
    s->queued = true;
    s->runnable = nullptr;
    *run_tail = s;
    run_tail = &s->runnable;
    run_count++;
    call_thread();
}

/* mu held */
static struct worker_stream *next_runnable(void)
{
    struct worker_stream *s = run_first;
    run_first = s->runnable;
    if (!run_first)
        run_tail = &run_first;
    run_count--;
    s->queued = false;
    return s;
}

/* The working thread, or mu held and nobody works on it. */
static bool is_over(const struct worker_stream *s)
{
    return s->ended || atomic_load(&s->canceled);
}

/* mu held. Nobody works on it any more. */
static void stream_free(struct worker_stream *s)
{
    struct worker_stream **at = &streams;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (streams_tail == &s->next)
        streams_tail = at;
    live_count--;
    inbox_finish(&s->inbox);
    buf_finish(&s->out);
    pthread_cond_destroy(&s->more_credit);
    free(s);
}

static void send_failure(struct worker_stream *s, enum err err)
{
    const struct msg_fail fail = {(uint32_t)err, str_of(s->why[0] ? s->why : err_text(err))};
    (void)link_send(MSG_fail, s->id, &fail); /* a server that is gone needs no word */
}

/* The working thread, mu not held. The books are kept before the server hears of it: it may use a
 * grant at once. */
static void grant_consumed(struct worker_stream *s)
{
    const struct msg_credit grant = {s->consumed};
    pthread_mutex_lock(&mu);
    inbox_pay(&s->inbox, s->consumed);
    pthread_mutex_unlock(&mu);
    s->consumed = 0;
    (void)link_send(MSG_credit, s->id, &grant);
}

/* The working thread, mu not held. */
static void handle(struct worker_stream *s, const struct letter *letter)
{
    enum err err = OK;
    if (!s->opened) {
        err = role->open(s, &s->state);
        s->opened = err == OK;
    }
    if (err == OK)
        err = role->message(s->state, s, letter->type, &letter->msg);
    if (err != OK && !is_over(s)) {
        s->ended = true;
        send_failure(s, err);
    }
    s->consumed += letter->cost;
    if (s->consumed >= GRANT_BYTES && !is_over(s))
        grant_consumed(s);
}

/* mu held. A place is free: it goes to the stream that waits longest. */
static void unpark_one(void)
{
    for (struct worker_stream *s = streams; s; s = s->next) {
        if (s->parked) {
            s->parked = false;
            make_runnable(s);
            return;
        }
    }
}

/* mu held; it is given up meanwhile. */
static void bury(struct worker_stream *s)
{
    if (s->opened) {
        pthread_mutex_unlock(&mu);
        role->close(s->state);
        pthread_mutex_lock(&mu);
    }
    placed_count -= s->placed;
    uint32_t id = s->id;
    bool has_said_last = s->ended;
    stream_free(s);
    if (placed_count < role->max_streams)
        unpark_one();
    if (has_said_last)
        return;
    pthread_mutex_unlock(&mu);
    const struct msg_canceled canceled = {};
    (void)link_send(MSG_canceled, id, &canceled); /* a server that is gone needs no word */
    pthread_mutex_lock(&mu);
}

/* mu held; it is given up meanwhile. */
static void work_on(struct worker_stream *s)
{
    if (!s->placed && !is_over(s)) {
        s->parked = placed_count >= role->max_streams;
        if (s->parked)
            return;
        s->placed = true;
        placed_count++;
    }
    s->busy = true;
    struct letter *letter = is_over(s) ? nullptr : inbox_take(&s->inbox);
    if (letter) {
        pthread_mutex_unlock(&mu);
        handle(s, letter);
        free(letter);
        pthread_mutex_lock(&mu);
    }
    if (is_over(s)) {
        bury(s);
        return;
    }
    s->busy = false;
    if (s->inbox.first)
        make_runnable(s);
}

static void *compute(void *)
{
    pthread_mutex_lock(&mu);
    for (;;) {
        idle_count++;
        while (!run_first && !stopping)
            pthread_cond_wait(&work, &mu);
        idle_count--;
        if (!run_first)
            break;
        work_on(next_runnable());
    }
    gone_count++;
    pthread_cond_signal(&gone);
    pthread_mutex_unlock(&mu);
    return nullptr;
}

/* --- the protocol thread --- */

enum err actors_start(const struct worker_role *r)
{
    check(r->max_threads && r->max_streams);
    role = r;
    pthread_mutex_lock(&mu);
    enum err err = add_thread();
    pthread_mutex_unlock(&mu);
    return err;
}

uint32_t actors_live(void)
{
    pthread_mutex_lock(&mu);
    uint32_t n = live_count;
    pthread_mutex_unlock(&mu);
    return n;
}

static bool begins_stream(uint16_t type)
{
    return type == MSG_stt_open || type == MSG_vad_open || type == MSG_decode_open ||
           type == MSG_llm_open || type == MSG_tts_open || type == MSG_embed_open;
}

/* mu held */
static struct worker_stream *find(const struct frame *frame)
{
    for (struct worker_stream *s = streams; s; s = s->next)
        if (s->id == frame->stream)
            return s;
    return nullptr;
}

/* mu held, so that nobody takes it back meanwhile. Once. */
static void call_stop(struct worker_stream *s)
{
    if (s->stop)
        s->stop(s->stop_arg);
    s->stop = nullptr;
}

/* mu held */
static void cancel(struct worker_stream *s)
{
    atomic_store(&s->canceled, true);
    s->parked = false;
    call_stop(s);
    pthread_cond_signal(&s->more_credit);
    make_runnable(s); /* to be closed */
}

/* mu held */
static struct worker_stream *begin_stream(const struct frame *frame)
{
    struct worker_stream *s = mem_zero(1, sizeof *s);
    if (!s)
        return nullptr;
    s->id = frame->stream;
    inbox_init(&s->inbox);
    s->credit = WIRE_CREDIT;
    s->out = BUF(WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX);
    pthread_cond_init(&s->more_credit, nullptr);
    *streams_tail = s;
    streams_tail = &s->next;
    live_count++;
    return s;
}

/* mu held */
static enum err post(struct worker_stream *s, const struct frame *frame)
{
    try(inbox_post(&s->inbox, frame));
    if (!s->parked)
        make_runnable(s);
    return OK;
}

/* mu held */
static void add_credit(struct worker_stream *s, uint32_t bytes)
{
    s->credit += bytes;
    pthread_cond_signal(&s->more_credit);
}

enum err actors_frame(const struct frame *frame, const union msg *msg)
{
    enum err err = OK;
    bool refused = false;
    pthread_mutex_lock(&mu);
    struct worker_stream *s = find(frame);
    if (!s && begins_stream(frame->type)) {
        /* A server counts places by what it was told: it may fill one again before we have closed
         * it. That many streams may be parked; one that goes on beyond does not count at all. */
        refused = live_count >= 2 * role->max_streams;
        s = refused ? nullptr : begin_stream(frame);
        err = s || refused ? OK : ERR_NOMEM;
    }
    /* Otherwise it is of a stream that has ended a moment ago. */
    if (s && frame->type == MSG_cancel)
        cancel(s);
    else if (s && frame->type == MSG_credit)
        add_credit(s, msg->credit.bytes);
    else if (s)
        err = post(s, frame);
    pthread_mutex_unlock(&mu);
    if (!refused)
        return err;
    const struct msg_fail fail = {ERR_BUSY, S("too many at once")};
    return link_send(MSG_fail, frame->stream, &fail);
}

enum err actors_stop(void)
{
    struct timespec until;
    check(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += LAST_WORDS_S;
    pthread_mutex_lock(&mu);
    stopping = true;
    for (struct worker_stream *s = streams; s; s = s->next)
        cancel(s);
    pthread_cond_broadcast(&work);
    int late = 0;
    while (gone_count < thread_count && late == 0)
        late = pthread_cond_clockwait(&gone, &mu, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&mu);
    if (late)
        return ERR_TIMEOUT;
    for (uint32_t i = 0; i < thread_count; i++)
        pthread_join(thread[i], nullptr);
    return OK;
}

/* --- what roles call --- */

/* Waits until the server takes `bytes` more. */
static enum err take_credit(struct worker_stream *s, uint32_t bytes)
{
    pthread_mutex_lock(&mu);
    while (s->credit < bytes && !worker_canceled(s))
        pthread_cond_wait(&s->more_credit, &mu);
    bool canceled = worker_canceled(s);
    if (!canceled)
        s->credit -= bytes;
    pthread_mutex_unlock(&mu);
    return canceled ? ERR_CANCELED : OK;
}

enum err worker_send(struct worker_stream *s, enum msg_type type, const void *msg)
{
    buf_clear(&s->out);
    try(msg_encode(&s->out, type, s->id, msg));
    try(take_credit(s, msg_cost(type, (uint32_t)s->out.n - WIRE_HEADER_BYTES)));
    return link_write(buf_str(&s->out)) == OK ? OK : ERR_CANCELED;
}

bool worker_canceled(const struct worker_stream *s)
{
    return atomic_load_explicit(&s->canceled, memory_order_relaxed);
}

void worker_on_cancel(struct worker_stream *s, void (*stop)(void *arg), void *arg)
{
    pthread_mutex_lock(&mu);
    s->stop = stop;
    s->stop_arg = arg;
    if (worker_canceled(s))
        call_stop(s);
    pthread_mutex_unlock(&mu);
}

void worker_rest(void)
{
    pthread_mutex_lock(&mu);
    resting_count++;
    if (run_first)
        call_thread();
    pthread_mutex_unlock(&mu);
}

void worker_resume(void)
{
    pthread_mutex_lock(&mu);
    check(resting_count > 0);
    resting_count--;
    pthread_mutex_unlock(&mu);
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
