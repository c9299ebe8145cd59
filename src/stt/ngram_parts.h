// SPDX-License-Identifier: Apache-2.0
/* The inside of a model, shared by ngram_text.c (words) and ngram_arpa.c (counts). */
#pragma once

#include "stt/ngram.h"

/* Tokens of the text. Words follow from TOKEN_FIRST on: while the text comes in order of their first
 * appearance, `counted.id` holds their final number. */
enum { TOKEN_GAP, TOKEN_START, TOKEN_END, TOKEN_FIRST };

struct counted {
    uint32_t at, length; /* in `letters` */
    uint32_t count;
    uint32_t id; /* after close: TOKEN_FIRST + rank, or TOKEN_GAP when it is not in the model */
    bool spelt;
};

struct ngram {
    struct buf letters;   /* of all words, one behind the other */
    struct counted *word; /* NGRAM_DISTINCT_MAX of them */
    uint32_t *slot;       /* hash table: number of a word + 1 */
    uint32_t *order;      /* after close: words by falling count */
    size_t words;
    uint32_t *token;
    size_t tokens, token_room;
    bool closed;
};
