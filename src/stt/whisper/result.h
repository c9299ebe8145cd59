// SPDX-License-Identifier: Apache-2.0
/*
 * What was heard of a window, for good, becomes a part of the utterance's result. When the part was said is known, by the
 * voices in the window; for the words in it the model does not say, so their times are shares of the voices. Pure.
 */
#pragma once

#include "stt/driver.h"
#include "stt/whisper/model.h"
#include "stt/whisper/window.h"

enum err result_add(struct stt_result *r, const struct model_heard *heard, const struct window *w);
