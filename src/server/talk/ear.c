// SPDX-License-Identifier: Apache-2.0
#include "server/talk/ear.h"

/* Who speaks goes on at a little less than what a beginning wants, or an end would be found in a soft syllable. */
enum { LIKELY = 128, LIKELY_STILL = 115, WINDOW_BITS = (1 << EAR_WINDOW) - 1 };

void ear_init(struct ear *e)
{
    *e = (struct ear){};
}

/* The first frame with speech in the window. */
static uint64_t onset_ms(const struct ear *e)
{
    uint32_t oldest = 31 - (uint32_t)__builtin_clz(e->window);
    return e->now_ms - (uint64_t)(oldest + 1) * EAR_FRAME_MS;
}

enum ear_news ear_frame(struct ear *e, uint8_t likely, uint32_t silence_ms)
{
    bool voiced = likely >= (e->speaking ? LIKELY_STILL : LIKELY);
    e->now_ms += EAR_FRAME_MS;
    e->window = (e->window << 1 | voiced) & WINDOW_BITS;
    if (voiced)
        e->voice_ms = e->now_ms;
    if (e->speaking) {
        e->voiced_ms += voiced ? EAR_FRAME_MS : 0;
        if (ear_silence_ms(e) < silence_ms)
            return EAR_NOTHING;
        ear_stop(e);
        return EAR_STOPPED;
    }
    uint32_t count = (uint32_t)__builtin_popcount(e->window);
    if (count < EAR_ONSET)
        return EAR_NOTHING;
    e->speaking = true;
    e->from_ms = onset_ms(e);
    e->voiced_ms = count * EAR_FRAME_MS;
    return EAR_STARTED;
}

void ear_stop(struct ear *e)
{
    e->speaking = false;
    e->window = 0;
}

uint32_t ear_silence_ms(const struct ear *e)
{
    return (uint32_t)(e->now_ms - e->voice_ms);
}
