// SPDX-License-Identifier: Apache-2.0
/*
 * A recording of any kind that is read, told by its first bytes and never by its name: WAV, Ogg/Opus,
 * WebM/Opus. One face for their readers; the limits of each are in its own header.
 *
 * Foreign bytes. Incremental: feed what arrives. Opus makes up to 120 ms of two bytes: whoever feeds
 * 4 KiB at a time gets at most 8 MiB of samples at once.
 */
#pragma once

#include "audio/pcm.h"

struct recording;
enum err recording_create(struct recording **ret_r);
void recording_destroy(struct recording *r); /* takes NULL */
/* Appends mono samples (int16_t, native) to `into`. ERR_MEDIA: recording_errmsg() says why. Errors
 * stick. */
enum err recording_feed(struct recording *r, struct str bytes, struct buf *into);
/* No more bytes: ERR_MEDIA when no sound has been described. */
enum err recording_end(struct recording *r);
uint32_t recording_rate(const struct recording *r); /* of the samples, Hz; 0: not known yet */
const char *recording_errmsg(const struct recording *r);
