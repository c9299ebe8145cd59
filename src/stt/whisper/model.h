// SPDX-License-Identifier: Apache-2.0
/*
 * A Whisper as a hearer, and libwhisper's only caller but for its log (libwhisper.h) and Silero. A lane takes some 25 MB with a tiny model and half a gigabyte with
 * the largest. Any thread, a lane one at a time; opening and closing the model alone. Its OpenMP threads belong to the
 * thread that calls (window/lane.h).
 *
 * A window costs what it is long: the encoder looks at as many frames of 20 ms as there are, in steps of 256, where by
 * itself it would look at 1500 whatever is said.
 * Nothing stops a graph in the middle: `stopped` is asked behind the encoder and before each token. Where the language is
 * to be found out the encoder runs twice, and is stopped in between, too.
 */
#pragma once

#include "stt/window/hearer.h"

extern const struct hearer whisper_hearer;
