// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts a document into passages to be found: 500 to 800 bytes, ending where sentences end, the next one
 * beginning about 100 bytes before, never inside a code point. A heading begins a new passage (unless
 * the present one is still tiny), and every passage knows the headings above it. Pure; any thread.
 */
#pragma once

#include "base/str.h"

enum {
    CHUNK_MIN = 500,
    CHUNK_MAX = 800,
    CHUNK_OVERLAP = 100,
    CHUNK_SMALL = 120, /* a section below this is joined with the next */
    HEADING_DEPTH = 6,
    HEADING_MAX = 240, /* of the joined path, bytes */
};

struct chunk {
    struct str text;           /* trimmed; a slice of the document */
    char heading[HEADING_MAX]; /* "Documents › Adding", NUL-terminated, valid UTF-8 */
};

struct chunker {
    struct str text;
    size_t at;
    struct str path[HEADING_DEPTH];
};

void chunker_init(struct chunker *c, struct str text);
/* The next passage; false at the end. Slices point into the text. */
bool chunker_next(struct chunker *c, struct chunk *ret_chunk);
