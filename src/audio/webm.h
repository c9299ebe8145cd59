// SPDX-License-Identifier: Apache-2.0
/*
 * WebM/Opus, as a browser's MediaRecorder writes it (RFC 8794 and 9559), to mono s16 at 16 kHz: one
 * Segment, its Tracks, then Clusters of SimpleBlocks or BlockGroups, each size known or (Segment,
 * Cluster) unknown. The first Opus track is heard; other tracks, Void, Cues, Tags and what nobody
 * knows are passed over. Laced, encrypted and compressed blocks are refused, and so is an element
 * that is longer than what holds it. What follows the Segment is not looked at; a file that is cut
 * short gives what is there.
 *
 * A parser of foreign bytes: fuzzed, nothing is trusted. Incremental: feed what arrives.
 */
#pragma once

#include "audio/pcm.h"

struct webm;
enum err webm_create(struct webm **ret_w);
void webm_destroy(struct webm *w); /* takes NULL */
/* Appends mono samples (int16_t, 16 kHz) to `into`.
 * ERR_MEDIA: not such a file; webm_errmsg() says why. Errors stick. */
enum err webm_feed(struct webm *w, struct str bytes, struct buf *into);
/* No more bytes: ERR_MEDIA when no Opus track has been described. */
enum err webm_end(struct webm *w);
const char *webm_errmsg(const struct webm *w);
