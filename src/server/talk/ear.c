// SPDX-License-Identifier: Apache-2.0
#include "server/talk/ear.h"

#include "base/check.h"

/* Who speaks goes on at a little less than what a beginning wants, or an end would be found in a soft syllable. */
enum { LIKELY = 128, LIKELY_STILL = 115 };

/* Frames in which there must be so many of speech: ten for seven. */
#define WIDTH(onset) (((onset) * 10 + 6) / 7)
static_assert(WIDTH(EAR_START_MAX_MS / EAR_FRAME_MS) < 64);

void ear_init(struct ear *e, uint32_t start_ms)
{
    check(start_ms > 0 && start_ms <= EAR_START_MAX_MS);
    uint32_t onset = (start_ms + EAR_FRAME_MS - 1) / EAR_FRAME_MS;
    *e = (struct ear){.onset = onset, .width = WIDTH(onset)};
}

uint32_t ear_width_ms(const struct ear *e)
{
    return e->width * EAR_FRAME_MS;
}

/* The first frame with speech in the window. */
static uint64_t onset_ms(const struct ear *e)
{
    uint32_t oldest = 63 - (uint32_t)__builtin_clzll(e->window);
    return e->now_ms - (uint64_t)(oldest + 1) * EAR_FRAME_MS;
}

enum ear_news ear_frame(struct ear *e, uint8_t likely, uint32_t silence_ms)
{
    bool voiced = likely >= (e->speaking ? LIKELY_STILL : LIKELY);
    e->now_ms += EAR_FRAME_MS;
    e->window = (e->window << 1 | voiced) & (((uint64_t)1 << e->width) - 1);
    if (voiced)
        e->voice_ms = e->now_ms;
    if (e->speaking) {
        e->voiced_ms += voiced ? EAR_FRAME_MS : 0;
        if (ear_silence_ms(e) < silence_ms)
            return EAR_NOTHING;
        ear_stop(e);
        return EAR_STOPPED;
    }
    uint32_t count = (uint32_t)__builtin_popcountll(e->window);
    if (count < e->onset)
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
