// SPDX-License-Identifier: Apache-2.0
#include "tts/onnx/samples.h"

#include <math.h>

#include "base/check.h"

enum { PIECE_MS = 40, RATE_MAX_HZ = 48000 };
static constexpr float SAMPLE_MAX = 32767;

/* NaN, which a broken model's samples may be, is silence. */
static int16_t sample_of(float x)
{
    if (x != x)
        return 0;
    return (int16_t)lrintf(fminf(fmaxf(x, -SAMPLE_MAX), SAMPLE_MAX));
}

bool samples_hand_over(const struct tts_listener *listener, uint32_t rate_hz, float gain,
                       const float *samples, size_t count)
{
    int16_t piece[RATE_MAX_HZ * PIECE_MS / 1000];
    const size_t step = rate_hz * PIECE_MS / 1000;
    check(step > 0 && step <= sizeof piece / sizeof *piece);
    if (count == 0)
        return listener->piece(listener->to, nullptr, 0);
    for (size_t at = 0; at < count; at += step) {
        size_t n = count - at < step ? count - at : step;
        for (size_t i = 0; i < n; i++)
            piece[i] = sample_of(samples[at + i] * (SAMPLE_MAX * gain));
        if (!listener->piece(listener->to, piece, n))
            return false;
    }
    return true;
}
