// SPDX-License-Identifier: Apache-2.0
/* GET /v1/models: the language model, by the name that programs call it. */
#include <stdio.h>

#include "base/json.h"
#include "server/api/completion.h"
#include "server/api/route.h"
#include "server/engine/engine.h"

void model_name(const struct server *s, char into[COMPLETION_MODEL_BYTES])
{
    struct engine_info info = {.model = "quote"};
    if (s->llm)
        engine_info(s->llm, &info);
    snprintf(into, COMPLETION_MODEL_BYTES, "%s", info.model);
}

void handle_models(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)who;
    char model[COMPLETION_MODEL_BYTES];
    model_name(s, model);
    if (id.n && !str_eq(id, str_of(model))) {
        exchange_error(x, ERR_NOTFOUND, "there is no such model", nullptr);
        return;
    }
    autobuf body = BUF(4096);
    struct json_out j = {.to = &body};
    if (!id.n) {
        json_obj(&j);
        json_kstr(&j, "object", S("list"));
        json_key(&j, "data");
        json_arr(&j);
    }
    json_obj(&j);
    json_kstr(&j, "id", str_of(model));
    json_kstr(&j, "object", S("model"));
    json_kint(&j, "created", 0);
    json_kstr(&j, "owned_by", S("repartee"));
    json_end(&j);
    if (!id.n) {
        json_end(&j);
        json_end(&j);
    }
    enum err err = json_finish(&j);
    if (err == OK)
        exchange_reply(x, 200, "application/json", buf_str(&body));
    else
        exchange_error(x, err, nullptr, nullptr);
}
