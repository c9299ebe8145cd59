// SPDX-License-Identifier: Apache-2.0
/* Functions that a model may call (wire: llm_tool), as everybody has them: OpenAI's entry of `tools`. Pure. */
#pragma once

#include "base/json.h"
#include "wire/msg.h"

enum {
    TOOLS_MAX = 128,
    TOOL_NAME_MAX = 64,
    TOOL_CALL_MAX = 48 * 1024, /* bytes of a call's arguments: a message holds them */
};

/* parameters_json "": without parameters. */
void tool_put(struct json_out *j, const struct msg_llm_tool *tool);
