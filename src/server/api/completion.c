// SPDX-License-Identifier: Apache-2.0
/*
 * POST /v1/chat/completions and GET /v1/models: a language model for programs that speak OpenAI's API.
 * The client brings the whole conversation each time, nothing of it is kept but the model's cache. What
 * OpenAI's clients send and we do not know is ignored; what is known and cannot be honoured is refused.
 * Shapes: OpenAI's published OpenAPI file; `timings` as llama-server has them.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/completion.h"
#include "server/api/route.h"
#include "server/engine/engine.h"
#include "server/net/sse.h"
#include "server/talk/turn.h"

enum {
    BODY_MAX = 2 * 1024 * 1024,
    ANSWER_MAX = 1024 * 1024,
    EVENT_MAX = 64 * 1024,
    SEGMENT_PIECE = 60 * 1024,
    LLM_SESSION_MAX = 128, /* as the engine takes it */
};

struct completion {
    struct server *server;
    struct exchange *x;
    struct principal who;
    struct sse *sse; /* with stream */
    struct job *job;
    struct timer silence; /* of the engine */
    struct completion_request request;
    char id[40], model[COMPLETION_MODEL_BYTES];
    int64_t created_s;
    struct buf answer;        /* without stream */
    struct buf json;          /* one event */
    struct msg_llm_done done; /* its texts are not kept */
    bool is_done, was_cut;
};

static void completion_free(struct completion *c)
{
    job_cancel(c->job);
    timer_stop(&c->silence);
    completion_request_finish(&c->request);
    buf_finish(&c->answer);
    buf_finish(&c->json);
    free(c);
}

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

/* --- as it comes --- */

static struct json_out chunk(struct completion *c)
{
    buf_clear(&c->json);
    struct json_out j = {.to = &c->json};
    open_answer(c, &j, S("chat.completion.chunk"));
    return j;
}

/* role or content: an empty slice leaves it out. reason NULL: it goes on. */
static void send_delta(struct completion *c, struct str role, struct str content,
                       const char *reason)
{
    struct json_out j = chunk(c);
    json_key(&j, "choices");
    json_arr(&j);
    json_obj(&j);
    json_kint(&j, "index", 0);
    json_key(&j, "delta");
    json_obj(&j);
    if (role.n)
        json_kstr(&j, "role", role);
    if (role.n || content.n)
        json_kstr(&j, "content", content);
    json_end(&j);
    json_key(&j, "finish_reason");
    if (reason)
        json_put_str(&j, str_of(reason));
    else
        json_put_null(&j);
    json_end(&j);
    json_end(&j);
    if (c->request.include_usage) {
        json_key(&j, "usage");
        json_put_null(&j); /* it comes in the last chunk */
    }
    if (reason)
        put_timings_of(c, &j);
    sse_send_json(c->sse, &j);
}

static const char *reason_of(const struct completion *c)
{
    return c->was_cut ? "length" : "stop";
}

static void end_stream(struct completion *c)
{
    send_delta(c, S(""), S(""), reason_of(c));
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

static void fail_stream(struct completion *c, enum err err, const char *message)
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

static void reply(struct completion *c)
{
    autobuf body = BUF(8 * ANSWER_MAX);
    struct json_out j = {.to = &body};
    open_answer(c, &j, S("chat.completion"));
    json_key(&j, "choices");
    json_arr(&j);
    json_obj(&j);
    json_kint(&j, "index", 0);
    json_key(&j, "message");
    json_obj(&j);
    json_kstr(&j, "role", S("assistant"));
    json_kstr(&j, "content", buf_str(&c->answer));
    json_key(&j, "refusal");
    json_put_null(&j);
    json_end(&j);
    json_key(&j, "logprobs");
    json_put_null(&j);
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

/* --- the engine --- */

static void fail(struct completion *c, enum err err, const char *message, const char *param)
{
    if (c->sse)
        fail_stream(c, err, message);
    else
        exchange_error(c->x, err, message, param);
    completion_free(c);
}

/* The headers wait for the first word, so that what goes wrong before it has its status. */
static enum err begin_stream(struct completion *c)
{
    try(sse_open(c->x, &c->sse));
    send_delta(c, S("assistant"), S(""), nullptr);
    return OK;
}

static enum err on_token(struct completion *c, struct str text)
{
    timer_start(&c->silence, (uint64_t)c->server->conf->turn_ms);
    counter_add(&tokens_generated, 1);
    if (!c->request.stream)
        return buf_add(&c->answer, text);
    if (!c->sse)
        try(begin_stream(c));
    send_delta(c, S(""), text, nullptr);
    return OK;
}

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct completion *c = arg;
    enum err err = OK;
    if (type == MSG_llm_token) {
        err = on_token(c, msg->llm_token.text);
    } else if (type == MSG_llm_done) {
        c->done = msg->llm_done;
        c->was_cut = str_eq(msg->llm_done.reason, S("length"));
        c->is_done = true;
    }
    if (err != OK)
        fail(c, err, nullptr, nullptr);
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct completion *c = arg;
    c->job = nullptr;
    if (err == OK && !c->is_done)
        err = ERR_ENGINE;
    if (err == OK && c->request.stream && !c->sse) /* an answer without a word */
        err = begin_stream(c);
    if (err != OK) {
        fail(c, err, text && text[0] ? text : nullptr, nullptr);
        return;
    }
    if (c->sse)
        end_stream(c);
    else
        reply(c);
    completion_free(c);
}

static void on_silence(void *arg)
{
    fail(arg, ERR_LATE, "the language model has fallen silent; please try again", nullptr);
}

static enum err send_segment(struct completion *c, const struct completion_message *m,
                             uint32_t priority)
{
    struct str text = buf_str(&m->text);
    do {
        size_t n = utf8_prefix(text, SEGMENT_PIECE);
        const struct msg_llm_segment piece = {
            .role = m->role,
            .priority = priority,
            .more = n < text.n,
            .text = str_sub(text, 0, n),
        };
        try(job_send(c->job, MSG_llm_segment, &piece));
        text = str_sub(text, n, text.n);
    } while (text.n);
    return OK;
}

/* Of one person's requests one may go on where another was. All visitors have one owner: only what a
 * token names is one visitor, and who has none shares nothing. */
static void name_session(const struct principal *who, char into[LLM_SESSION_MAX + 1])
{
    int n = snprintf(into, LLM_SESSION_MAX + 1, "v1 %s %s", who->owner, who->session);
    if (n > LLM_SESSION_MAX || (who->read_only && !who->session[0]))
        into[0] = 0;
}

static enum err send_all(struct completion *c)
{
    const struct completion_request *r = &c->request;
    char session[LLM_SESSION_MAX + 1];
    name_session(&c->who, session);
    try(job_send(c->job, MSG_llm_open, &(struct msg_llm_open){str_of(session)}));
    for (size_t i = 0; i < r->count; i++) {
        bool stays = i + 1 == r->count || str_eq(r->message[i].role, S("system"));
        /* The oldest words are the first to go. */
        try(send_segment(c, &r->message[i], stays ? 0 : (uint32_t)(r->count - i)));
    }
    const struct msg_llm_generate generate = {
        .max_tokens = (uint32_t)(r->max_tokens ? r->max_tokens : c->server->conf->llm_max_tokens),
        .temperature = (float)r->temperature,
        .top_p = (float)r->top_p,
        .top_k = 0,
        .seed = (uint64_t)r->seed,
        .stop_json = buf_str(&r->stop_json),
    };
    return job_send(c->job, MSG_llm_generate, &generate);
}

static enum err begin(struct completion *c)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    try(admit_request(c->server, &c->who, c->x));
    try(engine_open(c->server->llm, &events, c, &c->job));
    try(send_all(c));
    timer_start(&c->silence, (uint64_t)c->server->conf->turn_ms);
    return OK;
}

/* --- the request --- */

static const char no_model[] =
    "no language model is installed here; name a GGUF file with llm.model or a server with llm.url, or "
    "ask POST /chat, which quotes the documents";

static void on_request(struct exchange *x, void *arg, struct str body)
{
    (void)x;
    struct completion *c = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    enum err err = json_parse(body, &doc, &why);
    if (err == OK)
        err = completion_request_read(json_root(doc), &c->request, c->model, &why);
    json_doc_destroy(doc);
    if (err == OK && !c->server->llm) {
        fail(c, ERR_UNSUPPORTED, no_model, nullptr);
        return;
    }
    if (err == OK)
        err = begin(c);
    if (err != OK)
        fail(c, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct completion *c = arg;
    sse_drop(c->sse);
    completion_free(c);
}

static void name(const struct server *s, char into[COMPLETION_MODEL_BYTES])
{
    struct engine_info info = {.model = "quote"};
    if (s->llm)
        engine_info(s->llm, &info);
    snprintf(into, COMPLETION_MODEL_BYTES, "%s", info.model);
}

void handle_completion(struct server *s, struct exchange *x, const struct principal *who,
                       struct str id)
{
    (void)id;
    static const struct exchange_events events = {.on_request = on_request, .on_gone = on_gone};
    struct completion *c = mem_zero(1, sizeof *c);
    if (!c) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    c->server = s;
    c->x = x;
    c->who = *who;
    c->answer = BUF(ANSWER_MAX);
    c->json = BUF(EVENT_MAX);
    c->created_s = clock_wall_ms() / 1000;
    memcpy(c->id, "chatcmpl-", 9);
    random_hex(c->id + 9, 12);
    name(s, c->model);
    timer_init(&c->silence, s->loop, on_silence, c);
    exchange_read_body(x, BODY_MAX, &events, c);
}

void handle_models(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)who;
    char model[COMPLETION_MODEL_BYTES];
    name(s, model);
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
