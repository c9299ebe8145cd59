// SPDX-License-Identifier: Apache-2.0
/*
 * Calls of functions in what a model says, told from its words. What may still become a call is held
 * back; what turned out to be none, or is longer than TOOL_CALL_MAX, is given as it was said. One thread at a time.
 */
#pragma once

#include "llm/tools.h"

struct call_reader {
    const struct tools *tools;
    enum tool_syntax syntax;
    struct buf held;
    bool inside, spoke; /* inside: a call has begun; spoke: words were given */
    uint32_t calls;
    enum err (*on_text)(void *arg, struct str text);
    enum err (*on_call)(void *arg, struct str name, struct str arguments_json);
    void *arg;
};

enum err call_reader_add(struct call_reader *r, struct str text);
/* No more text. */
enum err call_reader_end(struct call_reader *r);
void call_reader_finish(struct call_reader *r);
