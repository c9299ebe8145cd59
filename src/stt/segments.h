// SPDX-License-Identifier: Apache-2.0
/*
 * A final transcript as JSON: phrases, cut where the speaker paused, and their words.
 *
 *     [{"start_ms":210,"end_ms":2980,"text":"he was not","confidence":0.93,
 *       "words":[{"word":"he","start_ms":210,"end_ms":330,"confidence":0.99},…]},…]
 *
 * Pure; any thread.
 */
#pragma once

#include "stt/driver.h"

enum { SEGMENTS_PAUSE_MS = 400 };

/* Appends at most `max` bytes: without the words when they do not fit, "[]" when the phrases do not. */
enum err segments_json(const struct stt_result *result, size_t max, struct buf *into);
