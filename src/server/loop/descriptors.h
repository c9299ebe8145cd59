// SPDX-License-Identifier: Apache-2.0
/*
 * How many files and sockets this process may have open at once. Systems start programs with a low
 * limit (1024, for the sake of select, which nothing here uses) below a high one that anybody may
 * take. Call it before there are threads.
 */
#pragma once

#include <stdint.h>

/* Raises the limit to what is wanted, or as near as it may. The limit there is now; never lowers it. */
uint64_t descriptors_allow(uint64_t wanted);
