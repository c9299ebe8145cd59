// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts a text into sentences. A line break ends one too when a blank line, a heading, a list item or
 * a table row follows; else lines flow on. Abbreviations and numbers do not end sentences. Pure.
 */
#pragma once

#include "base/str.h"

enum sentence_kind : uint8_t { SENTENCE_PLAIN, SENTENCE_HEADING, SENTENCE_ITEM, SENTENCE_CODE };

struct sentence {
    struct str text; /* trimmed, never empty; may contain line breaks */
    size_t from, to; /* where it stands, with the white space behind it */
    enum sentence_kind kind;
};

/* The sentence that starts at `at`; false at the end of the text. Go on at ret->to. */
bool sentence_next(struct str text, size_t at, struct sentence *ret_sentence);
