// SPDX-License-Identifier: Apache-2.0
/*
 * How many bytes the machine reads from its memory in a second, which bounds how fast a language model writes
 * (models/advice.h). As many threads as the model would have read memory of their own at once, together more than the
 * processor's cache holds, in three goes of 10 ms of their own time, of which the best counts: others may have been at
 * work. That takes about a tenth of a second, more on a busy machine, and, while it lasts, 64 to 512 MiB; where less than eight times that is
 * free, on the machine or in a control group around it, nothing is measured. On lanes of its own, made for it. Loop thread.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct loop;
struct bandwidth;

/* 0: it cannot be told. Once, never from inside bandwidth_measure; bandwidth_end may be called from it. */
typedef void (*bandwidth_fn)(void *arg, double bytes_s);
/* ERR_NOMEM; ERR_BUSY: no threads to be had. */
enum err bandwidth_measure(struct loop *loop, uint32_t threads, bandwidth_fn fn, void *arg,
                           struct bandwidth **ret_b);
/* Waits for what is being measured; its function is not called any more. Takes NULL. */
void bandwidth_end(struct bandwidth *b);
/* The same for a command, which waits for it. */
double bandwidth_now(uint32_t threads);
