// SPDX-License-Identifier: Apache-2.0
/* What a conversation says, as events with `seq` and as binary messages, which begin with the turn's
 * number (u32, little-endian). */
#include <stdio.h>

#include "base/conf.h"
#include "server/api/admit.h"
#include "server/api/call_parts.h"
#include "server/api/events.h"
#include "server/engine/engine.h"
#include "server/net/ws_conn.h"

static struct json_out event(struct call *call)
{
    buf_clear(&call->json);
    return (struct json_out){.to = &call->json};
}

static void send_event(struct call *call, struct json_out *j, const struct turn *t)
{
    if (t)
        json_kint(j, "turn", (int64_t)turn_id(t));
    json_kint(j, "seq", (int64_t)call->log.end.events + 1);
    json_end(j);
    if (json_finish(j) == OK)
        call_post(call, false, buf_str(&call->json), S(""));
    else
        call_give_up(call, "the server is short of memory");
}

static struct json_out typed_event(struct call *call, struct str type)
{
    struct json_out j = event(call);
    json_obj(&j);
    json_kstr(&j, "type", type);
    return j;
}

static void send_error(struct call *call, const struct turn *t, enum err err, const char *message)
{
    struct json_out j = event(call);
    event_error(&j, err, message);
    send_event(call, &j, t);
}

void call_error(struct call *call, enum err err, const char *message)
{
    send_error(call, nullptr, err, message);
}

void call_say_goodbye(struct call *call)
{
    struct json_out j = typed_event(call, S("going_away"));
    send_event(call, &j, nullptr);
}

void voice_refuse(struct ws *ws, enum err err, const char *message)
{
    autobuf text = BUF(CALL_EVENT_MAX);
    struct json_out j = {.to = &text};
    event_error(&j, err, message);
    json_kint(&j, "seq", 1);
    json_end(&j);
    if (json_finish(&j) == OK)
        (void)ws_send_text(ws, buf_str(&text));
    ws_close(ws, (uint16_t)err_ws_close(err), message);
}

/* How this call is resumed. */
static void put_resume(struct call *call, struct json_out *j, bool resumed)
{
    json_key(j, "resume");
    json_obj(j);
    json_kstr(j, "id", str_of(call->id));
    json_kbool(j, "resumed", resumed);
    json_kint(j, "received", (int64_t)call->received);
    json_kint(j, "keep_ms", call->server->conf->resume_keep_ms);
    json_end(j);
}

/* What is no part of the conversation: sent once, or lost. */
static void send_aside(struct call *call, struct json_out *j)
{
    json_end(j);
    if (call->ws && json_finish(j) == OK)
        (void)ws_send_text(call->ws, buf_str(&call->json));
}

void call_acknowledge(struct call *call)
{
    struct json_out j = typed_event(call, S("received"));
    json_kint(&j, "messages", (int64_t)call->received);
    send_aside(call, &j);
}

void call_greet(struct call *call, const struct call_place *resumed)
{
    struct server *s = call->server;
    struct json_out j = typed_event(call, S("ready"));
    json_kstr(&j, "session_id", str_of(call->session->id));
    put_self(&j, s->conf);
    json_key(&j, "engines");
    json_obj(&j);
    const struct engine *engines[] = {s->stt, s->llm, s->tts};
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
    if (call->wishes.resumable)
        put_resume(call, &j, resumed != nullptr);
    if (resumed) {
        json_kint(&j, "seq", (int64_t)resumed->events);
        send_aside(call, &j);
    } else {
        send_event(call, &j, nullptr);
    }
}

/* --- what a turn says --- */

static void on_partial(void *arg, struct turn *t, struct str text, size_t stable)
{
    struct call *call = arg;
    struct json_out j = typed_event(call, S("partial"));
    json_kstr(&j, "text", text);
    json_kstr(&j, "stable", str_sub(text, 0, stable));
    send_event(call, &j, t);
}

static void on_final(void *arg, struct turn *t, struct str text)
{
    struct call *call = arg;
    struct json_out j = typed_event(call, S("final"));
    json_kstr(&j, "text", text);
    send_event(call, &j, t);
}

static void on_citation(void *arg, struct turn *t, uint32_t index, const struct rag_hit *hit)
{
    struct call *call = arg;
    struct json_out j = event(call);
    event_citation(&j, index, hit);
    send_event(call, &j, t);
}

static void on_token(void *arg, struct turn *t, struct str text)
{
    struct call *call = arg;
    struct json_out j = event(call);
    event_token(&j, text);
    send_event(call, &j, t);
}

static void on_audio_start(void *arg, struct turn *t, uint32_t rate_hz)
{
    struct call *call = arg;
    struct json_out j = typed_event(call, S("audio_start"));
    json_kstr(&j, "format", call->wishes.format.out_opus ? S("opus") : S("pcm"));
    json_kint(&j, "rate", rate_hz);
    send_event(call, &j, t);
}

static void on_audio(void *arg, struct turn *t, struct str sound)
{
    struct call *call = arg;
    uint32_t id = (uint32_t)turn_id(t);
    call_post(call, true, (struct str){(const char *)&id, sizeof id}, sound);
}

static void on_audio_end(void *arg, struct turn *t)
{
    struct call *call = arg;
    struct json_out j = typed_event(call, S("audio_end"));
    send_event(call, &j, t);
}

static void on_ended(void *arg, struct turn *t, const struct turn_end *end)
{
    struct call *call = arg;
    if (end->err == ERR_CANCELED) {
        struct json_out j = typed_event(call, S("interrupted"));
        json_kstr(&j, "heard", end->heard);
        send_event(call, &j, t);
    } else if (end->err != OK) {
        send_error(call, t, end->err, end->message);
    } else {
        struct json_out j = event(call);
        event_end(&j, end);
        send_event(call, &j, t);
    }
    if (call->server->draining && call->ws)
        ws_close(call->ws, 1001, "the server is shutting down");
}

/* --- what the conversation says --- */

static void on_news(void *arg, struct turn *t, enum conversation_news what, uint64_t at_ms)
{
    static const char *const type[] = {
        [CONVERSATION_SPEECH_STARTED] = "speech_started",
        [CONVERSATION_SPEECH_STOPPED] = "speech_stopped",
        [CONVERSATION_DUCK] = "duck",
        [CONVERSATION_RESUMED] = "resumed",
    };
    struct call *call = arg;
    struct json_out j = typed_event(call, str_of(type[what]));
    json_kint(&j, "at_ms", (int64_t)at_ms);
    send_event(call, &j, t);
}

static void on_failed(void *arg, enum err err, const char *sentence)
{
    send_error(arg, nullptr, err, sentence);
}

static enum err may_begin(void *arg)
{
    struct call *call = arg;
    uint32_t wait_s;
    enum err err = call_still(call);
    if (err == ERR_AUTH) {
        send_error(call, nullptr, ERR_AUTH, "your key or session is not valid any more");
        if (call->ws)
            ws_close(call->ws, 1008, "not valid any more");
        return ERR_AUTH;
    }
    if (err != OK) {
        send_error(call, nullptr, err, err_text(err));
        return err;
    }
    err = admit(call->server, &call->who, &call->peer, &wait_s);
    if (err != OK) {
        char sentence[80];
        snprintf(sentence, sizeof sentence, "too many requests; try again in %u seconds", wait_s);
        send_error(call, nullptr, ERR_RATE, sentence);
    }
    return err;
}

const struct conversation_events call_events = {
    .turn = {.partial = on_partial,
             .final = on_final,
             .citation = on_citation,
             .token = on_token,
             .audio_start = on_audio_start,
             .audio = on_audio,
             .audio_end = on_audio_end,
             .ended = on_ended},
    .news = on_news,
    .may_begin = may_begin,
    .failed = on_failed,
};
