// SPDX-License-Identifier: Apache-2.0
/*
 * RIFF/WAVE, as far as voice needs it: PCM 8/16/24/32 bit, IEEE float 32/64, A-law and mu-law, 1 to 8
 * channels (mixed down), also WAVE_FORMAT_EXTENSIBLE; any other chunks before the sound, odd chunk
 * padding, streams whose length fields are 0 or 0xffffffff (the sound goes on to the end). What
 * follows the sound is not looked at; a file that is cut short gives what is there.
 *
 * A parser of foreign bytes: fuzzed, nothing is trusted. Incremental: feed what arrives.
 */
#pragma once

#include "audio/pcm.h"

struct wav_reader;
enum err wav_reader_create(struct wav_reader **ret_r);
void wav_reader_destroy(struct wav_reader *r); /* takes NULL */
/* Appends decoded mono samples (int16_t, native) to `into`. ERR_MEDIA: not a WAV file, or a coding
 * that is not listed above; wav_errmsg() says which. Errors stick. */
enum err wav_feed(struct wav_reader *r, struct str bytes, struct buf *into);
/* No more bytes: ERR_MEDIA when not even a header and a data chunk came. */
enum err wav_end(struct wav_reader *r);
/* Bytes of the sound that its header counts and that have not come; 0 where it does not say how long it is, also where it claims a
 * gigabyte more, as writers to a pipe do who do not know. */
uint64_t wav_owed(const struct wav_reader *r);
uint32_t wav_rate(const struct wav_reader *r); /* Hz; 0 before the format chunk was read */
const char *wav_errmsg(const struct wav_reader *r);

enum { WAV_HEADER_BYTES = 44 };
/* A 44-byte header of mono s16. Streams of unknown length: samples = UINT32_MAX. */
void wav_header(uint8_t into[WAV_HEADER_BYTES], uint32_t rate_hz, uint32_t samples);
