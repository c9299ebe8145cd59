// SPDX-License-Identifier: Apache-2.0
/*
 * A file in the format of whisper.cpp, which its libraries believe what it says: numbers of four bytes, the smallest one
 * first, then tensors, each behind a head. Walked with bounds, before a library sees it. Pure.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { WEIGHTS_FILE_MAGIC = 0x67676d6c, WEIGHTS_FILE_WHY_BYTES = 240, WEIGHTS_FILE_DIMS_MAX = 4 };

struct weights_file {
    struct str rest;
    const char *what; /* "the model file" */
    char *why;        /* WEIGHTS_FILE_WHY_BYTES: what is wrong */
    uint32_t dims;    /* that a tensor of it may have, at most */
};

struct weights_head {
    uint32_t dims, type, size[WEIGHTS_FILE_DIMS_MAX]; /* sizes beyond dims are 1 */
    struct str name;
};

/* ERR_INVALID, with a sentence. */
__attribute__((format(printf, 2, 3))) enum err weights_file_refuse(struct weights_file *f,
                                                                   const char *fmt, ...);
enum err weights_file_take(struct weights_file *f, size_t n, struct str *ret_bytes);
enum err weights_file_number(struct weights_file *f, uint32_t *ret_n);
/* Its weights come next. */
enum err weights_file_head(struct weights_file *f, struct weights_head *ret_head);
