// SPDX-License-Identifier: Apache-2.0
/*
 * The words of somebody who speaks over the answer: a recogniser beside the turn, for as long as it is
 * not clear what he wants. Loop thread. No callback fires from inside one of these calls nor after
 * overhear_drop, which callbacks may call.
 */
#pragma once

#include "audio/pcm.h"

struct overhear;
struct talk;

struct overhear_events {
    /* The words of the first audio_ms of its sound, also when they are still the same; `final`: they are
     * the last ones. */
    void (*words)(void *arg, struct str text, uint32_t audio_ms, bool final);
    /* There is no recogniser to be had, or it is gone. The object is over, but there until overhear_drop. */
    void (*deaf)(void *arg);
};

/* Errors as of engine_open. adapt: expect the words of the documents. */
enum err overhear_begin(struct talk *talk, uint32_t rate_hz, bool adapt,
                        const struct overhear_events *events, void *arg, struct overhear **ret_o);
enum err overhear_sound(struct overhear *o, const int16_t *samples, size_t count);
/* That was all: the final is wanted. */
void overhear_finish(struct overhear *o);
void overhear_drop(struct overhear *o); /* takes NULL */
