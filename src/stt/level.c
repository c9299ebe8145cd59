// SPDX-License-Identifier: Apache-2.0
#include "stt/level.h"

#include <math.h>

static constexpr float DB_SILENCE = -90;

void level_init(struct level *l)
{
    *l = (struct level){};
}

static float lowest(const struct level *l, uint32_t frames)
{
    float x = 0;
    for (uint32_t i = 1; i <= frames && i <= l->count; i++)
        x = fminf(x, l->db[(l->at + LEVEL_WINDOW - i) % LEVEL_WINDOW]);
    return x;
}

static float highest(const struct level *l, uint32_t frames)
{
    float x = -200;
    for (uint32_t i = 1; i <= frames && i <= l->count; i++)
        x = fmaxf(x, l->db[(l->at + LEVEL_WINDOW - i) % LEVEL_WINDOW]);
    return x;
}

bool level_frame(struct level *l, double rms)
{
    float db = rms > 0 ? (float)(20 * log10(rms / 32768)) : DB_SILENCE;
    l->db[l->at] = db;
    l->at = (l->at + 1) % LEVEL_WINDOW;
    if (l->count < LEVEL_WINDOW)
        l->count++;
    float floor = lowest(l, LEVEL_WINDOW), near = lowest(l, LEVEL_STEADY),
          top = highest(l, LEVEL_STEADY);
    return db >= LEVEL_MIN_DB && db >= floor + LEVEL_ABOVE_DB && top - near > LEVEL_STEADY_DB;
}
