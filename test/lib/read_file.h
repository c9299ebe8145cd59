// SPDX-License-Identifier: Apache-2.0
/* A file of the tests, whole. */
#pragma once

#include <stdio.h>

#include "unit.h"

static inline void read_file(const char *name, struct buf *into)
{
    FILE *f = fopen(name, "rb");
    if (f == nullptr)
        fail_msg("%s is not there", name);
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        assert_ok(buf_add(into, (struct str){block, n}));
    fclose(f);
}
