// SPDX-License-Identifier: Apache-2.0
/* Voices of Piper that live as long as the test program that makes them (voice_write.h). */
#pragma once

#include "voice_write.h"

/* As made_file; the second file lies beside it. */
const char *made_voice(struct voice_shape shape);
