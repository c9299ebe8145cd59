// SPDX-License-Identifier: Apache-2.0
/*
 * A stream that only decodes: what a live client sends as Opus comes back as samples, which the server
 * then handles like those of any other client. It happens in this program because foreign bytes may
 * crash their decoder, and as a stream of its own because one recording may hold several utterances,
 * and those who look for speech want samples too.
 *
 *   decode_open, audio…, decode_finish   →   decoded…, decode_done
 *
 * "opus": a packet a message. "webm": bytes of a file in any cut. Each message of sound is answered by
 * as many `decoded` as its samples need; the last of them carries the count of bytes that were decoded,
 * so that the server knows how much is still under way. Called by compute threads through the role's
 * table.
 */
#pragma once

#include "wire/worker.h"

struct decode;
enum err decode_create(struct worker_stream *s, struct decode **ret_d);
enum err decode_message(struct decode *d, uint16_t type, const union msg *msg);
void decode_destroy(struct decode *d); /* takes NULL */
