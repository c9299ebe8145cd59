// SPDX-License-Identifier: Apache-2.0
/* What a failure of a server elsewhere means to whoever waits for its answer. Pure. */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum remote_kind : uint8_t {
    REMOTE_LLM, /* writes answers */
    REMOTE_STT, /* hears */
    REMOTE_KINDS,
    REMOTE_TTS =
        REMOTE_KINDS, /* speaks; ends nobody's job, since the local voice takes over (engine/mouth) */
};

enum { VERDICT_TRIES_MAX = 3 };

struct verdict {
    enum err err;
    const char *sentence; /* fit for a client; lives for ever */
    bool passes;          /* the next try may go better */
};

/* Of an HTTP status that is no answer; said: what remote_refusal_read made of its body. */
struct verdict verdict_of_status(enum remote_kind kind, int status, enum err said);
/* Of a connection or an answer; has_begun: something of the answer had come. */
struct verdict verdict_of_err(enum remote_kind kind, enum err err, bool has_begun);
/* Of who asks while the server is away, or will not have us. */
extern const struct verdict verdict_away[REMOTE_KINDS], verdict_closed[REMOTE_KINDS];
/* How long to wait before it is tried again, after so many tries; 0: it is not. retry_after_s: as the server says, or 0;
 * left_ms: then it is too late. */
uint32_t verdict_pause_ms(struct verdict v, unsigned tries, uint32_t retry_after_s,
                          uint64_t left_ms);
