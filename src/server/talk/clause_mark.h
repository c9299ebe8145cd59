// SPDX-License-Identifier: Apache-2.0
/*
 * What a punctuation mark means to who cuts an answer into clauses, from the text around it. What it
 * says never depends on where the tokens' borders are: as long as more text could change it, the
 * answer is to wait. It looks only a bounded way ahead. Pure; any thread.
 */
#pragma once

#include "base/str.h"

enum cut {
    CUT_NONE, /* goes on */
    CUT_SOFT, /* a pause: a cut if the clause is long enough */
    CUT_HARD, /* the end of a sentence */
    CUT_WAIT, /* more text is needed to tell */
};

/* The mark or other character at `at` of `text`, whose clause begins at `from` and whose line at
 * `line`; `grows`: more may come. *ret_len: how far to go on, closing quotes and brackets included;
 * not set when it is to wait. */
enum cut cut_at(struct str text, size_t from, size_t line, size_t at, bool grows, size_t *ret_len);

/* Length of the white space that `text` begins with: ASCII's and Unicode's. */
size_t cut_space(struct str text);
