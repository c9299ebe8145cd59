// SPDX-License-Identifier: Apache-2.0
#include "base/cores.h"

#include <unistd.h>

uint32_t cores_online(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n < CORES_MAX ? (uint32_t)n : CORES_MAX;
}
