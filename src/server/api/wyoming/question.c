// SPDX-License-Identifier: Apache-2.0
/* A question to its answer: transcript, answered by handled, with handled-chunk before it as the answer is written. The
 * turn is that of POST /chat. What fails is told twice, as an error and by not-handled, whose text Home Assistant says. */
#include <stdio.h>

#include "base/clock.h"
#include "server/api/wyoming/peer.h"
#include "server/talk/keep.h"
#include "server/talk/turn.h"

void question_drop(struct peer *p)
{
    turn_abandon(p->turn);
    p->turn = nullptr;
    buf_finish(&p->context);
}

static struct json_out context_event(struct peer *p)
{
    struct json_out j = peer_event(p);
    if (p->context.n) {
        json_key(&j, "context");
        json_put_raw(&j, buf_str(&p->context));
    }
    return j;
}

static void not_handled(struct peer *p, enum err err, const char *sentence)
{
    if (!sentence || !sentence[0])
        sentence = err_text(err);
    peer_tell(p, err, sentence);
    struct json_out j = context_event(p);
    json_kstr(&j, "text", str_of(sentence));
    peer_send(p, "not-handled", &j, S(""));
    question_drop(p);
    peer_set_state(p, PEER_READY);
}

/* --- the answer --- */

static void begin_answer(struct peer *p)
{
    if (!p->has_answer) {
        struct json_out j = context_event(p);
        peer_send(p, "handled-start", p->context.n ? &j : nullptr, S(""));
    }
    p->has_answer = true;
}

static void on_token(void *arg, struct turn *t, struct str text)
{
    (void)t;
    struct peer *p = arg;
    begin_answer(p);
    struct json_out j = peer_event(p);
    json_kstr(&j, "text", text);
    peer_send(p, "handled-chunk", &j, S(""));
}

static void on_ended(void *arg, struct turn *t, const struct turn_end *end)
{
    (void)t;
    struct peer *p = arg;
    p->turn = nullptr;
    if (end->err != OK) {
        not_handled(p, end->err, end->message);
        return;
    }
    begin_answer(p);
    struct json_out j = context_event(p);
    json_kstr(&j, "text", end->answer);
    peer_send(p, "handled", &j, S(""));
    peer_send(p, "handled-stop", nullptr, S(""));
    question_drop(p);
    peer_set_state(p, PEER_READY);
}

/* --- which conversation --- */

static bool is_of(const struct wyoming_conversation *c, const struct peer *p, struct str id)
{
    return c->used_ms && str_eq(str_of(c->id), id) && strcmp(c->from, p->from.text) == 0;
}

/* The one of this name, or the one that makes room for it. */
static struct wyoming_conversation *place_of(struct peer *p, struct str id)
{
    struct wyoming_conversation *all = p->door->conversations, *oldest = all;
    for (size_t i = 0; i < CONVERSATIONS; i++) {
        if (is_of(&all[i], p, id))
            return &all[i];
        if (all[i].used_ms < oldest->used_ms)
            oldest = &all[i];
    }
    return oldest;
}

static void on_forgotten(void *, enum err) {}

/* Nobody can ask on in it. Only while a turn is live it has to stay, until it is too old. */
static void forget(struct server *s, struct session_name *name)
{
    struct str owner = str_of(name->owner);
    struct session *session =
        name->id[0] ? session_peek(s->sessions, str_of(name->id), owner) : nullptr;
    if (session && !session->live) {
        if (s->keep) /* where that fails, it goes there too when it is too old */
            (void)keep_forget(s->keep, owner, str_of(name->id), on_forgotten, nullptr);
        session_end(s->sessions, session);
    }
    name->id[0] = '\0';
}

void question_forget(struct peer *p)
{
    forget(p->door->server, &p->session);
}

static enum err begin_session(struct server *s, struct str owner, struct session_name *name,
                              struct session **ret_session)
{
    forget(s, name);
    try(session_create(s->sessions, owner, ret_session));
    snprintf(name->id, sizeof name->id, "%s", (*ret_session)->id);
    snprintf(name->owner, sizeof name->owner, "%.*s", STR_FMT(owner));
    return OK;
}

/* Of a name that nobody has heard a new one begins; without a name it is that of the connection. */
static enum err find_session(struct peer *p, struct str id, bool *ret_is_new,
                             struct session **ret_session)
{
    struct server *s = p->door->server;
    struct str owner = str_of(p->who.owner);
    struct wyoming_conversation *c = id.n ? place_of(p, id) : nullptr;
    bool is_known = !c || is_of(c, p, id);
    struct session_name *name = c ? &c->session : &p->session;
    if (c)
        c->used_ms = is_known ? clock_ms() : c->used_ms;
    if (is_known && session_find(s->sessions, str_of(name->id), owner, ret_session) == OK)
        return OK;
    try(begin_session(s, owner, name, ret_session));
    *ret_is_new = true;
    if (!c)
        return OK;
    snprintf(c->id, sizeof c->id, "%.*s", STR_FMT(id));
    snprintf(c->from, sizeof c->from, "%s", p->from.text);
    c->used_ms = clock_ms();
    return OK;
}

/* --- the request --- */

struct question_request {
    struct str text;
    const struct json_val *context;
};

static enum err begin_turn(struct peer *p, struct str text, struct str conversation)
{
    /* For citations there is no event. */
    static const struct turn_sink sink = {.token = on_token, .ended = on_ended};
    const struct turn_request request = {.use_rag = true, .text = text};
    struct session *session;
    bool is_new = false;
    try(find_session(p, conversation, &is_new, &session));
    enum err err = turn_begin(&p->door->server->talk, session, &request, &sink, p, &p->turn);
    if (err != OK && is_new)
        session_end(p->door->server->sessions, session); /* nobody will ever know of it */
    return err;
}

/* It goes back as it came: "context for the next interaction". */
static enum err keep_context(struct peer *p, const struct json_val *context,
                             struct str *ret_conversation, struct json_why *why)
{
    struct json_out j = {.to = &p->context};
    struct str id = context ? json_str(json_get(context, "conversation_id")) : S("");
    buf_clear(&p->context);
    if (!context)
        return OK;
    json_put_val(&j, context);
    enum err err = id.n > CONVERSATION_ID_MAX ? ERR_TOOBIG : json_finish(&j);
    if (err == ERR_TOOBIG)
        snprintf(why->text, sizeof why->text, "the context is too long");
    if (err != OK)
        buf_clear(&p->context); /* half of it is no JSON */
    *ret_conversation = id;
    return err;
}

static enum err read_question(struct peer *p, const struct wyoming_event *e, struct str *ret_text,
                              struct str *ret_conversation, struct json_why *why)
{
    static const struct json_field fields[] = {
        {"text", JSON_STR, offsetof(struct question_request, text), .max = TURN_TEXT_MAX},
        {"context", JSON_OBJ, offsetof(struct question_request, context)},
    };
    struct question_request r = {};
    try(wyoming_read(e, fields, sizeof fields / sizeof *fields, &r, why));
    try(keep_context(p, r.context, ret_conversation, why));
    *ret_text = r.text;
    if (str_trim(r.text).n > 0)
        return OK;
    snprintf(why->text, sizeof why->text, "nothing was said");
    return ERR_INVALID;
}

enum err question_take(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct str text = {}, conversation = {};
    p->has_answer = false;
    enum err err = read_question(p, e, &text, &conversation, why);
    if (err == OK)
        err = peer_admit(p, why);
    if (err == OK)
        err = begin_turn(p, text, conversation);
    if (err == OK)
        peer_set_state(p, PEER_ANSWERING);
    else
        not_handled(p, err,
                    err == ERR_CONFLICT ? "this conversation is answering already" : why->text);
    return OK;
}
