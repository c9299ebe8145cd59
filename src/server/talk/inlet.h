// SPDX-License-Identifier: Apache-2.0
/*
 * Sound that a client sends live, on its way to samples. Samples themselves pass through, with an odd
 * byte carried over. Opus is never looked at here: repartee-stt decodes it (wire: decode_open), and
 * what it answers goes the same way. One object from `start` to `stop`. Loop thread.
 *
 *     try(inlet_begin(stt, INLET_WEBM, &events, self, &self->inlet));
 *     try(inlet_sound(self->inlet, bytes)); … samples, samples …
 *     inlet_end(self->inlet); … samples, then ended → self->inlet = nullptr
 *
 * `samples` may come from inside inlet_sound. `ended` fires exactly once, never from inside one of
 * these calls but inlet_end, and never after inlet_drop; the object is gone when it returns.
 */
#pragma once

#include "audio/pcm.h"

struct engine;
struct inlet;

/* The names are those of WS /voice. */
enum inlet_format : uint8_t {
    INLET_PCM,  /* pcm_s16le, in any cut */
    INLET_OPUS, /* opus: one packet a message */
    INLET_WEBM, /* webm_opus: bytes of one file, in any cut */
};
enum inlet_format inlet_format(struct str name); /* INLET_PCM for any other name */

struct inlet_events {
    /* At the client's rate with INLET_PCM, else at 16 kHz. May call inlet_drop. */
    void (*samples)(void *arg, const int16_t *samples, size_t count);
    /* OK after inlet_end and the last samples. ERR_MEDIA: the client's sound is no such sound. */
    void (*ended)(void *arg, enum err err, const char *sentence);
};

/* Errors as of engine_open. */
enum err inlet_begin(struct engine *stt, enum inlet_format format,
                     const struct inlet_events *events, void *arg, struct inlet **ret_i);
/* ERR_BUSY: too much is under way. */
enum err inlet_sound(struct inlet *i, struct str bytes);
/* Too much of it waits to be decoded: stop reading from the client. */
bool inlet_is_behind(const struct inlet *i);
/* The client has stopped. */
void inlet_end(struct inlet *i);
void inlet_drop(struct inlet *i); /* takes NULL */
