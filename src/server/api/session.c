// SPDX-License-Identifier: Apache-2.0
/* POST /session and /session/refresh: a session and a short-lived token for it. DELETE /session, /session/ID and
 * /sessions: the end of one or of all that the principal owns, and of what was said in it. */
#include <stdio.h>

#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/call.h"
#include "server/api/events.h"
#include "server/api/route.h"
#include "server/talk/keep.h"

enum { BODY_MAX = 1024 };

struct session_request {
    struct server *server;
    struct principal who;
    bool refresh;
};

static enum err give_token(struct session_request *r, struct exchange *x, struct session *session)
{
    struct server *s = r->server;
    autobuf token = BUF(JWT_MAX_BYTES), body = BUF(2 * JWT_MAX_BYTES + 64 * 1024);
    int64_t expires_s;
    try(auth_issue(s->auth, &r->who, str_of(session->id), &token, &expires_s));
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "session_id", str_of(session->id));
    json_kstr(&j, "token", buf_str(&token));
    json_kint(&j, "expires_at", expires_s);
    put_self(&j, s->conf);
    json_end(&j);
    try(json_finish(&j));
    try(exchange_set(x, "Cache-Control", S("no-store")));
    keep_save(s->keep, session);
    exchange_reply(x, 200, "application/json", buf_str(&body));
    return OK;
}

static enum err answer(struct session_request *r, struct exchange *x)
{
    struct sessions *all = r->server->sessions;
    struct session *session;
    if (r->refresh)
        try(session_find(all, str_of(r->who.session), str_of(r->who.owner), &session));
    else
        try(session_create(all, str_of(r->who.owner), &session));
    enum err err = give_token(r, x, session);
    if (err != OK && !r->refresh)
        session_end(all, session); /* nobody will ever know of it */
    return err;
}

static void on_request(struct exchange *x, void *arg, struct str body)
{
    struct session_request *r = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    enum err err = OK;
    if (str_trim(body).n) {
        err = json_parse(body, &doc, &why);
        if (err == OK)
            err = json_read(json_root(doc), nullptr, 0, JSON_STRICT, nullptr, &why);
        json_doc_destroy(doc);
    }
    if (err == OK && r->refresh && !r->who.session[0]) {
        err = ERR_INVALID;
        snprintf(why.text, sizeof why.text, "send the session's token; POST /session gives one");
    }
    if (err == OK && r->who.read_only) /* of others a session costs nothing */
        err = admit_request(r->server, &r->who, x);
    if (err == OK)
        err = answer(r, x);
    if (err != OK)
        exchange_error(x, err, why.text[0] ? why.text : nullptr,
                       why.param[0] ? why.param : nullptr);
    free(r);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    free(arg);
}

static void begin(struct server *s, struct exchange *x, const struct principal *who, bool refresh)
{
    static const struct exchange_events events = {.on_request = on_request, .on_gone = on_gone};
    struct session_request *r = mem_zero(1, sizeof *r);
    if (!r) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    *r = (struct session_request){s, *who, refresh};
    exchange_read_body(x, BODY_MAX, &events, r);
}

void handle_session(struct server *s, struct exchange *x, const struct principal *who,
                    struct str id)
{
    (void)id;
    begin(s, x, who, false);
}

void handle_session_refresh(struct server *s, struct exchange *x, const struct principal *who,
                            struct str id)
{
    (void)id;
    begin(s, x, who, true);
}

/* --- the end --- */

struct ending {
    struct exchange *x; /* NULL: the client has gone */
    struct server *server;
    struct principal who;
    bool all; /* of the owner's sessions, and not `id` or that of his token */
    char id[JWT_SESSION_MAX + 1];
    bool asked;    /* on_forgotten will come */
    int64_t count; /* of those that have ended */
};

static void ending_refuse(struct ending *e, enum err err, const char *message)
{
    if (e->x)
        exchange_error(e->x, err, message, nullptr);
    free(e);
}

static void on_forgotten(void *arg, enum err err)
{
    struct ending *e = arg;
    if (err == ERR_NOTFOUND && e->count == 0) {
        ending_refuse(e, err, "there is no such session");
        return;
    }
    if (err != OK && err != ERR_NOTFOUND) {
        ending_refuse(e, err,
                      "what was said is forgotten, but may still be on the disk; try again, or "
                      "remove the files sessions.db* of the stopped server");
        return;
    }
    char body[48];
    snprintf(body, sizeof body, "{\"ended\":%lld}", (long long)e->count);
    if (e->x && e->all)
        exchange_reply(e->x, 200, "application/json", str_of(body));
    else if (e->x)
        exchange_reply(e->x, 204, nullptr, S(""));
    free(e);
}

/* The next one that is to end; `at` NULL: the first. */
static struct session *next_meant(const struct ending *e, const struct session *at)
{
    const struct sessions *all = e->server->sessions;
    if (!e->all)
        return at ? nullptr : session_peek(all, str_of(e->id), str_of(e->who.owner));
    struct session *next = sessions_next(all, at);
    while (next && (next->ended || strcmp(next->owner, e->who.owner) != 0))
        next = sessions_next(all, next);
    return next;
}

static void on_end_request(struct exchange *x, void *arg, struct str body)
{
    (void)body;
    struct ending *e = arg;
    struct server *s = e->server;
    struct session *at, *next;
    for (at = next_meant(e, nullptr); at; at = next_meant(e, at)) {
        e->count++;
        if (at->live)
            turn_cancel(at->live); /* now, because it takes a last snapshot */
    }
    enum err err = OK;
    if (e->count == 0 && !e->all && e->who.read_only) /* what comes of nothing costs as well */
        err = admit_request(s, &e->who, x);
    if (err == OK && s->keep)
        err = keep_forget(s->keep, str_of(e->who.owner), str_of(e->id), on_forgotten, e);
    if (err != OK) {
        ending_refuse(e, err, nullptr);
        return;
    }
    e->asked = true;
    for (at = next_meant(e, nullptr); at; at = next) {
        next = next_meant(e, at);
        calls_forget(at);
        session_end(s->sessions, at);
    }
    if (!s->keep) /* a single one that is known was begun in this life, and never written */
        on_forgotten(e, e->all && s->keep_is_stuck ? ERR_IO
                        : e->all || e->count       ? OK
                                                   : ERR_NOTFOUND);
}

static void on_end_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct ending *e = arg;
    e->x = nullptr;
    if (!e->asked)
        free(e);
}

static void end_sessions(struct server *s, struct exchange *x, const struct principal *who,
                         bool all, struct str id)
{
    static const struct exchange_events events = {.on_request = on_end_request,
                                                  .on_gone = on_end_gone};
    struct ending *e = mem_zero(1, sizeof *e);
    if (!e) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    *e = (struct ending){.x = x, .server = s, .who = *who, .all = all};
    memcpy(e->id, id.p, id.n);
    exchange_read_body(x, BODY_MAX, &events, e);
}

void handle_session_end(struct server *s, struct exchange *x, const struct principal *who,
                        struct str id)
{
    if (id.n == 0)
        id = str_of(who->session);
    if (id.n == 0)
        exchange_error(x, ERR_INVALID, "send the session's token, or DELETE /session/ID", nullptr);
    else if (id.n > JWT_SESSION_MAX)
        exchange_error(x, ERR_NOTFOUND, "there is no such session", nullptr);
    else
        end_sessions(s, x, who, false, id);
}

void handle_sessions_end(struct server *s, struct exchange *x, const struct principal *who,
                         struct str id)
{
    (void)id;
    end_sessions(s, x, who, true, S(""));
}
