// SPDX-License-Identifier: Apache-2.0
/*
 * The sound of an utterance that no final words are known of yet, and where it is to be cut. Frames of 20 ms come with
 * what the voice detector says of them. Silence in front is not kept, so an hour of it costs nothing. What is heard at
 * any time lies between the first voice and the last, with a margin: so it does not depend on how the sound came in, and
 * once a speaker pauses it is the same until he goes on. Pure; one thread at a time.
 *
 *     try(window_frame(w, samples, voice));
 *     if (window_is_full(w)) { …window_range(w, &range)… hear it; window_next(w); }
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    WINDOW_FRAME = 320, /* samples at 16 kHz: 20 ms */
    WINDOW_FRAME_MS = 20,
    WINDOW_FRAMES_MAX = 1200, /* 24 s */
    WINDOW_BEFORE = 15,       /* frames before the first voice: consonants are no voice */
    WINDOW_AFTER = 12,        /* and behind the last one */
};

/* Of a frame: it sounds like a voice, and that stands out from what is there all the time. */
enum voice : uint8_t { VOICE_NONE, VOICE_SOUNDS, VOICE_STANDS_OUT };

struct window;

struct window_range {
    const int16_t *samples; /* until the next window_frame */
    size_t count;
    uint64_t at; /* where they begin in the utterance, samples */
};

enum err window_create(struct window **ret_w);
void window_destroy(struct window *w); /* takes NULL */
enum err window_frame(struct window *w, const int16_t samples[WINDOW_FRAME], enum voice voice);
/* The speaker has paused, or has not for long: what is there shall be heard for good, then window_next. */
bool window_is_full(const struct window *w);
/* False: there is no voice. */
bool window_range(const struct window *w, struct window_range *ret_range);
/* What was given by window_range before is done with; the rest of a window without a pause stays. */
void window_next(struct window *w);

/* Frames with a voice, and those of them that stand out. */
uint32_t window_voices(const struct window *w);
uint32_t window_outstanding(const struct window *w);
/* The last voice is so long ago that the range stays as it is until there is another. */
bool window_has_paused(const struct window *w);
/* The part of the range's voices that lies before a share (0 … 1) of them, as a time in the utterance. */
uint32_t window_ms_at(const struct window *w, double share);
