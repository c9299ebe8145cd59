// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of an engine's main loop: link.c (the socket), worker.c (program, handshake, protocol
 * thread) and actor.c (streams on compute threads). Nobody else includes it.
 */
#pragma once

#include "wire/worker.h"

/* Before anything else, once. `fd` is the connected socket that the server left us. */
enum err link_inherit(int fd);
/* Makes a socket at `path`, waits for one server, and removes it again. */
enum err link_listen(const char *path);
/* Appends what the server sent to `in`, waiting for it. ERR_CLOSED: the server is gone. */
enum err link_receive(struct buf *in);
/* Writes whole frames; any thread. ERR_CLOSED as above. */
enum err link_write(struct str frames);
enum err link_send(enum msg_type type, uint32_t stream, const void *msg);

/* Called by the protocol thread. ERR_SYNTAX: the server breaks the protocol. */
enum err actors_start(const struct worker_role *role);
enum err actors_frame(const struct frame *frame, const union msg *msg);
uint32_t actors_live(void);
/* The server is gone: every stream is cancelled and closed, the compute threads end. ERR_TIMEOUT:
 * one of them did not, and the role's memory is still in its hands. */
enum err actors_stop(void);
