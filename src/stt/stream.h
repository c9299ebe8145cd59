// SPDX-License-Identifier: Apache-2.0
/*
 * One stream of the engine protocol: sound of any rate in, partials and one final out. Called by the
 * compute threads through the role table.
 *
 *   stt_open, audio…, stt_finish   →   stt_partial…, stt_final
 *
 * A partial goes out when its words or the settled part of them have changed, at most one for each
 * step of sound that the driver names. With `endpoint` the stream waits for somebody to speak: it answers stt_speech
 * (started), partials, stt_speech (ended) and the final, all without stt_finish; sound that comes later
 * belongs to the next stream. Times count from the stream's first sample. A stream that waits for speech
 * holds no decoder.
 */
#pragma once

#include "stt/driver.h"
#include "wire/worker.h"

/* Before the first stream; rate_hz: what the driver wants. */
void stream_use(const struct stt_driver *driver, uint32_t rate_hz);

enum err stream_open(struct worker_stream *s, void **ret_state);
enum err stream_message(void *state, struct worker_stream *s, uint16_t type, const union msg *msg);
void stream_close(void *state);
