// SPDX-License-Identifier: Apache-2.0
/*
 * A final transcript as segments: the driver's parts, or where it has none what lies between the speaker's pauses. One
 * that grows long is cut at its longest gap. Any thread.
 */
#pragma once

#include "stt/driver.h"
#include "wire/msg.h"

enum {
    SEGMENTS_PAUSE_MS = 400,
    SEGMENTS_MAX_MS = 20000,
    SEGMENTS_MAX_WORDS = 400,
};

/* `timed`: the words' times are told, too. `tell` gets each segment, good for the call; its error ends it. */
enum err segments_tell(const struct stt_result *result, bool timed,
                       enum err (*tell)(void *arg, const struct msg_stt_segment *segment),
                       void *arg);
