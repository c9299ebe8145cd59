// SPDX-License-Identifier: Apache-2.0
/* OpenAI's clients want to know how many tokens a request took. The engines of sound count none in common, so for text a
 * token is a word, and for sound 20 ms of it. Pure. */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { USAGE_TOKEN_MS = 20 };

static inline uint32_t usage_of_text(struct str text)
{
    uint32_t n = 0;
    bool in_word = false;
    for (size_t i = 0; i < text.n; i++) {
        bool is_blank = (unsigned char)text.p[i] <= ' ';
        n += !is_blank && !in_word;
        in_word = !is_blank;
    }
    return n;
}

static inline uint32_t usage_of_sound(uint64_t ms)
{
    return (uint32_t)((ms + USAGE_TOKEN_MS - 1) / USAGE_TOKEN_MS);
}
