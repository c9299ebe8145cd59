// SPDX-License-Identifier: Apache-2.0
/*
 * The lines that fence off a block of code in Markdown (CommonMark 0.31, 4.5): at least three ticks or
 * tildes. One of ticks has no tick behind them, else it is a span of code; the one that closes is of
 * the same mark, no shorter, and stands alone.
 */
#pragma once

#include "base/str.h"

struct fence {
    char mark; /* 0: no block is open */
    size_t n;
};

/* The fence that a line without blanks around it may open; its mark is 0 where it is none. */
static inline struct fence fence_opens(struct str line)
{
    struct fence fence = {.mark = line.n > 0 ? line.p[0] : '\0'};
    while (fence.n < line.n && line.p[fence.n] == fence.mark)
        fence.n++;
    bool ticks = fence.mark == '`';
    struct str behind = str_sub(line, fence.n, line.n);
    if ((!ticks && fence.mark != '~') || fence.n < 3 ||
        (ticks && str_find_byte(behind, '`') < behind.n))
        return (struct fence){};
    return fence;
}

/* Is that line a fence at this place? Then the block is open or closed behind it. */
static inline bool fence_pass(struct fence *open, struct str line)
{
    struct fence fence = fence_opens(line);
    if (fence.mark == '\0')
        return false;
    if (open->mark == '\0') {
        *open = fence;
        return true;
    }
    if (fence.mark != open->mark || fence.n < open->n || fence.n < line.n)
        return false;
    *open = (struct fence){};
    return true;
}
