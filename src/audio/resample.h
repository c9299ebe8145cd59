// SPDX-License-Identifier: Apache-2.0
/*
 * Streaming sample-rate conversion of mono s16, on speexdsp's resampler (band-limited sinc
 * interpolation, J. O. Smith). One object per stream, one thread at a time.
 */
#pragma once

#include "audio/pcm.h"

struct resample;
constexpr uint32_t RESAMPLE_FROM_MAX = 192000; /* what studios record in */
/* Rates in Hz, from 8000..192000 to 8000..48000 (ERR_INVALID otherwise). Equal rates pass samples through. */
enum err resample_create(uint32_t from_hz, uint32_t to_hz, struct resample **ret_r);
void resample_destroy(struct resample *r); /* takes NULL */
/* Appends the converted samples (int16_t) to `into`. */
enum err resample_run(struct resample *r, const int16_t *samples, size_t count, struct buf *into);
/* The tail that the filter still holds; afterwards the stream may begin anew. The total length over
 * a stream is round(count · to / from), ± 1 sample. */
enum err resample_flush(struct resample *r, struct buf *into);
