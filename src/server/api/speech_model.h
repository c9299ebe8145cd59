// SPDX-License-Identifier: Apache-2.0
/* Which recogniser hears, by the configuration, and what it is told: PocketSphinx, which needs nothing, unless a Whisper
 * model is named; and what finds speech for it: the voice detector that is installed, or its own. */
#pragma once

#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/models/named.h"

struct speech_model {
    struct model_named file, vad;
    struct buf options;
};

/* NULL, or a sentence that says what is wrong; it lies in *memory, as what *ret_config points to. Zero at first. */
const char *speech_model_choose(const struct conf *c, const char *data, struct speech_model *memory,
                                struct engine_config *ret_config);
void speech_model_finish(struct speech_model *memory);
