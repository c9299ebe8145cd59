// SPDX-License-Identifier: Apache-2.0
/*
 * A FLAC file (RFC 9639), bare or in Ogg, to mono s16 at its own rate, on libFLAC: 4 to 32 bits, 1 to 8 channels (mixed
 * down), tags and pictures passed over. A damaged frame is silence, as libFLAC has it, and a file that is cut short gives
 * what is there. One that is damaged in more than 20 places and one for every 50 frames, or whose rate changes, is refused.
 *
 * libFLAC reads by itself and cannot be told to wait, so the file is whole, in memory, and decoded frame by frame:
 *
 *     try(flac_in_create(file, false, &f));
 *     while (!flac_in_ended(f))
 *         try(flac_in_read(f, &samples));
 *
 * Foreign bytes, of which a dozen may stand for 65,535 samples: it runs only where it may crash, and a step is bounded.
 */
#pragma once

#include "audio/pcm.h"

enum { FLAC_IN_STEP_SAMPLES = 512 * 1024 }; /* the most one call of flac_in_read makes */

struct flac_in;
/* `file` is the caller's and stays until the end. */
enum err flac_in_create(struct str file, bool in_ogg, struct flac_in **ret_f);
void flac_in_destroy(struct flac_in *f); /* takes NULL */
/* Appends a frame's mono samples (int16_t), or none at the end. ERR_MEDIA: not a FLAC file, or damaged;
 * flac_in_errmsg() says which. Errors stick. */
enum err flac_in_read(struct flac_in *f, struct buf *into);
bool flac_in_ended(const struct flac_in *f);
uint32_t flac_in_rate(const struct flac_in *f); /* Hz; 0: not known yet */
const char *flac_in_errmsg(const struct flac_in *f);
