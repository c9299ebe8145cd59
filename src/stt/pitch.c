// SPDX-License-Identifier: Apache-2.0
#include "stt/pitch.h"

#include <math.h>
#include <string.h>

/* Below this loudness (root mean square) a frame is silence, below this correlation it has no pitch. */
static const float audible = 60, periodic = 0.7f;
/* A shorter period is as good as the best one when its correlation comes so close. */
static const float as_good = 0.9f;

void pitch_begin(struct pitch *p)
{
    *p = (struct pitch){};
}

static float product(const float *a, const float *b)
{
    float sum = 0;
    for (size_t i = 0; i < PITCH_WINDOW; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Correlation of the newest window with the one `lag` before, 0 to 1. */
static float correlation(const struct pitch *p, size_t lag, float energy)
{
    const float *now = p->kept + PITCH_LAG_MAX, *before = now - lag;
    float both = product(now, before), other = product(before, before);
    return both <= 0 || other <= 0 ? 0 : both / sqrtf(energy * other);
}

static void look_at_frame(struct pitch *p)
{
    const float *now = p->kept + PITCH_LAG_MAX;
    float energy = product(now, now), best = 0, at[PITCH_LAG_MAX + 2];
    if (energy < audible * audible * PITCH_WINDOW)
        return;
    for (size_t lag = PITCH_LAG_MIN; lag <= PITCH_LAG_MAX; lag++) {
        at[lag] = correlation(p, lag, energy);
        best = at[lag] > best ? at[lag] : best;
    }
    if (best < periodic)
        return;
    for (size_t lag = PITCH_LAG_MIN + 1; lag < PITCH_LAG_MAX; lag++) {
        if (at[lag] < as_good * best || at[lag] < at[lag - 1] || at[lag] < at[lag + 1])
            continue;
        p->frames_at[lag]++;
        p->voiced++;
        return;
    }
}

static void keep(struct pitch *p, float sample)
{
    memmove(p->kept, p->kept + 1, sizeof p->kept - sizeof *p->kept);
    p->kept[PITCH_KEPT - 1] = sample;
}

void pitch_hear(struct pitch *p, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        p->sum += samples[i];
        p->samples++;
        if (p->samples % PITCH_DECIMATE == 0) {
            keep(p, (float)p->sum / PITCH_DECIMATE);
            p->sum = 0;
        }
        if (p->samples == PITCH_STEP) {
            p->samples = 0;
            look_at_frame(p);
        }
    }
}

uint32_t pitch_voiced_ms(const struct pitch *p)
{
    return p->voiced * (1000 * PITCH_STEP / PITCH_RATE_HZ);
}

double pitch_median_hz(const struct pitch *p)
{
    uint32_t below = 0;
    for (size_t lag = PITCH_LAG_MIN; lag <= PITCH_LAG_MAX; lag++) {
        below += p->frames_at[lag];
        if (below * 2 > p->voiced)
            return (double)PITCH_RATE_HZ / PITCH_DECIMATE / (double)lag;
    }
    return 0;
}
