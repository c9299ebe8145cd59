// SPDX-License-Identifier: Apache-2.0
#include "wire/tool.h"

void tool_put(struct json_out *j, const struct msg_llm_tool *tool)
{
    json_obj(j);
    json_kstr(j, "type", S("function"));
    json_key(j, "function");
    json_obj(j);
    json_kstr(j, "name", tool->name);
    if (tool->description.n)
        json_kstr(j, "description", tool->description);
    if (tool->parameters_json.n) {
        json_key(j, "parameters");
        json_put_raw(j, tool->parameters_json);
    }
    json_end(j);
    json_end(j);
}
