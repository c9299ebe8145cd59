// SPDX-License-Identifier: Apache-2.0
#include "stt/whisper/result.h"

static enum err add_word(struct stt_result *r, const struct model_heard *h, size_t i,
                         const struct window *window)
{
    const struct model_word *w = &h->words[i];
    double all = (double)h->text.n, from = w->at / all, to = (w->at + w->length) / all;
    try(mem_grow((void **)&r->words, &r->words_room, r->words_n + 1, sizeof *r->words));
    if (r->text.n > 0)
        try(buf_add_byte(&r->text, ' '));
    r->words[r->words_n++] = (struct stt_word){.at = (uint32_t)r->text.n,
                                               .length = w->length,
                                               .start_ms = window_ms_at(window, from),
                                               .end_ms = window_ms_at(window, to),
                                               .confidence = w->confidence};
    return buf_add(&r->text, str_sub(buf_str(&h->text), w->at, w->at + w->length));
}

static enum err add_part(struct stt_result *r, const struct model_heard *h)
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

enum err result_add(struct stt_result *r, const struct model_heard *heard, const struct window *w)
{
    for (size_t i = 0; i < heard->words_n; i++)
        try(add_word(r, heard, i, w));
    return heard->words_n ? add_part(r, heard) : OK;
}
