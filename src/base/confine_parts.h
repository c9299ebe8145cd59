// SPDX-License-Identifier: Apache-2.0
/*
 * The two halves of confine.h: confine.c (user, limits, Landlock) and confine_calls.c (the system
 * calls). Nobody else includes it.
 */
#pragma once

#include "base/confine.h"

/* Adds to the report's text. */
void confine_say(struct confine_report *report, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The last step: installs the filter in every thread of the process. */
enum err confine_calls(const struct confine_rules *rules, bool leak_checker,
                       struct confine_report *report);
