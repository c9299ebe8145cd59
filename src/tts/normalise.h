// SPDX-License-Identifier: Apache-2.0
/*
 * The gate in front of every synthesiser. Their rules were written for text that people wrote, and
 * have crashed on other: espeak-ng smashes its stack on a long run of "s'", long words cost
 * quadratic time. So what passes is valid UTF-8 in NFC on one line, without control characters, with
 * words of at most NORMALISE_WORD_MAX bytes and no character or word more than NORMALISE_RUN_MAX
 * times in a row. Pure, any thread.
 */
#pragma once

#include "base/str.h"

enum { NORMALISE_WORD_MAX = 64, NORMALISE_RUN_MAX = 8, NORMALISE_GROWTH = 4 };

/* Appends to `into` at most NORMALISE_GROWTH times the length of `text`; blanks are single, none at
 * the ends. Malformed UTF-8 is left out. ERR_NOMEM, ERR_TOOBIG. */
enum err normalise(struct str text, struct buf *into);
