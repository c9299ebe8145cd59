// SPDX-License-Identifier: Apache-2.0
#include "stt/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "audio/resample.h"
#include "base/clock.h"
#include "base/mem.h"
#include "stt/endpoint.h"
#include "stt/segments.h"
#include "wire/agree.h"
#include "wire/partials.h"

enum {
    PIECE_MAX_BYTES = 1 << 20, /* one audio message, at the driver's rate */
    LANGUAGE_MAX = 16,
    PROMPT_MAX = 16 * 1024,
};
enum { SEGMENTS_NONE, SEGMENTS_WANTED, SEGMENTS_TIMED }; /* as stt_open has it */

static const struct stt_driver *driver; /* const after stream_use */
static uint32_t rate_hz;                /* const after stream_use */

struct stream {
    struct worker_stream *wire;
    bool opened, partials, progress; /* progress: partials tell how far it is, too */
    bool settled;                    /* only what stays is told */
    uint32_t segments;
    struct stt_request request;
    char language[LANGUAGE_MAX];
    char why[STT_WHY_BYTES];
    struct buf prompt;
    struct resample *resample;
    struct pcm_carry carry;
    struct buf in, piece; /* one message: as it came, at the driver's rate */
    uint64_t heard;       /* samples at the driver's rate, speech or not */
    uint64_t compute_us;  /* until `from_us`, without rests */
    uint64_t from_us;     /* clock */
    uint64_t rests_at_us; /* clock */

    struct endpoint *endpoint;       /* NULL: everything is the utterance */
    uint32_t speech_at_ms;           /* where the utterance begins in the stream */
    struct stt_utterance *utterance; /* NULL: nobody has spoken yet, or it is over */
    uint64_t spoken;                 /* samples of the utterance */
    uint64_t asked;                  /* `spoken` when the last hypothesis was asked for */
    bool over;                       /* the final has been sent */

    struct agree agree;
    struct buf text, sent; /* the present hypothesis, the last partial */
    size_t sent_stable;
};

void stream_use(const struct stt_driver *d, uint32_t hz)
{
    driver = d;
    rate_hz = hz;
}

static bool is_stopped(void *arg)
{
    return worker_canceled(((const struct stream *)arg)->wire);
}

static void rest(void *arg)
{
    struct stream *st = arg;
    st->rests_at_us = clock_us();
    worker_rest();
}

static void resume(void *arg)
{
    struct stream *st = arg;
    worker_resume();
    st->from_us += clock_us() - st->rests_at_us;
}

enum err stream_open(struct worker_stream *s, void **ret_state)
{
    struct stream *st = mem_zero(1, sizeof *st);
    if (st == nullptr)
        return ERR_NOMEM;
    st->wire = s;
    st->in.cap = WIRE_PAYLOAD_MAX + sizeof(int16_t);
    st->piece.cap = PIECE_MAX_BYTES;
    st->text.cap = st->sent.cap = STT_TEXT_MAX + 1;
    st->prompt.cap = PROMPT_MAX;
    agree_init(&st->agree, driver->agreeing, STT_TEXT_MAX + 1);
    *ret_state = st;
    return OK;
}

static void close_utterance(struct stream *st)
{
    if (st->utterance != nullptr)
        driver->close(st->utterance);
    st->utterance = nullptr;
}

void stream_close(void *state)
{
    struct stream *st = state;
    close_utterance(st);
    endpoint_destroy(st->endpoint);
    resample_destroy(st->resample);
    agree_finish(&st->agree);
    buf_finish(&st->in);
    buf_finish(&st->piece);
    buf_finish(&st->text);
    buf_finish(&st->sent);
    buf_finish(&st->prompt);
    free(st);
}

static uint32_t ms_of(uint64_t samples)
{
    return (uint32_t)pcm_samples_to_ms(samples, rate_hz);
}

/* --- the utterance --- */

static enum err begin_utterance(struct stream *st, uint32_t at_ms)
{
    st->speech_at_ms = at_ms;
    return driver->open(&st->request, &st->utterance);
}

static enum err send_partial(struct stream *st)
{
    size_t stable;
    struct str text;
    bool sure = true;
    buf_clear(&st->text);
    enum err err = driver->partial(st->utterance, &st->text, &sure);
    if (err == ERR_AGAIN)
        return OK;
    try(err);
    try(agree_next(&st->agree, buf_str(&st->text), sure, &text, &stable));
    bool same = str_eq(text, buf_str(&st->sent)) && stable == st->sent_stable;
    if (!st->progress && (text.n == 0 || same))
        return OK;
    buf_clear(&st->sent);
    try(buf_add(&st->sent, text));
    st->sent_stable = stable;
    const struct msg_stt_partial partial = {
        .text = buf_str(&st->sent),
        .stable_bytes = (uint32_t)stable,
        .audio_ms = st->speech_at_ms + ms_of(st->spoken),
    };
    return worker_send(st->wire, MSG_stt_partial, &partial);
}

static enum err send_settled(struct stream *st)
{
    const struct msg_stt_partial partial = {.text = driver->settled(st->utterance),
                                            .stable_bytes =
                                                (uint32_t)driver->settled(st->utterance).n,
                                            .audio_ms = st->speech_at_ms + ms_of(st->spoken)};
    if (partial.text.n == st->sent_stable)
        return OK;
    st->sent_stable = partial.text.n;
    return worker_send(st->wire, MSG_stt_partial, &partial);
}

static enum err hear_speech(void *arg, const int16_t *samples, size_t count)
{
    struct stream *st = arg;
    if (st->utterance == nullptr)
        return OK; /* over: what follows is the next stream's */
    try(driver->feed(st->utterance, samples, count));
    st->spoken += count;
    if (st->settled)
        return send_settled(st);
    if (!st->partials || ms_of(st->spoken - st->asked) < driver->step_ms)
        return OK;
    st->asked = st->spoken;
    return send_partial(st);
}

static enum err send_segment(void *arg, const struct msg_stt_segment *segment)
{
    struct stream *st = arg;
    return worker_send(st->wire, MSG_stt_segment, segment);
}

/* It was to be found out, and nothing was heard that tells. */
static bool is_left_open(const struct stream *st)
{
    return str_eq_nocase(st->request.language, S("auto"));
}

static enum err send_final(struct stream *st, struct stt_result *result)
{
    for (size_t i = 0; i < result->words_n; i++) {
        result->words[i].start_ms += st->speech_at_ms;
        result->words[i].end_ms += st->speech_at_ms;
    }
    if (st->segments != SEGMENTS_NONE)
        try(segments_tell(result, driver->times_words, send_segment, st));
    const struct msg_stt_final final = {
        .text = buf_str(&result->text),
        .audio_ms = ms_of(st->heard),
        .compute_us = st->compute_us,
        .language = result->language   ? str_of(result->language)
                    : is_left_open(st) ? S("")
                                       : st->request.language,
    };
    try(worker_send(st->wire, MSG_stt_final, &final));
    st->over = true;
    worker_end(st->wire);
    return OK;
}

static void count_time(struct stream *st)
{
    uint64_t now_us = clock_us();
    st->compute_us += now_us - st->from_us;
    st->from_us = now_us;
}

static enum err end_utterance(struct stream *st)
{
    struct stt_result result = {.text = BUF(STT_TEXT_MAX)};
    enum err err = OK;
    if (st->utterance != nullptr)
        err = driver->finish(st->utterance, &result);
    close_utterance(st);
    count_time(st);
    if (err == OK)
        err = send_final(st, &result);
    stt_result_finish(&result);
    return err;
}

/* --- where it begins and ends --- */

static enum err speech_started(void *arg, uint32_t at_ms)
{
    struct stream *st = arg;
    if (st->over || st->utterance != nullptr)
        return OK;
    const struct msg_stt_speech speech = {.started = 1, .at_ms = at_ms};
    try(worker_send(st->wire, MSG_stt_speech, &speech));
    return begin_utterance(st, at_ms);
}

static enum err speech_ended(void *arg, uint32_t at_ms)
{
    struct stream *st = arg;
    if (st->over || st->utterance == nullptr)
        return OK;
    const struct msg_stt_speech speech = {.started = 0, .at_ms = at_ms};
    try(worker_send(st->wire, MSG_stt_speech, &speech));
    return end_utterance(st);
}

static enum err hear(struct stream *st)
{
    const int16_t *samples = (const int16_t *)st->piece.p;
    size_t count = st->piece.n / sizeof *samples;
    st->heard += count;
    enum err err = st->endpoint != nullptr ? endpoint_feed(st->endpoint, samples, count)
                                           : hear_speech(st, samples, count);
    buf_clear(&st->piece);
    return err;
}

/* --- messages --- */

static enum err on_open(struct stream *st, const struct msg_stt_open *m)
{
    if (st->opened)
        return ERR_SYNTAX;
    st->opened = true;
    if (m->rate_hz < PCM_RATE_MIN || m->rate_hz > PCM_RATE_MAX) {
        snprintf(st->why, sizeof st->why, "the rate must be %u to %u Hz", PCM_RATE_MIN,
                 PCM_RATE_MAX);
        return ERR_INVALID;
    }
    if (m->language.n > sizeof st->language)
        return ERR_INVALID;
    memcpy(st->language, m->language.p, m->language.n);
    if (m->segments == SEGMENTS_TIMED && !driver->times_words) {
        snprintf(
            st->why, sizeof st->why,
            "this recogniser does not measure when each word was said, only when segments were; "
            "the built-in one does");
        return ERR_INVALID;
    }
    try(buf_add(&st->prompt, m->prompt));
    st->settled = m->partials == PARTIALS_SETTLED && driver->settled != nullptr;
    st->partials = m->partials != PARTIALS_NONE && m->partials != PARTIALS_SETTLED &&
                   driver->partial != nullptr;
    st->progress = m->partials == PARTIALS_PROGRESS;
    st->segments = m->segments;
    st->request = (struct stt_request){
        .adapt = m->adapt != 0,
        .language = {st->language, m->language.n},
        .prompt = buf_str(&st->prompt),
        .translate = m->translate != 0,
        .temperature = m->temperature >= 0 && m->temperature <= 1 ? m->temperature : 0,
        .stopped = is_stopped,
        .arg = st,
        .why = st->why,
        .rest = rest,
        .resume = resume,
    };
    try(resample_create(m->rate_hz, rate_hz, &st->resample));
    if (m->endpoint == 0)
        return begin_utterance(st, 0);
    static const struct endpoint_events events = {
        .started = speech_started, .speech = hear_speech, .ended = speech_ended};
    return endpoint_create(&events, st, &st->endpoint);
}

static enum err on_audio(struct stream *st, struct str samples)
{
    buf_clear(&st->in);
    try(pcm_feed(&st->carry, samples, &st->in));
    try(resample_run(st->resample, (const int16_t *)st->in.p, st->in.n / sizeof(int16_t),
                     &st->piece));
    return hear(st);
}

static enum err on_finish(struct stream *st)
{
    try(resample_flush(st->resample, &st->piece));
    try(hear(st));
    if (!st->over && st->endpoint != nullptr)
        try(endpoint_end(st->endpoint));
    return st->over ? OK : end_utterance(st);
}

static enum err on_message(struct stream *st, uint16_t type, const union msg *msg)
{
    if (type == MSG_stt_open)
        return on_open(st, &msg->stt_open);
    if (!st->opened)
        return ERR_SYNTAX;
    if (type == MSG_audio)
        return on_audio(st, msg->audio.samples);
    return type == MSG_stt_finish ? on_finish(st) : ERR_SYNTAX;
}

enum err stream_message(void *state, struct worker_stream *s, uint16_t type, const union msg *msg)
{
    struct stream *st = state;
    st->from_us = clock_us();
    enum err err = on_message(st, type, msg);
    count_time(st);
    if (err == ERR_TOOBIG && st->why[0] == '\0')
        snprintf(st->why, sizeof st->why, "the recording is too long; cut it into shorter ones");
    if (err != OK && err != ERR_CANCELED && st->why[0] != '\0')
        worker_why(s, "%s", st->why);
    return err;
}
