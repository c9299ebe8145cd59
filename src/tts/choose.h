// SPDX-License-Identifier: Apache-2.0
/* Which driver speaks a model that is named without one. Main thread, before it is loaded. */
#pragma once

#include "tts/driver.h"

/* By what lies there: a folder, or a graph that takes what Kokoro's does, is a Kokoro; anything else is for Piper's driver, which
 * says what is wrong with it. */
struct str choose_driver(const struct tts_load *load);
