// SPDX-License-Identifier: Apache-2.0
/*
 * Which synthesiser speaks, by the configuration: the built-in voices, which need nothing, unless one of Piper or Kokoro is named;
 * which of the two a file is, the engine finds out. With tts.url another one elsewhere speaks in its place.
 */
#pragma once

#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/engine/mouth/mouth.h"
#include "server/models/named.h"

struct voice_model {
    struct model_named file;
    struct engine_mouth mouth;
};

/* NULL, or a sentence that says what is wrong; it lies in *memory, as what *ret_config points to. Zero at first. */
const char *voice_model_choose(const struct conf *c, const char *data, struct voice_model *memory,
                               struct engine_config *ret_config);
