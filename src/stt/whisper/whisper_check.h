// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at a Whisper file before libwhisper does: whether its numbers are those of a Whisper, and its words and
 * tensors are all there, once, of the right shape and type, and end where the file ends. libwhisper believes most of
 * that, and stops the program or writes past its memory where it should not have. Format: the legacy one of whisper.cpp
 * ("ggml-base.en.bin"). Of the weights it looks whether they are numbers. Pure; reads the whole file.
 */
#pragma once

#include "base/str.h"

enum { WHISPER_WHY_BYTES = 240 };

struct whisper_facts {
    uint32_t state, audio_layers, text_layers;
    bool multilingual;
    const char *type; /* of the weights, such as "q5_1" */
};

/* `file` is the whole file, mapped. ERR_INVALID with a sentence in `why`. */
enum err whisper_check(struct str file, struct whisper_facts *ret_facts,
                       char why[WHISPER_WHY_BYTES]);
