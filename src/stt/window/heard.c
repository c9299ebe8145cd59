// SPDX-License-Identifier: Apache-2.0
#include "stt/window/heard.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

void heard_clear(struct heard *h)
{
    buf_clear(&h->text);
    h->text.cap = HEARD_TEXT_MAX;
    h->words_n = h->tokens_n = 0;
    h->logprob = h->no_speech = 0;
}

void heard_finish(struct heard *h)
{
    buf_finish(&h->text);
    free(h->words);
    *h = (struct heard){};
}

struct writer {
    struct heard *h;
    float sum;                 /* of the present word's bytes */
    size_t bytes;              /* of it */
    uint32_t start_ms, end_ms; /* of it */
};

/* What reads the words refuses one that ends before it begins, whatever its bytes say. */
static enum err end_word(struct writer *w)
{
    struct heard *h = w->h;
    uint32_t end_ms = w->end_ms > w->start_ms ? w->end_ms : w->start_ms;
    if (w->bytes == 0)
        return OK;
    try(mem_grow((void **)&h->words, &h->words_room, h->words_n + 1, sizeof *h->words));
    h->words[h->words_n++] = (struct heard_word){.at = (uint32_t)(h->text.n - w->bytes),
                                                 .length = (uint32_t)w->bytes,
                                                 .confidence = w->sum / (float)w->bytes,
                                                 .start_ms = w->start_ms,
                                                 .end_ms = end_ms};
    *w = (struct writer){.h = h};
    return OK;
}

static enum err put_character(struct writer *w, struct str c, const struct heard_byte *of_bytes)
{
    if (w->bytes == 0) {
        w->start_ms = of_bytes->start_ms;
        if (w->h->text.n > 0)
            try(buf_add_byte(&w->h->text, ' '));
    }
    try(buf_add(&w->h->text, c));
    w->bytes += c.n;
    w->end_ms = of_bytes->end_ms;
    for (size_t i = 0; i < c.n; i++)
        w->sum += of_bytes[i].confidence;
    return OK;
}

enum err heard_put(struct heard *h, struct str raw, const struct heard_byte *of_bytes)
{
    struct writer w = {.h = h};
    for (size_t at = 0, n; at < raw.n; at += n) {
        uint32_t cp = 0;
        n = utf8_next(str_sub(raw, at, raw.n), &cp);
        bool is_blank = n > 0 && (cp <= ' ' || cp == 0x7f || cp == 0xa0 || cp == 0x3000);
        if (is_blank)
            try(end_word(&w));
        else if (n > 0)
            try(put_character(&w, str_sub(raw, at, at + n), of_bytes + at));
        n = n ? n : 1;
    }
    return end_word(&w);
}

float heard_logprob(const float *logits, int n, int32_t token)
{
    float most = -INFINITY;
    double sum = 0;
    for (int i = 0; i < n; i++)
        most = fmaxf(most, logits[i]);
    for (int i = 0; i < n; i++)
        sum += exp((double)(logits[i] - most));
    return logits[token] - most - (float)log(sum);
}
