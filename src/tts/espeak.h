// SPDX-License-Identifier: Apache-2.0
/*
 * What espeak-ng knows besides speaking: how words of a language sound. For voices that are models of sound alone. It is
 * the driver's library, under its lock; after tts_espeak.load.
 */
#pragma once

#include "base/str.h"

enum { ESPEAK_TAG_BYTES = 32, ESPEAK_PHONEMES_MAX = 64 * 1024 };

/* Are there rules for this language, such as "en-us"? Any thread, as the other. */
bool espeak_has_language(struct str language);
/* Appends `phrase` (valid UTF-8, normalised) in the International Phonetic Alphabet, with a blank between words and the
 * marks where a reader pauses: , : ; . ? ! `tie` is put between the letters of one phoneme; '\0': nothing. ERR_NOTFOUND: no such
 * language. */
enum err espeak_phonemes(const char *language, struct str phrase, char tie, struct buf *into);
