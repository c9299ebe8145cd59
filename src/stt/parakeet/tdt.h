// SPDX-License-Identifier: Apache-2.0
/*
 * A Parakeet TDT as a hearer, and libparakeet's only caller but for its log (libwhisper.h). The encoder looks at all of a window at once; then each of its
 * frames of 80 ms gives tokens, and each of these how many frames to go on. So a window costs what it is long, the same
 * sound always gives the same words, and each word has a time; there is nothing to be told before, and no language that
 * could be asked for: the model finds it out, and does not say which.
 *
 * Nothing stops a graph in the middle: `stopped` is asked behind the encoder and at each token. libparakeet makes a
 * graph and its memory anew for each length of a window, which is little beside the encoder's work. What is heard is taken
 * from its callback, token by token, since its segments have no log-probabilities. It starts threads of its own for a
 * spectrum, and ends the program where it cannot; so it is told to have one, the caller's.
 *
 * Any thread, a lane one at a time; opening and closing the model alone.
 */
#pragma once

#include "stt/window/hearer.h"

enum { TDT_FRAME_MS = 80 };

extern const struct hearer tdt_hearer;
