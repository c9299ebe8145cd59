// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts the plain text of a document (read/document.h) into sentences. A line break ends one too when a
 * blank line, a heading, a list item, a table row or code follows; else lines flow on. Abbreviations,
 * initials and numbers do not end sentences. Nothing is longer than SENTENCE_MAX: what is, is cut at a
 * blank, else between code points, so that hostile text costs no more than any other. Pure; any thread.
 *
 *     struct sentences all = {.text = text};
 *     while (sentence_next(&all, &s)) …
 *
 * The cursor is a value: copy it to come back to a place.
 */
#pragma once

#include "base/fence.h"

enum { SENTENCE_MAX = 600 /* bytes */ };
enum sentence_kind : uint8_t {
    SENTENCE_PLAIN,
    SENTENCE_HEADING, /* with its marks: "## Voices" */
    SENTENCE_ITEM,    /* begins a list item, or is the row of a table */
    SENTENCE_CODE,    /* a whole block, with its fences */
};

struct sentence {
    struct str text; /* trimmed, never empty; may contain line breaks */
    size_t from;     /* where it stands in the text */
    enum sentence_kind kind;
};

struct sentences {
    struct str text;
    size_t at;
    struct fence open; /* a long block was cut: the rest of it comes next */
};

bool sentence_is_row(const struct sentence *s); /* of a table: "a | b" */
/* The next sentence; false at the end of the text. */
bool sentence_next(struct sentences *all, struct sentence *ret_sentence);
