// SPDX-License-Identifier: Apache-2.0
/*
 * Functions that a model may ask its client to call. How it is told of them, how a call and its result
 * look in the conversation, and how the model is made to call, in the words that families of models were
 * trained with:
 *
 *     hermes   also Qwen's, and for models of no known family: <tool_call>{"name", "arguments"}</tool_call>
 *     llama3   the answer is {"name", "parameters"}; results come from "ipython"
 *
 * One thread at a time.
 */
#pragma once

#include "llm/schema.h"
#include "wire/tool.h"

enum { TOOLS_BYTES_MAX = 256 * 1024 };

struct tool {
    char name[TOOL_NAME_MAX + 1];
    struct json_doc *parameters; /* NULL: anything */
};

struct tools {
    struct tool *tool;
    size_t count, room;
    bool must;       /* the answer has to be a call */
    struct buf list; /* as the model reads it: a JSON object a line */
};
#define TOOLS ((struct tools){.list = {.cap = TOOLS_BYTES_MAX}})

/* ERR_INVALID with a sentence in `why`, ERR_TOOBIG, ERR_NOMEM. */
enum err tools_add(struct tools *t, const struct msg_llm_tool *m, char why[LLM_WHY_BYTES]);
void tools_finish(struct tools *t);
bool tools_have(const struct tools *t, struct str name);

/* The rule `name`: one call of one of them, with the markup around it. ERR_INVALID with a sentence: a tool's
 * parameters cannot be honoured. */
enum err tools_add_grammar(const struct tools *t, enum tool_syntax syntax, const char *name,
                           struct grammar *g, char why[LLM_WHY_BYTES]);

/* The segments as the model shall see them: the tools told after the system's words, calls ("call": an object of
 * name and arguments) and results ("tool") in its syntax. `made` holds texts of *ret_segment, which is to be freed.
 * ERR_SYNTAX: a call is not such an object. */
enum err tools_tell(const struct tools *t, enum tool_syntax syntax,
                    const struct llm_segment *segment, size_t count, struct buf *made,
                    struct llm_segment **ret_segment, size_t *ret_count);
