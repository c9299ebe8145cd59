// SPDX-License-Identifier: Apache-2.0
/*
 * Makes files of a voice detector: the true format of whisper.cpp for Silero's network, and random weights, the same in
 * every run. What it says means nothing, but depends on the sound and on what came before it.
 */
#pragma once

#include <stdint.h>

struct silero_shape {
    uint32_t version[3];
    bool is_broken; /* its last number is none, so that it has no answer */
};

/* False, with a word on standard error: it could not be written. */
bool silero_write(const char *path, const struct silero_shape *shape);
