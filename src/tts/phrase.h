// SPDX-License-Identifier: Apache-2.0
/*
 * A synthesiser works on one phrase at a time and says nothing before it has thought about all of
 * it, so a long text is cut where a reader would breathe. Pure, any thread.
 */
#pragma once

#include "base/str.h"

enum {
    PHRASE_FIRST = 60, /* bytes after which a comma ends a text's first phrase: it should be soon */
    PHRASE_LATER = 120,
};

/* Cuts the next phrase of at most TTS_PHRASE_MAX bytes off *rest (normalised text); false at the
 * end. `first`: nothing has been spoken of this text. */
bool phrase_cut(struct str *rest, bool first, struct str *ret_phrase);
/* How long a speaker pauses after `phrase`, by its last character. */
uint32_t phrase_pause_ms(struct str phrase);
