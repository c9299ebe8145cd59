// SPDX-License-Identifier: Apache-2.0
/*
 * A broken invariant stops the program: going on with a wrong idea of the world is worse than a
 * restart. Never compiled out, so no side effects may hide in it and none may be needed.
 */
#pragma once

[[noreturn]] void check_failed(const char *expr, const char *file, int line, const char *func);

#define check(expr)                                                                                \
    ((expr) ? (void)0 : check_failed(#expr, __FILE__, __LINE__, __func__))
#define unreachable_state() check_failed("unreachable", __FILE__, __LINE__, __func__)
