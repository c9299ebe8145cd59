// SPDX-License-Identifier: Apache-2.0
/*
 * One answer: llm_open, llm_segment…, llm_generate in; llm_token…, llm_done out. These are the functions
 * of a `struct worker_role`; one compute thread at a time per stream.
 */
#pragma once

#include "llm/driver.h"
#include "wire/worker.h"

/* Before any stream. The driver is loaded; `tools` is what it said then. */
void stream_use(const struct llm_driver *driver, enum tool_syntax tools);

enum err stream_open(struct worker_stream *s, void **ret_state);
enum err stream_message(void *state, struct worker_stream *s, uint16_t type, const union msg *msg);
void stream_close(void *state);
