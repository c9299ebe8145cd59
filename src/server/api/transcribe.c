// SPDX-License-Identifier: Apache-2.0
/* POST /stt: a recording in (as the body or as the multipart field `file`), words out. */
#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/hearing.h"
#include "server/api/route.h"
#include "server/net/multipart.h"
#include "wire/spoken_word.h"

enum { ANSWER_MAX = 4 * 1024 * 1024 };

struct transcription {
    struct server *server;
    struct exchange *x; /* NULL once it is answered */
    struct principal who;
    struct multipart *form; /* when the body is one */
    bool in_file, has_file;
    struct hearing *hearing;
    struct buf segments; /* JSON, the members of the list */
};

static void transcription_free(struct transcription *r)
{
    hearing_destroy(r->hearing);
    multipart_destroy(r->form);
    buf_finish(&r->segments);
    free(r);
}

static void fail(struct transcription *r, enum err err, const char *message)
{
    exchange_error(r->x, err, message, nullptr);
    transcription_free(r);
}

/* --- words --- */

static enum err answer(struct transcription *r, const struct msg_stt_final *final)
{
    autobuf body = BUF(ANSWER_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "text", final->text);
    json_key(&j, "language");
    struct str language = hearing_language(final, str_of(r->server->conf->language));
    if (language.n)
        json_put_str(&j, language);
    else
        json_put_null(&j);
    json_knum(&j, "duration", (double) final->audio_ms / 1000);
    json_key(&j, "segments");
    json_arr(&j);
    if (r->segments.n)
        json_put_raw(&j, buf_str(&r->segments));
    json_end(&j);
    json_key(&j, "timings");
    json_obj(&j);
    json_knum(&j, "read_ms", (double)hearing_read_us(r->hearing) / 1000);
    json_knum(&j, "transcribe_ms", (double)hearing_us(r->hearing) / 1000);
    json_knum(&j, "compute_ms", (double) final->compute_us / 1000);
    json_end(&j);
    json_end(&j);
    try(json_finish(&j));
    exchange_reply(r->x, 200, "application/json", buf_str(&body));
    return OK;
}

static void put_word(struct json_out *j, struct str text, const struct spoken_word *w)
{
    json_obj(j);
    json_kstr(j, "word", str_sub(text, w->at, w->at + w->length));
    if (w->end_ms > 0) { /* else nobody has measured it */
        json_kint(j, "start_ms", w->start_ms);
        json_kint(j, "end_ms", w->end_ms);
    }
    json_knum(j, "confidence", (double)w->confidence);
    json_end(j);
}

static enum err on_segment(void *arg, const struct msg_stt_segment *segment)
{
    struct transcription *r = arg;
    struct json_out j = {.to = &r->segments};
    struct str rest = segment->words;
    struct spoken_word word;
    double sum = 0;
    size_t words = 0;
    if (r->segments.n)
        try(buf_add_byte(&r->segments, ','));
    json_obj(&j);
    json_kstr(&j, "text", segment->text);
    json_kint(&j, "start_ms", segment->start_ms);
    json_kint(&j, "end_ms", segment->end_ms);
    json_key(&j, "words");
    json_arr(&j);
    for (; rest.n; words++) {
        if (spoken_word_next(&rest, segment->text.n, &word) != OK)
            return ERR_ENGINE;
        put_word(&j, segment->text, &word);
        sum += (double)word.confidence;
    }
    json_end(&j);
    json_knum(&j, "confidence", words ? sum / (double)words : 0);
    json_end(&j);
    return json_finish(&j);
}

static void on_heard(void *arg, const struct msg_stt_final *final)
{
    struct transcription *r = arg;
    enum err err = answer(r, final);
    if (err != OK)
        exchange_error(r->x, err, nullptr, nullptr);
    r->x = nullptr;
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct transcription *r = arg;
    if (r->x)
        fail(r, err, sentence);
    else
        transcription_free(r);
}

/* --- the request --- */

static enum err on_part(void *arg, const struct multipart_part *part)
{
    struct transcription *r = arg;
    r->in_file = str_eq(part->name, S("file"));
    if (r->in_file && r->has_file)
        return ERR_INVALID;
    r->has_file = r->has_file || r->in_file;
    return r->in_file ? OK : ERR_UNKNOWN;
}

static enum err on_part_data(void *arg, struct str bytes)
{
    struct transcription *r = arg;
    return hearing_add(r->hearing, bytes);
}

static enum err on_part_end(void *arg)
{
    (void)arg;
    return OK;
}

static void on_body(struct exchange *x, void *arg, struct str bytes)
{
    (void)x;
    struct transcription *r = arg;
    enum err err = r->form ? multipart_feed(r->form, bytes) : hearing_add(r->hearing, bytes);
    if (err != OK)
        fail(r, err,
             err == ERR_UNKNOWN || err == ERR_INVALID
                 ? "send the recording as one field called file"
                 : nullptr);
}

static enum err begin(struct transcription *r)
{
    try(admit_request(r->server, &r->who, r->x));
    const struct hearing_wish wish = {.language = str_of(r->server->conf->language),
                                      .segments = HEARING_SEGMENTS};
    return hearing_begin(r->hearing, &wish);
}

static void on_body_end(struct exchange *x, void *arg)
{
    (void)x;
    struct transcription *r = arg;
    enum err err = r->form ? multipart_finish(r->form) : OK;
    if (err == OK && hearing_size(r->hearing) == 0) {
        fail(r, ERR_INVALID, "there is no recording in the request");
        return;
    }
    if (err == OK)
        err = begin(r);
    if (err != OK)
        fail(r, err, nullptr);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    transcription_free(arg);
}

static enum err open_body(struct transcription *r, const struct http_head *head)
{
    static const struct hearing_events hearing_events = {
        .segment = on_segment, .heard = on_heard, .ended = on_ended};
    static const struct multipart_events events = {
        .on_part = on_part, .on_data = on_part_data, .on_part_end = on_part_end};
    try(hearing_create(r->server, &hearing_events, r, &r->hearing));
    struct str type = http_value(head, "content-type");
    if (str_starts(type, S("multipart/")))
        return multipart_create(type, 4, &events, r, &r->form);
    return OK;
}

void handle_stt(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)id;
    static const struct exchange_events events = {
        .on_body = on_body, .on_body_end = on_body_end, .on_gone = on_gone};
    struct transcription *r = mem_zero(1, sizeof *r);
    if (!r) {
        exchange_error(x, ERR_BUSY, nullptr, nullptr);
        return;
    }
    r->server = s;
    r->x = x;
    r->who = *who;
    r->segments = BUF(ANSWER_MAX);
    enum err err = open_body(r, exchange_head(x));
    if (err != OK)
        fail(r, err, nullptr);
    else
        exchange_stream_body(x, (size_t)s->conf->max_body, &events, r);
}
