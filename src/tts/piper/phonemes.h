// SPDX-License-Identifier: Apache-2.0
/* From phonemes, or letters where a voice was trained on such, to the numbers that a Piper voice takes. Pure. */
#pragma once

#include "tts/piper/voice_json.h"

enum {
    PHONEMES_MAX = 400, /* code points of one utterance: memory grows with their square */
    PHONEME_IDS_MAX = (PHONEMES_MAX + 2) * (VOICE_IDS_MAX + 1) * 2,
};

struct phoneme_ids {
    int64_t id[PHONEME_IDS_MAX];
    size_t n;
};

/* Cuts the next utterance off *rest (valid UTF-8, decomposed: NFD): all of it, or so many words as PHONEMES_MAX allows,
 * framed and padded as voices are trained. False: there is nothing more to say. */
bool phonemes_next(const struct voice_json *v, struct str *rest, struct phoneme_ids *ret_ids);
