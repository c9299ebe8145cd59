// SPDX-License-Identifier: Apache-2.0
/*
 * Opus packets into an Ogg/Opus stream (RFC 7845), on libogg. A page is what the caller makes one: a
 * listener gets nothing of it before it is whole. One thread at a time.
 *
 *     try(ogg_out_create(rate_hz, opus_out_delay(encoder), serial, &o));
 *     try(ogg_out_begin(o, &bytes));
 *     try(ogg_out_packet(o, packet, OPUS_OUT_FRAME_MS)); … try(ogg_out_page(o, &bytes));
 *     try(ogg_out_end(o, last_packet, samples, &bytes));
 */
#pragma once

#include "audio/pcm.h"

struct ogg_out;
/* `delay` in samples at 48 kHz; the serial tells streams apart that are put behind one another. */
enum err ogg_out_create(uint32_t rate_hz, uint32_t delay, uint32_t serial, struct ogg_out **ret_o);
void ogg_out_destroy(struct ogg_out *o); /* takes NULL */
/* The two heads, each a page of its own. */
enum err ogg_out_begin(struct ogg_out *o, struct buf *into);
enum err ogg_out_packet(struct ogg_out *o, struct str packet, uint32_t ms);
/* All packets since the last page make one (or more, when they are many). */
enum err ogg_out_page(struct ogg_out *o, struct buf *into);
/* The last packet and page: the sound is `samples` at rate_hz long, which must be what the packets
 * before this one stand for; this one carries what the delay held back. */
enum err ogg_out_end(struct ogg_out *o, struct str packet, uint64_t samples, struct buf *into);
