// SPDX-License-Identifier: Apache-2.0
/*
 * espeak-ng 1.52 writes the words of a number into buffers of fixed size that some languages' words
 * outgrow: "4777" in Arabic and "10000000000000" in Cantonese write past them. So numbers with more
 * digits than a language can bear are given to it digit by digit.
 */
#pragma once

#include "base/str.h"

/* How many digits a number may have in `language` (a tag such as "ar"); 0: the voice must not
 * be used. */
unsigned espeak_digits_max(struct str language);
/* Appends `text` (valid UTF-8), longer numbers with blanks between their digits and without what
 * separated their groups. The result is at most three times as long. */
enum err espeak_tame_numbers(struct str text, unsigned digits_max, struct buf *into);
