// SPDX-License-Identifier: Apache-2.0
/*
 * The sound of short texts that come again and again ("One moment."), so that nobody waits for them or pays for them time after time.
 * What somebody is told is nobody else's business: only what MOUTH_KEPT_JOBS jobs have asked for is kept, and before that nothing
 * but a hash of it. Bounded: what was not wanted for the longest time goes. Nothing, hashes included, stays for longer than
 * MOUTH_KEPT_MS, since the server may have been given another voice meanwhile. Pure but for the clock; loop thread.
 */
#pragma once

#include "base/str.h"

enum {
    MOUTH_KEPT_TEXT_MAX = 80,               /* bytes; what is longer is not said twice */
    MOUTH_KEPT_SOUND_MAX = 512 * 1024,      /* of one */
    MOUTH_KEPT_BYTES_MAX = 4 * 1024 * 1024, /* of all */
    MOUTH_KEPT_MS = 15 * 60 * 1000,
    MOUTH_KEPT_JOBS = 3, /* within that time */
    MOUTH_KEPT_COUNTED =
        256, /* texts whose jobs are counted; a new one may take an old one's place */
};

struct mouth_kept {
    struct kept *first; /* the one wanted last */
    size_t bytes;
    struct kept_count {
        uint64_t hash, job, until_ms; /* job: the last that asked */
        unsigned jobs;                /* 0: free */
    } counts[MOUTH_KEPT_COUNTED];
};

void mouth_kept_clear(struct mouth_kept *k); /* also of a zeroed one */
/* A job asks for this text, once or again: is its sound to be kept? */
bool mouth_kept_wants(struct mouth_kept *k, struct str text, float speed, uint64_t job);
/* Drops what is too old; after how many ms there is more to drop, or 0. */
uint64_t mouth_kept_purge(struct mouth_kept *k);
/* NULL, or its sound (int16_t), which lives until the next call. */
const struct buf *mouth_kept_find(struct mouth_kept *k, struct str text, float speed,
                                  uint32_t *ret_rate_hz);
/* Takes *samples, which is empty then. Without memory, or for more than fits, it keeps nothing. */
void mouth_kept_add(struct mouth_kept *k, struct str text, float speed, uint32_t rate_hz,
                    struct buf *samples);
