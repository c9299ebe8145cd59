// SPDX-License-Identifier: Apache-2.0
/* libwhisper and ggml's back ends made ready, for whoever uses them first: a Whisper, a voice detector. */
#pragma once

/* Main thread, in a load; once is enough, more are no harm. */
void libwhisper_begin(void);
