// SPDX-License-Identifier: Apache-2.0
/* From the name of a Whisper file to the model in libwhisper's hands. Main thread, in a driver's load. */
#pragma once

#include "stt/driver.h"
#include "stt/whisper/model.h"
#include "stt/whisper/whisper_check.h"

/* The file is checked, by its SHA-256 where that is known too, before libwhisper sees it. `name`: as people call it,
 * such as "base.en". `why` holds a sentence. */
enum err whisper_file_open(const struct stt_load *load, struct whisper_facts *ret_facts, char *name,
                           size_t name_size, char why[STT_WHY_BYTES]);
