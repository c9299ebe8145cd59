// SPDX-License-Identifier: Apache-2.0
/*
 * Mono s16 to a FLAC stream (RFC 9639) as it comes, on libFLAC: without a seek back its head says that the length is
 * not known, and has no checksum of the sound. Blocks of 40 ms. One thread at a time.
 *
 *     try(flac_out_create(24000, &o));
 *     try(flac_out_run(o, samples, count, &bytes)); …
 *     try(flac_out_end(o, &bytes));
 */
#pragma once

#include "audio/pcm.h"

struct flac_out;
/* Any rate from PCM_RATE_MIN to PCM_RATE_MAX; ERR_INVALID otherwise. */
enum err flac_out_create(uint32_t rate_hz, struct flac_out **ret_o);
void flac_out_destroy(struct flac_out *o); /* takes NULL */
/* Appends what these samples complete; the first call also the heads. After a failure only destroy follows. */
enum err flac_out_run(struct flac_out *o, const int16_t *samples, size_t count, struct buf *into);
enum err flac_out_end(struct flac_out *o, struct buf *into);
