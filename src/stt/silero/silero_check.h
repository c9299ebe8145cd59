// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at a file of Silero's voice detector before libwhisper does, which takes the sizes of its arrays from the file and
 * knows only one network all the same: whether the numbers at its head are those of that network, and each tensor is
 * there, once, of the right shape and type, and the last one ends where the file ends. Format: that of whisper.cpp
 * ("ggml-silero-v6.2.0.bin"). Pure; reads none of the weights.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { SILERO_WHY_BYTES = 240 };

struct silero_facts {
    uint32_t version[3];
};

/* ERR_INVALID with a sentence in `why`. */
enum err silero_check(struct str file, struct silero_facts *ret_facts, char why[SILERO_WHY_BYTES]);
