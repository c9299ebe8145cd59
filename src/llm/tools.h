// SPDX-License-Identifier: Apache-2.0
/*
 * Functions that a model may ask its client to call. How it is told of them, how a call and its result
 * look in the conversation, and how the model is made to call, in the words that families of models were
 * trained with:
 *
 *     hermes       also Qwen's, and for models of no known family: <tool_call>{"name", "arguments"}</tool_call>
 *     llama3       the answer is {"name", "parameters"}; results come from "ipython"
 *     mistral-v3   [TOOL_CALLS][{"name", "arguments", "id"}, …], results are {"content", "call_id"}: Mistral 7B v0.3,
 *                  Mixtral 8x22B, Nemo, Ministral 8B
 *     mistral-v7   the same, but a result is id[TOOL_CONTENT]text: Mistral Small 3.1, Large 2411
 *     mistral-v11  [TOOL_CALLS]name[CALL_ID]id[ARGS]{…} for each call: Mistral Small 3.2
 *     mistral-v13  [TOOL_CALLS]name[ARGS]{…}, no ids, and the functions are told once: Ministral 3
 *
 * Mistral's words in brackets are special tokens, the same for each tokenizer (v3 and v3-tekken …); what says so is
 * mistral-common (tokens/tokenizers/instruct.py). One thread at a time.
 */
#pragma once

#include "llm/schema.h"
#include "wire/tool.h"

enum {
    TOOLS_BYTES_MAX = 256 * 1024,
    TOOL_ID_BYTES = 9, /* mistral's, of letters and digits */
};

struct tool {
    char name[TOOL_NAME_MAX + 1];
    struct json_doc *parameters; /* NULL: anything */
};

struct tools {
    struct tool *tool;
    size_t count, room;
    bool must;       /* the answer has to be a call */
    bool one;        /* it ends with the first one */
    struct buf list; /* as the model reads it: a JSON object a line, no line within one */
};
#define TOOLS ((struct tools){.list = {.cap = TOOLS_BYTES_MAX}})

/* ERR_INVALID with a sentence in `why`, ERR_TOOBIG, ERR_NOMEM. */
enum err tools_add(struct tools *t, const struct msg_llm_tool *m, char why[LLM_WHY_BYTES]);
void tools_finish(struct tools *t);
bool tools_have(const struct tools *t, struct str name);

/* The special tokens that calls in this syntax are made of; none when there are no tools. */
const char *const *tools_marks(const struct tools *t, enum tool_syntax syntax, size_t *ret_count);

/* The rule `name`: one call of one of them, with the markup around it (by llm_request's rules of marks).
 * ERR_INVALID with a sentence: a tool's parameters cannot be honoured. */
enum err tools_add_grammar(const struct tools *t, enum tool_syntax syntax, const char *name,
                           struct grammar *g, char why[LLM_WHY_BYTES]);

/* A call's id as models have it, from whatever the client made of it: its last letters and digits. */
void tools_shorten_id(struct str id, char into[TOOL_ID_BYTES + 1]);

/* JSON with a blank after each comma and colon and no others, as models were trained with. */
enum err tools_put_json(struct buf *into, struct str json);

/* The segments as the model shall see them: the tools told where it was trained to find them, calls ("call": an
 * object of name and arguments) and results ("tool") in its syntax. `made` holds texts of *ret_segment, which is to
 * be freed. ERR_SYNTAX: a call is not such an object. */
enum err tools_tell(const struct tools *t, enum tool_syntax syntax,
                    const struct llm_segment *segment, size_t count, struct buf *made,
                    struct llm_segment **ret_segment, size_t *ret_count);
