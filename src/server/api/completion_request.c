// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/mem.h"
#include "server/api/completion.h"
#include "wire/logprob.h"
#include "wire/tool.h"

enum {
    TEXT_MAX = 1024 * 1024,
    ID_MAX = 128,
    STOPS_MAX = 16,
    STOP_BYTES = 256,
    JSON_MAX = 48 * 1024, /* a message to the engine holds it */
};

void completion_request_finish(struct completion_request *r)
{
    for (size_t i = 0; i < r->count; i++) {
        buf_finish(&r->message[i].id);
        buf_finish(&r->message[i].text);
    }
    free(r->message);
    for (size_t i = 0; i < r->tools; i++) {
        buf_finish(&r->tool[i].name);
        buf_finish(&r->tool[i].description);
        buf_finish(&r->tool[i].parameters_json);
    }
    free(r->tool);
    buf_finish(&r->stop_json);
    buf_finish(&r->bias_json);
    buf_finish(&r->schema_json);
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
                 {"assistant", "assistant"},
                 {"tool", "tool"}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (str_eq(role, str_of(roles[i].name))) {
            *ret_role = str_of(roles[i].is);
            return OK;
        }
    }
    return refuse(why, ERR_INVALID, "messages",
                  "a message's role is system, developer, user, assistant or tool");
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

static enum err add_message(struct completion_request *r, struct str role,
                            struct completion_message **ret_message, struct json_why *why)
{
    if (r->count == COMPLETION_MESSAGES_MAX)
        return refuse(why, ERR_INVALID, "messages", "messages holds 1 to 1000 messages");
    void *message = r->message;
    enum err err = mem_grow(&message, &r->room, r->count + 1, sizeof *r->message);
    r->message = message;
    try(err);
    *ret_message = &r->message[r->count++];
    **ret_message =
        (struct completion_message){.role = role, .id = BUF(ID_MAX), .text = BUF(TEXT_MAX)};
    return OK;
}

static enum err read_id(const struct json_val *id, struct completion_message *to,
                        struct json_why *why)
{
    enum err err = buf_add(&to->id, json_str(id));
    return err == ERR_TOOBIG
               ? refuse(why, ERR_INVALID, "messages", "a call's id has at most 128 bytes")
               : err;
}

/* The client has the arguments as a text of JSON, the engine wants an object. */
static enum err write_call(const struct json_val *function, struct buf *into, struct json_why *why)
{
    struct str name = json_str(json_get(function, "name")),
               arguments = json_str(json_get(function, "arguments"));
    struct json_doc *doc = nullptr;
    struct json_why bad;
    enum err err = arguments.n ? json_parse(arguments, &doc, &bad) : OK;
    if (err != ERR_NOMEM && (name.n == 0 || err != OK))
        return refuse(why, ERR_INVALID, "messages",
                      "a call has a function's name and its arguments as a text of JSON");
    struct json_out j = {.to = into};
    json_obj(&j);
    json_kstr(&j, "name", name);
    json_key(&j, "arguments");
    json_put_raw(&j, arguments.n ? arguments : S("{}"));
    json_end(&j);
    json_doc_destroy(doc);
    return err == OK ? json_finish(&j) : err;
}

static enum err read_calls(const struct json_val *calls, struct completion_request *r,
                           struct json_why *why)
{
    const struct json_val *call;
    for (size_t iter = 0; calls && json_next(calls, &iter, nullptr, &call);) {
        struct completion_message *to;
        try(add_message(r, S("call"), &to, why));
        try(read_id(json_get(call, "id"), to, why));
        try(write_call(json_get(call, "function"), &to->text, why));
    }
    return OK;
}

static bool is_given(const struct json_val *v)
{
    return v && json_typeof(v) != JSON_NULL;
}

static enum err read_message(const struct json_val *m, struct completion_request *r,
                             struct json_why *why)
{
    struct completion_message *to;
    struct str role;
    try(read_role(json_str(json_get(m, "role")), &role, why));
    const struct json_val *content = json_get(m, "content"), *calls = json_get(m, "tool_calls");
    bool has_calls = str_eq(role, S("assistant")) && calls && json_count(calls) > 0;
    if (!has_calls || (is_given(content) && json_str(content).n + json_count(content) > 0)) {
        try(add_message(r, role, &to, why));
        try(read_id(json_get(m, "tool_call_id"), to, why));
        if (is_given(content) || !str_eq(role, S("assistant"))) /* a refusal has none */
            try(read_content(content, &to->text, why));
    }
    return has_calls ? read_calls(calls, r, why) : OK;
}

static enum err read_messages(const struct json_val *list, struct completion_request *r,
                              struct json_why *why)
{
    const struct json_val *m;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &m);)
        try(read_message(m, r, why));
    return r->count > 0 ? OK
                        : refuse(why, ERR_INVALID, "messages", "messages holds 1 to 1000 messages");
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

/* --- how the answer is to be --- */

static enum err write_json(const struct json_val *v, struct buf *into, const char *param,
                           struct json_why *why)
{
    *into = BUF(JSON_MAX);
    struct json_out j = {.to = into};
    json_put_val(&j, v);
    enum err err = json_finish(&j);
    return err == ERR_TOOBIG ? refuse(why, err, param, "it has more than 48 KiB") : err;
}

static enum err read_bias(const struct json_val *bias, struct completion_request *r,
                          struct json_why *why)
{
    struct str token;
    const struct json_val *x;
    if (!bias || json_count(bias) == 0)
        return OK;
    for (size_t iter = 0; json_next(bias, &iter, &token, &x);) {
        int64_t n;
        double value = json_num(x, 1000);
        if (str_to_i64(token, &n) != OK || n < 0 || n > INT32_MAX || value < -100 || value > 100)
            return refuse(why, ERR_INVALID, "logit_bias",
                          "logit_bias has numbers of tokens, each with a number from -100 to 100");
    }
    return write_json(bias, &r->bias_json, "logit_bias", why);
}

static enum err read_format(const struct json_val *format, struct completion_request *r,
                            struct json_why *why)
{
    static const char param[] = "response_format";
    struct str type = json_str(json_get(format, "type"));
    if (!format || str_eq(type, S("text")))
        return OK;
    r->has_format = true;
    if (str_eq(type, S("json_object")))
        return OK;
    if (!str_eq(type, S("json_schema")))
        return refuse(why, ERR_INVALID, param,
                      "an answer's format is text, json_object or json_schema");
    const struct json_val *schema = json_get(json_get(format, "json_schema"), "schema");
    if (!schema || json_typeof(schema) != JSON_OBJ)
        return refuse(why, ERR_INVALID, param, "json_schema holds a schema, which is an object");
    return write_json(schema, &r->schema_json, param, why);
}

/* --- functions that may be called --- */

static enum err read_tool(const struct json_val *tool, struct completion_tool *to,
                          struct json_why *why)
{
    const struct json_val *function = json_get(tool, "function"),
                          *parameters = json_get(function, "parameters");
    struct str name = json_str(json_get(function, "name"));
    to->name = BUF(TOOL_NAME_MAX);
    to->description = BUF(JSON_MAX / 4);
    if (!str_eq(json_str(json_get(tool, "type")), S("function")) || name.n == 0 ||
        name.n > TOOL_NAME_MAX || (is_given(parameters) && json_typeof(parameters) != JSON_OBJ))
        return refuse(why, ERR_INVALID, "tools",
                      "a tool is a function with a name and parameters, a JSON schema");
    try(buf_add(&to->name, name));
    enum err err = buf_add(&to->description, json_str(json_get(function, "description")));
    if (err == ERR_TOOBIG)
        return refuse(why, err, "tools", "a description has at most 12 KiB");
    try(err);
    return is_given(parameters) ? write_json(parameters, &to->parameters_json, "tools", why) : OK;
}

/* none: no function; a named one: that one alone, and it must. */
static enum err read_choice(const struct json_val *choice, struct completion_request *r,
                            bool *ret_none, struct str *ret_only, struct json_why *why)
{
    struct str word = json_str(choice);
    *ret_none = str_eq(word, S("none"));
    *ret_only = json_str(json_get(json_get(choice, "function"), "name"));
    r->must_call = str_eq(word, S("required")) || ret_only->n;
    if (!is_given(choice) || *ret_none || r->must_call || str_eq(word, S("auto")))
        return OK;
    return refuse(why, ERR_INVALID, "tool_choice",
                  "tool_choice is none, auto, required or a function's name");
}

static enum err read_tools(const struct json_val *root, struct completion_request *r,
                           struct json_why *why)
{
    const struct json_val *list = json_get(root, "tools"), *one;
    size_t count = list ? json_count(list) : 0;
    bool none;
    struct str only;
    try(read_choice(json_get(root, "tool_choice"), r, &none, &only, why));
    r->one_call = !json_bool(json_get(root, "parallel_tool_calls"), true);
    if (count > TOOLS_MAX)
        return refuse(why, ERR_INVALID, "tools", "there are at most 128 tools");
    r->tool = mem_zero(count + 1, sizeof *r->tool);
    if (!r->tool)
        return ERR_NOMEM;
    for (size_t iter = 0; !none && list && json_next(list, &iter, nullptr, &one);)
        if (!only.n || str_eq(only, json_str(json_get(json_get(one, "function"), "name"))))
            try(read_tool(one, &r->tool[r->tools++], why));
    if (r->must_call && r->tools == 0)
        return refuse(why, ERR_INVALID, "tool_choice",
                      "tool_choice wants a tool that is not there");
    return OK;
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
    static const char *const not_yet[] = {"functions", "audio", "modalities", "prediction",
                                          "web_search_options"};
    for (size_t i = 0; i < sizeof not_yet / sizeof *not_yet; i++)
        if (is_set(json_get(root, not_yet[i])) &&
            !(strcmp(not_yet[i], "modalities") == 0 &&
              json_count(json_get(root, "modalities")) == 1 &&
              str_eq(json_str(json_at(json_get(root, "modalities"), 0)), S("text"))))
            return refuse(why, ERR_INVALID, not_yet[i],
                          "this cannot be had here yet; leave it out");
    if (json_num(json_get(root, "n"), 1) != 1)
        return refuse(why, ERR_INVALID, "n",
                      "one answer is given for each request; ask again for more");
    return OK;
}

/* --- --- */

struct scalars {
    struct str model;
    const struct json_val *messages, *stream_options, *logit_bias, *response_format;
    bool stream, logprobs;
    int64_t max_tokens, max_completion_tokens, seed, top_k, top_logprobs;
    double temperature, top_p, min_p, presence_penalty, frequency_penalty, repeat_penalty;
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
        {"presence_penalty", JSON_NUM, offsetof(struct scalars, presence_penalty), .min = -2,
         .max = 2},
        {"frequency_penalty", JSON_NUM, offsetof(struct scalars, frequency_penalty), .min = -2,
         .max = 2},
        {"logprobs", JSON_BOOL, offsetof(struct scalars, logprobs)},
        {"top_logprobs", JSON_INT, offsetof(struct scalars, top_logprobs), .min = 0,
         .max = LOGPROBS_TOP_MAX},
        {"logit_bias", JSON_OBJ, offsetof(struct scalars, logit_bias)},
        {"response_format", JSON_OBJ, offsetof(struct scalars, response_format)},
        /* llama-server's and vLLM's. */
        {"top_k", JSON_INT, offsetof(struct scalars, top_k), .min = -1, .max = INT32_MAX},
        {"min_p", JSON_NUM, offsetof(struct scalars, min_p), .min = 0, .max = 1},
        {"repeat_penalty", JSON_NUM, offsetof(struct scalars, repeat_penalty), .min = 0.01,
         .max = 100},
        {"repetition_penalty", JSON_NUM, offsetof(struct scalars, repeat_penalty), .min = 0.01,
         .max = 100},
    };
    struct scalars s = {.temperature = 1, .top_p = 1, .repeat_penalty = 1};
    try(json_read(root, fields, sizeof fields / sizeof *fields, JSON_IGNORE_UNKNOWN, &s, why));
    try(check_known(root, why));
    if (s.top_logprobs > 0 && !s.logprobs)
        return refuse(why, ERR_INVALID, "top_logprobs", "top_logprobs needs logprobs to be true");
    *r = (struct completion_request){
        .stream = s.stream,
        .logprobs = s.logprobs,
        .top_logprobs = s.top_logprobs,
        .include_usage = json_bool(json_get(s.stream_options, "include_usage"), false),
        .max_tokens = s.max_completion_tokens ? s.max_completion_tokens : s.max_tokens,
        .seed = s.seed || !is_given(json_get(root, "seed")) ? s.seed : INT64_MIN,
        .temperature = s.temperature,
        .top_p = s.top_p,
        .top_k = s.top_k > 0 ? s.top_k : 0,
        .min_p = s.min_p,
        .presence_penalty = s.presence_penalty,
        .frequency_penalty = s.frequency_penalty,
        .repeat_penalty = s.repeat_penalty,
    };
    if (s.model.n)
        snprintf(model, COMPLETION_MODEL_BYTES, "%.*s", STR_FMT(s.model));
    try(read_messages(s.messages, r, why));
    try(read_bias(s.logit_bias, r, why));
    try(read_format(s.response_format, r, why));
    try(read_tools(root, r, why));
    return read_stop(json_get(root, "stop"), &r->stop_json, why);
}
