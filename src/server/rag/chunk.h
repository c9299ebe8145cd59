// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts a document into passages to be found: 500 to 800 characters, ending where sentences end, the
 * next one beginning with the last sentences of this one, about 100 characters of them, unless a single
 * sentence is longer than twice that. A heading begins a new passage (unless the present one is still
 * tiny), so sections shorter than 500 stay whole and alone; every passage knows the headings above it.
 * Pure; any thread.
 */
#pragma once

#include "server/rag/sentence.h"

enum { /* characters, but for HEADING_MAX */
       CHUNK_MIN = 500,
       CHUNK_MAX = 800,
       CHUNK_OVERLAP = 100,
       CHUNK_SMALL = 40, /* a section below this is joined with the next */
       HEADING_DEPTH = 6,
       HEADING_MAX = 240, /* of the joined path, bytes */
};

struct chunk {
    struct str text; /* trimmed; a slice of the document */
    char
        heading[HEADING_MAX]; /* "Documents › Adding", NUL-terminated, valid UTF-8 if the text is */
};

struct chunker {
    struct sentences next; /* the next passage begins here */
    struct str path[HEADING_DEPTH];
};

/* Of "Documents › Adding" the last part. */
struct str title_last(struct str title);

void chunker_init(struct chunker *c, struct str text);
/* The next passage; false at the end. Slices point into the text. */
bool chunker_next(struct chunker *c, struct chunk *ret_chunk);
