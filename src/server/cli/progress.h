// SPDX-License-Identifier: Apache-2.0
/*
 * How far a long command has come, on standard error: a bar that is drawn over and over on a terminal,
 * plain lines elsewhere.
 */
#pragma once

#include <stdint.h>

struct progress {
    bool is_silent, is_terminal, is_drawn;
};
void progress_begin(struct progress *p, bool is_silent);
/* `done` of `total`; `text` stands beside it. A line elsewhere comes only when `is_step`. */
void progress_show(struct progress *p, uint64_t done, uint64_t total, const char *text,
                   bool is_step);
/* Takes the bar away, for whatever is said next. */
void progress_clear(struct progress *p);
