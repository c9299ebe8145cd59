// SPDX-License-Identifier: Apache-2.0
/*
 * From the phonemes of espeak-ng to those that Kokoro was trained on: the alphabet of misaki, a program for English by the
 * makers of Kokoro, which writes a diphthong or an affricate as one symbol and leaves out what a dictionary would not say.
 * Pure.
 */
#pragma once

#include "base/str.h"

/* What stands between the letters of one phoneme, so that those of two are told apart. */
constexpr char MISAKI_TIE = '^';

enum misaki_rules : uint8_t { MISAKI_AMERICAN, MISAKI_BRITISH, MISAKI_OTHER };

/* `ipa`: valid UTF-8 with ties, as espeak_phonemes gives it. ERR_NOMEM; ERR_TOOBIG: not more than three times as long. */
enum err misaki_from_espeak(struct str ipa, enum misaki_rules rules, struct buf *into);
