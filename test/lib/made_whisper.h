// SPDX-License-Identifier: Apache-2.0
/* Whisper files that live as long as the test program that makes them (whisper_write.h). */
#pragma once

#include "whisper_write.h"

/* As made_file. */
const char *made_whisper(struct whisper_shape shape);
