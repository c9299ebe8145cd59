// SPDX-License-Identifier: Apache-2.0
/* POST /chat: a typed turn, as server-sent events or as one JSON object. */
#include <stdio.h>

#include "server/api/admit.h"
#include "server/api/events.h"
#include "server/api/route.h"
#include "server/net/sse.h"
#include "server/rag/rag.h"

enum { BODY_MAX = 128 * 1024, ANSWER_JSON_MAX = 1024 * 1024 };

struct chat {
    struct server *server;
    struct exchange *x;
    struct principal who;
    struct sse *sse; /* with stream */
    struct turn *turn;
    struct buf json; /* one event; without stream: the citations */
    struct json_out citations;
};

static void chat_free(struct chat *c)
{
    buf_finish(&c->json);
    free(c);
}

static struct json_out event(struct chat *c)
{
    buf_clear(&c->json);
    return (struct json_out){.to = &c->json};
}

static void on_citation(void *arg, struct turn *t, uint32_t index, const struct rag_hit *hit)
{
    (void)t;
    struct chat *c = arg;
    if (c->sse) {
        struct json_out j = event(c);
        event_citation(&j, index, hit);
        sse_send_json(c->sse, &j);
    } else {
        event_citation(&c->citations, index, hit);
        json_end(&c->citations);
    }
}

static void on_token(void *arg, struct turn *t, struct str text)
{
    (void)t;
    struct chat *c = arg;
    if (!c->sse)
        return; /* the whole answer comes with `ended` */
    struct json_out j = event(c);
    event_token(&j, text);
    sse_send_json(c->sse, &j);
}

static void answer_json(struct chat *c, const struct turn_end *end)
{
    autobuf body = BUF(2 * ANSWER_JSON_MAX);
    json_end(&c->citations);
    enum err err = json_finish(&c->citations);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "response", end->answer);
    json_key(&j, "citations");
    json_put_raw(&j, buf_str(&c->json));
    put_usage(&j, &end->usage);
    json_key(&j, "timings");
    waterfall_json(end->waterfall, end->now_us, &j);
    json_end(&j);
    if (err == OK)
        err = json_finish(&j);
    if (err == OK)
        exchange_reply(c->x, 200, "application/json", buf_str(&body));
    else
        exchange_error(c->x, err, nullptr, nullptr);
}

static void on_ended(void *arg, struct turn *t, const struct turn_end *end)
{
    (void)t;
    struct chat *c = arg;
    if (c->sse) {
        struct json_out j = event(c);
        if (end->err == OK)
            event_end(&j, end);
        else
            event_error(&j, end->err, end->message);
        sse_send_json(c->sse, &j);
        sse_end(c->sse);
    } else if (end->err == OK) {
        answer_json(c, end);
    } else {
        exchange_error(c->x, end->err, end->message, nullptr);
    }
    chat_free(c);
}

static const struct turn_sink sink = {
    .citation = on_citation, .token = on_token, .ended = on_ended};

static void refuse(struct chat *c, enum err err, const char *message, const char *param)
{
    exchange_error(c->x, err, message, param);
    chat_free(c);
}

/* The session that the request names, else the token's, else a new one. */
static enum err find_session(struct chat *c, struct str id, bool *ret_new,
                             struct session **ret_session)
{
    struct sessions *all = c->server->sessions;
    struct str owner = str_of(c->who.owner);
    if (id.n)
        return session_find(all, id, owner, ret_session);
    if (c->who.session[0] && session_find(all, str_of(c->who.session), owner, ret_session) == OK)
        return OK;
    try(session_create(all, owner, ret_session));
    *ret_new = true;
    return OK;
}

static enum err begin_stream(struct chat *c, const struct session *session)
{
    try(sse_open(c->x, &c->sse));
    struct json_out j = event(c);
    json_obj(&j);
    json_kstr(&j, "type", S("start"));
    json_kstr(&j, "session_id", str_of(session->id));
    json_kint(&j, "turn", (int64_t)turn_id(c->turn));
    sse_send_json(c->sse, &j);
    return OK;
}

struct chat_request {
    struct str message, session_id;
    bool use_rag, stream;
    int64_t max_tokens;
};

static void begin(struct chat *c, const struct chat_request *r)
{
    struct session *session;
    bool is_new = false;
    enum err err = admit_request(c->server, &c->who, c->x);
    if (err != OK) {
        refuse(c, err, nullptr, nullptr);
        return;
    }
    err = find_session(c, r->session_id, &is_new, &session);
    if (err != OK) {
        refuse(c, err, err == ERR_NOTFOUND ? "there is no such session" : nullptr,
               err == ERR_NOTFOUND ? "session_id" : nullptr);
        return;
    }
    const struct turn_request request = {
        .use_rag = r->use_rag, .text = r->message, .max_tokens = (uint32_t)r->max_tokens};
    err = turn_begin(&c->server->talk, session, &request, &sink, c, &c->turn);
    if (err != OK && is_new)
        session_end(c->server->sessions, session); /* nobody will ever know of it */
    if (err == ERR_CONFLICT) {
        refuse(c, err, "this session is answering already; wait, or begin another", "session_id");
    } else if (err != OK) {
        refuse(c, err, nullptr, err == ERR_INVALID ? "message" : nullptr);
    } else if (r->stream && (err = begin_stream(c, session)) != OK) {
        turn_abandon(c->turn);
        refuse(c, err, nullptr, nullptr);
    } else if (!r->stream) {
        c->citations = event(c);
        json_arr(&c->citations);
    }
}

static void on_request(struct exchange *x, void *arg, struct str body)
{
    (void)x;
    struct chat *c = arg;
    static const struct json_field fields[] = {
        {"message", JSON_STR, offsetof(struct chat_request, message), .required = true, .min = 1,
         .max = TURN_TEXT_MAX},
        {"session_id", JSON_STR, offsetof(struct chat_request, session_id)},
        {"use_rag", JSON_BOOL, offsetof(struct chat_request, use_rag)},
        {"stream", JSON_BOOL, offsetof(struct chat_request, stream)},
        {"max_tokens", JSON_INT, offsetof(struct chat_request, max_tokens), .min = 1, .max = 32768},
    };
    struct chat_request r = {.stream = true};
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    enum err err = json_parse(body, &doc, &why);
    if (err == OK)
        err = json_read(json_root(doc), fields, sizeof fields / sizeof *fields, JSON_STRICT, &r,
                        &why);
    if (err == OK)
        begin(c, &r);
    else
        refuse(c, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
    json_doc_destroy(doc);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct chat *c = arg;
    turn_abandon(c->turn);
    sse_drop(c->sse);
    chat_free(c);
}

void handle_chat(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)id;
    static const struct exchange_events events = {.on_request = on_request, .on_gone = on_gone};
    struct chat *c = mem_zero(1, sizeof *c);
    if (!c) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    c->server = s;
    c->x = x;
    c->who = *who;
    c->json = BUF(ANSWER_JSON_MAX);
    exchange_read_body(x, BODY_MAX, &events, c);
}
