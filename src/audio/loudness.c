// SPDX-License-Identifier: Apache-2.0
#include "audio/loudness.h"

#include <math.h>

enum {
    BLOCK_MS = 20,
    SPEECH = 300,  /* a stretch below it is a pause */
    MEMORY_S = 60, /* of speech; then it counts half as much as what comes */
};

static void end_block(struct loudness *l, uint32_t rate_hz)
{
    if (l->block_sum >= (double)SPEECH * SPEECH * l->block) {
        l->sum += l->block_sum;
        l->count += l->block;
    }
    l->block_sum = 0;
    l->block = 0;
    if (l->count > (uint64_t)rate_hz * MEMORY_S) {
        l->sum /= 2;
        l->count /= 2;
    }
}

void loudness_add(struct loudness *l, uint32_t rate_hz, const int16_t *samples, size_t count)
{
    uint32_t whole = (uint32_t)pcm_ms_to_samples(BLOCK_MS, rate_hz);
    for (size_t i = 0; i < count; i++) {
        l->block_sum += (double)samples[i] * samples[i];
        if (++l->block >= whole)
            end_block(l, rate_hz);
    }
}

uint32_t loudness_level(const struct loudness *l, uint32_t rate_hz)
{
    if (l->count < pcm_ms_to_samples(LOUDNESS_ENOUGH_MS, rate_hz))
        return 0;
    double level = sqrt(l->sum / (double)l->count);
    return level < 1 ? 1 : (uint32_t)level;
}
