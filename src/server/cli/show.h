// SPDX-License-Identifier: Apache-2.0
/*
 * A turn's events, shown to a person as they come (words at once, sources and a waterfall at the
 * end) or gathered into one JSON object.
 */
#pragma once

#include "base/json.h"

struct show {
    bool json;
    bool begun;                                        /* some of the answer was printed */
    struct buf transcript, answer, citations, timings; /* JSON texts but for transcript, answer */
    struct buf sources;                                /* lines to print after the answer */
};

void show_init(struct show *s, bool json);
void show_event(struct show *s, const struct json_val *event);
/* After the last event; an exit code. */
int show_finish(struct show *s);
void show_free(struct show *s);
