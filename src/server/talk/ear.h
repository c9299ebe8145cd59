// SPDX-License-Identifier: Apache-2.0
/*
 * When does somebody begin to speak, and when has he finished? From the recogniser's judgement on each
 * 20 ms of sound. Speech begins when seven in ten frames of a while are speech, so that no click begins it; it
 * ends after a silence whose length the caller gives with each frame, because a pause inside a
 * sentence may be longer than one behind it, and only who knows the words can tell. Pure.
 *
 *     switch (ear_frame(&e, likely, silence_ms)) { case EAR_STARTED: … from e.from_ms … }
 */
#pragma once

#include <stdint.h>

enum { EAR_FRAME_MS = 20, EAR_START_MAX_MS = 600 };

struct ear {
    uint64_t now_ms;       /* the end of the last frame, from the beginning of the sound */
    uint64_t from_ms;      /* where the speech began that goes on, or was the last */
    uint64_t voice_ms;     /* the end of the last frame with speech in it */
    uint32_t voiced_ms;    /* of the speech that goes on, or was the last */
    uint64_t window;       /* a bit for each frame, the latest lowest */
    uint32_t onset, width; /* frames of speech that begin it, of so many */
    bool speaking;
};

enum ear_news : uint8_t { EAR_NOTHING, EAR_STARTED, EAR_STOPPED };

/* start_ms: of speech that is a beginning, up to EAR_START_MAX_MS; whole frames, rounded up. */
void ear_init(struct ear *e, uint32_t start_ms);
/* It takes so much sound to be sure of a beginning. */
uint32_t ear_width_ms(const struct ear *e);
/* likely: 0 … 255 that the next frame is speech. */
enum ear_news ear_frame(struct ear *e, uint8_t likely, uint32_t silence_ms);
/* Whoever spoke has finished, whatever the silence; what comes next begins anew. */
void ear_stop(struct ear *e);
/* For how long nobody has spoken. */
uint32_t ear_silence_ms(const struct ear *e);
