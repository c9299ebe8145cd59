// SPDX-License-Identifier: Apache-2.0
/*
 * When words are heard anew while somebody speaks: as often as the machine can, and never more often. What a hearing takes
 * depends on the model, on what lies in the window and on who else computes, so the last one's time is the measure. At
 * two thirds of the time, what has come in meanwhile is caught up with. Pure.
 */
#pragma once

#include <stdint.h>

enum { PACE_MIN_MS = 240 }; /* a word's length */

struct pace {
    uint32_t took_ms; /* the last hearing */
};

/* since_ms: of sound since the last hearing began; paused: the words may be the last ones, and are waited for. */
bool pace_is_due(const struct pace *p, uint64_t since_ms, bool paused);
void pace_note(struct pace *p, uint64_t took_us);
