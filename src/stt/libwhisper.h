// SPDX-License-Identifier: Apache-2.0
/* libwhisper, libparakeet beside it, and ggml's back ends made ready, for whoever uses them first: a Whisper, a Parakeet, a
 * voice detector; and what these libraries complain about. */
#pragma once

#include <stddef.h>

/* Main thread, in a load; once is enough, more are no harm. */
void libwhisper_begin(void);

/* Writes `what` into `why`, and in brackets the last error that one of them has told on this thread since
 * libwhisper_forget, if there is one. */
void libwhisper_explain(char *why, size_t size, const char *what);
void libwhisper_forget(void);
/* While `is_meant` says so, what they call an error on this thread is our doing. NULL: never. */
void libwhisper_expect(bool (*is_meant)(void *arg), void *arg);
