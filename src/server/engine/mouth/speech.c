// SPDX-License-Identifier: Apache-2.0
/* One text that is spoken elsewhere: asked for, read as it comes, and judged by how it ends. */
#include <stdio.h>

#include "base/clock.h"
#include "server/engine/mouth/parts.h"
#include "server/engine/remote/answer.h"

enum {
    REFUSAL_MAX = 64 * 1024,
    LENGTH_MS =
        5000, /* of any text's sound; and of each byte, far more than the slowest speaker needs */
    LENGTH_BYTE_MS = 250,
    LENGTH_MAX_MS = 60000, /* more where it is to speak slowly */
};

/* The request is over, in whatever way. */
static void hang_up(struct speech *s)
{
    timer_stop(&s->timer);
    if (!s->fetch)
        return;
    fetch_cancel(s->fetch);
    s->fetch = nullptr;
    s->mouth->live--;
}

/* By what is allocated, which does not shrink while the sound is passed on. */
static void count_held(struct speech *s)
{
    size_t held = s->samples.room + s->copy.room;
    s->mouth->held += held - s->held;
    s->held = held;
}

void speech_finish(struct speech *s)
{
    hang_up(s);
    s->mouth->held -= s->held;
    s->held = 0;
    mouth_sound_finish(&s->sound);
    struct buf *own[] = {&s->url, &s->body, &s->samples, &s->copy, &s->refusal};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        buf_finish(own[i]);
}

static void fail(struct speech *s, enum mouth_reason reason)
{
    hang_up(s);
    s->state = SPEECH_FAILED;
    s->reason = reason;
}

static void blame(struct speech *s, enum mouth_reason reason, enum speech_fault fault,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void blame(struct speech *s, enum mouth_reason reason, enum speech_fault fault,
                  const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, ap);
    va_end(ap);
    fail(s, reason);
    s->fault = fault;
    if (fault == SPEECH_SERVER)
        mouth_is_broken(s->mouth, s, reason, s->retry_after_s, "%s", s->why);
}

void speech_give_up(struct speech *s)
{
    if (s->sound.is_loud)
        blame(s, MOUTH_stalled, SPEECH_SERVER, "it fell behind while it spoke");
    else
        blame(s, MOUTH_late, SPEECH_SERVER, "it did not begin to speak in time");
}

/* --- what comes --- */

static void broke(struct speech *s, enum err err, const char *why)
{
    switch (err) {
    case ERR_NOMEM:
        fail(s, MOUTH_memory);
        return;
    case ERR_NOTFOUND:
    case ERR_TIMEOUT:
        blame(s, MOUTH_broken, SPEECH_SERVER, "it cannot be reached (%.110s)", why);
        return;
    case ERR_MEDIA:
        blame(s, MOUTH_no_sound, SPEECH_TEXT, "%s", s->sound.why);
        return;
    case ERR_TOOBIG:
        blame(s, MOUTH_endless, SPEECH_TEXT, "its sound goes on for longer than the text can");
        return;
    default:
        blame(s, MOUTH_broken, SPEECH_SERVER, "it broke off (%.110s)", why);
    }
}

/* Statuses that a server may have for one text and not for another. */
static bool is_of_text(int status)
{
    return status < 300 || status == 400 || status == 413 || status == 414 || status == 422 ||
           status == 500;
}

static void refused(struct speech *s, const struct fetch_result *result)
{
    char said[REMOTE_SAID_BYTES];
    int status = result->status;
    bool is_busy = status == 429 || status == 503;
    (void)!remote_refusal_read(buf_str(&s->refusal), str_of(s->mouth->key), said);
    const char *advice =
        status == 401 || status == 403  ? "it does not accept the key of tts.key_file"
        : status == 404                 ? "it knows no such address, model or voice; see tts.url, "
                                          "tts.remote_model and tts.remote_voice"
        : status == 429                 ? "it has too much to do"
        : status >= 300 && status < 400 ? "it sends us elsewhere, where nobody follows"
        : status >= 400 && status < 500 ? "it refuses the text, the model or the voice; see "
                                          "tts.remote_model and tts.remote_voice"
                                        : "it has failed";
    enum mouth_reason reason = is_busy                          ? MOUTH_busy
                               : status >= 300 && status <= 499 ? MOUTH_refused
                                                                : MOUTH_failed;
    s->retry_after_s = result->retry_after_s;
    blame(s, reason,
          is_busy              ? SPEECH_CROWD
          : is_of_text(status) ? SPEECH_TEXT
                               : SPEECH_SERVER,
          "%s (HTTP %d)%s%s", advice, status, said[0] ? ": " : "", said);
}

/* One that is not kept is asked for again, which is no harm. */
static void copy_from(struct speech *s, size_t from)
{
    if (s->copy.cap == 0 ||
        buf_add(&s->copy, str_sub(buf_str(&s->samples), from, s->samples.n)) == OK)
        return;
    buf_finish(&s->copy);
    s->copy.cap = 0;
}

static enum err hear(struct speech *s, struct str bytes)
{
    if (s->sound.bytes == 0)
        mouth_sound_init(&s->sound, fetch_header(s->fetch, "content-type"), s->ms_max);
    size_t from = s->samples.n;
    enum err err = mouth_sound_feed(&s->sound, bytes, &s->samples);
    copy_from(s, from);
    count_held(s);
    return err;
}

static void on_body(void *arg, struct str bytes)
{
    struct speech *s = arg;
    if (fetch_status(s->fetch) != 200) {
        if (buf_add(&s->refusal, str_sub(bytes, 0, REFUSAL_MAX - s->refusal.n)) != OK) {
            broke(s, ERR_NOMEM, "");
            s->on_news(s->arg);
        }
        return;
    }
    bool was_loud = s->sound.is_loud;
    enum err err = hear(s, bytes);
    if (s->sound.is_loud && !was_loud)
        s->first_ms = clock_ms() - s->asked_ms;
    if (err != OK)
        broke(s, err, err_text(err));
    s->on_news(s->arg);
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct speech *s = arg;
    s->fetch = nullptr;
    s->mouth->live--;
    timer_stop(&s->timer);
    enum err err = result->err;
    if (err == OK && result->status != 200) {
        refused(s, result);
    } else {
        size_t from = s->samples.n;
        if (err == OK)
            err = mouth_sound_end(&s->sound, &s->samples);
        copy_from(s, from);
        if (err == OK)
            s->state = SPEECH_WHOLE;
        else
            broke(s, err, result->err == OK ? s->sound.why : result->why);
    }
    s->on_news(s->arg);
}

static void on_timer(void *arg)
{
    struct speech *s = arg;
    speech_give_up(s);
    s->on_news(s->arg);
}

/* --- what is asked --- */

static uint32_t most_ms(size_t bytes, float speed)
{
    double ms = LENGTH_MS + (double)bytes * LENGTH_BYTE_MS / (double)speed;
    double most = LENGTH_MAX_MS / (speed < 1 ? (double)speed : 1);
    return (uint32_t)(ms < most ? ms : most);
}

static enum err ask(struct speech *s, struct str text, float speed)
{
    static const struct fetch_events events = {.body = on_body, .done = on_done};
    static const char *const headers[] = {"Accept: audio/pcm, audio/wav, */*;q=0.1", nullptr};
    struct mouth *m = s->mouth;
    const struct mouth_ask what = {.api = m->api,
                                   .url = m->url,
                                   .model = m->model,
                                   .voice = m->voice,
                                   .language = m->language,
                                   .speed = speed,
                                   .text = text};
    try(mouth_ask_write(&what, &s->url, &s->body));
    const char *url = buf_z(&s->url);
    if (!url)
        return ERR_NOMEM;
    const struct fetch_request request = {.url = url,
                                          .key = m->key,
                                          .body = buf_str(&s->body),
                                          .connect_ms = m->connect_ms,
                                          .headers = headers};
    try(fetch_start(m->fetcher, &request, &events, s, &s->fetch));
    m->live++;
    timer_start(&s->timer, m->reply_ms);
    return OK;
}

enum err speech_begin(struct speech *s, struct mouth *m, struct str text, float speed,
                      void (*on_news)(void *arg), void *arg)
{
    uint32_t ms = most_ms(text.n, speed);
    *s =
        (struct speech){.mouth = m,
                        .url = BUF(MOUTH_ASK_MAX),
                        .body = BUF(MOUTH_ASK_MAX),
                        .samples = BUF(((size_t)ms + 1000) * PCM_RATE_MAX / 1000 * sizeof(int16_t)),
                        .refusal = BUF(REFUSAL_MAX),
                        .asked_ms = clock_ms(),
                        .ms_max = ms,
                        .on_news = on_news,
                        .arg = arg};
    timer_init(&s->timer, m->engine->loop, on_timer, s);
    return ask(s, text, speed);
}

enum err speech_again(struct speech *s, struct mouth *m, const struct buf *samples,
                      uint32_t rate_hz)
{
    *s = (struct speech){.mouth = m,
                         .state = SPEECH_WHOLE,
                         .sound = {.rate_hz = rate_hz, .is_loud = true},
                         .samples = BUF(samples->n)};
    timer_init(&s->timer, m->engine->loop, on_timer, s);
    enum err err = buf_add(&s->samples, buf_str(samples));
    count_held(s);
    return err;
}
