// SPDX-License-Identifier: Apache-2.0
#include "stt/whisper/doubt.h"

#include "stt/window/repeat.h"

static constexpr float UNSURE = -0.8f; /* mean log-probability of the tokens */
static constexpr float NOBODY_UNSURE = -1.0f;
static constexpr float GUESS = -1.5f;
static constexpr float NOBODY = 0.6f;

/* Comparisons are so that what is no number is doubted. */
enum guard doubt_of(const struct heard *h)
{
    if (h->words_n == 0)
        return GUARD_NONE;
    if (h->no_speech > NOBODY && !(h->logprob > NOBODY_UNSURE))
        return GUARD_no_speech;
    return h->logprob > UNSURE ? repeat_found(h) : GUARD_unsure;
}

enum guard doubt_for_good(const struct heard *h)
{
    enum guard doubt = doubt_of(h);
    if (doubt == GUARD_unsure)
        return h->logprob > GUESS ? GUARD_NONE : GUARD_guess;
    return doubt;
}
