// SPDX-License-Identifier: Apache-2.0
/* What the unit tests share: cmocka with its prerequisites, and assertions in our own types. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

#define countof(array) (sizeof(array) / sizeof *(array))

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        enum err assert_err_ = (call);                                                             \
        if (assert_err_ != OK)                                                                     \
            fail_msg("%s: %s", #call, err_code(assert_err_));                                      \
    } while (0)
#define assert_err(call, want)                                                                     \
    do {                                                                                           \
        enum err assert_err_ = (call);                                                             \
        if (assert_err_ != (want))                                                                 \
            fail_msg("%s: got %s, want %s", #call, err_code(assert_err_), err_code(want));         \
    } while (0)
#define assert_str(slice, want)                                                                    \
    do {                                                                                           \
        struct str assert_got_ = (slice), assert_want_ = str_of(want);                             \
        if (!str_eq(assert_got_, assert_want_))                                                    \
            fail_msg("%s: got \"%.*s\", want \"%s\"", #slice, (int)assert_got_.n, assert_got_.p,   \
                     assert_want_.p);                                                              \
    } while (0)
