// SPDX-License-Identifier: Apache-2.0
/*
 * POST /v1/audio/transcriptions and /v1/audio/translations: a recording in, words out, or English words whatever was
 * spoken, for programs that speak OpenAI's API. The parts of the form may come in any order. With `stream` words leave as
 * soon as nothing will change them. Shapes: OpenAI's published OpenAPI file.
 */
#include <stdio.h>

#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/hearing.h"
#include "server/api/route.h"
#include "server/api/transcription_answer.h"
#include "server/api/usage.h"
#include "server/net/error.h"
#include "server/net/multipart.h"
#include "server/net/sse.h"

enum {
    PARTS_MAX = 64,
    ANSWER_MAX = 8 * 1024 * 1024,
    EVENT_MAX = 512 * 1024, /* a whole text, quoted */
};

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
    struct transcription_answer answer;
    bool translates;
    struct hearing *hearing;
    struct sse *sse; /* once a stream has begun */
    struct buf json; /* one event */
};

static void transcription_free(struct transcription *t)
{
    hearing_destroy(t->hearing);
    multipart_destroy(t->form);
    transcription_answer_finish(&t->answer);
    transcription_request_finish(&t->request);
    buf_finish(&t->json);
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

/* Without a word about it transcriptions are of the option's language; translations are of any, unless the option
 * names another one than English. */
static struct str wished_language(const struct transcription *t)
{
    struct str option = str_of(t->server->conf->language);
    if (t->request.language[0])
        return str_of(t->request.language);
    return t->translates && str_starts(option, S("en")) ? S("") : option;
}

/* --- a stream --- */

static struct json_out event(struct transcription *t, struct str type)
{
    buf_clear(&t->json);
    struct json_out j = {.to = &t->json};
    json_obj(&j);
    json_kstr(&j, "type", type);
    return j;
}

/* The headers wait for the first word, so that what goes wrong before it has its status. */
static enum err on_news(void *arg, struct str text)
{
    struct transcription *t = arg;
    if (!t->sse)
        try(sse_open(t->x, &t->sse));
    struct json_out j = event(t, S("transcript.text.delta"));
    json_kstr(&j, "delta", text);
    sse_send_json(t->sse, &j);
    return OK;
}

static void put_usage(const struct transcription *t, struct json_out *j,
                      const struct msg_stt_final *final)
{
    uint32_t sound = usage_of_sound(final->audio_ms), words = usage_of_text(final->text),
             prompt = usage_of_text(buf_str(&t->request.prompt));
    json_key(j, "usage");
    json_obj(j);
    json_kstr(j, "type", S("tokens"));
    json_kint(j, "input_tokens", (int64_t)sound + prompt);
    json_key(j, "input_token_details");
    json_obj(j);
    json_kint(j, "text_tokens", prompt);
    json_kint(j, "audio_tokens", sound);
    json_end(j);
    json_kint(j, "output_tokens", words);
    json_kint(j, "total_tokens", (int64_t)sound + prompt + words);
    json_end(j);
}

static enum err end_stream(struct transcription *t, const struct msg_stt_final *final)
{
    if (!t->sse) /* nobody has said anything */
        try(sse_open(t->x, &t->sse));
    struct json_out j = event(t, S("transcript.text.done"));
    json_kstr(&j, "text", final->text);
    put_usage(t, &j, final);
    sse_send_json(t->sse, &j);
    sse_end(t->sse);
    t->sse = nullptr;
    return OK;
}

static void fail_stream(struct transcription *t, enum err err, const char *message)
{
    buf_clear(&t->json);
    struct json_out j = {.to = &t->json};
    json_obj(&j);
    error_put(&j, err, message, nullptr);
    sse_send_json(t->sse, &j);
    sse_end(t->sse);
    transcription_free(t);
}

/* --- words --- */

static enum err on_segment(void *arg, const struct msg_stt_segment *segment)
{
    struct transcription *t = arg;
    return transcription_answer_segment(&t->answer, segment);
}

static enum err reply(struct transcription *t, const struct msg_stt_final *final)
{
    autobuf body = BUF(ANSWER_MAX);
    try(transcription_answer_write(&t->answer, final, hearing_language(final, wished_language(t)),
                                   &body));
    exchange_reply(t->x, 200, transcription_answer_type(&t->answer), buf_str(&body));
    return OK;
}

static void on_heard(void *arg, const struct msg_stt_final *final)
{
    struct transcription *t = arg;
    enum err err = t->request.stream ? end_stream(t, final) : reply(t, final);
    if (err != OK)
        exchange_error(t->x, err, nullptr, nullptr);
    t->x = nullptr;
}

/* What the engine cannot do of what was asked for is the request's fault, not its own. */
static void fail_heard(struct transcription *t, enum err err, const char *sentence)
{
    if (err == ERR_INVALID && t->request.words)
        fail(t, err, sentence, "timestamp_granularities");
    else if (err == ERR_UNSUPPORTED && (t->translates || t->request.language[0]))
        fail(t, ERR_INVALID, sentence, t->request.language[0] ? "language" : nullptr);
    else
        fail(t, err, sentence, nullptr);
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct transcription *t = arg;
    if (!t->x)
        transcription_free(t);
    else if (t->sse)
        fail_stream(t, err, sentence);
    else
        fail_heard(t, err, sentence);
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
    transcription_answer_init(&t->answer, &t->request, t->translates);
    const struct hearing_wish wish = {.language = wished_language(t),
                                      .prompt = buf_str(&t->request.prompt),
                                      .translate = t->translates,
                                      .temperature = t->request.temperature,
                                      .segments = t->request.words ? HEARING_WORD_TIMES
                                                  : transcription_answer_wants_segments(&t->answer)
                                                      ? HEARING_SEGMENTS
                                                      : HEARING_TEXT_ONLY,
                                      .news = t->request.stream};
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
    struct transcription *t = arg;
    sse_drop(t->sse);
    transcription_free(t);
}

static enum err open_body(struct transcription *t)
{
    static const struct hearing_events hearing_events = {
        .news = on_news, .segment = on_segment, .heard = on_heard, .ended = on_ended};
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

static void handle(struct server *s, struct exchange *x, const struct principal *who,
                   bool translates)
{
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
    t->translates = translates;
    t->json = BUF(EVENT_MAX);
    t->name = BUF(64);
    t->value = t->request.prompt = BUF(TRANSCRIPTION_FIELD_MAX);
    enum err err = open_body(t);
    if (err != OK)
        refuse(t, err);
    else
        exchange_stream_body(x, (size_t)s->conf->max_body, &events, t);
}

void handle_transcription(struct server *s, struct exchange *x, const struct principal *who,
                          struct str id)
{
    (void)id;
    handle(s, x, who, false);
}

void handle_translation(struct server *s, struct exchange *x, const struct principal *who,
                        struct str id)
{
    (void)id;
    handle(s, x, who, true);
}
