// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of an engine's main loop, shared by worker.c (program, handshake, protocol thread) and
 * actor.c (streams on compute threads). Nobody else includes it.
 */
#pragma once

#include "wire/worker.h"

/* Writes whole frames; any thread. ERR_CLOSED: the server is gone. */
enum err link_send(enum msg_type type, uint32_t stream, const void *msg);

/* Called by the protocol thread. ERR_SYNTAX: the server breaks the protocol. */
enum err actors_start(const struct worker_role *role, uint32_t threads);
enum err actors_frame(const struct frame *frame, const union msg *msg);
uint32_t actors_live(void);
void actors_set_threads(uint32_t threads);
/* The server is gone: every stream is cancelled and closed, the compute threads end. */
void actors_stop(void);
