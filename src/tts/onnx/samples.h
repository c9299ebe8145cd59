// SPDX-License-Identifier: Apache-2.0
/* A model's samples on their way to who listens. Any thread. */
#pragma once

#include "tts/driver.h"

/* Hands `count` samples over in pieces, each of -1 … 1 when it is multiplied by `gain`; what is beyond is cut, and what is no
 * number is silence. None: it only asks. False: nobody wants more. */
bool samples_hand_over(const struct tts_listener *listener, uint32_t rate_hz, float gain,
                       const float *samples, size_t count);
