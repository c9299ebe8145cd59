// SPDX-License-Identifier: Apache-2.0
/* What an answer of /v1/chat/completions looks like, as it comes and whole. */
#include "base/clock.h"
#include "base/json.h"
#include "server/api/completion_parts.h"
#include "server/net/sse.h"
#include "wire/logprob.h"

/* --- what every answer holds --- */

static void open_answer(struct completion *c, struct json_out *j, struct str object)
{
    json_obj(j);
    json_kstr(j, "id", str_of(c->id));
    json_kstr(j, "object", object);
    json_kint(j, "created", c->created_s);
    json_kstr(j, "model", str_of(c->model));
}

static void put_usage_of(const struct completion *c, struct json_out *j)
{
    const struct msg_llm_done *d = &c->done;
    json_key(j, "usage");
    json_obj(j);
    json_kint(j, "prompt_tokens", d->prompt_tokens);
    json_kint(j, "completion_tokens", d->completion_tokens);
    json_kint(j, "total_tokens", (int64_t)d->prompt_tokens + d->completion_tokens);
    json_key(j, "prompt_tokens_details");
    json_obj(j);
    json_kint(j, "cached_tokens", d->cached_tokens);
    json_end(j);
    json_end(j);
}

static void put_timings_of(const struct completion *c, struct json_out *j)
{
    const struct msg_llm_done *d = &c->done;
    json_key(j, "timings");
    json_obj(j);
    json_kint(j, "cache_n", d->cached_tokens);
    json_kint(j, "prompt_n", (int64_t)d->prompt_tokens - d->cached_tokens);
    json_knum(j, "prompt_ms", (double)d->prefill_us / 1000);
    json_kint(j, "predicted_n", d->completion_tokens);
    json_knum(j, "predicted_ms", (double)d->decode_us / 1000);
    json_end(j);
}

/* --- how likely the tokens were --- */

/* The text alone may have lost half of a code point. */
static void put_token(struct json_out *j, struct logprob one)
{
    json_kstr(j, "token", one.token);
    json_knum(j, "logprob", (double)one.logprob);
    json_key(j, "bytes");
    json_arr(j);
    for (size_t i = 0; i < one.token.n; i++)
        json_put_int(j, (unsigned char)one.token.p[i]);
    json_end(j);
}

static enum err put_list(struct json_out *j, struct str list)
{
    struct logprob one;
    try(logprob_next(&list, &one));
    json_obj(j);
    put_token(j, one);
    json_key(j, "top_logprobs");
    json_arr(j);
    while (list.n) {
        try(logprob_next(&list, &one));
        json_obj(j);
        put_token(j, one);
        json_end(j);
    }
    json_end(j);
    json_end(j);
    return OK;
}

enum err answer_keep_logprob(struct completion *c, struct str list)
{
    if (c->logprobs.n)
        try(buf_add_byte(&c->logprobs, ','));
    struct json_out j = {.to = &c->logprobs};
    enum err err = put_list(&j, list);
    return err == OK ? json_finish(&j) : err;
}

/* Those that were kept. */
static void put_logprobs(struct completion *c, struct json_out *j, bool has)
{
    json_key(j, "logprobs");
    if (!has) {
        json_put_null(j);
        return;
    }
    json_obj(j);
    json_key(j, "content");
    json_arr(j);
    if (c->logprobs.n)
        json_put_raw(j, buf_str(&c->logprobs));
    json_end(j);
    json_key(j, "refusal");
    json_put_null(j);
    json_end(j);
    buf_clear(&c->logprobs);
}

/* --- as it comes --- */

static struct json_out chunk(struct completion *c)
{
    buf_clear(&c->json);
    struct json_out j = {.to = &c->json};
    open_answer(c, &j, S("chat.completion.chunk"));
    return j;
}

static struct json_out open_delta(struct completion *c)
{
    struct json_out j = chunk(c);
    json_key(&j, "choices");
    json_arr(&j);
    json_obj(&j);
    json_kint(&j, "index", 0);
    json_key(&j, "delta");
    json_obj(&j);
    return j;
}

/* is_text: tokens belong to it. reason NULL: it goes on. */
static void send_delta(struct completion *c, struct json_out *j, bool is_text, const char *reason)
{
    json_end(j);
    put_logprobs(c, j, is_text && c->logprobs.n > 0);
    json_key(j, "finish_reason");
    if (reason)
        json_put_str(j, str_of(reason));
    else
        json_put_null(j);
    json_end(j);
    json_end(j);
    if (c->request.include_usage) {
        json_key(j, "usage");
        json_put_null(j); /* it comes in the last chunk */
    }
    if (reason)
        put_timings_of(c, j);
    sse_send_json(c->sse, j);
}

void answer_send_text(struct completion *c, struct str text)
{
    struct json_out j = open_delta(c);
    json_kstr(&j, "content", text);
    send_delta(c, &j, true, nullptr);
}

/* One of tool_calls; index < 0: in a whole answer, where its place says it. */
static void put_call(struct json_out *j, const struct msg_llm_call *call, int64_t index)
{
    char id[5 + 2 * 12 + 1] = "call_";
    random_hex(id + 5, 12);
    json_obj(j);
    if (index >= 0)
        json_kint(j, "index", index);
    json_kstr(j, "id", str_of(id));
    json_kstr(j, "type", S("function"));
    json_key(j, "function");
    json_obj(j);
    json_kstr(j, "name", call->name);
    json_kstr(j, "arguments", call->arguments_json);
    json_end(j);
    json_end(j);
}

void answer_send_call(struct completion *c, const struct msg_llm_call *call)
{
    struct json_out j = open_delta(c);
    json_key(&j, "tool_calls");
    json_arr(&j);
    put_call(&j, call, c->call_count);
    json_end(&j);
    send_delta(c, &j, false, nullptr);
}

static const char *reason_of(const struct completion *c)
{
    return c->was_cut ? "length" : c->call_count ? "tool_calls" : "stop";
}

void answer_end_stream(struct completion *c)
{
    struct json_out last = open_delta(c);
    send_delta(c, &last, true, reason_of(c));
    if (c->request.include_usage) {
        struct json_out j = chunk(c);
        json_key(&j, "choices");
        json_arr(&j);
        json_end(&j);
        put_usage_of(c, &j);
        sse_send_json(c->sse, &j);
    }
    (void)sse_send(c->sse, nullptr, 0, S("[DONE]"));
    sse_end(c->sse);
}

void answer_fail_stream(struct completion *c, enum err err, const char *message)
{
    buf_clear(&c->json);
    struct json_out j = {.to = &c->json};
    json_obj(&j);
    json_key(&j, "error");
    json_obj(&j);
    json_kstr(&j, "message", str_of(message ? message : err_text(err)));
    json_kstr(&j, "type", S("server_error"));
    json_kstr(&j, "code", str_of(err_code(err)));
    json_end(&j);
    sse_send_json(c->sse, &j);
    sse_end(c->sse);
}

/* --- whole --- */

void answer_reply(struct completion *c)
{
    autobuf body = BUF(8 * COMPLETION_ANSWER_MAX + COMPLETION_LOGPROBS_MAX);
    struct json_out j = {.to = &body};
    open_answer(c, &j, S("chat.completion"));
    json_key(&j, "choices");
    json_arr(&j);
    json_obj(&j);
    json_kint(&j, "index", 0);
    json_key(&j, "message");
    json_obj(&j);
    json_kstr(&j, "role", S("assistant"));
    json_key(&j, "content");
    if (c->answer.n || !c->call_count)
        json_put_str(&j, buf_str(&c->answer));
    else
        json_put_null(&j);
    if (c->call_count) {
        json_key(&j, "tool_calls");
        json_put_raw(&j, buf_str(&c->calls));
    }
    json_key(&j, "refusal");
    json_put_null(&j);
    json_end(&j);
    put_logprobs(c, &j, c->request.logprobs);
    json_kstr(&j, "finish_reason", str_of(reason_of(c)));
    json_end(&j);
    json_end(&j);
    put_usage_of(c, &j);
    put_timings_of(c, &j);
    json_end(&j);
    enum err err = json_finish(&j);
    if (err == OK)
        exchange_reply(c->x, 200, "application/json", buf_str(&body));
    else
        exchange_error(c->x, err, nullptr, nullptr);
}

/* The headers wait for the first word, so that what goes wrong before it has its status. */
enum err answer_begin_stream(struct completion *c)
{
    try(sse_open(c->x, &c->sse));
    struct json_out j = open_delta(c);
    json_kstr(&j, "role", S("assistant"));
    json_kstr(&j, "content", S(""));
    send_delta(c, &j, false, nullptr);
    return OK;
}

enum err answer_keep_call(struct completion *c, const struct msg_llm_call *call)
{
    struct buf *b = &c->calls;
    buf_clear(&c->json);
    struct json_out j = {.to = &c->json};
    put_call(&j, call, -1);
    try(json_finish(&j));
    if (b->n > 0)
        b->n--; /* the bracket that closed it */
    try(buf_add_byte(b, b->n > 0 ? ',' : '['));
    try(buf_add(b, buf_str(&c->json)));
    return buf_add_byte(b, ']');
}
