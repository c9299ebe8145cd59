// SPDX-License-Identifier: Apache-2.0
/* What repartee-tts says, asked for as the server does (engine_peer.h): for tests of its drivers. */
#pragma once

#include "engine_peer.h"

struct spoken {
    uint32_t rate_hz, samples;
    int peak;
    enum err err;
    struct buf sound; /* s16le */
};

/* Opens a stream, tells the text and finishes it. */
void spoken_ask(struct peer *p, uint32_t stream, const char *voice, float speed, const char *text);
/* Adds the audio message that is the present one. */
void spoken_take(const struct peer *p, struct spoken *s);
/* All of a text, in a stream of its own; a failure is in `err`, and is then the present message. The caller finishes `sound`. */
struct spoken spoken_at(struct peer *p, const char *voice, float speed, const char *text);
struct spoken spoken_text(struct peer *p, const char *voice, const char *text);
/* Cancels a text of a voice that computes for centuries at the speed of 4, while it does: who is not told goes on until the test's
 * time is over. */
void spoken_cancel_endless(struct peer *p, const char *voice);
