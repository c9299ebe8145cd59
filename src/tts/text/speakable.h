// SPDX-License-Identifier: Apache-2.0
/*
 * From what a language model writes to what a person would read out of it. Marks for the eye go
 * (tts/text/markup.h), then numbers, dates, money, units, abbreviations and addresses become words in
 * the voice's language (tts/text/language.h). One clause at a time: what belongs together must not
 * have been cut in two. Pure, any thread, no recursion, time linear in the text.
 *
 *     speakable(S("**Total**: $5.2M by 11/29/2026 😀 [1]."), language_find(S("en")), &in_code, &out)
 *         →  Total: five point two million dollars by November twenty-ninth, twenty twenty-six.
 *
 * What is plain prose already stays as it is.
 */
#pragma once

#include "base/fence.h"
#include "tts/text/language.h"

/* Appends to `into`; the result is at most SPEAKABLE_GROWTH times as long, and SPEAKABLE_MORE. It has
 * no control characters; malformed UTF-8 is left out. `in_code` tells of a block of code that goes on
 * from one clause to the next; empty at first. ERR_NOMEM, ERR_TOOBIG. */
enum err speakable(struct str text, const struct language *lang, struct fence *in_code,
                   struct buf *into);

enum { SPEAKABLE_GROWTH = 24, SPEAKABLE_MORE = 64 };
