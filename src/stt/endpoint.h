// SPDX-License-Identifier: Apache-2.0
/*
 * Where in a stream of sound somebody speaks: the endpointer of PocketSphinx, which takes a vote over
 * the decisions of WebRTC's voice-activity detector in a window of 300 ms. Speech begins when nine in
 * ten frames are speech, and ends when nine in ten are not; what lies before the beginning inside the
 * window is handed over too, so no first consonant is lost. 16 kHz. One thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct endpoint;

/* at_ms counts from the first sample of the stream. The first error ends the feed and is returned. */
struct endpoint_events {
    enum err (*started)(void *arg, uint32_t at_ms);
    enum err (*speech)(void *arg, const int16_t *samples, size_t count);
    enum err (*ended)(void *arg, uint32_t at_ms);
};

enum err endpoint_create(const struct endpoint_events *events, void *arg, struct endpoint **ret_e);
void endpoint_destroy(struct endpoint *e); /* takes NULL */
enum err endpoint_feed(struct endpoint *e, const int16_t *samples, size_t count);
/* The stream is over; speech under way ends here. */
enum err endpoint_end(struct endpoint *e);
