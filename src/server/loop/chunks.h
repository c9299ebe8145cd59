// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes on their way out, in order: small pieces by copy, blobs by reference. Embedded in its owner
 * (zeroed is empty), which knows the bound. Loop thread.
 */
#pragma once

#include "base/mem.h"
#include "base/str.h"

struct chunk;
struct chunks {
    struct chunk *first, *last;
    size_t n; /* bytes */
};

/* On failure a part may have been added: the stream they belong to is lost then. */
enum err chunks_add(struct chunks *q, struct str bytes);
enum err chunks_add_blob(struct chunks *q, struct blob *blob, size_t from);
/* The first pieces, at most `max`, valid until the queue changes; returns how many. */
unsigned chunks_peek(const struct chunks *q, struct str *ret_pieces, unsigned max);
void chunks_eat(struct chunks *q, size_t n);
void chunks_finish(struct chunks *q);
