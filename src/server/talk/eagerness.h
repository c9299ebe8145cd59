// SPDX-License-Identifier: Apache-2.0
/* How soon a silence is taken for the end of what somebody says. Pure. */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* "low", "medium", "high": so much of the times of vad.silence_ms and its like. 0: no such word, or "auto". */
uint32_t eagerness_percent(struct str word);
