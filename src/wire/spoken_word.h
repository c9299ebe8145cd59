// SPDX-License-Identifier: Apache-2.0
/*
 * The words of a segment of a transcript (wire: stt_segment), packed: where each lies in the segment's text, when it was
 * said, and how sure the recogniser is of it. Pure.
 *
 *     try(spoken_word_put(&list, &word));
 *     while (rest.n) try(spoken_word_next(&rest, text.n, &word));
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { SPOKEN_WORD_BYTES = 20 };

struct spoken_word {
    uint32_t at, length; /* in the text, bytes; length is not 0 */
    uint32_t start_ms,
        end_ms;       /* in the recording; both 0 where the recogniser does not measure them */
    float confidence; /* 0 … 1 */
};

enum err spoken_word_put(struct buf *list,
                         const struct spoken_word *word); /* ERR_NOMEM, ERR_TOOBIG */
/* Cuts the first word off a list that is not empty. ERR_SYNTAX: it is no such list for a text of so many bytes. */
enum err spoken_word_next(struct str *list, size_t text_bytes, struct spoken_word *ret_word);
