// SPDX-License-Identifier: Apache-2.0
/*
 * How high a voice is: the median of the fundamental frequency over what was voiced so far, by the
 * normalised cross-correlation of each frame with itself a period later (Talkin: A robust algorithm for
 * pitch tracking, 1995, its first stage). Of several equally good periods the shortest is taken. Right
 * to a few percent, which is enough to tell a short vocal tract from a long one. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    PITCH_RATE_HZ = 16000,
    PITCH_STEP = 160, /* samples between two frames: 10 ms */
    PITCH_MIN_HZ = 70,
    PITCH_MAX_HZ = 350,
    PITCH_DECIMATE = 4, /* the correlation is taken at 4 kHz */
    PITCH_LAG_MIN = PITCH_RATE_HZ / PITCH_DECIMATE / PITCH_MAX_HZ,
    PITCH_LAG_MAX = PITCH_RATE_HZ / PITCH_DECIMATE / PITCH_MIN_HZ,
    PITCH_WINDOW = 100, /* 25 ms at 4 kHz */
    PITCH_KEPT = PITCH_WINDOW + PITCH_LAG_MAX,
};

struct pitch {
    float kept[PITCH_KEPT];                /* the last samples at 4 kHz, the newest last */
    int32_t sum;                           /* of the samples of the next one at 4 kHz */
    uint32_t samples;                      /* of the next frame */
    uint32_t frames_at[PITCH_LAG_MAX + 1]; /* voiced frames by their period */
    uint32_t voiced;                       /* of them all */
};

void pitch_begin(struct pitch *p);
void pitch_hear(struct pitch *p, const int16_t *samples, size_t count);
/* How much was voiced, ms. */
uint32_t pitch_voiced_ms(const struct pitch *p);
/* 0: nothing was voiced. */
double pitch_median_hz(const struct pitch *p);
