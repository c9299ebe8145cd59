// SPDX-License-Identifier: Apache-2.0
#include "llm/prompt.h"

#include <limits.h>
#include <llama.h>
#include <stdio.h>

#include "base/mem.h"

enum { IN_FRONT = 8 };

void prompt_finish(struct prompt *p)
{
    free(p->tokens.token);
    *p = (struct prompt){};
}

static enum err make_room(struct prompt *p, size_t more)
{
    void *token = p->tokens.token;
    enum err err = mem_grow(&token, &p->room, p->tokens.count + more, sizeof *p->tokens.token);
    p->tokens.token = token;
    return err;
}

static enum err add_token(struct prompt *p, int32_t token)
{
    try(make_room(p, 1));
    p->tokens.token[p->tokens.count++] = token;
    return OK;
}

static enum err add_span(const struct llama_vocab *vocab, const struct span *span, struct prompt *p)
{
    if (span->text.n > INT32_MAX / 2)
        return ERR_TOOBIG;
    /* No text has more tokens than bytes, but for what a vocabulary adds in front. */
    size_t most = span->text.n + IN_FRONT;
    try(make_room(p, most));
    int32_t n =
        llama_tokenize(vocab, span->text.p, (int32_t)span->text.n,
                       p->tokens.token + p->tokens.count, (int32_t)most, false, span->markup);
    if (n < 0)
        return ERR_INTERNAL;
    p->tokens.count += (size_t)n;
    return OK;
}

static enum err add_all(const struct llama_vocab *vocab, const struct spans *spans,
                        struct prompt *p)
{
    bool open = true;
    p->tokens.count = 0;
    if (llama_vocab_get_add_bos(vocab))
        try(add_token(p, llama_vocab_bos(vocab)));
    p->tokens.open = p->tokens.count;
    for (size_t i = 0; i < spans->count; i++) {
        open = open && spans->span[i].trusted;
        try(add_span(vocab, &spans->span[i], p));
        if (open)
            p->tokens.open = p->tokens.count;
    }
    return OK;
}

static enum err tokenize(const struct chat_template *t, const struct llama_vocab *vocab,
                         const struct llm_segment *segment, size_t count, struct prompt *p)
{
    struct spans spans;
    try(template_render(t, segment, count, &spans));
    enum err err = add_all(vocab, &spans, p);
    spans_finish(&spans);
    return err;
}

/* Removes the segment that is the first to go, of equals the oldest; false: none may. */
static bool leave_out_one(struct llm_segment *segment, size_t *count, struct prompt *p)
{
    size_t worst = *count;
    for (size_t i = 0; i < *count; i++)
        if (segment[i].priority > 0 &&
            (worst == *count || segment[i].priority > segment[worst].priority))
            worst = i;
    if (worst == *count)
        return false;
    (*count)--;
    memmove(&segment[worst], &segment[worst + 1], (*count - worst) * sizeof *segment);
    p->left_out++;
    return true;
}

/* Tokens that the segments have at least, without markup: a token is seldom longer than this. */
static size_t at_least(const struct llm_segment *segment, size_t count)
{
    enum { TOKEN_BYTES = 16 };
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += segment[i].text.n / TOKEN_BYTES;
    return n;
}

enum err prompt_build(const struct chat_template *t, const struct llama_vocab *vocab,
                      const struct llm_request *request, size_t max_tokens,
                      struct prompt *ret_prompt)
{
    struct prompt p = {};
    size_t count = request->count;
    autofree struct llm_segment *segment = mem_zero(count, sizeof *segment);
    if (!segment)
        return ERR_NOMEM;
    memcpy(segment, request->segment, count * sizeof *segment);
    enum err err = OK;
    bool fits = true;
    do {
        while (at_least(segment, count) > max_tokens && (fits = leave_out_one(segment, &count, &p)))
            ;
        err = tokenize(t, vocab, segment, count, &p);
        if (err == OK && p.tokens.count <= max_tokens)
            break;
    } while (err == OK && (fits = leave_out_one(segment, &count, &p)));
    if (err == OK && !fits) {
        snprintf(request->why, LLM_WHY_BYTES,
                 "the question is too long for the model: it has room for %zu tokens", max_tokens);
        err = ERR_TOOBIG;
    }
    if (err == OK && p.tokens.count == 0)
        err = ERR_INVALID;
    if (err == OK)
        *ret_prompt = p;
    else
        prompt_finish(&p);
    return err;
}
