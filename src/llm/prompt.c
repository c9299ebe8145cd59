// SPDX-License-Identifier: Apache-2.0
#include "llm/prompt.h"

#include <llama.h>
#include <stdio.h>

#include "base/mem.h"
#include "llm/tokenize.h"

enum { MARKUP_TOKENS = 12 }; /* of a message, as a guess; they are counted later */

/* A segment that may be left out, with its tokens. */
struct part {
    struct llm_segment segment;
    struct tokens tokens;
};

struct draft {
    const struct prompt_maker *maker;
    struct part *part;
    size_t count, tokens; /* of all parts */
    uint32_t left_out;
    bool is_open_ended;
};

void prompt_finish(struct prompt *p)
{
    free(p->tokens.token);
    *p = (struct prompt){};
}

static enum err add_token(struct tokens *t, int32_t token)
{
    try(tokens_make_room(t, 1));
    t->token[t->count++] = token;
    return OK;
}

static enum err add_tokens(struct tokens *t, const struct tokens *more)
{
    if (more->count == 0)
        return OK;
    try(tokens_make_room(t, more->count));
    memcpy(t->token + t->count, more->token, more->count * sizeof *t->token);
    t->count += more->count;
    return OK;
}

/* Without any special token, whatever the vocabulary calls it: what looks like one is cut in two. */
static enum err tokenize_text(const struct prompt_maker *maker, struct str text, struct tokens *t)
{
    while (text.n > 0) {
        size_t cut = markers_cut(maker->markers, text);
        try(tokens_add_text(t, maker->vocab, str_sub(text, 0, cut), TOKENIZE_PLAIN));
        text = str_sub(text, cut, text.n);
    }
    return OK;
}

/* --- parts --- */

static void draft_finish(struct draft *d)
{
    for (size_t i = 0; d->part && i < d->count; i++)
        free(d->part[i].tokens.token);
    free(d->part);
}

static enum err draft_init(struct draft *d, const struct llm_request *request)
{
    d->part = mem_zero(request->count, sizeof *d->part);
    if (!d->part)
        return ERR_NOMEM;
    for (size_t i = 0; i < request->count; i++) {
        struct part *p = &d->part[d->count++];
        p->segment = request->segment[i];
        if (request->stopped(request->arg))
            return ERR_CANCELED;
        try(tokenize_text(d->maker, p->segment.text, &p->tokens));
        d->tokens += p->tokens.count;
    }
    return OK;
}

static void leave_out(struct draft *d, size_t i)
{
    d->tokens -= d->part[i].tokens.count;
    free(d->part[i].tokens.token);
    d->count--;
    memmove(&d->part[i], &d->part[i + 1], (d->count - i) * sizeof *d->part);
    d->left_out++;
}

/* Removes the part that is the first to go, of equals the oldest, with what is tied to it; false: none may. */
static bool leave_out_one(struct draft *d)
{
    size_t worst = d->count;
    for (size_t i = 0; i < d->count; i++) {
        uint32_t priority = d->part[i].segment.priority;
        if (priority > 0 && (worst == d->count || priority > d->part[worst].segment.priority))
            worst = i;
    }
    if (worst == d->count)
        return false;
    do
        leave_out(d, worst);
    while (worst < d->count && d->part[worst].segment.tied);
    return true;
}

/* --- the whole --- */

/* What is to go on has no markup behind its last text yet. */
static size_t spans_to_read(const struct draft *d, const struct spans *spans)
{
    size_t n = spans->count;
    while (d->is_open_ended && n > 0 && spans->span[n - 1].segment != d->count - 1)
        n--;
    return n;
}

static enum err join(const struct draft *d, const struct spans *spans, struct tokens *t,
                     size_t *ret_open)
{
    size_t count = spans_to_read(d, spans);
    const struct llama_vocab *vocab = d->maker->vocab;
    llama_token bos = llama_vocab_get_add_bos(vocab) ? llama_vocab_bos(vocab) : -1;
    bool open = true;
    size_t open_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct span *s = &spans->span[i];
        if (s->segment != SPAN_OWN)
            try(add_tokens(t, &d->part[s->segment].tokens));
        else if (s->markup && s->text.n > 0)
            try(tokens_add_text(t, vocab, s->text, TOKENIZE_MARKUP));
        else
            try(tokenize_text(d->maker, s->text, t));
        if (i == 0 && bos >= 0 && (t->count == 0 || t->token[0] != bos)) {
            try(add_token(t, 0));
            memmove(t->token + 1, t->token, (t->count - 1) * sizeof *t->token);
            t->token[0] = bos;
        }
        open = open && s->trusted;
        if (open)
            open_count = t->count;
    }
    *ret_open = open_count;
    return OK;
}

static enum err render(const struct draft *d, struct tokens *t, size_t *ret_open)
{
    autofree struct llm_segment *segment = mem_zero(d->count, sizeof *segment);
    struct spans spans;
    if (!segment)
        return ERR_NOMEM;
    for (size_t i = 0; i < d->count; i++)
        segment[i] = d->part[i].segment;
    try(template_render(d->maker->template, segment, d->count, &spans));
    enum err err = join(d, &spans, t, ret_open);
    spans_finish(&spans);
    return err;
}

/* Leaves out what is too much by a guess, looks, and leaves out what is still too much. */
static enum err fit(struct draft *d, size_t max_tokens, struct tokens *t, size_t *ret_open)
{
    size_t most = max_tokens;
    for (;;) {
        bool fits = true;
        while (fits && d->tokens + d->count * MARKUP_TOKENS > most)
            fits = leave_out_one(d);
        t->count = 0;
        try(render(d, t, ret_open));
        if (t->count <= max_tokens)
            return OK;
        size_t excess = t->count - max_tokens, guess = d->tokens + d->count * MARKUP_TOKENS;
        if (!fits || !leave_out_one(d))
            return ERR_TOOBIG;
        most = guess > excess ? guess - excess : 0;
    }
}

enum err prompt_build(const struct prompt_maker *maker, const struct llm_request *request,
                      size_t max_tokens, struct prompt *ret_prompt)
{
    struct draft d = {.maker = maker, .is_open_ended = request->prefill};
    struct tokens t = {};
    size_t open = 0;
    enum err err = draft_init(&d, request);
    if (err == OK)
        err = fit(&d, max_tokens, &t, &open);
    if (err == ERR_TOOBIG)
        snprintf(request->why, LLM_WHY_BYTES,
                 "the question is too long for the model: it has room for %zu tokens", max_tokens);
    if (err == ERR_UNSUPPORTED)
        snprintf(request->why, LLM_WHY_BYTES,
                 "the model's chat template has no place for the question");
    if (err == OK && t.count == 0)
        err = ERR_INVALID;
    if (err == OK)
        *ret_prompt = (struct prompt){{t.token, t.count, open}, d.left_out};
    else
        free(t.token);
    draft_finish(&d);
    return err;
}
