// SPDX-License-Identifier: Apache-2.0
/*
 * The engine that watches a microphone for speech (wire: vad_open). Loop thread. `ended` fires at most
 * once, when the engine is gone, never from inside one of these calls and never after watcher_drop; the
 * object is gone when it returns.
 */
#pragma once

#include "audio/pcm.h"

struct engine;
struct watcher;

struct watcher_events {
    /* A byte for each 20 ms of sound: how likely it is speech. May call watcher_drop. */
    void (*frames)(void *arg, struct str likely);
    void (*ended)(void *arg, enum err err, const char *sentence);
};

/* Errors as of engine_open. */
enum err watcher_begin(struct engine *stt, uint32_t rate_hz, const struct watcher_events *events,
                       void *arg, struct watcher **ret_w);
enum err watcher_sound(struct watcher *w, const int16_t *samples, size_t count);
size_t watcher_backlog(const struct watcher *w);
void watcher_drop(struct watcher *w); /* takes NULL */
