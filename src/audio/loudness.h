// SPDX-License-Identifier: Apache-2.0
/*
 * How loud a voice is while it speaks: the root mean square of 16-bit samples, of those stretches of 20 ms in
 * which there is speech at all, so that pauses make nobody quieter. Of what was said long ago less and less counts.
 * One thread at a time per object; a zeroed one has heard nothing.
 */
#pragma once

#include "audio/pcm.h"

struct loudness {
    double sum, block_sum; /* of squares: of speech so far, of the stretch that is not over */
    uint64_t count;        /* samples in `sum` */
    uint32_t block;        /* samples in `block_sum` */
};

void loudness_add(struct loudness *l, uint32_t rate_hz, const int16_t *samples, size_t count);
/* 1..32768; 0: less than LOUDNESS_ENOUGH_MS of speech was heard, at that rate. */
enum { LOUDNESS_ENOUGH_MS = 300 };
uint32_t loudness_level(const struct loudness *l, uint32_t rate_hz);
