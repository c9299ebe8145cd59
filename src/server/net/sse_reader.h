// SPDX-License-Identifier: Apache-2.0
/* Cuts a stream of server-sent events, as a client gets it, into their data. Pure. */
#pragma once

#include "base/str.h"

enum { SSE_EVENT_MAX = 1024 * 1024 }; /* bytes of a line, and of an event's data */

/* Zeroed to begin with. */
struct sse_reader {
    struct buf line, data;
    size_t looked; /* so much of the line holds no end */
};
typedef enum err (*sse_fn)(void *arg, struct str data);
/* Another return of on_event than OK ends the reading and comes back. ERR_TOOBIG, ERR_NOMEM. */
enum err sse_reader_feed(struct sse_reader *r, struct str bytes, sse_fn on_event, void *arg);
void sse_reader_finish(struct sse_reader *r);
