// SPDX-License-Identifier: Apache-2.0
#include "llm/sample.h"

#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
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

constexpr llama_token NO_TOKEN = -1;

struct sampler {
    struct llama_sampler *chain, *grammar; /* grammar NULL: anything goes */
    const struct llama_vocab *vocab;
    llama_token_data *candidate; /* with a grammar */
    size_t count;
    char half[4]; /* of a code point, at the end of what was written */
    size_t half_bytes;
    llama_token mark[LLM_MARKS_MAX]; /* NO_TOKEN: the vocabulary has it as words */
    size_t marks;
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

static llama_token find_mark(const struct llama_vocab *vocab, const char *name)
{
    constexpr unsigned marks = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED;
    llama_token token;
    int32_t n = llama_tokenize(vocab, name, (int32_t)strlen(name), &token, 1, false, true);
    return n == 1 && (llama_vocab_get_attr(vocab, token) & marks) ? token : NO_TOKEN;
}

static void find_marks(struct sampler *s, const struct llama_vocab *vocab,
                       const struct llm_request *r)
{
    check(r->mark_count <= LLM_MARKS_MAX);
    for (; s->marks < r->mark_count; s->marks++)
        s->mark[s->marks] = find_mark(vocab, r->mark[s->marks]);
}

bool sample_is_mark(const struct sampler *s, int32_t token)
{
    for (size_t i = 0; i < s->marks; i++)
        if (s->mark[i] == token)
            return true;
    return false;
}

/* A mark is the one token, and nothing that is spelled like it. */
static enum err write_grammar(const struct sampler *s, const struct llm_request *r,
                              struct buf *into)
{
    try(buf_add(into, str_of(r->grammar)));
    for (size_t i = 0; i < s->marks; i++)
        if (s->mark[i] == NO_TOKEN)
            try(buf_addf(into, "mark-%zu ::= \"%s\"\n", i, r->mark[i]));
        else
            try(buf_addf(into, "mark-%zu ::= <[%d]>\n", i, s->mark[i]));
    return OK;
}

static enum err build_grammar(struct sampler *s, const struct llama_vocab *vocab,
                              const struct llm_request *r)
{
    enum { MARK_RULE_BYTES = 64 };
    autobuf text = BUF(strlen(r->grammar) + LLM_MARKS_MAX * MARK_RULE_BYTES);
    try(write_grammar(s, r, &text));
    const char *grammar = buf_z(&text);
    if (!grammar)
        return ERR_NOMEM;
    s->vocab = vocab;
    s->count = (size_t)llama_vocab_n_tokens(vocab);
    s->candidate = mem_zero(s->count, sizeof *s->candidate);
    if (!s->candidate)
        return ERR_NOMEM;
    s->grammar = llama_sampler_init_grammar(vocab, grammar, "root");
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
    find_marks(s, vocab, r);
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

/* Whether bytes that are no whole code point may become one. */
static bool is_begun(struct str s)
{
    static const struct {
        unsigned char from, to, bytes, second_from, second_to;
    } leads[] = {{0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
                 {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f},
                 {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
                 {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f}};
    const unsigned char *b = (const unsigned char *)s.p;
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
        if (b[0] >= leads[i].from && b[0] <= leads[i].to)
            return s.n < leads[i].bytes &&
                   (s.n < 2 || (b[1] >= leads[i].second_from && b[1] <= leads[i].second_to)) &&
                   (s.n < 3 || (b[2] & 0xc0) == 0x80);
    return false;
}

/* libllama's grammar takes malformed UTF-8 for something else when it is asked than when it is told, and ends the
 * process on that. */
static bool is_text(const struct sampler *s, llama_token token, char half[4], size_t *ret_half)
{
    char bytes[sizeof s->half + LLM_PIECE_MAX];
    memcpy(bytes, s->half, s->half_bytes);
    int32_t n =
        llama_token_to_piece(s->vocab, token, bytes + s->half_bytes, LLM_PIECE_MAX, 0, true);
    if (n < 0)
        return false;
    struct str rest = {bytes, s->half_bytes + (size_t)n};
    uint32_t cp;
    for (size_t point; rest.n && (point = utf8_next(rest, &cp)) > 0;)
        rest = str_sub(rest, point, rest.n);
    if (rest.n && !is_begun(rest))
        return false;
    memcpy(half, rest.p, rest.n);
    *ret_half = rest.n;
    return true;
}

static bool is_allowed(const struct sampler *s, llama_token token)
{
    llama_token_data one = {token, 1, 0};
    llama_token_data_array single = {&one, 1, -1, false};
    llama_sampler_apply(s->grammar, &single);
    return isfinite(one.logit);
}

/* How much is asked of a whole vocabulary, which is slow. Most of the time the model obeys unasked, and says text. */
enum care : uint8_t { UNASKED, BY_GRAMMAR, BY_GRAMMAR_AND_TEXT, CARES };

/* Where nothing is allowed the chain chooses all the same. */
static llama_token_data choose(struct sampler *s, const float *logit, enum care care)
{
    char half[sizeof s->half];
    size_t half_bytes;
    for (size_t i = 0; i < s->count; i++) {
        bool fits = care < BY_GRAMMAR_AND_TEXT || is_text(s, (llama_token)i, half, &half_bytes);
        s->candidate[i] = (llama_token_data){(llama_token)i, fits ? logit[i] : -INFINITY, 0};
    }
    llama_token_data_array all = {s->candidate, s->count, -1, false};
    if (care >= BY_GRAMMAR)
        llama_sampler_apply(s->grammar, &all);
    llama_sampler_apply(s->chain, &all);
    return all.selected < 0 ? (llama_token_data){-1, -INFINITY, 0} : all.data[all.selected];
}

static enum err next_by_grammar(struct sampler *s, const float *logit, int32_t *ret_token)
{
    char half[sizeof s->half];
    size_t half_bytes;
    for (enum care care = UNASKED; care < CARES; care++) {
        llama_token_data chosen = choose(s, logit, care);
        if (chosen.id < 0 || !is_allowed(s, chosen.id) || !is_text(s, chosen.id, half, &half_bytes))
            continue;
        llama_sampler_accept(s->grammar, chosen.id);
        llama_sampler_accept(s->chain, chosen.id);
        memcpy(s->half, half, half_bytes);
        s->half_bytes = half_bytes;
        *ret_token = chosen.id;
        return OK;
    }
    return ERR_NOTFOUND;
}

enum err sample_next(struct sampler *s, struct llama_context *context, int32_t output,
                     int32_t *ret_token)
{
    if (s->grammar)
        return next_by_grammar(s, llama_get_logits_ith(context, output), ret_token);
    *ret_token = llama_sampler_sample(s->chain, context, output);
    return OK;
}
