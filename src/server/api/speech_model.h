// SPDX-License-Identifier: Apache-2.0
/* Which recogniser hears, by the configuration, and what it is told: PocketSphinx, which needs nothing, unless a model
 * of Whisper or Parakeet or a server elsewhere is named; and what finds speech for it: the voice detector that is installed, or its own.
 * Where a server elsewhere hears, the local program still finds speech and decodes: as an engine of its own, the ears. */
#pragma once

#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/models/named.h"

struct speech_model {
    struct model_named file, vad;
    struct buf options;
    struct engine_remote remote;
    bool has_ears;
    struct engine_config ears; /* with has_ears */
};

/* NULL, or a sentence that says what is wrong; it lies in *memory, as what *ret_config points to. Zero at first. */
const char *speech_model_choose(const struct conf *c, const char *data, struct speech_model *memory,
                                struct engine_config *ret_config);
void speech_model_finish(struct speech_model *memory);
