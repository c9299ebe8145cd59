// SPDX-License-Identifier: Apache-2.0
/* Texts as a model's tokens, one after another. Any thread. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct llama_vocab;

struct tokens {
    int32_t *token;
    size_t count, room;
};

/* What libllama looks for in the text, or puts around it. */
enum tokenize_how : uint8_t {
    TOKENIZE_PLAIN,
    TOKENIZE_MARKUP, /* special tokens by their names */
    TOKENIZE_AROUND, /* what the vocabulary begins and ends a text with */
};

enum err tokens_make_room(struct tokens *t, size_t more);
/* Nothing is added on failure. ERR_TOOBIG, ERR_NOMEM. */
enum err tokens_add_text(struct tokens *t, const struct llama_vocab *vocab, struct str text,
                         enum tokenize_how how);
