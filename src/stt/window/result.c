// SPDX-License-Identifier: Apache-2.0
#include "stt/window/result.h"

#include "audio/pcm.h"
#include "stt/window/hearer.h"

/* Of a model that tells no times: its word's share of the text, as a share of the voices. */
static void find_shares(const struct heard *h, const struct heard_word *w,
                        const struct window *window, struct stt_word *word)
{
    double all = (double)h->text.n, from = w->at / all, to = (w->at + w->length) / all;
    word->start_ms = window_ms_at(window, from);
    word->end_ms = window_ms_at(window, to);
}

static enum err add_word(struct stt_result *r, const struct heard *h, size_t i,
                         const struct window *window, uint32_t at_ms)
{
    const struct heard_word *w = &h->words[i];
    try(mem_grow((void **)&r->words, &r->words_room, r->words_n + 1, sizeof *r->words));
    if (r->text.n > 0)
        try(buf_add_byte(&r->text, ' '));
    struct stt_word word = {.at = (uint32_t)r->text.n,
                            .length = w->length,
                            .start_ms = at_ms + w->start_ms,
                            .end_ms = at_ms + w->end_ms,
                            .confidence = w->confidence};
    if (w->end_ms == 0)
        find_shares(h, w, window, &word);
    r->words[r->words_n++] = word;
    return buf_add(&r->text, str_sub(buf_str(&h->text), w->at, w->at + w->length));
}

static enum err add_part(struct stt_result *r, const struct heard *h)
{
    try(mem_grow((void **)&r->tokens, &r->tokens_room, r->tokens_n + h->tokens_n,
                 sizeof *r->tokens));
    try(mem_grow((void **)&r->parts, &r->parts_room, r->parts_n + 1, sizeof *r->parts));
    memcpy(r->tokens + r->tokens_n, h->tokens, h->tokens_n * sizeof *h->tokens);
    r->tokens_n += h->tokens_n;
    r->parts[r->parts_n++] = (struct stt_part){.words_end = r->words_n,
                                               .tokens_end = r->tokens_n,
                                               .logprob = h->logprob,
                                               .no_speech = h->no_speech};
    return OK;
}

enum err result_add(struct stt_result *r, const struct heard *heard, const struct window *w)
{
    struct window_range range;
    if (heard->words_n == 0 || !window_range(w, &range))
        return OK;
    uint32_t at_ms = (uint32_t)pcm_samples_to_ms(range.at, HEARER_RATE_HZ);
    for (size_t i = 0; i < heard->words_n; i++)
        try(add_word(r, heard, i, w, at_ms));
    return add_part(r, heard);
}
