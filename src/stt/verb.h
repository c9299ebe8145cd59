// SPDX-License-Identifier: Apache-2.0
/*
 * Which words are verbs, and their plain form ("press" of "pressed"), as far as a dictionary's other words
 * tell: a verb goes on ("pressing") and has an s ("presses"). Some nouns pass, which does little harm where
 * it is used. English, pure.
 */
#pragma once

#include "base/str.h"

enum { VERB_BYTES = 40 }; /* room for a word of 32 letters and an ending */

/* Is the word in the dictionary? */
typedef bool (*verb_known_fn)(void *arg, struct str word);

/* False: it is no form of a verb. The form ends with a NUL. */
bool verb_plain(struct str word, verb_known_fn known, void *arg, char ret_plain[VERB_BYTES]);
