// SPDX-License-Identifier: Apache-2.0
/*
 * WS /voice: a conversation by voice. The client says hello, then start, sound, stop; or text. Every
 * event of ours carries `seq`; binary messages begin with the turn's number (u32, little-endian).
 */
#include <stdio.h>

#include "base/clock.h"
#include "server/api/admit.h"
#include "server/api/events.h"
#include "server/api/route.h"
#include "server/engine/engine.h"
#include "server/net/ws_conn.h"

enum {
    MESSAGE_MAX = 64 * 1024, /* 2 s of 16 kHz sound; clients send 20 ms */
    HELLO_MS = 10000,
    EVENT_MAX = 128 * 1024,
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
    struct principal who;
    struct session *session; /* held; NULL before hello */
    struct turn *turn;
    struct timer timer;           /* before hello: its deadline; after: while reading is paused */
    uint64_t opened_ms, heard_ms; /* when it began, and when a message came last */
    bool paused;
    uint64_t seq;
    uint32_t in_rate_hz, out_rate_hz;
    bool use_rag;
    char voice[64];
    struct pcm_carry carry;
    struct buf samples, json;
};

static struct json_out event(struct voice *v)
{
    buf_clear(&v->json);
    return (struct json_out){.to = &v->json};
}

static void send_event(struct voice *v, struct json_out *j, const struct turn *t)
{
    if (t)
        json_kint(j, "turn", (int64_t)turn_id(t));
    json_kint(j, "seq", (int64_t)++v->seq);
    json_end(j);
    if (json_finish(j) == OK)
        (void)ws_send_text(v->ws, buf_str(&v->json)); /* slow readers are dropped by net/ws_conn */
    else
        ws_close(v->ws, 1013, "the server is short of memory");
}

static struct json_out typed_event(struct voice *v, struct str type)
{
    struct json_out j = event(v);
    json_obj(&j);
    json_kstr(&j, "type", type);
    return j;
}

static void send_error(struct voice *v, const struct turn *t, enum err err, const char *message)
{
    struct json_out j = event(v);
    event_error(&j, err, message);
    send_event(v, &j, t);
}

/* --- what a turn says --- */

static void on_partial(void *arg, struct turn *t, struct str text, size_t stable)
{
    struct voice *v = arg;
    struct json_out j = typed_event(v, S("partial"));
    json_kstr(&j, "text", text);
    json_kstr(&j, "stable", str_sub(text, 0, stable));
    send_event(v, &j, t);
}

static void on_final(void *arg, struct turn *t, struct str text)
{
    struct voice *v = arg;
    struct json_out j = typed_event(v, S("final"));
    json_kstr(&j, "text", text);
    send_event(v, &j, t);
}

static void on_citation(void *arg, struct turn *t, uint32_t index, const struct rag_hit *hit)
{
    struct voice *v = arg;
    struct json_out j = event(v);
    event_citation(&j, index, hit);
    send_event(v, &j, t);
}

static void on_token(void *arg, struct turn *t, struct str text)
{
    struct voice *v = arg;
    struct json_out j = event(v);
    event_token(&j, text);
    send_event(v, &j, t);
}

static void on_audio_start(void *arg, struct turn *t, uint32_t rate_hz)
{
    struct voice *v = arg;
    struct json_out j = typed_event(v, S("audio_start"));
    json_kstr(&j, "format", S("pcm"));
    json_kint(&j, "rate", rate_hz);
    send_event(v, &j, t);
}

static void on_audio(void *arg, struct turn *t, struct str s16le)
{
    struct voice *v = arg;
    uint32_t id = (uint32_t)turn_id(t);
    autobuf message = BUF(MESSAGE_MAX);
    enum err err = buf_add(&message, (struct str){(const char *)&id, sizeof id});
    if (err == OK)
        err = buf_add(&message, s16le);
    if (err == OK)
        (void)ws_send_binary(v->ws, buf_str(&message), nullptr);
    else
        turn_fail(t, err, err_text(err));
}

static void on_audio_end(void *arg, struct turn *t)
{
    struct voice *v = arg;
    struct json_out j = typed_event(v, S("audio_end"));
    send_event(v, &j, t);
}

static void resume_reading(struct voice *v)
{
    if (!v->paused)
        return;
    v->paused = false;
    timer_stop(&v->timer);
    ws_resume(v->ws);
}

static void on_ended(void *arg, struct turn *t, const struct turn_end *end)
{
    struct voice *v = arg;
    v->turn = nullptr;
    resume_reading(v);
    if (end->err == ERR_CANCELED) {
        struct json_out j = typed_event(v, S("interrupted"));
        json_kstr(&j, "heard", end->heard);
        send_event(v, &j, t);
    } else if (end->err != OK) {
        send_error(v, t, end->err, end->message);
    } else {
        struct json_out j = event(v);
        event_end(&j, end);
        send_event(v, &j, t);
    }
    if (v->server->draining)
        ws_close(v->ws, 1001, "the server is shutting down");
}

static const struct turn_sink sink = {
    .partial = on_partial,
    .final = on_final,
    .citation = on_citation,
    .token = on_token,
    .audio_start = on_audio_start,
    .audio = on_audio,
    .audio_end = on_audio_end,
    .ended = on_ended,
};

/* --- what the client says --- */

static void begin_turn(struct voice *v, bool spoken, struct str text)
{
    uint32_t wait_s;
    if (!auth_still(v->server->auth, &v->who)) {
        send_error(v, nullptr, ERR_AUTH, "your key or session is not valid any more");
        ws_close(v->ws, 1008, "not valid any more");
        return;
    }
    if (!spoken && str_trim(text).n == 0) {
        send_error(v, nullptr, ERR_INVALID, "the text is empty");
        return;
    }
    if (admit(v->server, &v->who, &v->peer, &wait_s) != OK) {
        char sentence[80];
        snprintf(sentence, sizeof sentence, "too many requests; try again in %u seconds", wait_s);
        send_error(v, nullptr, ERR_RATE, sentence);
        return;
    }
    if (v->turn)
        turn_cancel(v->turn); /* who speaks again interrupts; a refused request does not */
    const struct turn_request request = {
        .spoken = spoken,
        .use_rag = v->use_rag,
        .speak = true,
        .text = text,
        .in_rate_hz = v->in_rate_hz,
        .out_rate_hz = v->out_rate_hz,
        .voice = str_of(v->voice),
    };
    v->carry = (struct pcm_carry){};
    enum err err = turn_begin(&v->server->talk, v->session, &request, &sink, v, &v->turn);
    if (err != OK)
        send_error(v, nullptr, err, nullptr);
}

struct message {
    struct str type, token, format, mode, session_id, voice, text;
    const struct json_val *output;
    int64_t rate, turn, ms;
    bool use_rag;
};

static enum err read_output(struct voice *v, const struct json_val *output, struct json_why *why)
{
    struct {
        struct str format;
        int64_t rate;
    } o = {.rate = PCM_RATE_SPEAK};
    static const struct json_field fields[] = {
        {"format", JSON_STR, 0, .one_of = "pcm"},
        {"rate", JSON_INT, sizeof(struct str), .min = PCM_RATE_MIN, .max = PCM_RATE_MAX},
    };
    if (output)
        try(json_read(output, fields, 2, JSON_STRICT, &o, why));
    v->out_rate_hz = (uint32_t)o.rate;
    return OK;
}

static void send_ready(struct voice *v)
{
    struct json_out j = typed_event(v, S("ready"));
    json_kstr(&j, "session_id", str_of(v->session->id));
    put_self(&j, v->server->conf);
    json_key(&j, "engines");
    json_obj(&j);
    const struct engine *engines[] = {v->server->stt, v->server->llm, v->server->tts};
    for (int i = 0; i < 3; i++) {
        struct engine_info info = {.role = "llm", .driver = "quote", .state = ENGINE_READY};
        if (engines[i])
            engine_info(engines[i], &info);
        json_key(&j, info.role);
        json_obj(&j);
        json_kstr(&j, "driver", str_of(info.driver));
        json_kstr(&j, "state", str_of(engine_state_name(info.state)));
        json_end(&j);
    }
    json_end(&j);
    send_event(v, &j, nullptr);
}

static enum err open_session(struct voice *v, const struct message *m, struct json_why *why)
{
    struct server *s = v->server;
    enum err err = auth_token(s->auth, m->token, &v->peer, &v->who);
    if (err != OK) {
        snprintf(why->text, sizeof why->text, "hello needs a valid token; POST /session gives one");
        return err;
    }
    struct str owner = str_of(v->who.owner);
    struct str id = m->session_id.n ? m->session_id : str_of(v->who.session);
    if (id.n && session_find(s->sessions, id, owner, &v->session) != OK && m->session_id.n) {
        snprintf(why->text, sizeof why->text, "there is no such session");
        return ERR_NOTFOUND;
    }
    if (!v->session)
        try(session_create(s->sessions, owner, &v->session));
    session_hold(v->session);
    return OK;
}

static enum err on_hello(struct voice *v, const struct message *m, struct json_why *why)
{
    if (v->session) {
        snprintf(why->text, sizeof why->text, "hello was said already");
        return ERR_CONFLICT;
    }
    if (m->voice.n >= sizeof v->voice) {
        snprintf(why->text, sizeof why->text, "there is no such voice");
        return ERR_INVALID;
    }
    try(read_output(v, m->output, why));
    v->in_rate_hz = (uint32_t)m->rate;
    v->use_rag = m->use_rag;
    memcpy(v->voice, m->voice.p ? m->voice.p : "", m->voice.n);
    try(open_session(v, m, why));
    timer_stop(&v->timer);
    send_ready(v);
    return OK;
}

static enum err on_message(struct voice *v, const struct message *m, struct json_why *why)
{
    if (str_eq(m->type, S("hello")))
        return on_hello(v, m, why);
    if (!v->session) {
        snprintf(why->text, sizeof why->text, "say hello first");
        return ERR_AUTH;
    }
    if (str_eq(m->type, S("start"))) {
        begin_turn(v, true, S(""));
    } else if (str_eq(m->type, S("stop"))) {
        if (v->turn)
            turn_stop(v->turn);
    } else if (str_eq(m->type, S("text"))) {
        begin_turn(v, false, m->text);
    } else if (str_eq(m->type, S("cancel"))) {
        if (v->turn)
            turn_cancel(v->turn);
    } else if (v->turn &&
               turn_id(v->turn) == (uint64_t)m->turn) { /* played; of an old turn: moot */
        turn_played(v->turn, (uint64_t)m->ms);
    }
    return OK;
}

static void on_text(struct ws *ws, void *arg, struct str text)
{
    static const struct json_field fields[] = {
        {"type", JSON_STR, offsetof(struct message, type), .required = true,
         .one_of = "hello|start|stop|text|cancel|played"},
        {"token", JSON_STR, offsetof(struct message, token), .max = JWT_MAX_BYTES},
        {"format", JSON_STR, offsetof(struct message, format), .one_of = "pcm_s16le"},
        {"rate", JSON_INT, offsetof(struct message, rate), .min = PCM_RATE_MIN,
         .max = PCM_RATE_MAX},
        {"output", JSON_OBJ, offsetof(struct message, output)},
        {"mode", JSON_STR, offsetof(struct message, mode), .one_of = "push_to_talk"},
        {"session_id", JSON_STR, offsetof(struct message, session_id)},
        {"use_rag", JSON_BOOL, offsetof(struct message, use_rag)},
        {"voice", JSON_STR, offsetof(struct message, voice)},
        {"text", JSON_STR, offsetof(struct message, text), .max = TURN_TEXT_MAX},
        {"turn", JSON_INT, offsetof(struct message, turn), .max = 1e15},
        {"ms", JSON_INT, offsetof(struct message, ms), .max = 1e9},
    };
    struct voice *v = arg;
    v->heard_ms = clock_ms();
    struct message m = {.rate = PCM_RATE_RECOGNISE, .use_rag = true};
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
    send_error(v, nullptr, err, why.text);
    if (!v->session) /* strangers get one sentence, not a conversation */
        ws_close(ws, (uint16_t)err_ws_close(err), why.text);
}

static void on_binary(struct ws *ws, void *arg, struct str bytes)
{
    struct voice *v = arg;
    v->heard_ms = clock_ms();
    if (!v->session) {
        ws_close(ws, 1008, "say hello first");
        return;
    }
    if (!v->turn)
        return; /* the microphone runs on for a moment after `stop` or an error */
    buf_clear(&v->samples);
    enum err err = pcm_feed(&v->carry, bytes, &v->samples);
    if (err == OK)
        err = turn_audio(v->turn, (const int16_t *)v->samples.p, v->samples.n / sizeof(int16_t));
    if (err != OK) {
        turn_fail(v->turn, err, "the recogniser is too far behind; please speak again");
    } else if (turn_backlog(v->turn) > BACKLOG_HIGH && !v->paused) {
        v->paused = true;
        ws_pause(ws);
        timer_start(&v->timer, RECHECK_MS);
    }
}

static void on_timer(void *arg)
{
    struct voice *v = arg;
    if (!v->session)
        ws_close(v->ws, 1008, "hello did not come in time");
    else if (v->turn && turn_backlog(v->turn) > BACKLOG_LOW)
        timer_start(&v->timer, RECHECK_MS);
    else
        resume_reading(v);
}

static void on_close(struct ws *ws, void *arg, uint16_t code)
{
    (void)ws, (void)code;
    struct voice *v = arg;
    timer_stop(&v->timer);
    turn_abandon(v->turn);
    if (v->session)
        session_release(v->server->sessions, v->session);
    *v->link = v->next;
    if (v->next)
        v->next->link = v->link;
    buf_finish(&v->samples);
    buf_finish(&v->json);
    free(v);
}

void handle_voice(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)who, (void)id;
    static const struct ws_events events = {
        .on_text = on_text, .on_binary = on_binary, .on_close = on_close};
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
    v->samples = BUF(2 * MESSAGE_MAX);
    v->json = BUF(EVENT_MAX);
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

void voices_tick(struct server *s)
{
    uint64_t now = clock_ms();
    for (struct voice *v = s->voices, *next; v; v = next) {
        next = v->next;
        if (v->turn || !v->session)
            continue; /* a turn has its own deadlines, and so has hello */
        if (!auth_still(s->auth, &v->who))
            ws_close(v->ws, 1008, "not valid any more");
        else if (now - v->heard_ms > IDLE_MS || now - v->opened_ms > LIFE_MS)
            ws_close(v->ws, 1001, "nothing was said for a long time");
    }
}

void voices_drain(struct server *s)
{
    for (struct voice *v = s->voices, *next; v; v = next) {
        next = v->next;
        struct json_out j = typed_event(v, S("going_away"));
        send_event(v, &j, nullptr);
        if (!v->turn)
            ws_close(v->ws, 1001, "the server is shutting down");
    }
}
