// SPDX-License-Identifier: Apache-2.0
#include "llm/schedule.h"

#include "base/check.h"
#include "base/mem.h"
#include "llm/compute_thread.h"

enum {
    UNREAD_BYTES = 4096, /* pieces that a listener has not taken: beyond, his answer pauses */
    ENTRY_MAX = 4 + LLM_PIECE_MAX + LOGPROBS_BYTES_MAX,
};

/* An answer; the thread that waits for it owns it, but does not touch it meanwhile. */
struct order {
    struct generation generation; /* the scheduler's, until it is over */
    struct order *next;           /* mu */
    struct buf unread;   /* mu: pieces with their logprobs, each after the lengths of both */
    struct buf logprobs; /* its owner's: of the piece that is handed over */
    bool enough;         /* mu: the listener has */
    bool over;           /* mu */
    enum err err;        /* mu, once it is over */
    pthread_cond_t news;
};

static uint32_t slots; /* const after schedule_prepare */
static bool step(void);
static bool has_orders(void);
static struct compute_thread compute = COMPUTE_THREAD(step_warm_up, step, has_orders);
static struct order *first, **last = &first; /* mu: as they came */

/* --- the scheduler's thread --- */

/* mu held */
static void unlist(const struct order *o)
{
    struct order **at = &first;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    if (last == &o->next)
        last = at;
}

/* After this it is its owner's alone. */
static void end(struct order *o, enum err err)
{
    generation_end(&o->generation);
    pthread_mutex_lock(&compute.mu);
    unlist(o);
    o->err = err;
    o->over = true;
    pthread_cond_signal(&o->news);
    pthread_mutex_unlock(&compute.mu);
}

static bool is_stopped(const struct order *o)
{
    const struct llm_request *r = o->generation.request;
    return r->stopped(r->arg);
}

/* Also those that wait for a place. */
static void end_stopped(void)
{
    for (;;) {
        pthread_mutex_lock(&compute.mu);
        struct order *o = first;
        while (o && !is_stopped(o))
            o = o->next;
        pthread_mutex_unlock(&compute.mu);
        if (!o)
            return;
        end(o, ERR_CANCELED);
    }
}

/* mu held. The first in the line, as many as have a place. */
static size_t line(struct order *into[LLM_SLOTS_MAX])
{
    size_t n = 0;
    for (struct order *o = first; o && n < slots; o = o->next) {
        o->generation.paused = o->unread.n > UNREAD_BYTES;
        into[n++] = o;
    }
    return n;
}

/* Those that take part in the next step; the others have been told why they do not. */
static size_t gather(struct order *into[LLM_SLOTS_MAX])
{
    end_stopped();
    pthread_mutex_lock(&compute.mu);
    size_t count = line(into), n = 0;
    pthread_mutex_unlock(&compute.mu);
    for (size_t i = 0; i < count; i++) {
        struct generation *g = &into[i]->generation;
        enum err err = g->stage == STAGE_WAITING ? generation_begin(g) : OK;
        if (err == OK)
            into[n++] = into[i];
        else
            end(into[i], err);
    }
    return n;
}

/* Little-endian, in two bytes. */
static enum err put_length(struct buf *unread, size_t n)
{
    const char length[2] = {(char)(n & 0xff), (char)(n >> 8)};
    return buf_add(unread, (struct str){length, sizeof length});
}

static enum err put_piece(struct order *o, const struct generation *g)
{
    try(put_length(&o->unread, g->piece_bytes));
    try(put_length(&o->unread, g->logprobs.n));
    try(buf_add(&o->unread, (struct str){g->piece, g->piece_bytes}));
    return buf_add(&o->unread, buf_str(&g->logprobs));
}

/* Passes on what the step brought; whether more is wanted. */
static enum err push(struct order *o, bool *ret_enough)
{
    const struct generation *g = &o->generation;
    enum err err = OK;
    pthread_mutex_lock(&compute.mu);
    size_t before = o->unread.n;
    if (g->piece_bytes > 0) {
        err = put_piece(o, g);
        if (err != OK)
            o->unread.n = before;
        pthread_cond_signal(&o->news);
    }
    *ret_enough = o->enough;
    pthread_mutex_unlock(&compute.mu);
    return err;
}

static bool step(void)
{
    struct order *order[LLM_SLOTS_MAX];
    struct generation *generation[LLM_SLOTS_MAX];
    size_t count = gather(order);
    for (size_t i = 0; i < count; i++)
        generation[i] = &order[i]->generation;
    if (!step_take(generation, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool enough = false;
        enum err err = generation[i]->err;
        if (err == OK)
            err = push(order[i], &enough);
        if (err != OK || enough || generation[i]->over)
            end(order[i], err);
    }
    return true;
}

/* mu held */
static bool has_orders(void)
{
    return first;
}

/* --- what others call --- */

static size_t length_at(const struct buf *unread, size_t at)
{
    const unsigned char *p = (const unsigned char *)unread->p + at;
    return p[0] | (size_t)p[1] << 8;
}

/* mu held, and given up meanwhile. */
static void hand_over(struct order *o)
{
    char piece[LLM_PIECE_MAX];
    size_t n = length_at(&o->unread, 0), more = length_at(&o->unread, 2);
    memcpy(piece, o->unread.p + 4, n);
    buf_clear(&o->logprobs);
    check(buf_add(&o->logprobs, (struct str){o->unread.p + 4 + n, more}) == OK); /* reserved */
    buf_eat(&o->unread, 4 + n + more);
    const struct llm_request *r = o->generation.request;
    bool enough = o->enough;
    pthread_mutex_unlock(&compute.mu);
    enough = enough || !r->piece(r->arg, (struct str){piece, n}, buf_str(&o->logprobs));
    pthread_mutex_lock(&compute.mu);
    o->enough = enough;
    compute_stir(&compute);
}

enum err schedule_generate(const struct prompt *prompt, const struct llm_request *request,
                           struct sampler *sampler, struct llm_result *ret_result)
{
    struct order *o = mem_zero(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    o->generation = (struct generation){.prompt = prompt, .request = request, .sampler = sampler};
    o->unread = BUF(UNREAD_BYTES + ENTRY_MAX);
    o->logprobs = BUF(LOGPROBS_BYTES_MAX);
    if (request->has_logprobs && buf_reserve(&o->logprobs, LOGPROBS_BYTES_MAX) != OK) {
        free(o);
        return ERR_NOMEM;
    }
    pthread_cond_init(&o->news, nullptr);
    pthread_mutex_lock(&compute.mu);
    *last = o;
    last = &o->next;
    compute_stir(&compute);
    while (!o->over || o->unread.n) {
        if (o->unread.n)
            hand_over(o);
        else
            pthread_cond_wait(&o->news, &compute.mu);
    }
    pthread_mutex_unlock(&compute.mu);
    enum err err = o->err;
    if (err == OK)
        *ret_result = o->generation.result;
    pthread_cond_destroy(&o->news);
    buf_finish(&o->unread);
    buf_finish(&o->logprobs);
    buf_finish(&o->generation.logprobs);
    free(o);
    return err;
}

enum err schedule_prepare(struct llama_model *model, const struct step_limits *limits,
                          char why[LLM_WHY_BYTES])
{
    slots = limits->slots;
    return step_prepare(model, limits, why);
}

enum err schedule_start(void)
{
    return compute_start(&compute);
}

void schedule_stop(void)
{
    compute_stop(&compute);
    step_finish();
}
