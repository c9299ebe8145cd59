// SPDX-License-Identifier: Apache-2.0
/*
 * A recording of any kind that is read, told by its first bytes and never by its name: WAV, FLAC, MP3, Ogg with Opus or
 * FLAC, WebM/Opus. One face for their readers; the limits of each are in its own header. The file is whole, in memory:
 *
 *     try(recording_create(file, &r));
 *     while (!recording_ended(r))
 *         try(recording_read(r, 4096, &samples));
 *
 * Foreign bytes. With Opus two bytes may be 120 ms, with FLAC a dozen 65,535 samples: a step looks at as many bytes
 * as it is told, or at one frame of FLAC and some of MP3 and the damage in front of them, which has its limit in each,
 * and makes at most RECORDING_STEP_BYTES of samples.
 */
#pragma once

#include "audio/pcm.h"

enum { RECORDING_STEP_BYTES = 8 * 1024 * 1024 }; /* where at most 4 KiB of the file are looked at */

struct recording;
/* `file` is the caller's and stays until the end. What it is, reading tells. */
enum err recording_create(struct str file, struct recording **ret_r);
void recording_destroy(struct recording *r); /* takes NULL */
/* Appends the next mono samples (int16_t, native) to `into`, perhaps none. ERR_MEDIA: recording_errmsg() says why.
 * Errors stick. */
enum err recording_read(struct recording *r, size_t step_bytes, struct buf *into);
bool recording_ended(const struct recording *r);
uint32_t recording_rate(const struct recording *r); /* of the samples, Hz; 0: not known yet */
const char *recording_errmsg(const struct recording *r);
