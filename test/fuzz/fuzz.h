// SPDX-License-Identifier: Apache-2.0
/*
 * A fuzz target is one file that feeds foreign bytes to one parser. `make fuzz` builds it with
 * libFuzzer; the normal build links it with replay.c, which feeds it the files of its corpus.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Returns 0. Must accept any bytes, keep no state and free what it took. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
