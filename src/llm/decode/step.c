// SPDX-License-Identifier: Apache-2.0
#include "llm/decode/step.h"

#include <llama.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "llm/decode/logprobs.h"
#include "llm/decode/memory.h"
#include "llm/decode/sample.h"
#include "llm/decode/spin.h"
#include "llm/decode/threads.h"

enum {
    BATCH = 512,         /* tokens of a step at most */
    PROMPT_BESIDE = 32,  /* tokens of prompts in a step that somebody waits for the end of */
    PROMPT_SHARED = 128, /* and in one that several prompts wait for */
    PROMPT_AHEAD =
        128, /* and in one that nobody waits for, and that may be broken off at any moment */
    WORTH_TIDYING = 64, /* tokens of a prompt that the memory is tidied for */
    WARM = 8,           /* conversations for each slot that are remembered while there is room */
};

static struct step {
    struct llama_context *context;
    const struct llama_vocab *vocab;
    struct llama_batch batch;
    struct threads threads;
} the;

/* Those of the present step. */
static struct generation *const *live;
static size_t live_count;

/* --- beginning and end of a generation --- */

enum err generation_begin(struct generation *g)
{
    g->began_us = clock_us();
    try(memory_take(g->request->session, &g->prompt->tokens, &g->sequence));
    g->stage = STAGE_PROMPT;
    g->result.prompt_tokens = (uint32_t)g->prompt->tokens.count;
    g->result.cached_tokens = (uint32_t)memory_sequence(g->sequence)->count;
    g->result.segments_left_out = g->prompt->left_out;
    return OK;
}

void generation_end(struct generation *g)
{
    if (g->stage != STAGE_WAITING)
        memory_release(g->sequence);
    if (!g->first_us)
        return;
    g->result.prefill_us = g->first_us - g->began_us;
    g->result.decode_us = clock_us() - g->first_us;
}

/* --- the batch --- */

static void put(struct generation *g, int32_t token, bool wants_output)
{
    struct llama_batch *b = &the.batch;
    int32_t i = b->n_tokens++;
    b->token[i] = token;
    b->pos[i] = (llama_pos)(memory_sequence(g->sequence)->count + g->in_batch);
    b->n_seq_id[i] = 1;
    b->seq_id[i][0] = (llama_seq_id)g->sequence;
    b->logits[i] = wants_output;
    if (wants_output)
        g->output = i;
    g->in_batch++;
}

static size_t put_answers(void)
{
    size_t n = 0;
    for (size_t i = 0; i < live_count; i++) {
        struct generation *g = live[i];
        if (g->stage != STAGE_ANSWER || g->paused)
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

/* What of prompts is read in this step, with what is left of `budget`: of those that an answer follows, or of those
 * that are only read ahead. */
static void put_prompts_of(bool ahead, size_t *budget)
{
    for (size_t i = 0; i < live_count && *budget; i++) {
        struct generation *g = live[i];
        if (g->stage != STAGE_PROMPT || g->request->prefill != ahead)
            continue;
        const struct prompt_tokens *p = &g->prompt->tokens;
        size_t at = memory_sequence(g->sequence)->count, n = least(p->count - at, *budget);
        for (size_t k = at; k < at + n; k++)
            put(g, p->token[k], k + 1 == p->count && !ahead);
        *budget -= n;
    }
}

/* The oldest prompt is read first; of those that nobody's answer waits for, all get a share. What is read ahead waits
 * until nobody waits for anything. */
static void put_prompts(size_t answers)
{
    size_t prompts = 0;
    for (size_t i = 0; i < live_count; i++)
        prompts += live[i]->stage == STAGE_PROMPT && !live[i]->request->prefill;
    bool ahead = !answers && !prompts;
    size_t budget = ahead          ? PROMPT_AHEAD
                    : answers      ? PROMPT_BESIDE
                    : prompts == 1 ? BATCH
                                   : PROMPT_SHARED;
    budget = least(budget, BATCH - answers);
    put_prompts_of(ahead, &budget);
}

/* The idle go out of the way where that is worth its milliseconds: before a long prompt, or once a first word is
 * out. What they began with in common with those at work stays. */
static void make_way(size_t answers)
{
    size_t prompt = (size_t)the.batch.n_tokens - answers;
    if (prompt == 0 || prompt > WORTH_TIDYING)
        (void)memory_tidy(0);
}

/* --- computing it --- */

static atomic_bool breaking_off;

bool step_expects_errors(void)
{
    return atomic_load(&breaking_off) || memory_expects_errors();
}

/* Everybody who has a part in the step has gone: it need not be finished. */
static bool is_in_vain(void *)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i]->in_batch && !live[i]->request->stopped(live[i]->request->arg))
            return false;
    atomic_store(&breaking_off, live_count > 0);
    return live_count > 0;
}

/* The books are where they were before the step; the memory has to be, too. */
static void undo(void)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i]->in_batch)
            memory_undo(live[i]->sequence);
}

static enum err compute(void)
{
    enum { NO_ROOM = 1, ABORTED = 2 };
    int32_t result;
    while ((result = llama_decode(the.context, the.batch)) == NO_ROOM && memory_make_room())
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

/* Nobody waits for the end of this step. */
static bool is_ahead(void)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i]->in_batch && !live[i]->request->prefill)
            return false;
    return true;
}

static uint64_t computed_us(void)
{
    struct timespec t;
    check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* With as many threads as are of use while others compute, too. */
static enum err compute_timed(size_t answers)
{
    uint64_t began_us = clock_us(), had_us = computed_us();
    struct threads_use use = threads_use(&the.threads, !answers, began_us);
    if (is_ahead()) /* of somebody who speaks, and is being heard with the other half */
        use.count = (use.count + 1) / 2;
    spin_shortly(!use.awake, the.threads.most);
    llama_set_n_threads(the.context, (int32_t)use.count, (int32_t)use.count);
    enum err err = compute();
    llama_synchronize(the.context);
    uint64_t now_us = clock_us();
    const struct threads_step step = {
        .wall_us = now_us - began_us,
        .cpu_us = computed_us() - had_us,
        .tokens = err == OK && (size_t)the.batch.n_tokens == answers ? (uint32_t)answers : 0,
        .reads = err == OK && !answers,
        .now_us = now_us,
    };
    if (!is_ahead())
        threads_note(&the.threads, &step);
    return err;
}

/* --- what it brought --- */

static enum err note_computed(struct generation *g)
{
    const struct cache_sequence *s = memory_sequence(g->sequence);
    const struct prompt_tokens *p = &g->prompt->tokens;
    if (g->stage == STAGE_ANSWER)
        return memory_note(g->sequence, &g->token, 1, false);
    size_t opened = s->count < p->open ? least(g->in_batch, p->open - s->count) : 0;
    const int32_t *token = p->token + s->count;
    try(memory_note(g->sequence, token, opened, true));
    return memory_note(g->sequence, token + opened, g->in_batch - opened, false);
}

/* Also of a marker, which is no text in an answer. */
static enum err put_logprob(struct buf *list, struct likely one)
{
    char text[LOGPROB_TOKEN_MAX];
    int32_t n = llama_token_to_piece(the.vocab, one.token, text, sizeof text, 0, true);
    return logprob_put(list, (struct logprob){one.logprob, {text, n > 0 ? (size_t)n : 0}});
}

static enum err tell_logprobs(struct generation *g)
{
    struct likely likely[1 + LOGPROBS_TOP_MAX];
    const float *logit = llama_get_logits_ith(the.context, g->output);
    size_t count = (size_t)llama_vocab_n_tokens(the.vocab);
    size_t n = logprobs_measure(logit, count, g->token, g->request->top_logprobs, likely);
    g->logprobs.cap = LOGPROBS_BYTES_MAX;
    try(logprob_put(&g->logprobs, (struct logprob){likely[0].logprob, {g->piece, g->piece_bytes}}));
    for (size_t i = 1; i < n; i++)
        try(put_logprob(&g->logprobs, likely[i]));
    return OK;
}

/* The next token of the answer. */
static enum err next_token(struct generation *g)
{
    enum err err = sample_next(g->sampler, the.context, g->output, &g->token);
    if (err == ERR_NOTFOUND) {
        snprintf(g->request->why, LLM_WHY_BYTES, "the model has no token that fits the form");
        return ERR_ENGINE;
    }
    try(err);
    if (g->stage == STAGE_PROMPT)
        g->first_us = clock_us();
    g->stage = STAGE_ANSWER;
    g->over = llama_vocab_is_eog(the.vocab, g->token);
    if (g->over)
        return OK;
    int32_t n = llama_token_to_piece(the.vocab, g->token, g->piece, sizeof g->piece, 0,
                                     sample_is_mark(g->sampler, g->token));
    if (n < 0)
        return ERR_INTERNAL;
    g->piece_bytes = (size_t)n;
    g->result.completion_tokens++;
    g->over = g->result.cut = g->result.completion_tokens == g->request->max_tokens;
    return g->request->has_logprobs ? tell_logprobs(g) : OK;
}

/* That was all that is wanted of it. */
static bool is_read(const struct generation *g)
{
    return g->request->prefill && memory_sequence(g->sequence)->count == g->prompt->tokens.count;
}

static void harvest(enum err stepped)
{
    for (size_t i = 0; i < live_count; i++) {
        struct generation *g = live[i];
        g->err = g->in_batch ? stepped : OK;
        if (g->err == OK && g->in_batch)
            g->err = note_computed(g);
        if (g->err == OK && g->output >= 0)
            g->err = next_token(g);
        if (g->err == OK && g->in_batch && is_read(g)) {
            g->first_us = clock_us();
            g->over = true;
        }
    }
}

bool step_take(struct generation *const *generations, size_t count)
{
    live = generations;
    live_count = count;
    for (size_t i = 0; i < count; i++) {
        struct generation *g = live[i];
        g->err = OK;
        g->over = false;
        g->piece_bytes = 0;
        buf_clear(&g->logprobs);
        g->in_batch = 0;
        g->output = -1;
    }
    the.batch.n_tokens = 0;
    size_t answers = put_answers();
    put_prompts(answers);
    if (the.batch.n_tokens == 0)
        return memory_tidy(1); /* who was here last may go on soon */
    make_way(answers);
    harvest(compute_timed(answers));
    return true;
}

/* --- --- */

static enum ggml_type number_type(uint32_t bits)
{
    return bits == 8 ? GGML_TYPE_Q8_0 : bits == 32 ? GGML_TYPE_F32 : GGML_TYPE_F16;
}

/* A sixteenth of the machine's memory: what it costs to remember who is away. */
static size_t room_aside(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t bytes = pages > 0 && page > 0 ? (size_t)pages / 16 * (size_t)page : 0;
    return bytes < MEMORY_ASIDE_MAX ? bytes : MEMORY_ASIDE_MAX;
}

enum err step_prepare(struct llama_model *model, const struct step_limits *limits,
                      char why[LLM_WHY_BYTES])
{
    check(limits->slots > 0 && limits->slots <= LLM_SLOTS_MAX);
    bool has_states = llama_model_is_recurrent(model) || llama_model_is_hybrid(model);
    uint32_t sequences =
        limits->slots * (has_states ? 1 : WARM); /* a state is a sequence's own, and large */
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
    the.threads = threads_of(limits->threads);
    the.batch = llama_batch_init(BATCH, 0, 1);
    return memory_init(the.context, sequences, room_aside());
}

/* One token, and all of it forgotten again. */
enum err step_warm_up(void)
{
    llama_token token = llama_vocab_eos(the.vocab);
    if (token < 0)
        token = 0;
    if (llama_decode(the.context, llama_batch_get_one(&token, 1)) != 0)
        return ERR_INTERNAL;
    llama_memory_clear(llama_get_memory(the.context), true);
    return OK;
}

void step_finish(void)
{
    spin_shortly(false, 0);
    if (the.batch.token)
        llama_batch_free(the.batch);
    memory_finish();
    if (the.context)
        llama_free(the.context);
    the = (struct step){};
}
