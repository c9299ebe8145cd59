// SPDX-License-Identifier: Apache-2.0
/*
 * POST /v1/audio/transcriptions: a recording in, words out, for programs that speak OpenAI's API. The parts of the
 * form may come in any order. Shapes: OpenAI's published OpenAPI file.
 */
#include <math.h>
#include <stdio.h>

#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/hearing.h"
#include "server/api/route.h"
#include "server/api/transcription_request.h"
#include "server/net/multipart.h"

enum { PARTS_MAX = 64, ANSWER_MAX = 2 * 1024 * 1024 };

enum part : uint8_t { PART_IGNORED, PART_FILE, PART_FIELD };

struct transcription {
    struct server *server;
    struct exchange *x; /* NULL once it is answered */
    struct principal who;
    struct multipart *form;
    enum part part; /* that is coming */
    bool has_file;
    struct buf name, value; /* of a field that is coming */
    struct json_why why;
    struct transcription_request request;
    struct hearing *hearing;
};

static void transcription_free(struct transcription *t)
{
    hearing_destroy(t->hearing);
    multipart_destroy(t->form);
    transcription_request_finish(&t->request);
    buf_finish(&t->name);
    buf_finish(&t->value);
    free(t);
}

static void fail(struct transcription *t, enum err err, const char *message, const char *param)
{
    exchange_error(t->x, err, message, param);
    transcription_free(t);
}

/* As `why` says, where it says anything. */
static void refuse(struct transcription *t, enum err err)
{
    const struct json_why why = t->why;
    fail(t, err, why.text[0] ? why.text : nullptr, why.param);
}

/* --- words --- */

static enum err reply_json(struct transcription *t, const struct msg_stt_final *final)
{
    autobuf body = BUF(ANSWER_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "text", final->text);
    json_key(&j, "usage");
    json_obj(&j);
    json_kstr(&j, "type", S("duration"));
    json_knum(&j, "seconds", ceil((double) final->audio_ms / 1000));
    json_end(&j);
    json_end(&j);
    try(json_finish(&j));
    exchange_reply(t->x, 200, "application/json", buf_str(&body));
    return OK;
}

static enum err reply_text(struct transcription *t, const struct msg_stt_final *final)
{
    autobuf body = BUF(ANSWER_MAX);
    try(buf_add(&body, final->text));
    try(buf_add_byte(&body, '\n'));
    exchange_reply(t->x, 200, "text/plain; charset=utf-8", buf_str(&body));
    return OK;
}

static void on_heard(void *arg, const struct msg_stt_final *final)
{
    struct transcription *t = arg;
    enum err err =
        t->request.format == TRANSCRIPTION_TEXT ? reply_text(t, final) : reply_json(t, final);
    if (err != OK)
        exchange_error(t->x, err, nullptr, nullptr);
    t->x = nullptr;
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct transcription *t = arg;
    if (!t->x) {
        transcription_free(t);
        return;
    }
    bool is_language = err == ERR_UNSUPPORTED && t->request.language[0];
    fail(t, is_language ? ERR_INVALID : err, sentence, is_language ? "language" : nullptr);
}

/* --- the form --- */

static enum err on_part(void *arg, const struct multipart_part *part)
{
    struct transcription *t = arg;
    t->part = str_eq(part->name, S("file"))             ? PART_FILE
              : transcription_request_knows(part->name) ? PART_FIELD
                                                        : PART_IGNORED;
    if (t->part == PART_FILE && t->has_file) {
        t->why = (struct json_why){"send one recording at a time", "file"};
        return ERR_INVALID;
    }
    t->has_file = t->has_file || t->part == PART_FILE;
    buf_clear(&t->name);
    buf_clear(&t->value);
    return t->part == PART_FIELD ? buf_add(&t->name, part->name) : OK;
}

static enum err on_part_data(void *arg, struct str bytes)
{
    struct transcription *t = arg;
    if (t->part == PART_FILE)
        return hearing_add(t->hearing, bytes);
    enum err err = t->part == PART_FIELD ? buf_add(&t->value, bytes) : OK;
    if (err == ERR_TOOBIG) {
        t->why = (struct json_why){.text = "a field of the form is too long"};
        snprintf(t->why.param, sizeof t->why.param, "%.*s", STR_FMT(buf_str(&t->name)));
        return ERR_INVALID;
    }
    return err;
}

static enum err on_part_end(void *arg)
{
    struct transcription *t = arg;
    return t->part == PART_FIELD ? transcription_request_field(&t->request, buf_str(&t->name),
                                                               buf_str(&t->value), &t->why)
                                 : OK;
}

static void on_body(struct exchange *x, void *arg, struct str bytes)
{
    (void)x;
    struct transcription *t = arg;
    enum err err = multipart_feed(t->form, bytes);
    if (err != OK)
        refuse(t, err);
}

static enum err begin(struct transcription *t)
{
    try(multipart_finish(t->form));
    if (hearing_size(t->hearing) == 0) {
        t->why = (struct json_why){"send the recording as the field file of the form", "file"};
        return ERR_INVALID;
    }
    try(transcription_request_check(&t->request, &t->why));
    try(admit_request(t->server, &t->who, t->x));
    const struct hearing_wish wish = {.language = str_of(t->request.language)};
    return hearing_begin(t->hearing, &wish);
}

static void on_body_end(struct exchange *x, void *arg)
{
    (void)x;
    struct transcription *t = arg;
    enum err err = begin(t);
    if (err != OK)
        refuse(t, err);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    transcription_free(arg);
}

static enum err open_body(struct transcription *t)
{
    static const struct hearing_events hearing_events = {.heard = on_heard, .ended = on_ended};
    static const struct multipart_events events = {
        .on_part = on_part, .on_data = on_part_data, .on_part_end = on_part_end};
    struct str type = http_value(exchange_head(t->x), "content-type");
    enum err err = multipart_create(type, PARTS_MAX, &events, t, &t->form);
    if (err == ERR_MEDIA)
        t->why = (struct json_why){
            .text = "send a form, multipart/form-data, with the recording as its field file"};
    try(err);
    return hearing_create(t->server, &hearing_events, t, &t->hearing);
}

void handle_transcription(struct server *s, struct exchange *x, const struct principal *who,
                          struct str id)
{
    (void)id;
    static const struct exchange_events events = {
        .on_body = on_body, .on_body_end = on_body_end, .on_gone = on_gone};
    struct transcription *t = mem_zero(1, sizeof *t);
    if (!t) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    t->server = s;
    t->x = x;
    t->who = *who;
    t->name = BUF(64);
    t->value = t->request.prompt = BUF(TRANSCRIPTION_FIELD_MAX);
    enum err err = open_body(t);
    if (err != OK)
        refuse(t, err);
    else
        exchange_stream_body(x, (size_t)s->conf->max_body, &events, t);
}
