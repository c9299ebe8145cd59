// SPDX-License-Identifier: Apache-2.0
/*
 * Is this speech? The answer for each frame of 20 ms at 16 kHz, by one of two detectors: Silero's network
 * (stt/silero/silero.h), once its file has been named, or the one that is always there (stt/sphinx_vad.h). The network looks
 * at windows of 32 ms and is sure of what was a little before, so its verdict on a frame comes some frames later. One
 * object a stream, one thread at a time.
 *
 *     try(vad_frame(v, frame, &news));  // news.of[0] … news.of[news.n - 1]: the oldest frames that nothing was said of
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    VAD_RATE_HZ = 16000,
    VAD_FRAME_MS = 20,
    VAD_FRAME = VAD_RATE_HZ / 1000 * VAD_FRAME_MS,
    VAD_NEWS_MAX = 5, /* frames that wait for their verdict, and the one that comes */
    VAD_LIKELY = 128, /* from here on it is more likely than not */
    VAD_WHY_BYTES = 240,
};

struct vad_verdict {
    uint8_t likely; /* 0 … 255: that it is speech */
    bool sounds_so; /* it may be: its spectrum is that of a voice, whether it stands out or not */
};

struct vad_news {
    uint32_t n;
    struct vad_verdict of[VAD_NEWS_MAX];
};

/* The detector of all objects to come, before the first: the file at `path`, by its SHA-256 where that is known; an empty
 * path is the built-in one. On failure `why` holds a sentence. Main thread, before the process is locked in. */
enum err vad_load(struct str path, struct str sha256, char why[VAD_WHY_BYTES]);
void vad_unload(void);
/* What detects, such as "Silero 6.2.0"; until vad_unload. */
const char *vad_name(void);

struct vad;
/* Where there is no memory for Silero's, it is the built-in one. */
enum err vad_create(struct vad **ret_v);
void vad_destroy(struct vad *v); /* takes NULL */
/* Fewer than VAD_NEWS_MAX frames wait for their verdict afterwards. ERR_INTERNAL, ERR_NOMEM: the object is of no more use. */
enum err vad_frame(struct vad *v, const int16_t frame[VAD_FRAME], struct vad_news *ret_news);
/* There will be no more sound: the verdict on what still waits for one. */
enum err vad_end(struct vad *v, struct vad_news *ret_news);
