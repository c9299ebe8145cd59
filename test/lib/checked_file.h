// SPDX-License-Identifier: Apache-2.0
/*
 * A whole file that passes a check, and how any change of it is refused. Included by one file a program, which fills
 * `file` and defines check_of.
 */
#pragma once

#include <string.h>

#include "base/str.h"
#include "unit.h"

static struct buf file = BUF(32 << 20);
static char why[240];

/* Clears `why` before. */
static enum err check_of(struct str bytes);

static int forget_file(void **)
{
    buf_finish(&file);
    return 0;
}

static inline void expect_refusal(struct str bytes, const char *says)
{
    if (check_of(bytes) != ERR_INVALID || !strstr(why, says))
        fail_msg("\"%s\" instead of \"%s\"", why, says);
}

/* Each bit of [from, to). */
static inline void flip(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            file.p[i] ^= (char)(1u << bit);
            enum err err = check_of(buf_str(&file));
            file.p[i] ^= (char)(1u << bit);
            if (err != ERR_INVALID || !why[0])
                fail_msg("byte %zu, bit %u: %s", i, bit, err_code(err));
        }
    }
}

/* Where the name of a tensor stands. */
static inline size_t head_of(const char *name)
{
    size_t at = str_find(buf_str(&file), str_of(name));
    assert_true(at < file.n);
    return at;
}
