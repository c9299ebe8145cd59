// SPDX-License-Identifier: Apache-2.0
/*
 * POST /v1/chat/completions: a language model for programs that speak OpenAI's API.
 * The client brings the whole conversation each time, nothing of it is kept but the model's cache. What
 * OpenAI's clients send and we do not know is ignored; what is known and cannot be honoured is refused.
 * Shapes: OpenAI's published OpenAPI file; `timings` as llama-server has them.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/completion_parts.h"
#include "server/net/sse.h"
#include "server/talk/turn.h"
#include "wire/logprob.h"

enum {
    BODY_MAX = 2 * 1024 * 1024,
    EVENT_MAX = 512 * 1024, /* a call's arguments, quoted */
    SEGMENT_PIECE = 60 * 1024,
    LLM_SESSION_MAX = 128, /* as the engine takes it */
};

static void completion_free(struct completion *c)
{
    job_cancel(c->job);
    timer_stop(&c->silence);
    completion_request_finish(&c->request);
    buf_finish(&c->answer);
    buf_finish(&c->calls);
    buf_finish(&c->json);
    buf_finish(&c->logprobs);
    free(c);
}

/* --- the engine --- */

static void fail(struct completion *c, enum err err, const char *message, const char *param)
{
    if (c->sse)
        answer_fail_stream(c, err, message);
    else
        exchange_error(c->x, err, message, param);
    completion_free(c);
}

/* The engine may go on as far as the client has read. */
static void grant(struct completion *c)
{
    if (c->unread == 0 || !c->job)
        return;
    if (c->sse && exchange_queued(c->x) > EXCHANGE_QUEUE) {
        timer_stop(&c->silence); /* net/exchange drops a client that does not go on */
        return;
    }
    job_consumed(c->job, c->unread);
    c->unread = 0;
    timer_start(&c->silence, (uint64_t)c->server->conf->turn_ms);
}

static void on_writable(struct exchange *, void *arg)
{
    grant(arg);
}

static enum err on_token(struct completion *c, struct str text)
{
    timer_start(&c->silence, (uint64_t)c->server->conf->turn_ms);
    counter_add(&tokens_generated, 1);
    if (!c->request.stream)
        return buf_add(&c->answer, text);
    if (!c->sse)
        try(answer_begin_stream(c));
    answer_send_text(c, text);
    grant(c);
    return OK;
}

static enum err on_call(struct completion *c, const struct msg_llm_call *call)
{
    timer_start(&c->silence, (uint64_t)c->server->conf->turn_ms);
    if (c->request.stream && !c->sse)
        try(answer_begin_stream(c));
    if (c->sse)
        answer_send_call(c, call);
    else
        try(answer_keep_call(c, call));
    c->call_count++;
    return OK;
}

static enum err on_logprob(struct completion *c, struct str list)
{
    if (!c->request.logprobs)
        return OK;
    try(answer_keep_logprob(c, list));
    c->unread += logprobs_cost(list.n);
    if (!c->request.stream)
        grant(c);
    return OK;
}

static const char many_logprobs[] =
    "the logprobs of this answer are too many for one reply; ask for fewer, or for a stream";

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct completion *c = arg;
    enum err err = OK;
    if (type == MSG_llm_logprob) {
        err = on_logprob(c, msg->llm_logprob.list);
    } else if (type == MSG_llm_token) {
        err = on_token(c, msg->llm_token.text);
    } else if (type == MSG_llm_call) {
        err = on_call(c, &msg->llm_call);
    } else if (type == MSG_llm_done) {
        c->done = msg->llm_done;
        c->was_cut = str_eq(msg->llm_done.reason, S("length"));
        c->is_done = true;
    }
    if (err != OK)
        fail(c, err, type == MSG_llm_logprob && err == ERR_TOOBIG ? many_logprobs : nullptr,
             nullptr);
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct completion *c = arg;
    c->job = nullptr;
    if (err == OK && !c->is_done)
        err = ERR_ENGINE;
    if (err == OK && c->request.stream && !c->sse) /* an answer without a word */
        err = answer_begin_stream(c);
    if (err != OK) {
        fail(c, err, text && text[0] ? text : nullptr, nullptr);
        return;
    }
    if (c->sse)
        answer_end_stream(c);
    else
        answer_reply(c);
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
            .id = buf_str(&m->id),
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

/* What few ask for is told apart. */
static enum err send_tools(struct completion *c)
{
    const struct completion_request *r = &c->request;
    for (size_t i = 0; i < r->tools; i++) {
        const struct msg_llm_tool tool = {
            .name = buf_str(&r->tool[i].name),
            .description = buf_str(&r->tool[i].description),
            .parameters_json = buf_str(&r->tool[i].parameters_json),
            .must = r->must_call,
            .one = r->one_call,
        };
        try(job_send(c->job, MSG_llm_tool, &tool));
    }
    return OK;
}

static enum err send_wishes(struct completion *c)
{
    const struct completion_request *r = &c->request;
    try(send_tools(c));
    if (r->logprobs)
        try(job_send(c->job, MSG_llm_logprobs,
                     &(struct msg_llm_logprobs){(uint32_t)r->top_logprobs}));
    const struct msg_llm_sampling sampling = {
        .min_p = (float)r->min_p,
        .presence_penalty = (float)r->presence_penalty,
        .frequency_penalty = (float)r->frequency_penalty,
        .repeat_penalty = (float)r->repeat_penalty,
        .bias_json = buf_str(&r->bias_json),
    };
    if (r->min_p > 0 || r->presence_penalty != 0 || r->frequency_penalty != 0 ||
        r->repeat_penalty != 1 || r->bias_json.n || r->top_k)
        try(job_send(c->job, MSG_llm_sampling, &sampling));
    return r->has_format ? job_send(c->job, MSG_llm_format,
                                    &(struct msg_llm_format){buf_str(&r->schema_json)})
                         : OK;
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
    try(send_wishes(c));
    const struct msg_llm_generate generate = {
        .max_tokens = (uint32_t)(r->max_tokens ? r->max_tokens : c->server->conf->llm_max_tokens),
        .temperature = (float)r->temperature,
        .top_p = (float)r->top_p,
        .top_k = (uint32_t)r->top_k,
        .seed = (uint64_t)r->seed,
        .stop_json = buf_str(&r->stop_json),
    };
    return job_send(c->job, MSG_llm_generate, &generate);
}

static enum err begin(struct completion *c)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    if (c->server->talk.changing)
        return ERR_CHANGING;
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

static void name(const struct server *s, char into[COMPLETION_MODEL_BYTES])
{
    struct engine_info info = {.model = "quote"};
    if (s->llm)
        engine_info(s->llm, &info);
    snprintf(into, COMPLETION_MODEL_BYTES, "%s", info.model);
}

static void on_request(struct exchange *x, void *arg, struct str body)
{
    (void)x;
    struct completion *c = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    name(c->server, c->model);
    enum err err = json_parse(body, &doc, &why);
    if (err == OK)
        err = completion_request_read(json_root(doc), &c->request, c->model, &why);
    json_doc_destroy(doc);
    if (err == OK && !c->server->llm && !c->server->talk.changing) {
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

void handle_completion(struct server *s, struct exchange *x, const struct principal *who,
                       struct str id)
{
    (void)id;
    static const struct exchange_events events = {
        .on_request = on_request, .on_gone = on_gone, .on_writable = on_writable};
    struct completion *c = mem_zero(1, sizeof *c);
    if (!c) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    c->server = s;
    c->x = x;
    c->who = *who;
    c->answer = BUF(COMPLETION_ANSWER_MAX);
    c->json = BUF(EVENT_MAX);
    c->calls = BUF(COMPLETION_ANSWER_MAX);
    c->logprobs = BUF(COMPLETION_LOGPROBS_MAX);
    c->created_s = clock_wall_ms() / 1000;
    memcpy(c->id, "chatcmpl-", 9);
    random_hex(c->id + 9, 12);
    timer_init(&c->silence, s->loop, on_silence, c);
    exchange_read_body(x, BODY_MAX, &events, c);
}
