// SPDX-License-Identifier: Apache-2.0
/* Parakeet files that live as long as the test program that makes them (parakeet_write.h). */
#pragma once

#include "parakeet_write.h"

/* As made_file. */
const char *made_parakeet(struct parakeet_shape shape);
