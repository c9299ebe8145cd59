// SPDX-License-Identifier: Apache-2.0
/* The manual, the pages of docs/, embedded when the program is built: the first knowledge base. */
#pragma once

#include <stddef.h>

struct manual_page {
    const char *name, *bytes;
    size_t n;
};
extern const struct manual_page manual[];
extern const size_t manual_count;
