// SPDX-License-Identifier: Apache-2.0
/* Which synthesiser speaks, by the configuration: the built-in voices, which need nothing, unless one of Piper or Kokoro is named;
 * which of the two a file is, the engine finds out. */
#pragma once

#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/models/named.h"

/* NULL, or a sentence that says what is wrong; it lies in *memory, as what *ret_config points to. Zero at first. */
const char *voice_model_choose(const struct conf *c, const char *data, struct model_named *memory,
                               struct engine_config *ret_config);
