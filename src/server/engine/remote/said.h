// SPDX-License-Identifier: Apache-2.0
/* What a server elsewhere has said, made fit for a log and a sentence: one line, whole code points, so much of it. Pure. */
#pragma once

#include "base/str.h"

enum {
    REMOTE_SAID_BYTES = 200, /* room for its own words, with their NUL */
    REMOTE_MODEL_BYTES = 200,
};

/* At most `size` bytes with the NUL. */
void said_line(struct str s, char *into, size_t size);
/* One name more in a list of them, or that there are more. */
void said_name(char names[REMOTE_SAID_BYTES], struct str name);
