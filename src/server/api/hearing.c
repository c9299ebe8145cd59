// SPDX-License-Identifier: Apache-2.0
#include "server/api/hearing.h"

#include <sys/mman.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/mem.h"
#include "server/api/server.h"
#include "server/engine/reader.h"
#include "wire/partials.h"

enum {
    DEADLINE_MS = 600000,      /* of a file; of live sound, beside the longest utterance */
    BACKLOG_HIGH = 256 * 1024, /* samples under way to the recogniser */
    READ_HIGH = 1024 * 1024,   /* samples read from the file and not passed on: the reader waits */
    TEXT_MAX = WIRE_PAYLOAD_MAX,
    SAMPLES_MAX = 64 * 1024 * 1024,
    PIECE = 32 * 1024,
    RECHECK_MS = 10,
};

struct hearing {
    struct server *server;
    const struct hearing_events *events;
    void *arg;
    int fd; /* memfd: the recording; -1: nothing of one has come */
    uint64_t size;
    struct reader *reader;
    struct job *job;
    struct timer feeder, deadline;
    struct buf samples; /* read, not passed on */
    bool all_read, was_heard, tells_news, is_behind;
    struct buf told; /* with news */
    uint64_t began_us, read_us;
};

static void on_feeder(void *arg);
static void on_deadline(void *arg);

enum err hearing_create(struct server *s, const struct hearing_events *events, void *arg,
                        struct hearing **ret_h)
{
    if (s->uploads >= s->conf->max_uploads)
        return ERR_BUSY;
    struct hearing *h = mem_zero(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->fd = -1;
    s->uploads++;
    h->server = s;
    h->events = events;
    h->arg = arg;
    h->samples = BUF(SAMPLES_MAX);
    h->told = BUF(TEXT_MAX);
    timer_init(&h->feeder, s->loop, on_feeder, h);
    timer_init(&h->deadline, s->loop, on_deadline, h);
    *ret_h = h;
    return OK;
}

void hearing_destroy(struct hearing *h)
{
    if (!h)
        return;
    h->server->uploads--;
    reader_cancel(h->reader);
    job_cancel(h->job);
    timer_stop(&h->feeder);
    timer_stop(&h->deadline);
    buf_finish(&h->samples);
    buf_finish(&h->told);
    if (h->fd >= 0)
        close(h->fd);
    free(h);
}

enum err hearing_add(struct hearing *h, struct str bytes)
{
    if (h->fd < 0)
        h->fd = memfd_create("recording", MFD_CLOEXEC);
    if (h->fd < 0)
        return ERR_BUSY;
    while (bytes.n) {
        ssize_t n = write(h->fd, bytes.p, bytes.n);
        if (n <= 0)
            return ERR_NOMEM;
        h->size += (uint64_t)n;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

struct str hearing_language(const struct msg_stt_final *final, struct str wished)
{
    if (final->language.n)
        return final->language;
    return str_eq_nocase(wished, S("auto")) ? S("") : wished;
}

uint64_t hearing_size(const struct hearing *h)
{
    return h->size;
}

uint64_t hearing_us(const struct hearing *h)
{
    return clock_us() - h->began_us;
}

uint64_t hearing_read_us(const struct hearing *h)
{
    return h->read_us - h->began_us;
}

static void end(struct hearing *h, enum err err, const char *sentence)
{
    h->events->ended(h->arg, err, sentence);
}

/* --- words --- */

/* Nothing that was told can be taken back. */
static enum err tell_news(struct hearing *h, struct str text)
{
    if (!h->tells_news)
        return OK;
    if (!str_starts(text, buf_str(&h->told)))
        return ERR_ENGINE;
    struct str news = str_sub(text, h->told.n, text.n);
    try(buf_add(&h->told, news));
    return news.n ? h->events->news(h->arg, news) : OK;
}

static enum err on_final(struct hearing *h, const struct msg_stt_final *final)
{
    try(tell_news(h, final->text));
    h->was_heard = true;
    h->events->heard(h->arg, final);
    return OK;
}

static void on_job_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct hearing *h = arg;
    enum err err = OK;
    if (h->was_heard)
        return;
    if (type == MSG_stt_partial)
        err = tell_news(h, msg->stt_partial.text);
    else if (type == MSG_stt_segment)
        err = h->events->segment(h->arg, &msg->stt_segment);
    else if (type == MSG_stt_final)
        err = on_final(h, &msg->stt_final);
    if (err != OK)
        end(h, err, nullptr);
}

static void on_job_ended(void *arg, enum err err, const char *text)
{
    struct hearing *h = arg;
    h->job = nullptr;
    end(h, err == OK && !h->was_heard ? ERR_ENGINE : err, text && text[0] ? text : nullptr);
}

/* --- samples --- */

static enum err feed(struct hearing *h)
{
    size_t at = 0;
    while (at < h->samples.n && job_backlog(h->job) < BACKLOG_HIGH) {
        const struct msg_audio audio = {str_sub(buf_str(&h->samples), at, at + PIECE)};
        try(job_send(h->job, MSG_audio, &audio));
        at += audio.samples.n;
    }
    buf_eat(&h->samples, at);
    if (h->reader && h->samples.n < READ_HIGH)
        reader_resume(h->reader);
    if (h->samples.n) {
        timer_start(&h->feeder, RECHECK_MS);
    } else if (h->all_read) {
        const struct msg_stt_finish finish = {};
        h->all_read = false;
        return job_send(h->job, MSG_stt_finish, &finish);
    }
    return OK;
}

static void on_feeder(void *arg)
{
    struct hearing *h = arg;
    enum err err = h->job ? feed(h) : OK;
    if (err != OK) {
        end(h, err, nullptr);
    } else if (h->is_behind && h->samples.n < READ_HIGH / 2) {
        h->is_behind = false;
        h->events->eased(h->arg);
    }
}

static void on_samples(void *arg, struct str s16le)
{
    struct hearing *h = arg;
    enum err err = buf_add(&h->samples, s16le);
    if (err == OK)
        err = feed(h);
    if (err != OK)
        end(h, err, nullptr);
    else if (h->samples.n > READ_HIGH && h->reader)
        reader_pause(h->reader);
}

static void on_read(void *arg, struct str title, struct str notes)
{
    (void)title, (void)notes;
    struct hearing *h = arg;
    h->reader = nullptr;
    h->all_read = true;
    h->read_us = clock_us();
    enum err err = feed(h);
    if (err != OK)
        end(h, err, nullptr);
}

static void on_read_failed(void *arg, enum err err, const char *sentence)
{
    struct hearing *h = arg;
    h->reader = nullptr;
    end(h, err, sentence);
}

static void on_deadline(void *arg)
{
    end(arg, ERR_TOOBIG, "the recording is too long to be transcribed in one request");
}

static enum err open_job(struct hearing *h, uint32_t rate_hz, uint64_t most_ms,
                         const struct hearing_wish *wish)
{
    static const struct job_events job_events = {.message = on_job_message, .ended = on_job_ended};
    h->began_us = clock_us();
    try(engine_open(h->server->stt, &job_events, h, &h->job));
    const struct msg_stt_open open = {.rate_hz = rate_hz,
                                      .partials = wish->news ? PARTIALS_SETTLED : PARTIALS_NONE,
                                      .language = wish->language,
                                      .segments = wish->segments,
                                      .translate = wish->translate,
                                      .temperature = (float)wish->temperature,
                                      .prompt = wish->prompt};
    h->tells_news = wish->news;
    timer_start(&h->deadline, most_ms);
    return job_send(h->job, MSG_stt_open, &open);
}

enum err hearing_begin(struct hearing *h, const struct hearing_wish *wish)
{
    static const struct reader_events reader_events = {
        .samples = on_samples, .done = on_read, .failed = on_read_failed};
    try(open_job(h, PCM_RATE_RECOGNISE, DEADLINE_MS, wish));
    const struct reader_file file = {.kind = "sound", .name = "", .fd = h->fd, .size = h->size};
    return reader_start(h->server->loop, &file, &reader_events, h, &h->reader);
}

/* --- live ---------------------------------------------------------------------------------------- */

enum err hearing_begin_live(struct hearing *h, uint32_t rate_hz, const struct hearing_wish *wish)
{
    return open_job(h, rate_hz, (uint64_t)h->server->conf->utterance_ms + DEADLINE_MS, wish);
}

enum err hearing_sound(struct hearing *h, struct str s16le)
{
    try(buf_add(&h->samples, s16le));
    try(h->job ? feed(h) : ERR_ENGINE);
    h->is_behind = h->is_behind || h->samples.n >= READ_HIGH;
    return OK;
}

bool hearing_is_behind(const struct hearing *h)
{
    return h->is_behind;
}

enum err hearing_stop(struct hearing *h)
{
    h->all_read = true;
    h->read_us = clock_us();
    return h->job ? feed(h) : ERR_ENGINE;
}
