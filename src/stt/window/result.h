// SPDX-License-Identifier: Apache-2.0
/*
 * What was heard of a window, for good, becomes a part of the utterance's result. When the part was said is known, by the
 * voices in the window; of the words in it some models tell (Parakeet), and with others (Whisper) their times are shares of
 * the voices. Pure.
 */
#pragma once

#include "stt/driver.h"
#include "stt/window/heard.h"
#include "stt/window/window.h"

enum err result_add(struct stt_result *r, const struct heard *heard, const struct window *w);
