// SPDX-License-Identifier: Apache-2.0
/*
 * A language model for tests: it says the question back, word by word, and on demand has the mishaps of
 * real ones. Options are wire/script's (a call is an answer, a step is a token) and
 *
 *     tokens=20     so many words instead: "one two three…" counted as w1 w2 w3
 *     text=hello    that text instead
 */
#include <stdio.h>

#include "base/clock.h"
#include "llm/driver.h"
#include "wire/script.h"

enum { SLOTS = 16, TEXT_MAX = 64 * 1024 };

static struct script script;
static uint32_t tokens;                 /* const after load */
static struct buf text = BUF(TEXT_MAX); /* const after load */

static enum err scripted_load(const struct msg_load *load, struct worker_ready *ret_ready,
                              char why[WORKER_WHY_BYTES])
{
    static_assert((int)SCRIPT_WHY_BYTES <= (int)WORKER_WHY_BYTES);
    static const struct script_word words[] = {{"tokens", .number = &tokens},
                                               {"text", .text = &text}};
    try(script_parse(&script, load->options, words, sizeof words / sizeof *words, why));
    *ret_ready = (struct worker_ready){.driver = "scripted", .notes = "for tests", .slots = SLOTS};
    return OK;
}

static void scripted_unload(void)
{
    buf_finish(&text);
}

struct listener {
    llm_token_fn token;
    void *to;
};

static bool canceled(void *arg)
{
    const struct listener *l = arg;
    return !l->token(l->to, (struct str){});
}

static struct str question(const struct llm_request *r)
{
    return r->count ? r->segment[r->count - 1].text : S("");
}

static uint32_t count_words(struct str s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] != ' ' && (i == 0 || s.p[i - 1] == ' ');
    return n;
}

/* The next token off *rest: a word with the blank before it, as real tokenisers cut. */
static struct str cut_token(struct str *rest)
{
    size_t n = 1 + str_find_byte(str_sub(*rest, 1, rest->n), ' ');
    struct str token = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return token;
}

static enum err scripted_answer(const struct llm_request *r, llm_token_fn token, void *to,
                                struct llm_result *ret_result, char why[WORKER_WHY_BYTES])
{
    struct script_call call = script_begin(&script);
    struct listener listener = {token, to};
    struct str rest = text.n ? buf_str(&text) : question(r);
    struct llm_result result = {.reason = "stop"};
    uint64_t begun = clock_us();
    for (size_t i = 0; i < r->count; i++)
        result.prompt_tokens += count_words(r->segment[i].text);
    while (tokens ? result.completion_tokens < tokens : rest.n > 0) {
        char counted[16];
        if (result.completion_tokens == r->max_tokens) {
            result.reason = "length";
            break;
        }
        try(script_step(&script, &call, canceled, &listener, why));
        uint32_t number = ++result.completion_tokens;
        snprintf(counted, sizeof counted, "%sw%u", number > 1 ? " " : "", number);
        if (!token(to, tokens ? str_of(counted) : cut_token(&rest)))
            return ERR_CANCELED;
    }
    result.decode_us = clock_us() - begun;
    *ret_result = result;
    return OK;
}

const struct llm_driver llm_scripted = {
    .name = "scripted",
    .load = scripted_load,
    .unload = scripted_unload,
    .answer = scripted_answer,
};
