// SPDX-License-Identifier: Apache-2.0
/*
 * Takes the silence off both ends of a phrase while it streams by. Synthesisers put a fifth of a
 * second in front of every phrase; a listener waits for it each time. Silence inside a phrase stays,
 * since it is the speaker's. One compute thread per object.
 *
 *     trim_begin(&t, rate_hz);
 *     try(trim_run(&t, samples, count, &out)); …
 *     try(trim_end(&t, &out));
 */
#pragma once

#include "base/str.h"

enum {
    TRIM_LEAD_MS = 25,    /* kept before the first loud sample: soft consonants begin there */
    TRIM_TAIL_MS = 50,    /* kept after the last one, faded out over its second half */
    TRIM_LEVEL = 200,     /* peak that counts as sound; synthesisers' silence stays below 130 */
    TRIM_PAUSE_MAX_S = 2, /* a longer pause inside a phrase is cut to this */
};

struct trim {
    uint32_t rate_hz;
    bool started;    /* something loud has been heard */
    struct buf held; /* int16_t: quiet samples that are not yet known to be kept */
};

void trim_begin(struct trim *t, uint32_t rate_hz);
void trim_finish(struct trim *t); /* frees; also fine on a zeroed object */
/* Appends to `into` (int16_t) what is certain to stay. ERR_NOMEM, ERR_TOOBIG. */
enum err trim_run(struct trim *t, const int16_t *samples, size_t count, struct buf *into);
/* Appends the tail. The object may begin anew. */
enum err trim_end(struct trim *t, struct buf *into);
