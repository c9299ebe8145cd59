// SPDX-License-Identifier: Apache-2.0
/*
 * WS /voice: the connection. The client says hello, then start, sound, stop; or text. What its messages
 * mean is the call's business (call.h); here they are read, counted and held back.
 */
#include <stdio.h>

#include "base/clock.h"
#include "server/api/call.h"
#include "server/api/route.h"
#include "server/net/ws_conn.h"
#include "server/talk/eagerness.h"

enum {
    MESSAGE_MAX = 64 * 1024, /* 2 s of 16 kHz sound; clients send 20 ms */
    HELLO_MS = 10000,
    BACKLOG_HIGH = 256 * 1024, /* sound that waits for the recogniser: stop reading */
    BACKLOG_LOW = 64 * 1024,
    RECHECK_MS = 20,
    IDLE_MS = 30 * 60 * 1000, /* without a message; the page comes back when it is needed */
    LIFE_MS = 12 * 60 * 60 * 1000,
};

struct voice {
    struct server *server;
    struct voice *next, **link; /* server->voices: all that are open */
    struct ws *ws;
    struct sock_peer peer;
    struct call *call;            /* NULL before hello */
    struct timer timer;           /* before hello: its deadline; after: while reading is paused */
    uint64_t opened_ms, heard_ms; /* when it began, and when a message came last */
    bool paused;
};

struct message {
    struct str type, token, format, mode, eagerness, session_id, voice, text;
    const struct json_val *output, *resume;
    int64_t rate, turn, ms, seq, sound;
    bool use_rag;
};

/* hello.resume: of a new call empty, else which one and what of it has arrived. */
struct resume {
    struct str id;
    int64_t seq, sound;
};

static enum err find_session(struct voice *v, const struct message *m, struct json_why *why,
                             struct principal *ret_who, struct session **ret_session)
{
    struct server *s = v->server;
    struct principal who;
    struct session *session = nullptr;
    enum err err = auth_token(s->auth, m->token, &v->peer, &who);
    if (err != OK) {
        snprintf(why->text, sizeof why->text, "hello needs a valid token; POST /session gives one");
        return err;
    }
    struct str owner = str_of(who.owner);
    struct str id = m->session_id.n ? m->session_id : str_of(who.session);
    if (id.n && session_find(s->sessions, id, owner, &session) != OK && m->session_id.n) {
        snprintf(why->text, sizeof why->text, "there is no such session");
        return ERR_NOTFOUND;
    }
    if (!session)
        try(session_create(s->sessions, owner, &session));
    *ret_who = who;
    *ret_session = session;
    return OK;
}

static enum err read_resume(const struct json_val *val, struct json_why *why, struct resume *into)
{
    static const struct json_field fields[] = {
        {"id", JSON_STR, offsetof(struct resume, id), .max = 2 * CALL_ID_BYTES},
        {"seq", JSON_INT, offsetof(struct resume, seq), .max = 1e15},
        {"sound", JSON_INT, offsetof(struct resume, sound), .max = 1e15},
    };
    return json_read(val, fields, sizeof fields / sizeof *fields, JSON_STRICT, into, why);
}

/* True: this connection goes on with the call of another one. */
static bool resume_call(struct voice *v, struct session *session, const struct principal *who,
                        const struct call_wishes *wishes, const struct resume *r)
{
    struct call *call = r->id.n ? call_find(session, r->id) : nullptr;
    if (!call)
        return false;
    struct voice *before = call_holder(call); /* its end is not noticed yet */
    const struct call_place got = {(uint64_t)r->seq, (uint64_t)r->sound};
    bool resumed =
        call_is_like(call, wishes) && call_resume(call, v->ws, v, &v->peer, who, got) == OK;
    if (before) {
        before->call = nullptr;
        timer_stop(&before->timer);
        ws_close(before->ws, 1008, "the conversation goes on over another connection");
    }
    if (resumed)
        v->call = call;
    else
        call_destroy(call);
    return resumed;
}

static enum err on_hello(struct voice *v, const struct message *m, struct json_why *why)
{
    if (v->call) {
        snprintf(why->text, sizeof why->text, "hello was said already");
        return ERR_CONFLICT;
    }
    if (m->voice.n > CALL_VOICE_MAX) {
        snprintf(why->text, sizeof why->text, "there is no such voice");
        return ERR_INVALID;
    }
    struct call_wishes wishes = {.hands_free = str_eq(m->mode, S("hands_free")),
                                 .patience_percent = eagerness_percent(m->eagerness),
                                 .use_rag = m->use_rag,
                                 .resumable = m->resume != nullptr,
                                 .voice = m->voice};
    try(voice_format_read(m->format, m->rate, m->output, why, &wishes.format));
    struct resume resume = {};
    if (m->resume)
        try(read_resume(m->resume, why, &resume));
    struct principal who;
    struct session *session;
    try(find_session(v, m, why, &who, &session));
    if (!resume_call(v, session, &who, &wishes, &resume)) {
        calls_drop_away(session); /* their client has begun anew */
        try(call_create(v->server, v->ws, v, &v->peer, &who, session, &wishes, &v->call));
    }
    timer_stop(&v->timer);
    return OK;
}

static enum err on_message(struct voice *v, const struct message *m, struct json_why *why)
{
    if (str_eq(m->type, S("hello")))
        return on_hello(v, m, why);
    if (!v->call) {
        snprintf(why->text, sizeof why->text, "say hello first");
        return ERR_AUTH;
    }
    struct conversation *c = call_conversation(v->call);
    if (str_eq(m->type, S("start")))
        conversation_start(c);
    else if (str_eq(m->type, S("stop")))
        conversation_stop(c);
    else if (str_eq(m->type, S("text")))
        conversation_text(c, m->text);
    else if (str_eq(m->type, S("cancel")))
        conversation_cancel(c);
    else if (str_eq(m->type, S("received")))
        call_received(v->call, (struct call_place){(uint64_t)m->seq, (uint64_t)m->sound});
    else
        conversation_played(c, (uint64_t)m->turn, (uint64_t)m->ms);
    return OK;
}

static void on_text(struct ws *ws, void *arg, struct str text)
{
    static const struct json_field fields[] = {
        {"type", JSON_STR, offsetof(struct message, type), .required = true,
         .one_of = "hello|start|stop|text|cancel|played|received"},
        {"token", JSON_STR, offsetof(struct message, token), .max = JWT_MAX_BYTES},
        {"format", JSON_STR, offsetof(struct message, format),
         .one_of = "pcm_s16le|opus|webm_opus"},
        {"rate", JSON_INT, offsetof(struct message, rate), .min = PCM_RATE_MIN,
         .max = PCM_RATE_MAX},
        {"output", JSON_OBJ, offsetof(struct message, output)},
        {"resume", JSON_OBJ, offsetof(struct message, resume)},
        {"mode", JSON_STR, offsetof(struct message, mode), .one_of = "push_to_talk|hands_free"},
        {"eagerness", JSON_STR, offsetof(struct message, eagerness),
         .one_of = "auto|low|medium|high"},
        {"session_id", JSON_STR, offsetof(struct message, session_id)},
        {"use_rag", JSON_BOOL, offsetof(struct message, use_rag)},
        {"voice", JSON_STR, offsetof(struct message, voice)},
        {"text", JSON_STR, offsetof(struct message, text), .max = TURN_TEXT_MAX},
        {"turn", JSON_INT, offsetof(struct message, turn), .max = 1e15},
        {"ms", JSON_INT, offsetof(struct message, ms), .max = 1e9},
        {"seq", JSON_INT, offsetof(struct message, seq), .max = 1e15},
        {"sound", JSON_INT, offsetof(struct message, sound), .max = 1e15},
    };
    struct voice *v = arg;
    v->heard_ms = clock_ms();
    if (v->call)
        call_count(v->call);
    struct message m = {.use_rag = true};
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    enum err err = json_parse(text, &doc, &why);
    if (err == OK)
        err = json_read(json_root(doc), fields, sizeof fields / sizeof *fields, JSON_STRICT, &m,
                        &why);
    if (err == OK)
        err = on_message(v, &m, &why);
    json_doc_destroy(doc);
    if (err == OK)
        return;
    if (v->call)
        call_error(v->call, err, why.text);
    else /* strangers get one sentence, not a conversation */
        voice_refuse(ws, err, why.text);
}

static void on_binary(struct ws *ws, void *arg, struct str bytes)
{
    struct voice *v = arg;
    v->heard_ms = clock_ms();
    if (!v->call) {
        ws_close(ws, 1008, "say hello first");
        return;
    }
    call_count(v->call);
    struct conversation *c = call_conversation(v->call);
    conversation_sound(c, bytes);
    if (conversation_is_behind(c, BACKLOG_HIGH) && !v->paused) {
        v->paused = true;
        ws_pause(ws);
        timer_start(&v->timer, RECHECK_MS);
    }
}

static void on_timer(void *arg)
{
    struct voice *v = arg;
    if (!v->call) {
        ws_close(v->ws, 1008, "hello did not come in time");
    } else if (conversation_is_behind(call_conversation(v->call), BACKLOG_LOW)) {
        timer_start(&v->timer, RECHECK_MS);
    } else {
        v->paused = false;
        ws_resume(v->ws);
    }
}

static void on_close(struct ws *ws, void *arg, uint16_t code)
{
    (void)ws;
    struct voice *v = arg;
    timer_stop(&v->timer);
    if (v->call)
        call_lose(v->call, code);
    *v->link = v->next;
    if (v->next)
        v->next->link = v->link;
    free(v);
}

static void on_writable(struct ws *ws, void *arg)
{
    (void)ws;
    struct voice *v = arg;
    if (v->call)
        call_pump(v->call);
}

void handle_voice(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)who, (void)id;
    static const struct ws_events events = {.on_text = on_text,
                                            .on_binary = on_binary,
                                            .on_close = on_close,
                                            .on_writable = on_writable};
    if (!exchange_head(x)->wants_websocket) {
        exchange_error(x, ERR_INVALID, "this address speaks WebSocket", nullptr);
        return;
    }
    if (!str_eq(http_value(exchange_head(x), "sec-websocket-version"), S("13"))) {
        (void)exchange_set(x, "Sec-WebSocket-Version", S("13")); /* the sentence says it too */
        exchange_error(x, ERR_UPGRADE, "this address speaks WebSocket version 13", nullptr);
        return;
    }
    if (s->draining) {
        exchange_error(x, ERR_DRAINING, nullptr, nullptr);
        return;
    }
    struct voice *v = mem_zero(1, sizeof *v);
    if (!v) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    v->server = s;
    v->peer = *exchange_peer(x);
    timer_init(&v->timer, s->loop, on_timer, v);
    enum err err = exchange_upgrade(x, nullptr, MESSAGE_MAX, &events, v, &v->ws);
    if (err != OK) {
        free(v);
        exchange_error(x, err, nullptr, nullptr);
        return;
    }
    v->next = s->voices;
    v->link = &s->voices;
    if (v->next)
        v->next->link = &v->next;
    s->voices = v;
    v->opened_ms = v->heard_ms = clock_ms();
    timer_start(&v->timer, HELLO_MS);
}

static bool is_busy(const struct voice *v)
{
    return v->call && conversation_is_busy(call_conversation(v->call));
}

void voices_tick(struct server *s)
{
    uint64_t now = clock_ms();
    for (struct voice *v = s->voices, *next; v; v = next) {
        next = v->next;
        if (v->call)
            call_tick(v->call, now);
        if (is_busy(v) || !v->call)
            continue; /* a turn has its own deadlines, and so has hello */
        if (call_still(v->call) == ERR_AUTH)
            ws_close(v->ws, 1008, "not valid any more");
        else if (now - v->heard_ms > IDLE_MS || now - v->opened_ms > LIFE_MS)
            ws_close(v->ws, 1001, "nothing was said for a long time");
    }
}

void voices_end(struct server *s)
{
    calls_drop_all_away(s);
}

void voices_drain(struct server *s)
{
    calls_drop_all_away(s); /* nobody may come back any more */
    for (struct voice *v = s->voices, *next; v; v = next) {
        next = v->next;
        if (v->call)
            call_say_goodbye(v->call);
        if (!is_busy(v))
            ws_close(v->ws, 1001, "the server is shutting down");
    }
}
