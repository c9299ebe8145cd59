// SPDX-License-Identifier: Apache-2.0
#include "server/api/events.h"

#include "base/conf.h"
#include "server/net/error.h"
#include "server/rag/rag.h"

void put_hit(struct json_out *j, const struct rag_hit *hit)
{
    json_kstr(j, "doc_id", hit->doc_id);
    json_kint(j, "chunk_id", hit->chunk_id);
    json_kstr(j, "title", hit->title);
    json_kstr(j, "text", hit->text);
    json_knum(j, "score", hit->score);
    json_kstr(j, "source", hit->source);
}

void put_self(struct json_out *j, const struct conf *conf)
{
    json_kstr(j, "name", str_of(conf->name));
    json_kstr(j, "greeting", str_of(conf->greeting));
    json_kstr(j, "language", str_of(conf->language));
}

void event_citation(struct json_out *j, uint32_t index, const struct rag_hit *hit)
{
    json_obj(j);
    json_kstr(j, "type", S("citation"));
    json_kint(j, "index", index);
    put_hit(j, hit);
}

void event_token(struct json_out *j, struct str text)
{
    json_obj(j);
    json_kstr(j, "type", S("token"));
    json_kstr(j, "content", text);
}

void put_usage(struct json_out *j, const struct turn_usage *usage)
{
    json_key(j, "usage");
    json_obj(j);
    json_kint(j, "prompt_tokens", usage->prompt_tokens);
    json_kint(j, "cached_tokens", usage->cached_tokens);
    json_kint(j, "completion_tokens", usage->completion_tokens);
    json_kint(j, "total_tokens", usage->prompt_tokens + usage->completion_tokens);
    json_end(j);
}

void event_end(struct json_out *j, const struct turn_end *end)
{
    json_obj(j);
    json_kstr(j, "type", S("end"));
    put_usage(j, &end->usage);
    json_key(j, "timings");
    waterfall_json(end->waterfall, end->now_us, j);
}

void event_error(struct json_out *j, enum err err, const char *message)
{
    json_obj(j);
    json_kstr(j, "type", S("error"));
    error_put(j, err, message && message[0] ? message : nullptr, nullptr);
}
