// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes of unknown coding to UTF-8: a byte order mark decides (UTF-8, UTF-16 in either order), then
 * whether it is UTF-8, else it is taken for Windows-1252, of which Latin-1's printable part is a
 * subset (WHATWG Encoding treats the two as one). Any thread.
 */
#pragma once

#include "base/str.h"

struct charset_report {
    const char *name;   /* "UTF-16", "Windows-1252"; NULL for UTF-8 */
    uint32_t malformed; /* replaced by U+FFFD */
};

/* Appends to `into`. ERR_MEDIA: it is not text (UTF-32, or full of control characters); ERR_TOOBIG,
 * ERR_NOMEM. */
enum err charset_decode(struct str bytes, struct buf *into, struct charset_report *ret_report);
