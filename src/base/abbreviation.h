// SPDX-License-Identifier: Apache-2.0
/*
 * Words whose full stop ends no sentence, for all who cut text into sentences: English ones, and those
 * that most European texts share. Pure; any thread.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum abbreviation : uint8_t { ABBREVIATION_NOT, ABBREVIATION_YES, ABBREVIATION_UNCLEAR };
/* Is the full stop between `word` ("Dr", "p.m", "J") and `after` (which begins behind it) that of an
 * abbreviation, with the sentence going on? With some that depends on what comes next ("No. 5", "at 7
 * p.m. on Monday", "J. Smith", "plan B. Then"): where `after` still `grows` and too little of it is
 * there, it is unclear. */
enum abbreviation abbreviation_at(struct str word, struct str after, bool grows);
