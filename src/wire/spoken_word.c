// SPDX-License-Identifier: Apache-2.0
#include "wire/spoken_word.h"

static_assert(sizeof(struct spoken_word) == SPOKEN_WORD_BYTES); /* no holes: it travels as it is */

enum err spoken_word_put(struct buf *list, const struct spoken_word *word)
{
    return buf_add(list, (struct str){(const char *)word, SPOKEN_WORD_BYTES});
}

enum err spoken_word_next(struct str *list, size_t text_bytes, struct spoken_word *ret_word)
{
    struct spoken_word w;
    if (list->n < SPOKEN_WORD_BYTES)
        return ERR_SYNTAX;
    memcpy(&w, list->p, SPOKEN_WORD_BYTES);
    bool lies_in_it = w.at < text_bytes && w.length > 0 && w.length <= text_bytes - w.at;
    bool is_sure = w.confidence >= 0 && w.confidence <= 1; /* no number is not */
    if (!lies_in_it || !is_sure || w.end_ms < w.start_ms)
        return ERR_SYNTAX;
    *list = str_sub(*list, SPOKEN_WORD_BYTES, list->n);
    *ret_word = w;
    return OK;
}
