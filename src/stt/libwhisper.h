// SPDX-License-Identifier: Apache-2.0
/* libwhisper and ggml's back ends made ready, for whoever uses them first: a Whisper, a voice detector; and what
 * libwhisper complains about. */
#pragma once

/* Main thread, in a load; once is enough, more are no harm. */
void libwhisper_begin(void);

/* The last error that libwhisper has told on this thread since libwhisper_forget; "": none. */
const char *libwhisper_error(void);
void libwhisper_forget(void);
/* While `is_meant` says so, what libwhisper calls an error on this thread is our doing. NULL: never. */
void libwhisper_expect(bool (*is_meant)(void *arg), void *arg);
