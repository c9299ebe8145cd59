// SPDX-License-Identifier: Apache-2.0
/*
 * Does a frame of sound stand out from what is there all the time? Speech falls silent many times a
 * second, if only between its syllables; fans, engines and hum do not. So the floor is the quietest
 * moment of the last second or so, and a frame stands out when it is a good deal louder. Pure.
 */
#pragma once

#include <stdint.h>

enum {
    LEVEL_WINDOW = 60, /* frames of 20 ms: longer than any vowel */
    LEVEL_ABOVE_DB = 9,
    LEVEL_STEADY = 6, /* frames */
    LEVEL_STEADY_DB = 2,
    LEVEL_MIN_DB = -56, /* below this nothing stands out; 0 is the loudest sine there can be */
};

struct level {
    float db[LEVEL_WINDOW]; /* a ring */
    uint32_t count, at;
};

void level_init(struct level *l);
/* rms: 0 … 32768. */
bool level_frame(struct level *l, double rms);
