// SPDX-License-Identifier: Apache-2.0
/*
 * How well something was heard. Words are what stands between blanks; case, full stops, commas and
 * question marks do not count, and a hyphen separates.
 */
#pragma once

#include "base/str.h"

struct wer {
    size_t errors, words; /* substitutions, omissions, insertions; words of the reference */
    size_t content_heard, content; /* words that carry the meaning: those that are no stop words */
};

/* Adds one utterance to the counts. */
void wer_add(struct wer *w, struct str reference, struct str heard);
double wer_percent(const struct wer *w);
double wer_content_percent(const struct wer *w);
