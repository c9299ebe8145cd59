// SPDX-License-Identifier: Apache-2.0
/* GET /v1/models: who answers, and who makes vectors, as OpenAI's clients ask for them. */
#include "base/json.h"
#include "server/api/route.h"
#include "server/engine/engine.h"

static void put_model(struct json_out *j, struct str model)
{
    json_obj(j);
    json_kstr(j, "id", model);
    json_kstr(j, "object", S("model"));
    json_kint(j, "created", 0);
    json_kstr(j, "owned_by", S("repartee"));
    json_end(j);
}

/* An engine that is away has no name. */
static void put_list(struct json_out *j, const struct str *models, size_t count)
{
    json_obj(j);
    json_kstr(j, "object", S("list"));
    json_key(j, "data");
    json_arr(j);
    for (size_t i = 0; i < count; i++)
        if (models[i].n)
            put_model(j, models[i]);
    json_end(j);
    json_end(j);
}

static bool is_one_of(const struct str *models, size_t count, struct str model)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(models[i], model))
            return true;
    return false;
}

void handle_models(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)who;
    struct engine_info llm = {.model = s->talk.unanswered ? "" : "quote"}, embed = {};
    if (s->llm)
        engine_info(s->llm, &llm);
    if (s->embed)
        engine_info(s->embed, &embed);
    const struct str models[] = {str_of(llm.model), str_of(embed.model ? embed.model : "")};
    size_t count = s->embed ? 2 : 1;
    if (id.n && !is_one_of(models, count, id)) {
        exchange_error(x, ERR_NOTFOUND, "there is no such model", nullptr);
        return;
    }
    autobuf body = BUF(16384);
    struct json_out j = {.to = &body};
    if (id.n)
        put_model(&j, id);
    else
        put_list(&j, models, count);
    enum err err = json_finish(&j);
    if (err == OK)
        exchange_reply(x, 200, "application/json", buf_str(&body));
    else
        exchange_error(x, err, nullptr, nullptr);
}
