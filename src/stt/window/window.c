// SPDX-License-Identifier: Apache-2.0
#include "stt/window/window.h"

#include <stdlib.h>
#include <string.h>

#include "audio/pcm.h"
#include "base/mem.h"

/* The longer it is, the shorter a pause may be at which it is cut, since each hearing costs what it is long. */
static const struct {
    uint32_t frames, quiet;
} cuts[] = {{150, 25}, {400, 15}, {750, WINDOW_AFTER}};

enum { SEARCHED = 250 }; /* the last 5 s of a full window: where it is quietest it is cut */

struct window {
    int16_t *samples;
    uint8_t *voice;  /* of each frame */
    float *loudness; /* of each frame */
    uint32_t frames;
    uint64_t at;    /* of the first sample, in the utterance */
    uint32_t first; /* the first frame with a voice; `frames` when there is none */
    uint32_t last;  /* one more than the last */
    uint32_t voices, outstanding;
};

enum err window_create(struct window **ret_w)
{
    struct window *w = mem_zero(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->samples = mem_zero((size_t)WINDOW_FRAMES_MAX * WINDOW_FRAME, sizeof *w->samples);
    w->voice = mem_zero(WINDOW_FRAMES_MAX, sizeof *w->voice);
    w->loudness = mem_zero(WINDOW_FRAMES_MAX, sizeof *w->loudness);
    if (!w->samples || !w->voice || !w->loudness) {
        window_destroy(w);
        return ERR_NOMEM;
    }
    *ret_w = w;
    return OK;
}

void window_destroy(struct window *w)
{
    if (!w)
        return;
    free(w->samples);
    free(w->voice);
    free(w->loudness);
    free(w);
}

static void count_anew(struct window *w)
{
    w->first = w->frames;
    w->last = w->voices = w->outstanding = 0;
    for (uint32_t i = 0; i < w->frames; i++) {
        if (w->voice[i] == VOICE_NONE)
            continue;
        w->first = i < w->first ? i : w->first;
        w->last = i + 1;
        w->voices++;
        w->outstanding += w->voice[i] == VOICE_STANDS_OUT;
    }
}

static void drop(struct window *w, uint32_t frames)
{
    uint32_t rest = w->frames - frames;
    memmove(w->samples, w->samples + (size_t)frames * WINDOW_FRAME,
            (size_t)rest * WINDOW_FRAME * sizeof *w->samples);
    memmove(w->voice, w->voice + frames, rest);
    memmove(w->loudness, w->loudness + frames, rest * sizeof *w->loudness);
    w->frames = rest;
    w->at += (uint64_t)frames * WINDOW_FRAME;
    count_anew(w);
}

/* In front of the first voice. */
static void drop_silence(struct window *w)
{
    uint32_t silence = w->voices ? w->first : w->frames;
    if (silence > WINDOW_BEFORE)
        drop(w, silence - WINDOW_BEFORE);
}

enum err window_frame(struct window *w, const int16_t samples[WINDOW_FRAME], enum voice voice)
{
    if (w->frames == WINDOW_FRAMES_MAX)
        return ERR_TOOBIG;
    uint32_t i = w->frames++;
    memcpy(w->samples + (size_t)i * WINDOW_FRAME, samples, WINDOW_FRAME * sizeof *samples);
    w->voice[i] = voice;
    w->loudness[i] = (float)pcm_rms(samples, WINDOW_FRAME);
    if (voice != VOICE_NONE) {
        w->first = w->voices ? w->first : i;
        w->last = i + 1;
        w->voices++;
        w->outstanding += voice == VOICE_STANDS_OUT;
    } else {
        drop_silence(w);
    }
    return OK;
}

bool window_is_full(const struct window *w)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        if (w->voices && w->frames >= cuts[i].frames && w->frames - w->last >= cuts[i].quiet)
            return true;
    return w->frames == WINDOW_FRAMES_MAX;
}

/* The end of what is heard of a window that is full without a pause. */
static uint32_t quietest(const struct window *w)
{
    uint32_t best = w->frames - 1;
    for (uint32_t i = w->frames - SEARCHED; i < w->frames; i++)
        if (w->loudness[i] < w->loudness[best])
            best = i;
    return best + 1;
}

static bool has_no_pause(const struct window *w)
{
    return w->frames == WINDOW_FRAMES_MAX && w->frames - w->last < WINDOW_AFTER;
}

static uint32_t begin(const struct window *w)
{
    return w->first > WINDOW_BEFORE ? w->first - WINDOW_BEFORE : 0;
}

static uint32_t end(const struct window *w)
{
    if (has_no_pause(w))
        return quietest(w);
    return w->frames - w->last > WINDOW_AFTER ? w->last + WINDOW_AFTER : w->frames;
}

bool window_range(const struct window *w, struct window_range *ret_range)
{
    if (!w->voices)
        return false;
    size_t first = (size_t)begin(w) * WINDOW_FRAME;
    *ret_range = (struct window_range){.samples = w->samples + first,
                                       .count = (size_t)end(w) * WINDOW_FRAME - first,
                                       .at = w->at + first};
    return true;
}

void window_next(struct window *w)
{
    drop(w, has_no_pause(w) ? quietest(w) : w->frames);
    drop_silence(w);
}

uint32_t window_voices(const struct window *w)
{
    return w->voices;
}

uint32_t window_outstanding(const struct window *w)
{
    return w->outstanding;
}

bool window_has_paused(const struct window *w)
{
    return w->voices && w->frames - w->last >= WINDOW_AFTER;
}

uint32_t window_ms_at(const struct window *w, double share)
{
    uint32_t i = w->first, frames = end(w), voices = 0;
    for (uint32_t k = i; k < frames; k++)
        voices += w->voice[k] != VOICE_NONE;
    double before = share * voices, seen = 0;
    for (; i < frames && seen < before; i++)
        seen += w->voice[i] != VOICE_NONE;
    return (uint32_t)pcm_samples_to_ms(w->at, 50 * WINDOW_FRAME) + i * WINDOW_FRAME_MS;
}
