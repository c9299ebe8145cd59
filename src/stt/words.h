// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a document as a person would say it: lower-case words, one after another, and where
 * its sentences end. What a language model is counted from.
 *
 *   "Push-to-talk needs `http.origins`."   push to talk needs http origins
 *   "listen on port 8600 (about 1.5 MB)"   listen on port eighty six hundred about one point five mb
 *   "PocketSphinx"                          pocket sphinx, unless the dictionary has it whole
 *
 * Hyphens, slashes, dots and underscores inside a word separate; numbers are spelt out; accents are
 * taken off Latin letters. Hashes, keys and words of other scripts are a gap: their neighbours did not
 * follow each other. A parser of foreign bytes: any text will do, malformed UTF-8 is a gap. Any thread.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { WORDS_LETTERS_MAX = 32 }; /* longer words are a gap */

struct words_events {
    /* Has the dictionary this lower-case word? */
    bool (*known)(void *arg, struct str word);
    /* 1 to WORDS_LETTERS_MAX of a-z and inner apostrophes. spelt: it stood in capitals in the text,
     * as abbreviations do that are said letter by letter, and the dictionary does not have it. */
    enum err (*word)(void *arg, struct str word, bool spelt);
    enum err (*sentence)(void *arg);
    enum err (*gap)(void *arg);
    void *arg;
};

/* Ends at the first error of an event and returns it. */
enum err words_read(struct str text, const struct words_events *events);
