// SPDX-License-Identifier: Apache-2.0
/*
 * A clause's sound that was made elsewhere: at the stream's rate, and as loud as this program's own voice, so that
 * nobody reaches for the volume when one takes over from the other. How loud the own one is, streams tell as they
 * speak; before any has, it is the level of the built-in voices. The gain is the same for all of a clause.
 * One compute thread at a time per object; lent_own_level from any.
 */
#pragma once

#include "audio/resample.h"

struct lent {
    uint32_t rate_hz; /* of this clause's sound; 0: there is none of it */
    float gain;
    struct resample *resample; /* from `from_hz`; kept for the next clause */
    uint32_t from_hz;
    struct buf samples; /* int16_t: what lent_run gave last */
};

void lent_finish(struct lent *l); /* also of a zeroed one */
/* level: of that voice, as audio/loudness.h measures; 0: not known, and nothing is changed. ERR_INVALID: a rate that
 * is none. */
enum err lent_begin(struct lent *l, uint32_t rate_hz, uint32_t to_hz, uint32_t level);
/* Its next samples, levelled, into l->samples. ERR_SYNTAX: half a sample. */
enum err lent_run(struct lent *l, struct str s16le);
/* Of this program's voice. */
void lent_own_level(uint32_t level);
