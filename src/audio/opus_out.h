// SPDX-License-Identifier: Apache-2.0
/*
 * Mono s16 to Opus packets (RFC 6716) of 20 ms, tuned for speech. One object a stream, one thread at
 * a time.
 *
 *     try(opus_out_create(24000, &o));
 *     try(opus_out_frame(o, samples, packet, &n)); // opus_out_frame_samples(o) of them
 *
 * What comes out of a decoder lags by opus_out_delay samples: a file says so in its head, and the
 * last sound needs one more frame of silence behind it.
 */
#pragma once

#include <stddef.h>

#include "audio/pcm.h"

enum { OPUS_OUT_FRAME_MS = 20, OPUS_OUT_PACKET_MAX = 1275 };
constexpr uint32_t OPUS_OUT_RATE = 24000; /* Hz, where nobody asks for another */

#define OPUS_OUT_RATES "the rate of opus must be 8000, 12000, 16000, 24000 or 48000"
static inline bool opus_out_has_rate(uint32_t hz)
{
    return hz == 8000 || hz == 12000 || hz == 16000 || hz == 24000 || hz == 48000;
}

struct opus_out;
/* ERR_INVALID: not one of those rates. */
enum err opus_out_create(uint32_t rate_hz, struct opus_out **ret_o);
void opus_out_destroy(struct opus_out *o); /* takes NULL */
uint32_t opus_out_frame_samples(const struct opus_out *o);
uint32_t opus_out_delay(const struct opus_out *o); /* samples at 48 kHz */
enum err opus_out_frame(struct opus_out *o, const int16_t *samples,
                        uint8_t packet[static OPUS_OUT_PACKET_MAX], size_t *ret_bytes);
