// SPDX-License-Identifier: Apache-2.0
#include "llm/schedule.h"

#include <llama.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "llm/sample.h"

enum {
    BATCH = 512,       /* tokens of a step at most */
    PROMPT_BESIDE = 32, /* tokens of prompts in a step that somebody waits for the end of */
    PROMPT_SHARED = 128, /* and in one that several prompts wait for */
    UNREAD_BYTES = 4096, /* pieces that a listener has not taken: beyond, his answer pauses */
    WARM = 8,          /* conversations for each slot that stay in memory while there is room */
    POLL_MS = 20,      /* how soon a pause or a cancel is noticed while nothing else goes on */
};

enum stage : uint8_t {
    STAGE_WAITING, /* for a sequence */
    STAGE_PROMPT,
    STAGE_ANSWER,
};

/* One answer, on the stack of the thread that waits for it. */
struct generation {
    const struct prompt *prompt;
    const struct llm_request *request;
    struct generation *next; /* mu */
    struct buf unread;       /* mu: pieces, each after its length in two bytes */
    bool enough;             /* mu: the listener has */
    bool over;               /* mu */
    pthread_cond_t news;
    /* The scheduler's, until it is over. */
    enum stage stage;
    enum err err;
    struct llm_result result;
    struct llama_sampler *sampler;
    size_t sequence;
    int32_t token;      /* the newest, not computed yet */
    uint32_t in_batch;  /* tokens in the present step */
    int32_t output;     /* where the step tells of its next token; -1: it does not */
    uint64_t began_us, first_us;
};

static struct schedule {
    struct llama_context *context;
    const struct llama_vocab *vocab;
    struct cache cache;
    struct llama_batch batch;
    pthread_t thread;
    uint32_t slots;
    bool started;
} the;

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct generation *first, **last = &first; /* mu: in the order of arrival */
static bool stopping, stirred;                    /* mu: something has changed since the last look */

/* --- the model's memory follows the books --- */

static llama_memory_t memory(void)
{
    return llama_get_memory(the.context);
}

static void memory_cut(size_t sequence, size_t from)
{
    (void)llama_memory_seq_rm(memory(), (llama_seq_id)sequence, (llama_pos)from, -1);
}

/* Models that cannot go back to any place (recurrent ones, sliding windows) say so. */
static void memory_keep(size_t sequence, size_t count)
{
    if (llama_memory_seq_rm(memory(), (llama_seq_id)sequence, (llama_pos)count, -1)) {
        llama_pos least = llama_memory_seq_pos_min(memory(), (llama_seq_id)sequence);
        llama_pos most = llama_memory_seq_pos_max(memory(), (llama_seq_id)sequence);
        if (count == 0 || (least == 0 && most == (llama_pos)count - 1))
            return;
    }
    memory_cut(sequence, 0);
    cache_cut(&the.cache, sequence, 0);
}

static bool forget_one(void)
{
    size_t sequence;
    if (!cache_forget_one(&the.cache, &sequence))
        return false;
    memory_cut(sequence, 0);
    return true;
}

/* --- beginning and end of a generation: the scheduler's thread --- */

static enum err begin(struct generation *g)
{
    struct cache_plan plan;
    try(sample_create(g->request, &g->sampler));
    try(cache_take(&the.cache, g->request->session, &g->prompt->tokens, &plan));
    g->sequence = plan.sequence;
    memory_keep(g->sequence, plan.keep);
    if (plan.copied) {
        llama_memory_seq_cp(memory(), (llama_seq_id)plan.from, (llama_seq_id)g->sequence, 0,
                            (llama_pos)plan.copied);
        memory_keep(g->sequence, plan.copied);
    }
    g->stage = STAGE_PROMPT;
    g->began_us = clock_us();
    g->result.prompt_tokens = (uint32_t)g->prompt->tokens.count;
    g->result.cached_tokens = (uint32_t)the.cache.sequence[g->sequence].count;
    g->result.segments_left_out = g->prompt->left_out;
    return OK;
}

/* mu held */
static void unlist(const struct generation *g)
{
    struct generation **at = &first;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    if (last == &g->next)
        last = at;
}

/* After this it is its owner's alone. */
static void end(struct generation *g, enum err err)
{
    if (g->stage != STAGE_WAITING)
        cache_release(&the.cache, g->sequence);
    if (g->sampler)
        llama_sampler_free(g->sampler);
    uint64_t now = clock_us();
    if (g->first_us) {
        g->result.prefill_us = g->first_us - g->began_us;
        g->result.decode_us = now - g->first_us;
    }
    pthread_mutex_lock(&mu);
    unlist(g);
    g->err = err;
    g->over = true;
    pthread_cond_signal(&g->news);
    pthread_mutex_unlock(&mu);
}

static bool is_stopped(const struct generation *g)
{
    return g->request->stopped(g->request->arg);
}

/* --- one step --- */

/* The generations that the scheduler works on, a copy of the list. */
static struct generation *live[LLM_SLOTS_MAX];
static size_t live_count;

static void put(struct generation *g, int32_t token, bool wants_output)
{
    struct llama_batch *b = &the.batch;
    int32_t i = b->n_tokens++;
    b->token[i] = token;
    b->pos[i] = (llama_pos)(the.cache.sequence[g->sequence].count + g->in_batch);
    b->n_seq_id[i] = 1;
    b->seq_id[i][0] = (llama_seq_id)g->sequence;
    b->logits[i] = wants_output;
    if (wants_output)
        g->output = i;
    g->in_batch++;
}

static bool is_paused(struct generation *g)
{
    pthread_mutex_lock(&mu);
    bool paused = g->unread.n > UNREAD_BYTES;
    pthread_mutex_unlock(&mu);
    return paused;
}

static size_t put_answers(void)
{
    size_t n = 0;
    for (size_t i = 0; i < live_count; i++) {
        struct generation *g = live[i];
        if (g->stage != STAGE_ANSWER || is_paused(g))
            continue;
        put(g, g->token, true);
        n++;
    }
    return n;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The oldest prompt is read first; of those that nobody's answer waits for, all get a share. */
static void put_prompts(size_t answers)
{
    size_t prompts = 0;
    for (size_t i = 0; i < live_count; i++)
        prompts += live[i]->stage == STAGE_PROMPT;
    size_t budget = answers ? PROMPT_BESIDE : prompts > 1 ? PROMPT_SHARED : BATCH;
    budget = least(budget, BATCH - answers);
    for (size_t i = 0; i < live_count && budget; i++) {
        struct generation *g = live[i];
        if (g->stage != STAGE_PROMPT)
            continue;
        const struct prompt_tokens *p = &g->prompt->tokens;
        size_t at = the.cache.sequence[g->sequence].count, n = least(p->count - at, budget);
        for (size_t k = at; k < at + n; k++)
            put(g, p->token[k], k + 1 == p->count);
        budget -= n;
    }
}

static atomic_bool breaking_off;

bool schedule_is_breaking_off(void)
{
    return atomic_load(&breaking_off);
}

/* Everybody who has a part in the step has gone: it need not be finished. */
static bool is_in_vain(void *)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i]->in_batch && !is_stopped(live[i]))
            return false;
    atomic_store(&breaking_off, live_count > 0);
    return live_count > 0;
}

/* The books are where they were before the step; the memory has to be, too. */
static void undo(void)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i]->in_batch)
            memory_keep(live[i]->sequence, the.cache.sequence[live[i]->sequence].count);
}

static enum err compute(void)
{
    enum { NO_ROOM = 1, ABORTED = 2 };
    int32_t result;
    while ((result = llama_decode(the.context, the.batch)) == NO_ROOM && forget_one())
        ;
    if (result == 0)
        return OK;
    undo();
    if (result == ABORTED) {
        atomic_store(&breaking_off, false);
        return ERR_CANCELED;
    }
    log_error("the model could not take a step (%d, %d tokens)", result, the.batch.n_tokens);
    return ERR_INTERNAL;
}

/* --- what a step brought --- */

static enum err note_computed(struct generation *g)
{
    const struct cache_sequence *s = &the.cache.sequence[g->sequence];
    const struct prompt_tokens *p = &g->prompt->tokens;
    if (g->stage == STAGE_ANSWER)
        return cache_add(&the.cache, g->sequence, &g->token, 1, false);
    size_t opened = s->count < p->open ? least(g->in_batch, p->open - s->count) : 0;
    const int32_t *token = p->token + s->count;
    try(cache_add(&the.cache, g->sequence, token, opened, true));
    return cache_add(&the.cache, g->sequence, token + opened, g->in_batch - opened, false);
}

static enum err push(struct generation *g, const char *bytes, size_t n)
{
    const char length[2] = {(char)(n & 0xff), (char)(n >> 8)};
    pthread_mutex_lock(&mu);
    enum err err = buf_add(&g->unread, (struct str){length, sizeof length});
    if (err == OK)
        err = buf_add(&g->unread, (struct str){bytes, n});
    pthread_cond_signal(&g->news);
    pthread_mutex_unlock(&mu);
    return err;
}

static bool has_enough(struct generation *g)
{
    pthread_mutex_lock(&mu);
    bool enough = g->enough;
    pthread_mutex_unlock(&mu);
    return enough;
}

/* The next token of the answer. */
static enum err next_token(struct generation *g, bool *ret_last)
{
    char piece[LLM_PIECE_MAX];
    g->token = llama_sampler_sample(g->sampler, the.context, g->output);
    if (g->stage == STAGE_PROMPT)
        g->first_us = clock_us();
    g->stage = STAGE_ANSWER;
    *ret_last = true;
    if (llama_vocab_is_eog(the.vocab, g->token))
        return OK;
    int32_t n = llama_token_to_piece(the.vocab, g->token, piece, sizeof piece, 0, false);
    if (n < 0)
        return ERR_INTERNAL;
    g->result.completion_tokens++;
    if (n > 0)
        try(push(g, piece, (size_t)n));
    g->result.cut = g->result.completion_tokens == g->request->max_tokens;
    *ret_last = g->result.cut;
    return OK;
}

static void harvest(enum err stepped)
{
    for (size_t i = 0; i < live_count; i++) {
        struct generation *g = live[i];
        enum err err = g->in_batch ? stepped : OK;
        bool is_last = false;
        if (err == OK && g->in_batch)
            err = note_computed(g);
        if (err == OK && g->output >= 0)
            err = next_token(g, &is_last);
        if (err != OK || is_last || has_enough(g))
            end(g, err);
    }
}

/* --- the thread --- */

/* mu held */
static void wait_for_work(void)
{
    if (stirred)
        return;
    if (!first) {
        pthread_cond_wait(&work, &mu);
        return;
    }
    struct timespec until;
    check(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += POLL_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_clockwait(&work, &mu, CLOCK_MONOTONIC, &until);
}

/* Who is to have a part in the next step; the others have been told why not. */
static void gather(void)
{
    struct generation *all[LLM_SLOTS_MAX];
    size_t count = 0;
    pthread_mutex_lock(&mu);
    stirred = false;
    for (struct generation *g = first; g && count < the.slots; g = g->next)
        all[count++] = g;
    pthread_mutex_unlock(&mu);
    live_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct generation *g = all[i];
        enum err err = is_stopped(g) ? ERR_CANCELED : OK;
        if (err == OK && g->stage == STAGE_WAITING)
            err = begin(g);
        if (err != OK) {
            end(g, err);
            continue;
        }
        g->in_batch = 0;
        g->output = -1;
        live[live_count++] = g;
    }
}

static bool step(void)
{
    gather();
    the.batch.n_tokens = 0;
    put_prompts(put_answers());
    if (the.batch.n_tokens == 0)
        return false;
    harvest(compute());
    return true;
}

static void *run(void *)
{
    pthread_mutex_lock(&mu);
    while (!stopping) {
        pthread_mutex_unlock(&mu);
        bool stepped = step();
        pthread_mutex_lock(&mu);
        if (!stepped && !stopping)
            wait_for_work();
    }
    pthread_mutex_unlock(&mu);
    return nullptr;
}

/* --- what others call --- */

/* mu held */
static void stir(void)
{
    stirred = true;
    pthread_cond_signal(&work);
}

/* mu held, and given up meanwhile. */
static void hand_over(struct generation *g)
{
    char piece[LLM_PIECE_MAX];
    size_t n = (unsigned char)g->unread.p[0] | (size_t)(unsigned char)g->unread.p[1] << 8;
    memcpy(piece, g->unread.p + 2, n);
    buf_eat(&g->unread, 2 + n);
    bool enough = g->enough;
    pthread_mutex_unlock(&mu);
    enough = enough || !g->request->piece(g->request->arg, (struct str){piece, n});
    pthread_mutex_lock(&mu);
    g->enough = enough;
    stir();
}

enum err schedule_generate(const struct prompt *prompt, const struct llm_request *request,
                           struct llm_result *ret_result)
{
    struct generation g = {
        .prompt = prompt,
        .request = request,
        .unread = BUF(UNREAD_BYTES + 2 * LLM_PIECE_MAX),
        .news = PTHREAD_COND_INITIALIZER,
    };
    pthread_mutex_lock(&mu);
    *last = &g;
    last = &g.next;
    stir();
    while (!g.over || g.unread.n) {
        if (g.unread.n)
            hand_over(&g);
        else
            pthread_cond_wait(&g.news, &mu);
    }
    pthread_mutex_unlock(&mu);
    pthread_cond_destroy(&g.news);
    buf_finish(&g.unread);
    if (g.err == OK)
        *ret_result = g.result;
    return g.err;
}

static enum ggml_type number_type(uint32_t bits)
{
    return bits == 8 ? GGML_TYPE_Q8_0 : bits == 32 ? GGML_TYPE_F32 : GGML_TYPE_F16;
}

enum err schedule_prepare(struct llama_model *model, const struct schedule_limits *limits,
                          char why[LLM_WHY_BYTES])
{
    check(limits->slots > 0 && limits->slots <= LLM_SLOTS_MAX);
    uint32_t sequences = limits->slots * WARM;
    if (sequences > CACHE_SEQUENCES_MAX)
        sequences = CACHE_SEQUENCES_MAX;
    struct llama_context_params p = llama_context_default_params();
    p.n_ctx = limits->context * limits->slots;
    p.n_batch = p.n_ubatch = BATCH;
    p.n_seq_max = sequences;
    p.n_threads = p.n_threads_batch = (int32_t)limits->threads;
    p.type_k = p.type_v = number_type(limits->kv_bits);
    if (limits->kv_bits == 32) /* it computes with 16 whatever the memory has */
        p.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    p.kv_unified = true; /* a beginning is shared without being copied */
    p.swa_full = true;   /* so that it can be, also where attention slides */
    p.no_perf = true;
    p.abort_callback = is_in_vain;
    the.context = llama_init_from_model(model, p);
    if (!the.context) {
        snprintf(why, LLM_WHY_BYTES,
                 "there is not memory enough for the model with %u answers of %u tokens at once; "
                 "set llm.context or llm.parallel lower",
                 limits->slots, limits->context);
        return ERR_NOMEM;
    }
    the.vocab = llama_model_get_vocab(model);
    the.slots = limits->slots;
    the.batch = llama_batch_init(BATCH, 0, 1);
    return cache_init(&the.cache, sequences);
}

/* One token, and all of it forgotten again. */
static enum err warm_up(void)
{
    llama_token token = llama_vocab_eos(the.vocab);
    if (token < 0)
        token = 0;
    if (llama_decode(the.context, llama_batch_get_one(&token, 1)) != 0)
        return ERR_INTERNAL;
    llama_memory_clear(memory(), true);
    return OK;
}

enum err schedule_start(void)
{
    try(warm_up());
    if (pthread_create(&the.thread, nullptr, run, nullptr) != 0)
        return ERR_NOMEM;
    the.started = true;
    return OK;
}

void schedule_stop(void)
{
    pthread_mutex_lock(&mu);
    stopping = true;
    stir();
    pthread_mutex_unlock(&mu);
    if (the.started)
        pthread_join(the.thread, nullptr);
    if (the.batch.token)
        llama_batch_free(the.batch);
    cache_finish(&the.cache);
    if (the.context)
        llama_free(the.context);
    the = (struct schedule){};
}
