// SPDX-License-Identifier: Apache-2.0
#include "llm/sample.h"

#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

/* libllama's are of 32 bits, and one of them means chance. */
static uint32_t seed_of(uint64_t seed)
{
    while (seed == 0)
        random_bytes(&seed, sizeof seed);
    uint32_t s = (uint32_t)(seed ^ seed >> 32);
    return s == LLAMA_DEFAULT_SEED ? 1 : s;
}

constexpr float GREEDY_BELOW =
    1e-3f; /* dividing by less overflows, and nothing else was to be had */

struct sampler {
    struct llama_sampler *chain, *grammar; /* grammar NULL: anything goes */
    llama_token_data *candidate;           /* with a grammar */
    size_t count;
};

static bool add(struct llama_sampler *chain, struct llama_sampler *one)
{
    if (one)
        llama_sampler_chain_add(chain, one);
    return one;
}

static enum err add_bias(struct llama_sampler *chain, const struct llama_vocab *vocab,
                         const struct llm_request *r)
{
    int32_t tokens = llama_vocab_n_tokens(vocab);
    autofree llama_logit_bias *bias = mem_zero(r->bias_count, sizeof *bias);
    if (!bias)
        return ERR_NOMEM;
    for (size_t i = 0; i < r->bias_count; i++) {
        if (r->bias[i].token < 0 || r->bias[i].token >= tokens) {
            snprintf(r->why, LLM_WHY_BYTES, "logit_bias names token %d, the model has 0 to %d",
                     r->bias[i].token, tokens - 1);
            return ERR_INVALID;
        }
        bias[i] = (llama_logit_bias){r->bias[i].token, r->bias[i].bias};
    }
    return add(chain, llama_sampler_init_logit_bias(tokens, (int32_t)r->bias_count, bias))
               ? OK
               : ERR_NOMEM;
}

static bool add_penalties(struct llama_sampler *chain, const struct llama_vocab *vocab,
                          const struct llm_request *r)
{
    return add(chain, llama_sampler_init_penalties(llama_vocab_n_tokens(vocab),
                                                   (int32_t)r->max_tokens, r->repeat_penalty,
                                                   r->frequency_penalty, r->presence_penalty));
}

static bool add_chance(struct llama_sampler *chain, const struct llm_request *r)
{
    return (r->top_k == 0 || add(chain, llama_sampler_init_top_k((int32_t)r->top_k))) &&
           add(chain, llama_sampler_init_top_p(r->top_p, 1)) &&
           (r->min_p <= 0 || add(chain, llama_sampler_init_min_p(r->min_p, 1))) &&
           add(chain, llama_sampler_init_temp(r->temperature)) &&
           add(chain, llama_sampler_init_dist(seed_of(r->seed)));
}

static enum err build_chain(struct sampler *s, const struct llama_vocab *vocab,
                            const struct llm_request *r)
{
    s->chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    if (!s->chain)
        return ERR_NOMEM;
    if (r->bias_count > 0)
        try(add_bias(s->chain, vocab, r));
    bool has_penalties =
        r->repeat_penalty != 1 || r->frequency_penalty != 0 || r->presence_penalty != 0;
    if (has_penalties && !add_penalties(s->chain, vocab, r))
        return ERR_NOMEM;
    bool made = r->temperature < GREEDY_BELOW ? add(s->chain, llama_sampler_init_greedy())
                                              : add_chance(s->chain, r);
    return made ? OK : ERR_NOMEM;
}

static enum err build_grammar(struct sampler *s, const struct llama_vocab *vocab,
                              const struct llm_request *r)
{
    s->count = (size_t)llama_vocab_n_tokens(vocab);
    s->candidate = mem_zero(s->count, sizeof *s->candidate);
    if (!s->candidate)
        return ERR_NOMEM;
    s->grammar = llama_sampler_init_grammar(vocab, r->grammar, "root");
    if (s->grammar)
        return OK;
    snprintf(r->why, LLM_WHY_BYTES, "the form that is wanted of the answer is too complex");
    return ERR_UNSUPPORTED;
}

enum err sample_create(const struct llama_vocab *vocab, const struct llm_request *r,
                       struct sampler **ret_sampler)
{
    struct sampler *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    enum err err = build_chain(s, vocab, r);
    if (err == OK && r->grammar)
        err = build_grammar(s, vocab, r);
    if (err == OK)
        *ret_sampler = s;
    else
        sample_destroy(s);
    return err;
}

void sample_destroy(struct sampler *s)
{
    if (!s)
        return;
    if (s->chain)
        llama_sampler_free(s->chain);
    if (s->grammar)
        llama_sampler_free(s->grammar);
    free(s->candidate);
    free(s);
}

/* --- with a grammar --- */

/* The chain's choice among what the grammar leaves of all tokens, or among all. */
static llama_token_data choose(struct sampler *s, const float *logit, bool by_grammar)
{
    for (size_t i = 0; i < s->count; i++)
        s->candidate[i] = (llama_token_data){(llama_token)i, logit[i], 0};
    llama_token_data_array all = {s->candidate, s->count, -1, false};
    if (by_grammar)
        llama_sampler_apply(s->grammar, &all);
    llama_sampler_apply(s->chain, &all);
    return all.selected < 0 ? (llama_token_data){-1, -INFINITY, 0} : all.data[all.selected];
}

static bool is_allowed(const struct sampler *s, llama_token token)
{
    llama_token_data one = {token, 1, 0};
    llama_token_data_array single = {&one, 1, -1, false};
    llama_sampler_apply(s->grammar, &single);
    return isfinite(one.logit);
}

/* To ask the grammar about a whole vocabulary is slow, and most of the time the model obeys unasked. */
static enum err next_by_grammar(struct sampler *s, const float *logit, int32_t *ret_token)
{
    llama_token_data chosen = choose(s, logit, false);
    if (chosen.id < 0 || !is_allowed(s, chosen.id))
        chosen = choose(s, logit, true);
    /* Where nothing is allowed the chain chooses all the same. */
    if (chosen.id < 0 || !is_allowed(s, chosen.id))
        return ERR_NOTFOUND;
    llama_sampler_accept(s->grammar, chosen.id);
    llama_sampler_accept(s->chain, chosen.id);
    *ret_token = chosen.id;
    return OK;
}

enum err sample_next(struct sampler *s, struct llama_context *context, int32_t output,
                     int32_t *ret_token)
{
    if (s->grammar)
        return next_by_grammar(s, llama_get_logits_ith(context, output), ret_token);
    *ret_token = llama_sampler_sample(s->chain, context, output);
    return OK;
}
