// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers as people say them, in lower-case American English: "8600" is eighty six hundred, "2026"
 * twenty twenty six, "1.5" one point five, "127.0.0.1" one hundred twenty seven dot zero dot zero
 * dot one. Pure; any thread.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { NUMBER_DIGITS_MAX = 12 };

/* Appends the words of `number`, separated by single spaces. `number` is digits, with single dots or
 * commas between digits. ERR_INVALID for anything else, and for more than NUMBER_DIGITS_MAX digits in
 * one group: nobody says those. `into` may then hold a part. */
enum err number_words(struct str number, struct buf *into);
/* The same for "1st", "22nd": the digits without their suffix, at most three. */
enum err number_ordinal(struct str digits, struct buf *into);
