// SPDX-License-Identifier: Apache-2.0
/*
 * A Whisper as a hearer, and libwhisper's only caller. A lane takes some 25 MB with a tiny model and half a gigabyte with
 * the largest. Any thread, a lane one at a time; opening and closing the model alone. Its OpenMP threads belong to the
 * thread that calls (window/lane.h).
 *
 * A window costs what it is long: the encoder looks at as many frames of 20 ms as there are, in steps of 256, where by
 * itself it would look at 1500 whatever is said.
 * Nothing stops a graph in the middle: `stopped` is asked behind the encoder and before each token. Where the language is
 * to be found out the encoder runs twice, and is stopped in between, too.
 */
#pragma once

#include "stt/window/hearer.h"

enum {
    MODEL_FRAME = HEARER_RATE_HZ / 50,
    MODEL_FRAMES_MAX = 1280, /* the encoder's; see frames_of */
    MODEL_FRAMES_SPARE = 64, /* of silence behind the sound: the model wants to hear the end */
    MODEL_SAMPLES_MAX = (MODEL_FRAMES_MAX - MODEL_FRAMES_SPARE) * MODEL_FRAME,
};

extern const struct hearer whisper_hearer;

/* Loads ggml's back ends and the file, which has been checked (whisper_check.h). `why` holds a sentence. */
enum err model_open(const char *path, char why[HEARER_WHY_BYTES]);
void model_close(void);
/* A model for English knows "en" alone. */
int model_language(struct str tag);
/* "" for none. */
const char *model_language_name(int language);
