// SPDX-License-Identifier: Apache-2.0
/* From phonemes to the numbers that a Kokoro model takes, an utterance at a time. Pure. */
#pragma once

#include "tts/kokoro/vocab.h"

enum { TOKENS_MAX = 510 }; /* of one utterance, without the padding: a voice has as many styles */

struct tokens {
    int64_t id[TOKENS_MAX + 2]; /* padded at both ends */
    size_t n;                   /* with the padding */
};

/* Cuts the next utterance off *rest (valid UTF-8): all of it, or so many words as TOKENS_MAX allows. What the model does not
 * know is left out. False: there is nothing more to say. */
bool tokens_next(const struct vocab *v, struct str *rest, struct tokens *ret_t);
