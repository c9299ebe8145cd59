// SPDX-License-Identifier: Apache-2.0
/*
 * Words of a question and of a passage, made comparable: lower case, light stems ("adding", "adds",
 * "added" and "add" meet), function words marked. Light on purpose: the full-text index has its own
 * Porter stemmer; this one ranks sentences. Pure; any thread.
 */
#pragma once

#include "base/str.h"

enum { WORD_MAX = 32, TERMS_MAX = 24 };

struct word {
    char stem[WORD_MAX]; /* NUL-terminated; longer words are cut */
    struct str text;     /* as it stands in the source */
    bool function;       /* "the", "how", "is": says little about the subject */
};

/* Cuts the next word off *rest; false at the end. A word is letters, digits and what is beyond ASCII,
 * with inner apostrophes and hyphens ending it. */
bool word_next(struct str *rest, struct word *ret_word);

/* The distinct words that a question is about, with a weight each (see query.c). */
struct term {
    char stem[WORD_MAX];
    struct str text;
    double weight;
};
struct terms {
    struct term term[TERMS_MAX];
    size_t count;
};
/* Content words; when there are none, every word. Slices point into the question. */
void terms_of(struct str question, struct terms *ret_terms);
/* The share (0..1) of the terms' weight that occurs in the text. */
double terms_cover(const struct terms *t, struct str text);
