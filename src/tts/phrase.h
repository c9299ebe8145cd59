// SPDX-License-Identifier: Apache-2.0
/*
 * A synthesiser works on one phrase at a time and says nothing before it has thought about all of
 * it, so a long text is cut where a reader would breathe. Pure, any thread.
 */
#pragma once

#include "base/str.h"

/* Bytes after which a comma ends a text's first phrase, which should be soon, or a later one; and bytes that
 * it should not have more of, so that any word ends it. */
struct phrase_limits {
    size_t first, later, first_most, later_most;
};
/* For synthesisers that begin to speak before they are done with a phrase, and for those that do not. */
extern const struct phrase_limits phrase_usual, phrase_short;

/* Cuts the next phrase, of at most TTS_PHRASE_MAX bytes, off *rest (normalised text); false at the
 * end. `first`: nothing has been spoken of this text. */
bool phrase_cut(struct str *rest, bool first, const struct phrase_limits *limits,
                struct str *ret_phrase);
/* How long a speaker pauses after `phrase`, by its last character. */
uint32_t phrase_pause_ms(struct str phrase);
