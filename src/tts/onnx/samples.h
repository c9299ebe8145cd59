// SPDX-License-Identifier: Apache-2.0
/* A model's samples on their way to who listens. Any thread. */
#pragma once

#include "tts/driver.h"

/* Hands `count` samples over in pieces, each multiplied by `scale` to be of -32767 … 32767; what is beyond is cut, and what is no
 * number is silence. None: it only asks. False: nobody wants more. */
bool samples_hand_over(const struct tts_listener *listener, uint32_t rate_hz, float scale,
                       const float *samples, size_t count);
