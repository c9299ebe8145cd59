// SPDX-License-Identifier: Apache-2.0
/*
 * Sound inside Repartee is mono, 16-bit signed, little-endian ("s16le"); a rate always travels with
 * it. These helpers convert between samples, bytes and time, and carry the odd byte that a network
 * leaves between two chunks (dropping it would turn the rest of the session into noise).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

constexpr uint32_t PCM_RATE_RECOGNISE = 16000; /* what the recognisers want, Hz */
constexpr uint32_t PCM_RATE_SPEAK = 22050;     /* what /tts sends unless asked otherwise, Hz */
constexpr uint32_t PCM_RATE_MIN = 8000;
constexpr uint32_t PCM_RATE_MAX = 48000;

static inline uint64_t pcm_samples_to_ms(uint64_t samples, uint32_t rate_hz)
{
    return samples * 1000 / rate_hz;
}
static inline uint64_t pcm_ms_to_samples(uint64_t ms, uint32_t rate_hz)
{
    return ms * rate_hz / 1000;
}

/* Turns arbitrarily cut bytes into whole samples. */
struct pcm_carry {
    uint8_t byte;
    bool has;
};
/* Appends the whole samples of carry + bytes to `into` as native int16_t; keeps an odd byte. */
enum err pcm_feed(struct pcm_carry *c, struct str bytes, struct buf *into);

/* Two channels side by side become one, in place: `count` samples of it. */
void pcm_mix(int16_t *samples, size_t count);

/* Root mean square of `count` samples, 0..32768. */
double pcm_rms(const int16_t *samples, size_t count);
