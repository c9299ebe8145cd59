// SPDX-License-Identifier: Apache-2.0
/*
 * POST /v1/audio/speech: text in, sound out while it is made, for programs that speak OpenAI's API: as chunks of a file
 * whose length nobody knows yet, or as events. A client that reads slowly slows the synthesiser down. What goes wrong
 * before the first sound has its status; later it cuts the connection, or is an event.
 * Shapes: OpenAI's published OpenAPI file.
 */
#include <stdio.h>

#include "audio/wav.h"
#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/base64.h"
#include "server/api/route.h"
#include "server/api/speaking.h"
#include "server/api/speech_request.h"
#include "server/api/usage.h"
#include "server/net/error.h"
#include "server/net/sse.h"

enum {
    BODY_MAX = 128 * 1024,
    RATE_HZ = 24000,        /* of every format, as OpenAI has it */
    EVENT_MAX = 128 * 1024, /* a message of sound, as base64 */
};

static const struct {
    const char *type;
    const char *wire; /* the engine's word for it */
} formats[] = {
    [SPEECH_MP3] = {"audio/mpeg", "mp3"},   [SPEECH_OPUS] = {"audio/ogg; codecs=opus", "ogg"},
    [SPEECH_FLAC] = {"audio/flac", "flac"}, [SPEECH_WAV] = {"audio/wav", "pcm"},
    [SPEECH_PCM] = {"audio/pcm", "pcm"},
};

struct speech {
    struct server *server;
    struct exchange *x;
    struct principal who;
    struct speaking *speaking;
    struct sse *sse; /* once events are sent */
    bool as_events;
    enum speech_format format;
    uint32_t words;          /* of the text */
    struct buf json, base64; /* one event */
};

static void speech_free(struct speech *p)
{
    speaking_destroy(p->speaking);
    buf_finish(&p->json);
    buf_finish(&p->base64);
    free(p);
}

/* --- events --- */

static struct json_out event(struct speech *p, struct str type)
{
    buf_clear(&p->json);
    struct json_out j = {.to = &p->json};
    json_obj(&j);
    json_kstr(&j, "type", type);
    return j;
}

static enum err send_delta(struct speech *p, struct str bytes)
{
    buf_clear(&p->base64);
    try(base64_add(&p->base64, bytes));
    struct json_out j = event(p, S("speech.audio.delta"));
    json_kstr(&j, "audio", buf_str(&p->base64));
    sse_send_json(p->sse, &j);
    return OK;
}

static void send_done(struct speech *p)
{
    uint32_t spoken = usage_of_sound(pcm_samples_to_ms(speaking_samples(p->speaking), RATE_HZ));
    struct json_out j = event(p, S("speech.audio.done"));
    json_key(&j, "usage");
    json_obj(&j);
    json_kint(&j, "input_tokens", p->words);
    json_kint(&j, "output_tokens", spoken);
    json_kint(&j, "total_tokens", (int64_t)p->words + spoken);
    json_end(&j);
    sse_send_json(p->sse, &j);
}

static void send_error(struct speech *p, enum err err, const char *message)
{
    buf_clear(&p->json);
    struct json_out j = {.to = &p->json};
    json_obj(&j);
    error_put(&j, err, message, nullptr);
    sse_send_json(p->sse, &j);
}

/* --- the answer --- */

static void fail(struct speech *p, enum err err, const char *message, const char *param)
{
    if (p->sse) {
        send_error(p, err, message);
        sse_end(p->sse);
    } else if (exchange_begun(p->x)) {
        exchange_abort(p->x); /* a cut body says that it is not whole */
    } else {
        exchange_error(p->x, err, message, param);
    }
    speech_free(p);
}

static enum err put_sound(struct speech *p, struct str bytes)
{
    if (p->sse)
        return send_delta(p, bytes);
    (void)exchange_write(p->x, bytes);
    return OK;
}

static enum err begin_answer(struct speech *p)
{
    if (p->as_events)
        try(sse_open(p->x, &p->sse));
    else
        exchange_begin(p->x, 200, formats[p->format].type);
    if (p->format != SPEECH_WAV)
        return OK;
    uint8_t header[WAV_HEADER_BYTES];
    wav_header(header, RATE_HZ, UINT32_MAX);
    return put_sound(p, (struct str){(const char *)header, sizeof header});
}

static enum err on_sound(void *arg, struct str bytes)
{
    struct speech *p = arg;
    if (!exchange_begun(p->x))
        try(begin_answer(p));
    try(put_sound(p, bytes));
    return exchange_queued(p->x) <= EXCHANGE_QUEUE ? OK : ERR_AGAIN;
}

static void on_writable(struct exchange *x, void *arg)
{
    (void)x;
    struct speech *p = arg;
    speaking_resume(p->speaking);
}

static void fail_voice(struct speech *p, const char *sentence)
{
    char text[400];
    snprintf(text, sizeof text, "%s; GET /voices names them all",
             sentence ? sentence : "there is no such voice");
    fail(p, ERR_INVALID, text, "voice");
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct speech *p = arg;
    if (err == OK && !exchange_begun(p->x)) /* nothing of the text can be spoken */
        err = begin_answer(p);
    if (err == ERR_NOTFOUND) {
        fail_voice(p, sentence);
        return;
    }
    if (err != OK) {
        fail(p, err, sentence, nullptr);
        return;
    }
    if (p->sse) {
        send_done(p);
        sse_end(p->sse);
    } else {
        exchange_end(p->x);
    }
    speech_free(p);
}

/* --- the request --- */

static enum err begin(struct speech *p, const struct speech_request *r)
{
    static const struct speaking_events events = {.sound = on_sound, .ended = on_ended};
    const struct speaking_wish wish = {.text = r->input,
                                       .voice = r->voice,
                                       .format = str_of(formats[r->format].wire),
                                       .rate_hz = RATE_HZ,
                                       .speed = r->speed};
    p->format = r->format;
    p->as_events = r->sse;
    p->words = usage_of_text(r->input);
    try(admit_request(p->server, &p->who, p->x));
    return speaking_begin(p->server, &wish, &events, p, &p->speaking);
}

static void on_request(struct exchange *x, void *arg, struct str body)
{
    (void)x;
    struct speech *p = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    struct speech_request request;
    enum err err = json_parse(body, &doc, &why);
    if (err == OK)
        err = speech_request_read(json_root(doc), &request, &why);
    if (err == OK)
        err = begin(p, &request);
    json_doc_destroy(doc);
    if (err != OK)
        fail(p, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct speech *p = arg;
    sse_drop(p->sse);
    speech_free(p);
}

void handle_speech(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)id;
    static const struct exchange_events events = {
        .on_request = on_request, .on_gone = on_gone, .on_writable = on_writable};
    struct speech *p = mem_zero(1, sizeof *p);
    if (!p) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    p->server = s;
    p->x = x;
    p->who = *who;
    p->json = p->base64 = BUF(EVENT_MAX);
    exchange_read_body(x, BODY_MAX, &events, p);
}
