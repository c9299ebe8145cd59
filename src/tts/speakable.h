// SPDX-License-Identifier: Apache-2.0
/*
 * From what a language model writes to what a person would read out of it: Markdown's marks, bare
 * addresses, citations, code ticks and emoji are written for the eye. A first pass over one clause;
 * a mark whose other half lies in the next clause is dealt with all the same. Pure, any thread, no
 * recursion, time linear in the text.
 *
 *     speakable(S("See **[the manual](https://x.y/z)** 😀 [1]."), true, &out)   →  See the manual.
 */
#pragma once

#include "base/str.h"

/* Appends to `into`; the result is at most SPEAKABLE_GROWTH times as long. Malformed UTF-8 is left
 * out. `english`: symbols become English words. ERR_NOMEM, ERR_TOOBIG. */
enum err speakable(struct str text, bool english, struct buf *into);

enum { SPEAKABLE_GROWTH = 16 };
