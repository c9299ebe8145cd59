// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/mem.h"
#include "server/api/completion.h"

enum { TEXT_MAX = 1024 * 1024, STOPS_MAX = 16, STOP_BYTES = 256 };

void completion_request_finish(struct completion_request *r)
{
    for (size_t i = 0; i < r->count; i++)
        buf_finish(&r->message[i].text);
    free(r->message);
    buf_finish(&r->stop_json);
    *r = (struct completion_request){};
}

static enum err refuse(struct json_why *why, enum err err, const char *param, const char *text)
{
    snprintf(why->text, sizeof why->text, "%s", text);
    snprintf(why->param, sizeof why->param, "%s", param);
    return err;
}

/* --- messages --- */

static enum err read_role(struct str role, struct str *ret_role, struct json_why *why)
{
    static const struct {
        const char *name, *is;
    } roles[] = {{"system", "system"},
                 {"developer", "system"},
                 {"user", "user"},
                 {"assistant", "assistant"}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (str_eq(role, str_of(roles[i].name))) {
            *ret_role = str_of(roles[i].is);
            return OK;
        }
    }
    return refuse(
        why, ERR_INVALID, "messages",
        "a message's role is system, developer, user or assistant; tools cannot be used yet");
}

static enum err read_parts(const struct json_val *parts, struct buf *into, struct json_why *why)
{
    const struct json_val *part;
    for (size_t iter = 0; json_next(parts, &iter, nullptr, &part);) {
        const struct json_val *text = json_get(part, "text");
        if (!str_eq(json_str(json_get(part, "type")), S("text")) || !text ||
            json_typeof(text) != JSON_STR)
            return refuse(why, ERR_INVALID, "messages",
                          "a message holds text; pictures and sound cannot be read here");
        try(buf_add(into, json_str(text)));
    }
    return OK;
}

static enum err read_content(const struct json_val *content, struct buf *into, struct json_why *why)
{
    if (content && json_typeof(content) == JSON_STR)
        return buf_add(into, json_str(content));
    if (content && json_typeof(content) == JSON_ARR)
        return read_parts(content, into, why);
    return refuse(why, ERR_INVALID, "messages", "a message's content is a text or a list of texts");
}

static enum err read_messages(const struct json_val *list, struct completion_request *r,
                              struct json_why *why)
{
    size_t count = json_count(list);
    if (count == 0 || count > COMPLETION_MESSAGES_MAX)
        return refuse(why, ERR_INVALID, "messages", "messages holds 1 to 1000 messages");
    r->message = mem_zero(count, sizeof *r->message);
    if (!r->message)
        return ERR_NOMEM;
    const struct json_val *m;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &m);) {
        struct completion_message *to = &r->message[r->count++];
        to->text = BUF(TEXT_MAX);
        try(read_role(json_str(json_get(m, "role")), &to->role, why));
        try(read_content(json_get(m, "content"), &to->text, why));
    }
    return OK;
}

/* --- stop --- */

static enum err put_stop(struct json_out *j, const struct json_val *stop, struct json_why *why)
{
    struct str s = json_str(stop);
    if (json_typeof(stop) != JSON_STR || s.n == 0 || s.n > STOP_BYTES)
        return refuse(why, ERR_INVALID, "stop", "a stop text has 1 to 256 bytes");
    json_put_str(j, s);
    return OK;
}

static enum err read_stop(const struct json_val *stop, struct buf *into, struct json_why *why)
{
    *into = BUF(STOPS_MAX * (6 * STOP_BYTES + 3) + 2);
    struct json_out j = {.to = into};
    json_arr(&j);
    if (stop && json_typeof(stop) == JSON_ARR) {
        if (json_count(stop) > STOPS_MAX)
            return refuse(why, ERR_INVALID, "stop", "there are at most 16 stop texts");
        const struct json_val *one;
        for (size_t iter = 0; json_next(stop, &iter, nullptr, &one);)
            try(put_stop(&j, one, why));
    } else if (stop && json_typeof(stop) != JSON_NULL) {
        try(put_stop(&j, stop, why));
    }
    json_end(&j);
    return json_finish(&j);
}

/* --- what is known but not to be had --- */

static bool is_set(const struct json_val *v)
{
    if (!v)
        return false;
    switch (json_typeof(v)) {
    case JSON_NULL:
        return false;
    case JSON_BOOL:
        return json_bool(v, false);
    case JSON_INT:
    case JSON_NUM:
        return json_num(v, 0) != 0;
    case JSON_ARR:
    case JSON_OBJ:
        return json_count(v) > 0;
    case JSON_STR:
        return json_str(v).n > 0;
    }
    return true;
}

static enum err check_known(const struct json_val *root, struct json_why *why)
{
    static const char *const not_yet[] = {
        "tools",      "functions",        "logprobs",          "top_logprobs",
        "logit_bias", "presence_penalty", "frequency_penalty", "audio",
        "modalities", "prediction",       "web_search_options"};
    for (size_t i = 0; i < sizeof not_yet / sizeof *not_yet; i++)
        if (is_set(json_get(root, not_yet[i])) &&
            !(strcmp(not_yet[i], "modalities") == 0 &&
              json_count(json_get(root, "modalities")) == 1 &&
              str_eq(json_str(json_at(json_get(root, "modalities"), 0)), S("text"))))
            return refuse(why, ERR_INVALID, not_yet[i],
                          "this cannot be had here yet; leave it out");
    const struct json_val *format = json_get(json_get(root, "response_format"), "type");
    if (format && !str_eq(json_str(format), S("text")))
        return refuse(why, ERR_INVALID, "response_format", "only the format text can be had yet");
    if (json_num(json_get(root, "n"), 1) != 1)
        return refuse(why, ERR_INVALID, "n",
                      "one answer is given for each request; ask again for more");
    return OK;
}

/* --- --- */

static bool is_given(const struct json_val *v)
{
    return v && json_typeof(v) != JSON_NULL;
}

struct scalars {
    struct str model;
    const struct json_val *messages, *stream_options;
    bool stream;
    int64_t max_tokens, max_completion_tokens, seed;
    double temperature, top_p;
};

enum err completion_request_read(const struct json_val *root, struct completion_request *r,
                                 char model[COMPLETION_MODEL_BYTES], struct json_why *why)
{
    static const struct json_field fields[] = {
        {"model", JSON_STR, offsetof(struct scalars, model), .max = COMPLETION_MODEL_BYTES - 1},
        {"messages", JSON_ARR, offsetof(struct scalars, messages), .required = true},
        {"stream", JSON_BOOL, offsetof(struct scalars, stream)},
        {"stream_options", JSON_OBJ, offsetof(struct scalars, stream_options)},
        {"max_tokens", JSON_INT, offsetof(struct scalars, max_tokens), .min = 1, .max = 32768},
        {"max_completion_tokens", JSON_INT, offsetof(struct scalars, max_completion_tokens),
         .min = 1, .max = 32768},
        {"seed", JSON_INT, offsetof(struct scalars, seed)},
        {"temperature", JSON_NUM, offsetof(struct scalars, temperature), .min = 0, .max = 2},
        {"top_p", JSON_NUM, offsetof(struct scalars, top_p), .min = 0, .max = 1},
    };
    struct scalars s = {.temperature = 1, .top_p = 1};
    try(json_read(root, fields, sizeof fields / sizeof *fields, JSON_IGNORE_UNKNOWN, &s, why));
    try(check_known(root, why));
    *r = (struct completion_request){
        .stream = s.stream,
        .include_usage = json_bool(json_get(s.stream_options, "include_usage"), false),
        .max_tokens = s.max_completion_tokens ? s.max_completion_tokens : s.max_tokens,
        .seed = s.seed || !is_given(json_get(root, "seed")) ? s.seed : INT64_MIN,
        .temperature = s.temperature,
        .top_p = s.top_p,
    };
    if (s.model.n)
        snprintf(model, COMPLETION_MODEL_BYTES, "%.*s", STR_FMT(s.model));
    try(read_messages(s.messages, r, why));
    return read_stop(json_get(root, "stop"), &r->stop_json, why);
}
