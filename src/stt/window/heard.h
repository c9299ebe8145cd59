// SPDX-License-Identifier: Apache-2.0
/* What a model has heard in a window: its words, how sure it was of them, and when they were said where it tells. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { HEARD_TOKENS_MAX = 1024, HEARD_TEXT_MAX = 16 * 1024 };

/* It ends no earlier than it begins. */
struct heard_word {
    uint32_t at, length;       /* in the text */
    float confidence;          /* 0 … 1 */
    uint32_t start_ms, end_ms; /* in the window; both 0: nobody has measured it */
};

/* The caller's memory. The text is well-formed, its words stand between single blanks. */
struct heard {
    struct buf text;
    struct heard_word *words; /* mem_grow'n */
    size_t words_n, words_room;
    int32_t tokens[HEARD_TOKENS_MAX];
    size_t tokens_n;
    float logprob;   /* mean of the tokens' */
    float no_speech; /* 0 … 1; looked at only where the model is not sure of its words */
    int language;
};

void heard_clear(struct heard *h);
void heard_finish(struct heard *h);

/* How likely a token is by the `n` logits of a model, as a natural logarithm; no number where the model is broken. */
float heard_logprob(const float *logits, int n, int32_t token);

/* Of a byte of the text as the model writes it, by the token that it comes from. */
struct heard_byte {
    float confidence;
    uint32_t start_ms, end_ms;
};

/* Text and words from what the tokens say one after another: a token may hold half a character, and the last one's other
 * half may be missing. */
enum err heard_put(struct heard *h, struct str raw, const struct heard_byte *of_bytes);
