// SPDX-License-Identifier: Apache-2.0
/*
 * Mono s16 to MP3 (ISO/IEC 11172-3 and 13818-3, layer III) as it comes, on LAME: 64 kbit/s whatever is said, so that a
 * player knows the length of a file by its size, and without a head that would have to be filled in at the end. What a
 * decoder makes of it begins about 1,100 samples late and ends with some silence. LAME does not survive that memory is
 * refused to it: then the program ends, which engines do. One thread at a time.
 *
 *     try(mp3_out_create(24000, &o));
 *     try(mp3_out_run(o, samples, count, &bytes)); …
 *     try(mp3_out_end(o, &bytes));
 */
#pragma once

#include "audio/pcm.h"

#define MP3_OUT_RATES                                                                              \
    "the rate of mp3 must be 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100 or 48000"

struct mp3_out;
/* ERR_INVALID: not one of those rates. */
enum err mp3_out_create(uint32_t rate_hz, struct mp3_out **ret_o);
void mp3_out_destroy(struct mp3_out *o); /* takes NULL */
/* Appends the frames that are complete. */
enum err mp3_out_run(struct mp3_out *o, const int16_t *samples, size_t count, struct buf *into);
enum err mp3_out_end(struct mp3_out *o, struct buf *into);
