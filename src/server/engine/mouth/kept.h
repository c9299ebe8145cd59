// SPDX-License-Identifier: Apache-2.0
/*
 * The sound of short texts that come again and again ("One moment."), so that nobody waits for them or pays for them twice.
 * Bounded: what was not wanted for the longest time goes. Nothing is kept for longer than MOUTH_KEPT_MS, since the server may
 * have been given another voice meanwhile. Pure but for the clock; loop thread.
 */
#pragma once

#include "base/str.h"

enum {
    MOUTH_KEPT_TEXT_MAX = 80,               /* bytes; what is longer is not said twice */
    MOUTH_KEPT_SOUND_MAX = 512 * 1024,      /* of one */
    MOUTH_KEPT_BYTES_MAX = 4 * 1024 * 1024, /* of all */
    MOUTH_KEPT_MS = 15 * 60 * 1000,
};

struct mouth_kept {
    struct kept *first; /* the one wanted last */
    size_t bytes;
};

void mouth_kept_clear(struct mouth_kept *k); /* also of a zeroed one */
/* May this text be kept at all? */
bool mouth_kept_suits(struct str text);
/* NULL, or its sound (int16_t), which lives until the next call. */
const struct buf *mouth_kept_find(struct mouth_kept *k, struct str text, float speed,
                                  uint32_t *ret_rate_hz);
/* Takes *samples, which is empty then. Without memory, or for more than fits, it keeps nothing. */
void mouth_kept_add(struct mouth_kept *k, struct str text, float speed, uint32_t rate_hz,
                    struct buf *samples);
