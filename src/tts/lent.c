// SPDX-License-Identifier: Apache-2.0
#include "tts/lent.h"

#include <stdatomic.h>

enum { PIECE_MAX = 256 * 1024, USUAL_LEVEL = 3000 };
/* A voice that is further away than that is not to be brought near: what is amplified is its noise. */
static constexpr float GAIN_MIN = 0.25f;
static constexpr float GAIN_MAX = 4.0f;

static atomic_uint own_level = USUAL_LEVEL;

void lent_own_level(uint32_t level)
{
    if (level > 0)
        atomic_store_explicit(&own_level, level, memory_order_relaxed);
}

void lent_finish(struct lent *l)
{
    resample_destroy(l->resample);
    l->resample = nullptr;
    buf_finish(&l->samples);
}

static float gain_for(uint32_t level)
{
    if (level == 0)
        return 1;
    float gain = (float)atomic_load_explicit(&own_level, memory_order_relaxed) / (float)level;
    return gain < GAIN_MIN ? GAIN_MIN : gain > GAIN_MAX ? GAIN_MAX : gain;
}

enum err lent_begin(struct lent *l, uint32_t rate_hz, uint32_t to_hz, uint32_t level)
{
    if (rate_hz < PCM_RATE_MIN || rate_hz > PCM_RATE_MAX)
        return ERR_INVALID;
    if (l->resample == nullptr || l->from_hz != rate_hz) {
        struct resample *r;
        try(resample_create(rate_hz, to_hz, &r));
        resample_destroy(l->resample);
        l->resample = r;
        l->from_hz = rate_hz;
    }
    l->rate_hz = rate_hz;
    l->gain = gain_for(level);
    l->samples.cap = PIECE_MAX;
    return OK;
}

enum err lent_run(struct lent *l, struct str s16le)
{
    if (s16le.n % sizeof(int16_t))
        return ERR_SYNTAX;
    buf_clear(&l->samples);
    try(buf_add(&l->samples, s16le)); /* a frame's bytes lie anywhere */
    int16_t *samples = (int16_t *)l->samples.p;
    for (size_t i = 0; i < l->samples.n / sizeof *samples; i++) {
        float x = (float)samples[i] * l->gain;
        samples[i] = (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
    }
    return OK;
}
