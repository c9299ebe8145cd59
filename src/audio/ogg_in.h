// SPDX-License-Identifier: Apache-2.0
/*
 * Ogg/Opus (RFC 7845) to mono s16 at 16 kHz, on libogg's pages. The first Opus stream of the file is
 * taken, others beside it are passed over; what was lost between pages stays lost, what follows the
 * stream's end is not looked at, and a file that is cut short gives what is there.
 *
 * A parser of foreign bytes: fuzzed, nothing is trusted. Incremental: feed what arrives.
 */
#pragma once

#include "audio/pcm.h"

struct ogg_in;
enum err ogg_in_create(struct ogg_in **ret_o);
void ogg_in_destroy(struct ogg_in *o); /* takes NULL */
/* Appends mono samples (int16_t, 16 kHz) to `into`. ERR_MEDIA: not Ogg, no Opus in it, or damaged;
 * ogg_in_errmsg() says which. Errors stick. */
enum err ogg_in_feed(struct ogg_in *o, struct str bytes, struct buf *into);
/* No more bytes: ERR_MEDIA when the stream's two heads have not come. */
enum err ogg_in_end(struct ogg_in *o);
const char *ogg_in_errmsg(const struct ogg_in *o);
