// SPDX-License-Identifier: Apache-2.0
/*
 * The last step of a spoken answer: samples to what the listener asked for, which leaves in pieces
 * through `out`.
 *
 *   "pcm" (or "")   the samples themselves, s16le
 *   "opus"          bare Opus packets of 20 ms, one a piece
 *   "ogg"           an Ogg/Opus stream (RFC 7845), a page a piece
 *   "mp3"           MP3, frames as they are complete
 *   "flac"          a FLAC stream of unknown length
 *
 * One per stream, its thread.
 */
#pragma once

#include "audio/pcm.h"

typedef enum err (*coder_out_fn)(void *to, struct str bytes);

/* Which rates a format has, where it does not have all. */
const char *coder_rates(struct str format);

struct coder;
/* ERR_UNSUPPORTED: no such format; ERR_INVALID: it does not have this rate. */
enum err coder_create(struct str format, uint32_t rate_hz, coder_out_fn out, void *to,
                      struct coder **ret_c);
void coder_destroy(struct coder *c); /* takes NULL */
/* Samples come by so many, or by multiples of it. */
uint32_t coder_grain(const struct coder *c);
enum err coder_run(struct coder *c, const int16_t *samples, size_t count);
/* No more samples: what the coder has held back goes out, and the end of a file. */
enum err coder_end(struct coder *c);
