// SPDX-License-Identifier: Apache-2.0
/*
 * POST /stt: a recording in (as the body or as the multipart field `file`), words out. The recording
 * is opened by a confined repartee-read; its samples go on to the recogniser as fast as that takes
 * them. Transcription uses the general language model; conversations adapt to the documents.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/route.h"
#include "server/engine/engine.h"
#include "server/engine/reader.h"
#include "server/net/multipart.h"

enum {
    DEADLINE_MS = 600000,
    BACKLOG_HIGH = 256 * 1024, /* samples under way to the recogniser */
    READ_HIGH = 1024 * 1024,   /* samples read from the file and not passed on: the reader waits */
    SAMPLES_MAX = 64 * 1024 * 1024,
    PIECE = 32 * 1024,
    RECHECK_MS = 10,
    ANSWER_MAX = 2 * 1024 * 1024,
};

struct transcription {
    struct server *server;
    struct exchange *x;
    struct principal who;
    struct multipart *form; /* when the body is one */
    bool in_file, has_file;
    int fd; /* memfd: the recording */
    uint64_t size;
    struct reader *reader;
    struct job *job;
    struct timer feeder, deadline;
    struct buf samples; /* read, not passed on */
    bool all_read;
    uint64_t began_us, read_us;
};

static void transcription_free(struct transcription *r)
{
    r->server->uploads--;
    reader_cancel(r->reader);
    job_cancel(r->job);
    timer_stop(&r->feeder);
    timer_stop(&r->deadline);
    multipart_destroy(r->form);
    buf_finish(&r->samples);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}

static void fail(struct transcription *r, enum err err, const char *message)
{
    exchange_error(r->x, err, message, nullptr);
    transcription_free(r);
}

/* --- words --- */

/* What was heard, or else what was to be; null where that was left open and nothing was said. */
static void put_language(struct json_out *j, struct str heard, struct str configured)
{
    if (heard.n)
        json_put_str(j, heard);
    else if (str_eq_nocase(configured, S("auto")))
        json_put_null(j);
    else
        json_put_str(j, configured);
}

static enum err answer(struct transcription *r, const struct msg_stt_final *final)
{
    uint64_t now = clock_us();
    autobuf body = BUF(ANSWER_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "text", final->text);
    json_key(&j, "language");
    put_language(&j, final->language, str_of(r->server->conf->language));
    json_knum(&j, "duration", (double) final->audio_ms / 1000);
    json_key(&j, "segments");
    /* The engine's own JSON: taken only when it is JSON. */
    struct json_doc *segments;
    bool good = json_parse(final->segments_json, &segments, nullptr) == OK;
    if (good)
        json_doc_destroy(segments);
    json_put_raw(&j, good ? final->segments_json : S("[]"));
    json_key(&j, "timings");
    json_obj(&j);
    json_knum(&j, "read_ms", (double)(r->read_us - r->began_us) / 1000);
    json_knum(&j, "transcribe_ms", (double)(now - r->began_us) / 1000);
    json_knum(&j, "compute_ms", (double) final->compute_us / 1000);
    json_end(&j);
    json_end(&j);
    try(json_finish(&j));
    exchange_reply(r->x, 200, "application/json", buf_str(&body));
    return OK;
}

static void on_job_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct transcription *r = arg;
    if (type != MSG_stt_final || !r->x)
        return;
    enum err err = answer(r, &msg->stt_final);
    if (err != OK)
        exchange_error(r->x, err, nullptr, nullptr);
    r->x = nullptr;
}

static void on_job_ended(void *arg, enum err err, const char *text)
{
    struct transcription *r = arg;
    r->job = nullptr;
    if (r->x)
        fail(r, err == OK ? ERR_ENGINE : err, text);
    else
        transcription_free(r);
}

/* --- samples --- */

static enum err feed(struct transcription *r)
{
    size_t at = 0;
    while (at < r->samples.n && job_backlog(r->job) < BACKLOG_HIGH) {
        const struct msg_audio audio = {str_sub(buf_str(&r->samples), at, at + PIECE)};
        try(job_send(r->job, MSG_audio, &audio));
        at += audio.samples.n;
    }
    buf_eat(&r->samples, at);
    if (r->reader && r->samples.n < READ_HIGH)
        reader_resume(r->reader);
    if (r->samples.n) {
        timer_start(&r->feeder, RECHECK_MS);
    } else if (r->all_read) {
        const struct msg_stt_finish finish = {};
        r->all_read = false;
        return job_send(r->job, MSG_stt_finish, &finish);
    }
    return OK;
}

static void on_feeder(void *arg)
{
    struct transcription *r = arg;
    enum err err = r->job ? feed(r) : OK;
    if (err != OK)
        fail(r, err, nullptr);
}

static void on_samples(void *arg, struct str s16le)
{
    struct transcription *r = arg;
    enum err err = buf_add(&r->samples, s16le);
    if (err == OK)
        err = feed(r);
    if (err != OK)
        fail(r, err, nullptr);
    else if (r->samples.n > READ_HIGH && r->reader)
        reader_pause(r->reader);
}

static void on_read(void *arg, struct str title, struct str notes)
{
    (void)title, (void)notes;
    struct transcription *r = arg;
    r->reader = nullptr;
    r->all_read = true;
    r->read_us = clock_us();
    enum err err = feed(r);
    if (err != OK)
        fail(r, err, nullptr);
}

static void on_read_failed(void *arg, enum err err, const char *sentence)
{
    struct transcription *r = arg;
    r->reader = nullptr;
    fail(r, err, sentence);
}

static void on_deadline(void *arg)
{
    fail(arg, ERR_TOOBIG, "the recording is too long to be transcribed in one request");
}

static enum err begin(struct transcription *r)
{
    static const struct job_events job_events = {.message = on_job_message, .ended = on_job_ended};
    static const struct reader_events reader_events = {
        .samples = on_samples, .done = on_read, .failed = on_read_failed};
    try(admit_request(r->server, &r->who, r->x));
    r->began_us = clock_us();
    try(engine_open(r->server->stt, &job_events, r, &r->job));
    const struct msg_stt_open open = {.rate_hz = PCM_RATE_RECOGNISE,
                                      .language = str_of(r->server->conf->language)};
    try(job_send(r->job, MSG_stt_open, &open));
    const struct reader_file file = {.kind = "sound", .name = "", .fd = r->fd, .size = r->size};
    try(reader_start(r->server->loop, &file, &reader_events, r, &r->reader));
    timer_start(&r->deadline, DEADLINE_MS);
    return OK;
}

/* --- the request --- */

static enum err keep(struct transcription *r, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(r->fd, bytes.p, bytes.n);
        if (n <= 0)
            return ERR_NOMEM;
        r->size += (uint64_t)n;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

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
    return keep(arg, bytes);
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
    enum err err = r->form ? multipart_feed(r->form, bytes) : keep(r, bytes);
    if (err != OK)
        fail(r, err,
             err == ERR_UNKNOWN || err == ERR_INVALID
                 ? "send the recording as one field called file"
                 : nullptr);
}

static void on_body_end(struct exchange *x, void *arg)
{
    (void)x;
    struct transcription *r = arg;
    enum err err = r->form ? multipart_finish(r->form) : OK;
    if (err == OK && r->size == 0) {
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
    static const struct multipart_events events = {
        .on_part = on_part, .on_data = on_part_data, .on_part_end = on_part_end};
    r->fd = memfd_create("recording", MFD_CLOEXEC);
    if (r->fd < 0)
        return ERR_BUSY;
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
    struct transcription *r = s->uploads < s->conf->max_uploads ? mem_zero(1, sizeof *r) : nullptr;
    if (!r) {
        exchange_error(x, ERR_BUSY, nullptr, nullptr);
        return;
    }
    s->uploads++;
    r->server = s;
    r->x = x;
    r->who = *who;
    r->fd = -1;
    r->samples = BUF(SAMPLES_MAX);
    timer_init(&r->feeder, s->loop, on_feeder, r);
    timer_init(&r->deadline, s->loop, on_deadline, r);
    enum err err = open_body(r, exchange_head(x));
    if (err != OK)
        fail(r, err, nullptr);
    else
        exchange_stream_body(x, (size_t)s->conf->max_body, &events, r);
}
