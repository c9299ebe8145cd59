// SPDX-License-Identifier: Apache-2.0
/*
 * One answer of one session: the actor behind a stream of repartee-llm (wire/worker.h). Gathers the
 * segments of the prompt, then lets the driver answer. Compute threads.
 */
#pragma once

#include "llm/driver.h"

enum { STREAM_SEGMENTS_MAX = 256, STREAM_PROMPT_MAX = 1024 * 1024 };

void stream_use(const struct llm_driver *driver); /* before the first stream */
enum err stream_open(struct worker_stream *s, void **ret_state);
enum err stream_message(void *state, struct worker_stream *s, uint16_t type, const union msg *msg);
void stream_close(void *state);
