// SPDX-License-Identifier: Apache-2.0
/* Is a model file still the one that was installed? Reads all of it; before a library does. */
#pragma once

#include "wire/worker.h"

/* `sha256`: 64 hexadecimal digits in small letters. ERR_INVALID with a sentence: its bytes are others. */
enum err model_hash_check(const char *path, struct str sha256, char why[WORKER_WHY_BYTES]);
