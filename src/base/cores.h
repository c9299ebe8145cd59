// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

enum { CORES_MAX = 1024 };

/* Processors that are in use by the system, 1..CORES_MAX. */
uint32_t cores_online(void);
