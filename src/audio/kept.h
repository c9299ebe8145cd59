// SPDX-License-Identifier: Apache-2.0
/*
 * The sound of short texts that come again and again ("One moment."), so that nobody waits for them or pays for them time after time.
 * What somebody is told is nobody else's business: only what KEPT_JOBS jobs have asked for is kept, and before that nothing
 * but a hash of it. Bounded: what was not wanted for the longest time goes. Nothing, hashes included, stays for longer than
 * KEPT_MS, as long as kept_purge is called. Pure but for the clock; one thread at a time.
 */
#pragma once

#include "base/str.h"

enum {
    KEPT_TEXT_MAX = 80,               /* bytes; what is longer is not said twice */
    KEPT_SOUND_MAX = 512 * 1024,      /* of one */
    KEPT_BYTES_MAX = 4 * 1024 * 1024, /* of all */
    KEPT_MS = 15 * 60 * 1000,
    KEPT_JOBS = 3,      /* within that time */
    KEPT_COUNTED = 256, /* texts whose jobs are counted; a new one may take an old one's place */
};

struct kept_sounds {
    struct kept_sound *first; /* the one wanted last */
    size_t bytes;
    struct kept_count {
        uint64_t hash, job, until_ms; /* job: the last that asked */
        unsigned jobs;                /* 0: free */
    } counts[KEPT_COUNTED];
};

void kept_clear(struct kept_sounds *k); /* also of a zeroed one */
/* A text, and by what else its sound differs. A job asks for it, once or again: is its sound to be kept? */
bool kept_wants(struct kept_sounds *k, struct str text, float speed, uint64_t job);
/* Drops what is too old; after how many ms there is more to drop, or 0. */
uint64_t kept_purge(struct kept_sounds *k);
/* NULL, or its sound (int16_t), which lives until the next call. */
const struct buf *kept_find(struct kept_sounds *k, struct str text, float speed,
                            uint32_t *ret_rate_hz);
/* Takes *samples, which is empty then. Without memory, or for more than fits, it keeps nothing. */
void kept_add(struct kept_sounds *k, struct str text, float speed, uint32_t rate_hz,
              struct buf *samples);
