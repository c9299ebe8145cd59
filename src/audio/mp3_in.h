// SPDX-License-Identifier: Apache-2.0
/*
 * An MP3 file (ISO/IEC 11172-3 and 13818-3, layers II and III, MPEG 1, 2 and 2.5) to mono s16 at its own rate, on libmpg123:
 * bit rates that vary, ID3 and APE tags passed over unread, encoder delay and padding left out where an Info frame tells
 * them. What is damaged is passed over, up to a megabyte in one place, and whatever in it looks like frames of another
 * rate; a file that is cut short gives what is there. Free format, and a rate or layer that changes for three frames
 * or more, are refused.
 *
 * libmpg123, and not libmad, which is under the GPL, nor minimp3, which nobody looks after. It would also open files
 * and addresses, but is given bytes alone; the file is whole, in memory:
 *
 *     if (mp3_in_seems(file))
 *         try(mp3_in_create(file, &m));
 *     while (!mp3_in_ended(m))
 *         try(mp3_in_read(m, &samples));
 *
 * Foreign bytes: it runs only where it may crash.
 */
#pragma once

#include "audio/pcm.h"

enum { MP3_IN_STEP_SAMPLES = 8 * 1024 }; /* the most one call of mp3_in_read makes */

/* Two frames that fit each other, not far from the beginning. `file` has no tag in front. */
bool mp3_in_seems(struct str file);
/* The length of an ID3v2 tag that `file` begins with; 0: none. It may be longer than the file. */
size_t mp3_in_tag(struct str file);

struct mp3_in;
/* `file` is the caller's and stays until the end. */
enum err mp3_in_create(struct str file, struct mp3_in **ret_m);
void mp3_in_destroy(struct mp3_in *m); /* takes NULL */
/* Appends mono samples (int16_t), or none at the end. ERR_MEDIA: mp3_in_errmsg() says why. Errors stick. */
enum err mp3_in_read(struct mp3_in *m, struct buf *into);
bool mp3_in_ended(const struct mp3_in *m);
uint32_t mp3_in_rate(const struct mp3_in *m); /* Hz; 0: not known yet */
const char *mp3_in_errmsg(const struct mp3_in *m);
