// SPDX-License-Identifier: Apache-2.0
/*
 * How a word that the dictionary lacks is probably said: possessives from their word ("server's"),
 * abbreviations letter by letter, everything else by the letter-to-sound rules of CMUlex that flite
 * carries (Black, Lenzo, Pagel: Issues in building general letter to sound rules, 1998). Phones are
 * those of CMUdict without stress. Any thread.
 */
#pragma once

#include "stt/dictionary.h"

enum { PRONOUNCE_MAX = 8 * 40 }; /* bytes of a pronunciation */

/* Puts the phones of `word` (a-z and apostrophes), separated by blanks, into `into`. spelt: it is said
 * letter by letter. ERR_NOTFOUND when no rule says anything. */
enum err pronounce(const struct dictionary *d, struct str word, bool spelt, struct buf *into);
