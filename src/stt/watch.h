// SPDX-License-Identifier: Apache-2.0
/*
 * A stream that only watches for speech, as long as a conversation lasts: sound of any rate in, for
 * each frame of 20 ms a byte that says how likely it is speech. What follows from that (when somebody
 * has begun or finished, who has the floor) the server decides, who knows what is being said.
 *
 *   vad_open, audio…   →   vad_frames…
 *
 * Needs no recogniser, so it takes no slot. Called by compute threads through the role's table.
 */
#pragma once

#include "wire/worker.h"

struct watch;
enum err watch_create(struct worker_stream *s, struct watch **ret_w);
enum err watch_message(struct watch *w, uint16_t type, const union msg *msg);
void watch_destroy(struct watch *w); /* takes NULL */
