// SPDX-License-Identifier: Apache-2.0
/*
 * A language model for tests: it answers with what it was asked and the beginnings of the passages that
 * it was given, cut into tokens as a real one does, and on demand has the faults of real ones. Options:
 * those of wire/script.h (a call is an answer; a step is a token, and the end is one more), and
 *
 *     slots=16      answers at once
 *     prefill=50    ms before the first token
 *     tokens=20     so many tokens, "w1 w2 w3…", instead of the echo
 *     text=Sure. Here is how it works.
 *                   the answer, instead of the echo or the tokens
 */
#include <stdio.h>

#include "base/clock.h"
#include "llm/driver.h"
#include "wire/script.h"

enum {
    WORD_POINTS = 6,
    PASSAGE_BYTES = 160,
    ECHO_MAX = 16 * 1024,
    TEXT_MAX = 256 * 1024,
    SLOTS = 16
};

static struct script script;
static uint32_t slots, prefill_ms, tokens; /* const after load */
static struct buf text = BUF(TEXT_MAX);    /* const after load */

static enum err scripted_load(const struct llm_load *load, struct llm_loaded *ret_loaded,
                              char why[LLM_WHY_BYTES])
{
    static const struct script_word words[] = {
        {"slots", .number = &slots},
        {"prefill", .number = &prefill_ms},
        {"tokens", .number = &tokens},
        {"text", .text = &text},
    };
    slots = SLOTS;
    try(script_parse(&script, load->options, words, sizeof words / sizeof *words, why));
    if (slots == 0 || slots > LLM_SLOTS_MAX || tokens > LLM_TOKENS_MAX)
        return ERR_INVALID;
    *ret_loaded = (struct llm_loaded){.model = "script", .notes = "for tests", .slots = slots};
    return OK;
}

static void scripted_unload(void)
{
    buf_finish(&text);
}

static bool is_word(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* A blank and up to six letters, or a blank and one other character. */
static struct str cut_token(struct str *rest)
{
    size_t n = rest->n && rest->p[0] == ' ', points = 0;
    while (n < rest->n && points < WORD_POINTS) {
        bool word = is_word((unsigned char)rest->p[n]);
        if (!word && points)
            break;
        uint32_t cp;
        size_t length = utf8_next(str_sub(*rest, n, rest->n), &cp);
        n += length ? length : 1;
        points = word ? points + 1 : WORD_POINTS;
    }
    struct str token = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return token;
}

static uint32_t count_tokens(const struct llm_request *r)
{
    uint32_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        for (struct str rest = r->segment[i].text; rest.n; n++)
            (void)cut_token(&rest);
    return n;
}

static enum err add_line(struct buf *into, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        try(buf_add_byte(into, s.p[i] == '\n' ? ' ' : s.p[i]));
    return OK;
}

static enum err echo(const struct llm_request *r, struct buf *into)
{
    struct str question = {};
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(r->segment[i].role, S("user")))
            question = r->segment[i].text;
    try(buf_add(into, S("You said: ")));
    try(add_line(into, str_sub(question, 0, utf8_prefix(question, ECHO_MAX / 4))));
    for (size_t i = 0; i < r->count && into->n < ECHO_MAX / 2; i++) {
        struct str passage = r->segment[i].text;
        if (!str_eq(r->segment[i].role, S("context")))
            continue;
        try(buf_add_byte(into, ' '));
        try(add_line(into, str_sub(passage, 0, utf8_prefix(passage, PASSAGE_BYTES))));
    }
    return OK;
}

static enum err count_up(struct buf *into)
{
    for (uint32_t i = 1; i <= tokens; i++)
        try(buf_addf(into, "%sw%u", i > 1 ? " " : "", i));
    return OK;
}

static enum err choose(const struct llm_request *r, struct buf *into)
{
    if (text.n)
        return buf_add(into, buf_str(&text));
    return tokens ? count_up(into) : echo(r, into);
}

/* As likely as one of eight, and with it others that are half as likely each. */
static enum err add_logprobs(const struct llm_request *r, struct str token, struct buf *list)
{
    buf_clear(list);
    try(logprob_put(list, (struct logprob){-2.0794415f, token}));
    for (uint32_t i = 0; i < r->top_logprobs; i++) {
        char other[16];
        snprintf(other, sizeof other, "other%u", i);
        try(logprob_put(list, (struct logprob){-2.0794415f - 0.6931472f * (float)i,
                                               i ? str_of(other) : token}));
    }
    return OK;
}

/* Until somebody has had enough. */
static enum err say(const struct llm_request *r, struct script_call *call, struct str rest,
                    struct llm_result *result)
{
    autobuf logprobs = BUF(LOGPROBS_BYTES_MAX);
    for (;;) {
        try(script_step(&script, call, r->stopped, r->arg, r->why));
        result->cut = rest.n && result->completion_tokens == r->max_tokens;
        if (rest.n == 0 || result->cut)
            return OK;
        struct str token = cut_token(&rest);
        result->completion_tokens++;
        if (r->has_logprobs)
            try(add_logprobs(r, token, &logprobs));
        if (!r->piece(r->arg, token, buf_str(&logprobs)))
            return OK;
    }
}

static enum err scripted_generate(const struct llm_request *r, struct llm_result *ret_result)
{
    struct script_call call = script_begin(&script);
    struct llm_result result = {.prompt_tokens = count_tokens(r)};
    uint64_t begin = clock_us();
    autobuf said = BUF(TEXT_MAX);
    try(choose(r, &said));
    try(script_wait(prefill_ms, r->stopped, r->arg));
    uint64_t first = clock_us();
    if (!r->prefill)
        try(say(r, &call, buf_str(&said), &result));
    result.prefill_us = first - begin;
    result.decode_us = clock_us() - first;
    *ret_result = result;
    return OK;
}

const struct llm_driver llm_scripted = {
    .name = "scripted",
    .load = scripted_load,
    .unload = scripted_unload,
    .generate = scripted_generate,
};
