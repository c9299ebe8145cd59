// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "wire/tool.h"

void remote_answer_init(struct remote_answer *a, struct str key, remote_text_fn on_text, void *arg)
{
    *a = (struct remote_answer){.key = key, .on_text = on_text, .arg = arg};
}

void remote_answer_finish(struct remote_answer *a)
{
    for (size_t i = 0; i < a->calls; i++) {
        buf_finish(&a->call[i].name);
        buf_finish(&a->call[i].arguments);
    }
    free(a->call);
    a->call = nullptr;
    a->calls = 0;
    sse_reader_finish(&a->sse);
}

/* --- failures that the server tells --- */

static bool holds(struct str s, struct str key)
{
    return key.n && str_find(s, key) < s.n;
}

/* The key is looked for before anything is cut: a part of it is too much. */
static void put_words(struct str s, struct str key, char said[REMOTE_SAID_BYTES])
{
    said_line(holds(s, key) ? S("(words that hold the key)") : s, said, REMOTE_SAID_BYTES);
}

/* OpenAI: {"error": {"message", "type", "code"}}; some: {"error": "…"}, {"object": "error", "message"},
 * {"detail": "…"}. */
static struct str failure_text(const struct json_val *root)
{
    const struct json_val *error = json_get(root, "error");
    const struct json_val *const places[] = {
        json_get(error, "message"),
        error,
        json_get(root, "message"),
        json_get(root, "detail"),
    };
    struct str text = {};
    for (size_t i = 0; i < sizeof places / sizeof *places && !text.n; i++)
        text = json_str(places[i]);
    return text;
}

static bool mentions_context(struct str s)
{
    static const char *const phrases[] = {"context length", "context_length", "context size",
                                          "context_size",   "context window", "maximum context"};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (str_find(s, str_of(phrases[i])) < s.n)
            return true;
    return false;
}

static enum err read_failure(const struct json_val *root, struct str key,
                             char said[REMOTE_SAID_BYTES])
{
    const struct json_val *error = json_get(root, "error");
    struct str text = failure_text(root);
    put_words(text, key, said);
    bool too_long = mentions_context(text) || mentions_context(json_str(json_get(error, "code"))) ||
                    mentions_context(json_str(json_get(error, "type")));
    return too_long ? ERR_TOOBIG : ERR_ENGINE;
}

static bool is_failure(const struct json_val *root)
{
    const struct json_val *error = json_get(root, "error");
    return (error && json_typeof(error) != JSON_NULL) ||
           str_eq(json_str(json_get(root, "object")), S("error"));
}

/* OpenAI's newer models: "Unsupported parameter: 'max_tokens' is not supported with this model. Use
 * 'max_completion_tokens' instead." */
static bool wants_other_name(struct str s)
{
    bool is_unsupported =
        str_find(s, S("not supported")) < s.n || str_find(s, S("nsupported")) < s.n;
    return is_unsupported && str_find(s, S("max_tokens")) < s.n &&
           str_find(s, S("max_completion_tokens")) < s.n;
}

enum err remote_refusal_read(struct str body, struct str key, char said[REMOTE_SAID_BYTES])
{
    struct json_doc *doc;
    said[0] = 0;
    if (json_parse(body, &doc, nullptr) != OK)
        return ERR_ENGINE; /* some page of a gateway's */
    enum err err = read_failure(json_root(doc), key, said);
    if (err == ERR_ENGINE && wants_other_name(failure_text(json_root(doc))))
        err = ERR_UNKNOWN;
    json_doc_destroy(doc);
    return err;
}

/* --- the answer --- */

static uint32_t count_of(const struct json_val *v)
{
    int64_t n = json_int(v, 0);
    return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void take_usage(struct remote_answer *a, const struct json_val *usage)
{
    if (!usage || json_typeof(usage) != JSON_OBJ)
        return;
    a->has_usage = true;
    a->prompt_tokens = count_of(json_get(usage, "prompt_tokens"));
    a->completion_tokens = count_of(json_get(usage, "completion_tokens"));
    a->cached_tokens =
        count_of(json_get(json_get(usage, "prompt_tokens_details"), "cached_tokens"));
}

/* --- how likely its tokens were --- */

static enum err read_bytes(const struct json_val *list, char into[LOGPROB_TOKEN_MAX],
                           struct str *ret_token)
{
    const struct json_val *one;
    size_t n = 0;
    if (json_count(list) > LOGPROB_TOKEN_MAX)
        return ERR_TOOBIG;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &one); n++) {
        int64_t byte = json_int(one, -1);
        if (byte < 0 || byte > 255)
            return ERR_SYNTAX;
        into[n] = (char)(unsigned char)byte;
    }
    *ret_token = (struct str){into, n};
    return OK;
}

static enum err put_logprob(struct buf *list, const struct json_val *token)
{
    char into[LOGPROB_TOKEN_MAX];
    const struct json_val *bytes = json_get(token, "bytes");
    double x = json_num(json_get(token, "logprob"), (double)LOGPROB_NEVER);
    struct logprob one = {.token = json_str(json_get(token, "token"))};
    if (json_typeof(token) != JSON_OBJ)
        return ERR_SYNTAX;
    if (bytes && json_typeof(bytes) == JSON_ARR)
        try(read_bytes(bytes, into, &one.token));
    one.logprob = x > 0 ? 0 : x < (double)LOGPROB_NEVER ? LOGPROB_NEVER : (float)x;
    return logprob_put(list, one);
}

static enum err take_logprob(struct remote_answer *a, const struct json_val *token)
{
    autobuf list = BUF(LOGPROBS_BYTES_MAX);
    const struct json_val *top = json_get(token, "top_logprobs"), *one;
    uint32_t n = 0;
    try(put_logprob(&list, token));
    bool is_list = top && json_typeof(top) == JSON_ARR;
    for (size_t iter = 0; is_list && n < a->top_logprobs && json_next(top, &iter, nullptr, &one);
         n++)
        try(put_logprob(&list, one));
    a->has_logprobs = true;
    a->thoughts++; /* some servers send them before their text */
    return a->on_logprob(a->arg, buf_str(&list));
}

static enum err take_logprobs(struct remote_answer *a, const struct json_val *choice)
{
    const struct json_val *list = json_get(json_get(choice, "logprobs"), "content"), *token;
    if (!a->on_logprob || !list || json_typeof(list) != JSON_ARR)
        return OK;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &token);)
        try(take_logprob(a, token));
    return OK;
}

/* --- its text --- */

static enum err take_text(struct remote_answer *a, struct str text)
{
    if (!text.n)
        return OK;
    if (text.n > REMOTE_TEXT_MAX - a->bytes)
        return ERR_TOOBIG;
    a->bytes += text.n;
    a->pieces++;
    return a->on_text(a->arg, text);
}

/* Not for anybody, but no more of it than of an answer. */
static enum err take_thought(struct remote_answer *a, struct str text)
{
    if (!text.n)
        return OK;
    if (text.n > REMOTE_TEXT_MAX - a->thought)
        return ERR_TOOBIG;
    a->thought += text.n;
    a->thoughts++;
    return OK;
}

static enum err find_call(struct remote_answer *a, size_t index, struct remote_call **ret_call)
{
    if (index >= REMOTE_CALLS_MAX)
        return ERR_TOOBIG;
    void *call = a->call;
    enum err err = mem_grow(&call, &a->call_room, index + 1, sizeof *a->call);
    a->call = call;
    try(err);
    for (; a->calls <= index; a->calls++)
        a->call[a->calls] =
            (struct remote_call){.name = BUF(REMOTE_MODEL_BYTES), .arguments = BUF(TOOL_CALL_MAX)};
    *ret_call = &a->call[index];
    return OK;
}

/* A piece of a text of JSON; from some servers the object itself. */
static enum err take_arguments(struct remote_call *call, const struct json_val *v)
{
    enum json_type type = v ? json_typeof(v) : JSON_NULL;
    if (type == JSON_STR)
        return buf_add(&call->arguments, json_str(v));
    if (type != JSON_OBJ)
        return type == JSON_NULL ? OK : ERR_SYNTAX;
    struct json_out j = {.to = &call->arguments};
    json_put_val(&j, v);
    return json_finish(&j);
}

/* One that brings nothing, over and over again, is silence. */
static enum err take_call(struct remote_answer *a, size_t index, const struct json_val *function)
{
    struct remote_call *call;
    try(find_call(a, index, &call));
    size_t before = call->name.n + call->arguments.n;
    if (call->name.n == 0)
        try(buf_add(&call->name, json_str(json_get(function, "name"))));
    try(take_arguments(call, json_get(function, "arguments")));
    a->thoughts += call->name.n + call->arguments.n != before;
    return OK;
}

/* In a stream each piece says to which call it belongs, a whole answer has them in order. */
static enum err take_calls(struct remote_answer *a, const struct json_val *calls)
{
    const struct json_val *one;
    int64_t place = 0;
    if (!calls || json_typeof(calls) != JSON_ARR)
        return OK;
    for (size_t iter = 0; json_next(calls, &iter, nullptr, &one); place++) {
        int64_t index = json_int(json_get(one, "index"), place);
        if (index < 0)
            return ERR_SYNTAX;
        try(take_call(a, (size_t)index, json_get(one, "function")));
    }
    return OK;
}

enum err remote_answer_check_calls(const struct remote_answer *a)
{
    for (size_t i = 0; i < a->calls; i++) {
        struct json_doc *doc;
        struct str arguments = buf_str(&a->call[i].arguments);
        if (a->call[i].name.n == 0)
            return ERR_SYNTAX;
        if (arguments.n == 0)
            continue;
        enum err err = json_parse(arguments, &doc, nullptr);
        if (err != OK)
            return err == ERR_NOMEM ? err : ERR_SYNTAX;
        bool is_object = json_typeof(json_root(doc)) == JSON_OBJ;
        json_doc_destroy(doc);
        if (!is_object)
            return ERR_SYNTAX;
    }
    return OK;
}

/* `delta` of a stream, `message` of a whole answer: their content may be null, or not there. */
static enum err take_choice(struct remote_answer *a, const struct json_val *choice)
{
    if (json_typeof(choice) != JSON_OBJ)
        return ERR_SYNTAX;
    const struct json_val *delta = json_get(choice, "delta");
    if (!delta)
        delta = json_get(choice, "message");
    if (json_int(json_get(choice, "index"), 0) != 0)
        return OK; /* nobody asked for a second one */
    a->has_choice = true;
    try(take_thought(a, json_str(json_get(delta, "reasoning_content"))));
    try(take_thought(a, json_str(json_get(delta, "reasoning"))));
    try(take_calls(a, json_get(delta, "tool_calls")));
    struct str reason = json_str(json_get(choice, "finish_reason"));
    struct str text = json_str(json_get(delta, "content"));
    try(take_logprobs(a, choice));
    if (text.n && a->on_logprob && !a->has_logprobs)
        return ERR_UNSUPPORTED;
    try(take_text(a, text));
    try(take_text(a, json_str(json_get(delta, "refusal")))); /* in the model's own words */
    a->is_finished = a->is_finished || reason.n > 0;
    a->is_cut = a->is_cut || str_eq(reason, S("length"));
    return OK;
}

static enum err take_object(struct remote_answer *a, const struct json_val *root)
{
    if (json_typeof(root) != JSON_OBJ)
        return ERR_SYNTAX;
    if (is_failure(root))
        return read_failure(root, a->key, a->said);
    take_usage(a, json_get(root, "usage"));
    const struct json_val *choices = json_get(root, "choices"), *choice;
    size_t iter = 0;
    while (choices && json_typeof(choices) == JSON_ARR &&
           json_next(choices, &iter, nullptr, &choice))
        try(take_choice(a, choice));
    return OK;
}

static enum err take_json(struct remote_answer *a, struct str json)
{
    struct json_doc *doc;
    enum err err = json_parse(json, &doc, nullptr);
    if (err != OK)
        return err == ERR_NOMEM ? err : ERR_SYNTAX;
    err = take_object(a, json_root(doc));
    json_doc_destroy(doc);
    return err;
}

static enum err on_event(void *arg, struct str data)
{
    struct remote_answer *a = arg;
    if (a->is_done)
        return OK;
    if (str_eq(str_trim(data), S("[DONE]"))) {
        a->is_done = true;
        return a->has_choice ? OK : ERR_SYNTAX;
    }
    return take_json(a, data);
}

enum err remote_answer_feed(struct remote_answer *a, struct str bytes)
{
    if (a->is_done)
        return OK;
    if (bytes.n > REMOTE_STREAM_MAX - a->stream_bytes)
        return ERR_TOOBIG;
    a->stream_bytes += bytes.n;
    return sse_reader_feed(&a->sse, bytes, on_event, a);
}

enum err remote_answer_whole(struct remote_answer *a, struct str body)
{
    try(take_json(a, body));
    a->is_finished = a->is_done = a->has_choice;
    return a->has_choice ? OK : ERR_SYNTAX;
}

enum err remote_answer_end(struct remote_answer *a)
{
    if (a->is_done)
        return OK;
    /* The last event may lack its empty line. Half an event is no JSON. */
    enum err err = sse_reader_feed(&a->sse, S("\n\n"), on_event, a);
    if (err == ERR_SYNTAX)
        return a->is_finished ? OK : ERR_CLOSED;
    try(err);
    return a->is_finished || a->is_done ? OK : ERR_CLOSED;
}

/* --- the list of models --- */

/* vLLM: max_model_len; llama-server: meta.n_ctx. */
static uint32_t context_of(const struct json_val *model)
{
    uint32_t n = count_of(json_get(model, "max_model_len"));
    return n ? n : count_of(json_get(json_get(model, "meta"), "n_ctx"));
}

static bool is_called(const struct json_val *model, struct str name)
{
    const struct json_val *aliases = json_get(model, "aliases"), *alias;
    size_t iter = 0;
    bool is = str_eq(json_str(json_get(model, "id")), name);
    while (!is && aliases && json_typeof(aliases) == JSON_ARR &&
           json_next(aliases, &iter, nullptr, &alias))
        is = str_eq(json_str(alias), name);
    return is;
}

static void add_model(struct remote_models *m, const struct json_val *model, struct str wanted,
                      const char *task, struct str key)
{
    struct str id = json_str(json_get(model, "id")), its_task = json_str(json_get(model, "task"));
    if (!id.n || id.n >= REMOTE_MODEL_BYTES || str_find_byte(id, 0) < id.n || holds(id, key) ||
        (task && its_task.n && !str_eq(its_task, str_of(task))))
        return;
    m->count++;
    said_name(m->names, id);
    bool is_it = wanted.n ? is_called(model, wanted) : m->count == 1;
    if (is_it) {
        said_line(wanted.n ? wanted : id, m->name, sizeof m->name);
        m->context = context_of(model);
    } else if (!wanted.n) {
        m->name[0] = 0; /* which one? */
    }
}

enum err remote_models_read(struct str body, struct str wanted, const char *task, struct str key,
                            struct remote_models *ret_models)
{
    struct json_doc *doc;
    enum err err = json_parse(body, &doc, nullptr);
    if (err != OK)
        return err == ERR_NOMEM ? err : ERR_SYNTAX;
    const struct json_val *data = json_get(json_root(doc), "data"), *model;
    struct remote_models m = {};
    size_t iter = 0;
    bool is_list = data && json_typeof(data) == JSON_ARR;
    while (is_list && json_next(data, &iter, nullptr, &model))
        add_model(&m, model, wanted, task, key);
    json_doc_destroy(doc);
    if (!is_list)
        return ERR_SYNTAX;
    *ret_models = m;
    return OK;
}
