// SPDX-License-Identifier: Apache-2.0
/*
 * Two tables about single code points: how symbols are read out, and which code points make no
 * sound at all (pictures, boxes, invisible marks). Any thread.
 */
#pragma once

#include "base/str.h"

/* What to say for `cp`; an empty slice means nothing. False: it is not in the table, keep it.
 * Words are given in English only; for other languages the synthesiser knows its own. */
bool symbol_spoken(uint32_t cp, bool english, struct str *ret_words);
/* Emoji, drawings, private use, zero-width and direction marks, variation selectors. */
bool symbol_silent(uint32_t cp);
/* What an HTML entity's name ("amp", "#39") stands for, or an empty slice. */
struct str symbol_entity(struct str name);
