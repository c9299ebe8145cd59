// SPDX-License-Identifier: Apache-2.0
/* From the name of a model's file to the model in its library's hands. Main thread, in a driver's load. */
#pragma once

#include "stt/driver.h"
#include "stt/window/hearer.h"

/* The file is checked, by its SHA-256 where that is known too, before the library sees it. `name`: as people call it,
 * such as "base.en". `why` holds a sentence. */
enum err weights_path_open(const struct hearer *hearer, const struct stt_load *load,
                           struct hearer_facts *ret_facts, char *name, size_t name_size,
                           char why[STT_WHY_BYTES]);
