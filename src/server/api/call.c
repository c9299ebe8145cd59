// SPDX-License-Identifier: Apache-2.0
#include "server/api/call_parts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "server/net/ws_conn.h"

enum { AWAY_MAX = 256 }; /* each may hold CALL_LOG_MAX */

/* --- what goes out --- */

void call_pump(struct call *call)
{
    const struct logged *m;
    while (call->ws && ws_queued(call->ws) <= WS_QUEUE && (m = call_log_next(&call->log))) {
        struct str bytes = {m->bytes, m->n};
        if (m->sound)
            (void)ws_send_binary(call->ws, bytes, nullptr);
        else
            (void)ws_send_text(call->ws, bytes);
        call_log_sent(&call->log);
    }
}

void call_give_up(struct call *call, const char *why)
{
    if (call->broken)
        return;
    call->broken = true;
    if (call->ws)
        ws_close(call->ws, 1013, why);
    else
        timer_start(&call->patience, 0);
}

void call_post(struct call *call, bool sound, struct str head, struct str body)
{
    if (call->broken)
        return;
    enum err err = call_log_add(&call->log, sound, head, body, clock_ms());
    if (err == OK)
        call_pump(call);
    else
        call_give_up(call, err == ERR_TOOBIG ? "too much waits to be read"
                                             : "the server is short of memory");
}

/* --- a client who was cut off --- */

static void leave_away(struct call *call)
{
    if (!call->link)
        return;
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    call->link = nullptr;
    call->server->away_count--;
}

static void enter_away(struct call *call)
{
    struct server *s = call->server;
    call->next = s->away;
    call->link = &s->away;
    if (call->next)
        call->next->link = &call->next;
    s->away = call;
    s->away_count++;
}

static void on_patience(void *arg)
{
    struct call *call = arg;
    if (!call->ws)
        call_destroy(call);
}

static bool may_come_back(const struct call *call, uint16_t code)
{
    const struct server *s = call->server;
    bool lost = code == WS_CODE_ABNORMAL || code == 1013;
    return lost && call->wishes.resumable && !call->broken && !s->draining &&
           !call->session->ended && s->conf->resume_keep_ms > 0;
}

/* Whoever has waited longest is the least likely to come: nobody keeps all places by cutting himself off. */
static void make_room(struct server *s)
{
    struct call *oldest = s->away;
    while (oldest->next)
        oldest = oldest->next;
    call_destroy(oldest);
}

void call_lose(struct call *call, uint16_t code)
{
    call->ws = nullptr;
    call->holder = nullptr;
    if (!may_come_back(call, code)) {
        call_destroy(call);
        return;
    }
    conversation_hold(call->conversation, true);
    if (call->server->away_count >= AWAY_MAX)
        make_room(call->server);
    enter_away(call);
    timer_start(&call->patience, (uint64_t)call->server->conf->resume_keep_ms);
}

enum err call_resume(struct call *call, struct ws *ws, void *holder, const struct sock_peer *peer,
                     const struct principal *who, struct call_place got)
{
    if (call->broken)
        return ERR_NOTFOUND;
    try(call_log_rewind(&call->log, got));
    leave_away(call);
    timer_stop(&call->patience);
    call->ws = ws;
    call->holder = holder;
    call->peer = *peer;
    call->who = *who;
    call_log_received(&call->log, got);
    call_greet(call, &got);
    call_pump(call);
    conversation_hold(call->conversation, false);
    return OK;
}

struct call *call_find(struct session *session, struct str id)
{
    for (struct call *call = session->calls; call; call = call->in_session)
        if (str_eq(str_of(call->id), id))
            return call;
    return nullptr;
}

bool call_is_like(const struct call *call, const struct call_wishes *w)
{
    const struct call_wishes *own = &call->wishes;
    return own->format.in == w->format.in && own->format.in_rate_hz == w->format.in_rate_hz &&
           own->format.out_rate_hz == w->format.out_rate_hz &&
           own->format.out_opus == w->format.out_opus && own->hands_free == w->hands_free &&
           own->patience_percent == w->patience_percent && own->use_rag == w->use_rag &&
           str_eq(own->voice, w->voice);
}

void *call_holder(const struct call *call)
{
    return call->holder;
}

void calls_drop_away(struct session *session)
{
    for (struct call *call = session->calls, *next; call; call = next) {
        next = call->in_session;
        if (!call->ws)
            call_destroy(call);
    }
}

void calls_forget(struct session *session)
{
    calls_drop_away(session);
    for (struct call *call = session->calls; call; call = call->in_session)
        call_log_forget(&call->log, UINT64_MAX);
}

void calls_drop_all_away(struct server *s)
{
    while (s->away)
        call_destroy(s->away);
}

void call_count(struct call *call)
{
    call->received++;
    if (call->wishes.resumable && call->received % CALL_ACK_EVERY == 0)
        call_acknowledge(call);
}

void call_received(struct call *call, struct call_place got)
{
    call_log_received(&call->log, got);
}

void call_tick(struct call *call, uint64_t now_ms)
{
    if (call->ws && now_ms > CALL_LOG_AGE_MS)
        call_log_forget(&call->log, now_ms - CALL_LOG_AGE_MS);
}

/* --- life --- */

static enum err begin_conversation(struct call *call)
{
    const struct call_wishes *w = &call->wishes;
    const struct conversation_wishes how = {
        .hands_free = w->hands_free,
        .patience_percent = w->patience_percent,
        .in = w->format.in,
        .in_rate_hz = w->format.in_rate_hz,
        .answer = {.use_rag = w->use_rag,
                   .speak = true,
                   .out_rate_hz = w->format.out_rate_hz,
                   .out_opus = w->format.out_opus,
                   .voice = w->voice},
    };
    return conversation_create(&call->server->talk, call->session, &how, &call_events, call,
                               &call->conversation);
}

enum err call_create(struct server *s, struct ws *ws, void *holder, const struct sock_peer *peer,
                     const struct principal *who, struct session *session,
                     const struct call_wishes *wishes, struct call **ret_call)
{
    struct call *call = mem_zero(1, sizeof *call);
    if (!call)
        return ERR_NOMEM;
    call->server = s;
    call->ws = ws;
    call->holder = holder;
    call->peer = *peer;
    call->who = *who;
    call->session = session;
    call->wishes = *wishes;
    memcpy(call->voice, wishes->voice.p ? wishes->voice.p : "", wishes->voice.n);
    call->wishes.voice = str_of(call->voice);
    call->json = BUF(CALL_EVENT_MAX);
    call_log_init(&call->log, wishes->resumable);
    timer_init(&call->patience, s->loop, on_patience, call);
    enum err err = begin_conversation(call);
    if (err != OK) {
        free(call);
        return err;
    }
    session_hold(session);
    if (wishes->resumable) {
        random_hex(call->id, CALL_ID_BYTES);
        call->in_session = session->calls;
        session->calls = call;
    }
    call_greet(call, nullptr);
    *ret_call = call;
    return OK;
}

static void leave_session(struct call *call)
{
    struct call **at = &call->session->calls;
    while (*at && *at != call)
        at = &(*at)->in_session;
    if (*at)
        *at = call->in_session;
}

void call_destroy(struct call *call)
{
    if (!call)
        return;
    leave_away(call);
    leave_session(call);
    timer_stop(&call->patience);
    conversation_destroy(call->conversation);
    session_release(call->server->sessions, call->session);
    call_log_finish(&call->log);
    buf_finish(&call->json);
    free(call);
}

struct conversation *call_conversation(struct call *call)
{
    return call->conversation;
}

enum err call_still(const struct call *call)
{
    return call->session->ended ? ERR_AUTH : auth_still(call->server->auth, &call->who);
}
