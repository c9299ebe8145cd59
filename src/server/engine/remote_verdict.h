// SPDX-License-Identifier: Apache-2.0
/* What a failure of a server elsewhere means to whoever waits for its answer. Pure. */
#pragma once

#include "base/err.h"

struct verdict {
    enum err err;
    const char *sentence; /* fit for a client; lives for ever */
    bool passes;          /* the next try may go better */
};

/* Of an HTTP status that is no answer; said: what remote_refusal_read made of its body. */
struct verdict verdict_of_status(int status, enum err said);
/* Of a connection or an answer; has_begun: something of the answer had come. */
struct verdict verdict_of_err(enum err err, bool has_begun);
