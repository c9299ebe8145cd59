// SPDX-License-Identifier: Apache-2.0
/*
 * One request for vectors: embed_open, embed_text… or embed_tokens…, embed_finish in; embed_vector…,
 * embed_done out. These are the functions of a `struct worker_role`; one compute thread at a time per stream.
 */
#pragma once

#include "llm/embed.h"
#include "wire/worker.h"

/* Before any stream. The driver is loaded. */
void embed_stream_use(const struct embed_driver *driver, uint32_t dimensions);

enum err embed_stream_open(struct worker_stream *s, void **ret_state);
enum err embed_stream_message(void *state, struct worker_stream *s, uint16_t type,
                              const union msg *msg);
void embed_stream_close(void *state);
