// SPDX-License-Identifier: Apache-2.0
/*
 * One spoken answer: clauses come in as tts_text, sound leaves at once in pieces that are short at
 * first (a listener is waiting) and longer later. After a clause's last sound goes tts_clause with
 * the exact count of its samples at the asked rate; the server reckons from these counts what a
 * listener had heard when he interrupted. A clause that says nothing (a bare emoji) counts 0.
 *
 * Opus has whole frames: the last one of a clause is filled up with silence, which counts. After all
 * counted sound there is one frame more, which brings what the coder had held back.
 *
 * A clause may begin with sound that was made elsewhere (tts_sound): it goes the same way, and is counted with
 * whatever of the clause's text comes after it.
 *
 * The pause between two phrases belongs to the second one: an answer ends when its sound ends.
 * These are the functions of a `struct worker_role`; one compute thread at a time per stream.
 */
#pragma once

#include "tts/driver.h"
#include "wire/worker.h"

/* Before any stream. The driver is loaded. */
void stream_use(const struct tts_driver *driver);

enum err stream_open(struct worker_stream *s, void **ret_state);
enum err stream_message(void *state, struct worker_stream *s, uint16_t type, const union msg *msg);
void stream_close(void *state);
