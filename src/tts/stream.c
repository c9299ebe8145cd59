// SPDX-License-Identifier: Apache-2.0
#include "tts/stream.h"

#include "audio/kept.h"
#include "audio/loudness.h"
#include "audio/resample.h"
#include "base/clock.h"
#include "base/mem.h"
#include "tts/again.h"
#include "tts/coder.h"
#include "tts/lent.h"
#include "tts/normalise.h"
#include "tts/phrase.h"
#include "tts/text/speakable.h"
#include "tts/trim.h"

/* Lengths of the first pieces; all later ones have the last length. Each is whole frames of Opus. */
static const uint32_t piece_ms[] = {20, 20, 40, 40, 80, 120};
enum {
    PIECES = sizeof piece_ms / sizeof *piece_ms,
    SOUND_MAX_BYTES = 32 * 1024 * 1024,
    AGAIN_SAMPLES = 1024, /* of a piece that is there already */
};

static const struct tts_driver *driver; /* const after stream_use */

struct stream {
    struct worker_stream *wire;
    struct tts_voice *voice; /* NULL before tts_open */
    struct resample *resample;
    struct coder *coder;
    uint32_t out_hz;
    float speed;
    struct fence in_code;     /* the clauses so far end within a block of code */
    struct lent lent;         /* with a rate: this clause has begun with sound from elsewhere */
    struct loudness loudness; /* of our own */
    struct trim trim;
    struct buf voiced;                       /* one piece from the driver, trimmed, at its rate */
    struct buf out;                          /* at out_hz, not yet sent */
    unsigned pieces;                         /* sent so far */
    uint32_t clauses, samples, clause_began; /* samples: sent so far */
    uint32_t pause_ms;                       /* due before the next sound */
    uint64_t number;                         /* of this stream */
    struct buf said;                         /* of the phrase, as the driver gave it */
    bool keeps;                              /* all of it is to be there in the end */
    uint64_t waited_us;                      /* in this clause's text, for the listener */
    enum err err;                            /* why a piece was refused */
};

void stream_use(const struct tts_driver *d)
{
    driver = d;
}

enum err stream_open(struct worker_stream *s, void **ret_state)
{
    struct stream *st = mem_zero(1, sizeof *st);
    if (st == nullptr)
        return ERR_NOMEM;
    st->wire = s;
    st->voiced.cap = st->out.cap = SOUND_MAX_BYTES;
    st->said.cap = KEPT_SOUND_MAX;
    st->number = again_stream();
    *ret_state = st;
    return OK;
}

void stream_close(void *state)
{
    struct stream *st = state;
    if (st->voice != nullptr)
        driver->voice_close(st->voice);
    resample_destroy(st->resample);
    lent_finish(&st->lent);
    coder_destroy(st->coder);
    trim_finish(&st->trim);
    buf_finish(&st->voiced);
    buf_finish(&st->said);
    buf_finish(&st->out);
    free(st);
}

/* Names the voices there are, as many as fit. */
static void say_unknown_voice(struct stream *st, struct str name)
{
    enum { LIST_MAX = 120, LIST_BYTES = 512 * 1024 }; /* a model may have thousands */
    autobuf list = BUF(LIST_BYTES);
    if (driver->voices(&list) != OK)
        return;
    struct str shown = buf_str(&list), rest = {nullptr, 0};
    if (shown.n > LIST_MAX) {
        size_t n = LIST_MAX;
        while (n > 0 && shown.p[n] != ',')
            n--;
        rest = str_sub(shown, n, shown.n);
        shown.n = n;
    }
    size_t more = 0;
    for (size_t i = 0; i < rest.n; i++)
        more += rest.p[i] == ',';
    if (more > 0)
        worker_why(st->wire, "there is no voice \"%.*s\"; there are %.*s and %zu more",
                   STR_FMT(str_sub(name, 0, utf8_prefix(name, 40))), STR_FMT(shown), more);
    else
        worker_why(st->wire, "there is no voice \"%.*s\"; there are %.*s",
                   STR_FMT(str_sub(name, 0, utf8_prefix(name, 40))), STR_FMT(shown));
}

static enum err send_sound(void *to, struct str bytes)
{
    struct stream *st = to;
    uint64_t from = clock_us();
    enum err err = worker_send(st->wire, MSG_audio, &(struct msg_audio){bytes});
    st->waited_us += clock_us() - from;
    return err;
}

static enum err open_coder(struct stream *st, struct str format)
{
    enum err err = coder_create(format, st->out_hz, send_sound, st, &st->coder);
    if (err == ERR_INVALID)
        worker_why(st->wire, "%s", coder_rates(format));
    return err;
}

static enum err on_open(struct stream *st, const struct msg_tts_open *m)
{
    if (st->voice != nullptr)
        return ERR_SYNTAX;
    if (m->rate_hz != 0 && (m->rate_hz < PCM_RATE_MIN || m->rate_hz > PCM_RATE_MAX)) {
        worker_why(st->wire, "the rate must be %u to %u Hz", PCM_RATE_MIN, PCM_RATE_MAX);
        return ERR_INVALID;
    }
    st->speed = m->speed == 0.0f ? 1.0f : m->speed;
    if (!(st->speed >= TTS_SPEED_MIN && st->speed <= TTS_SPEED_MAX)) { /* also no NaN */
        worker_why(st->wire, "the speed must be %.2f to %.0f", (double)TTS_SPEED_MIN,
                   (double)TTS_SPEED_MAX);
        return ERR_INVALID;
    }
    enum err err = driver->voice_open(m->voice, &st->voice);
    if (err == ERR_NOTFOUND)
        say_unknown_voice(st, m->voice);
    try(err);
    st->out_hz = m->rate_hz == 0 ? st->voice->rate_hz : m->rate_hz;
    try(resample_create(st->voice->rate_hz, st->out_hz, &st->resample));
    try(open_coder(st, m->format));
    return worker_send(st->wire, MSG_tts_format, &(struct msg_tts_format){st->out_hz});
}

static enum err send_piece(struct stream *st, size_t bytes)
{
    size_t count = bytes / sizeof(int16_t);
    try(coder_run(st->coder, (const int16_t *)st->out.p, count));
    st->samples += (uint32_t)count;
    st->pieces++;
    buf_eat(&st->out, bytes);
    return OK;
}

static enum err add_silence(struct buf *sound, size_t bytes)
{
    if (bytes == 0)
        return OK;
    try(buf_reserve(sound, bytes));
    memset(sound->p + sound->n, 0, bytes);
    sound->n += bytes;
    return OK;
}

/* Sends what makes whole pieces; `all` also sends the rest, filled up with silence where the format
 * has whole frames only. */
static enum err send_pieces(struct stream *st, bool all)
{
    for (;;) {
        uint32_t ms = piece_ms[st->pieces < PIECES ? st->pieces : PIECES - 1];
        size_t bytes = (size_t)pcm_ms_to_samples(ms, st->out_hz) * sizeof(int16_t);
        if (st->out.n < bytes) {
            if (!all || st->out.n == 0)
                return OK;
            size_t frame = coder_grain(st->coder) * sizeof(int16_t);
            try(add_silence(&st->out, (frame - st->out.n % frame) % frame));
            bytes = st->out.n;
        }
        try(send_piece(st, bytes));
    }
}

/* What the trimmer let through goes out, with the pause that was due before it. */
static enum err deliver(struct stream *st, struct resample *resample)
{
    if (st->voiced.n == 0)
        return OK;
    size_t silence = (size_t)pcm_ms_to_samples(st->pause_ms, st->out_hz) * sizeof(int16_t);
    try(add_silence(&st->out, silence));
    st->pause_ms = 0;
    try(resample_run(resample, (const int16_t *)st->voiced.p, st->voiced.n / sizeof(int16_t),
                     &st->out));
    buf_clear(&st->voiced);
    return send_pieces(st, false);
}

static bool on_piece(void *to, const int16_t *samples, size_t count)
{
    struct stream *st = to;
    st->err = worker_canceled(st->wire) ? ERR_CANCELED : OK;
    if (st->err == OK)
        st->err = trim_run(&st->trim, samples, count, &st->voiced);
    if (st->err == OK)
        st->err = deliver(st, st->resample);
    loudness_add(&st->loudness, st->voice->rate_hz, samples, count);
    if (st->keeps)
        st->keeps =
            buf_add(&st->said, (struct str){(const char *)samples, count * sizeof *samples}) == OK;
    return st->err == OK;
}

static void watch(void *to, void (*stop)(void *arg), void *arg)
{
    struct stream *st = to;
    worker_on_cancel(st->wire, stop, arg);
}

/* Of a phrase, which decides the pause after it. */
static enum err end_sound(struct stream *st, struct resample *resample, struct str phrase)
{
    try(trim_end(&st->trim, &st->voiced));
    try(deliver(st, resample));
    try(resample_flush(resample, &st->out));
    st->pause_ms = (uint32_t)((float)phrase_pause_ms(phrase) / st->speed);
    return send_pieces(st, false);
}

static enum err hand_over_again(struct stream *st)
{
    const int16_t *samples = (const int16_t *)st->said.p;
    size_t count = st->said.n / sizeof *samples, n;
    for (; count > 0; samples += n, count -= n) {
        n = count < AGAIN_SAMPLES ? count : AGAIN_SAMPLES;
        if (!on_piece(st, samples, n))
            break;
    }
    return st->err;
}

static enum err synthesise(struct stream *st, struct str phrase, char why[TTS_WHY_BYTES])
{
    const struct tts_listener listener = {on_piece, watch, st};
    const struct tts_voice *voice = st->voice;
    bool is_wanted;
    buf_clear(&st->said);
    st->keeps = false;
    st->err = OK;
    if (again_find(voice, phrase, st->speed, st->number, &st->said, &is_wanted) == OK)
        return hand_over_again(st);
    st->keeps = is_wanted;
    enum err err = voice->driver->synthesise(st->voice, phrase, st->speed, &listener, why);
    if (err == OK && st->err == OK && st->keeps)
        again_keep(voice, phrase, st->speed, &st->said);
    return err;
}

static enum err speak_phrase(struct stream *st, struct str phrase)
{
    char why[TTS_WHY_BYTES] = "";
    trim_begin(&st->trim, st->voice->rate_hz);
    enum err err = synthesise(st, phrase, why);
    if (st->err != OK)
        return st->err;
    if (err != OK) {
        if (why[0] != '\0')
            worker_why(st->wire, "%s", why);
        return err;
    }
    lent_own_level(loudness_level(&st->loudness, st->voice->rate_hz));
    return end_sound(st, st->resample, phrase);
}

/* In the place of the text of a clause, as far as it goes. */
static enum err on_sound(struct stream *st, const struct msg_tts_sound *m)
{
    if (st->voice == nullptr || (st->lent.rate_hz != 0 && st->lent.rate_hz != m->rate_hz))
        return ERR_SYNTAX;
    if (st->lent.rate_hz == 0) {
        try(lent_begin(&st->lent, m->rate_hz, st->out_hz, m->level));
        trim_begin(&st->trim, m->rate_hz);
        st->clause_began = st->samples;
    }
    try(lent_run(&st->lent, m->samples));
    try(trim_run(&st->trim, (const int16_t *)st->lent.samples.p,
                 st->lent.samples.n / sizeof(int16_t), &st->voiced));
    return deliver(st, st->lent.resample);
}

/* `rest`: where words of it are still to be spoken, they follow without much of a pause. */
static enum err end_lent(struct stream *st, struct str rest)
{
    st->lent.rate_hz = 0;
    return end_sound(st, st->lent.resample, utf8_has_words(rest) ? S("") : rest);
}

static enum err on_text(struct stream *st, struct str text)
{
    if (st->voice == nullptr)
        return ERR_SYNTAX;
    uint64_t from = clock_us();
    bool is_first = st->clauses == 0 && st->lent.rate_hz == 0;
    st->waited_us = 0;
    if (st->lent.rate_hz == 0)
        st->clause_began = st->samples;
    else
        try(end_lent(st, text));
    autobuf words = BUF(text.n * SPEAKABLE_GROWTH + SPEAKABLE_MORE);
    try(speakable(text, language_find(str_of(st->voice->language)), &st->in_code, &words));
    autobuf clean = BUF(words.n * NORMALISE_GROWTH + 16);
    try(normalise(buf_str(&words), &clean));

    const struct phrase_limits *limits =
        st->voice->driver->speaks_at_once ? &phrase_short : &phrase_usual;
    struct str rest = buf_str(&clean), phrase;
    for (bool first = is_first; phrase_cut(&rest, first, limits, &phrase); first = false) {
        if (worker_canceled(st->wire))
            return ERR_CANCELED;
        if (utf8_has_words(phrase))
            try(speak_phrase(st, phrase));
    }
    try(send_pieces(st, true));
    struct msg_tts_clause done = {
        .index = st->clauses++,
        .samples = st->samples - st->clause_began,
        .compute_us = clock_us() - from - st->waited_us,
    };
    return worker_send(st->wire, MSG_tts_clause, &done);
}

enum err stream_message(void *state, struct worker_stream *s, uint16_t type, const union msg *msg)
{
    struct stream *st = state;
    switch (type) {
    case MSG_tts_open:
        return on_open(st, &msg->tts_open);
    case MSG_tts_text:
        return on_text(st, msg->tts_text.text);
    case MSG_tts_sound:
        return on_sound(st, &msg->tts_sound);
    case MSG_tts_finish:
        if (st->voice == nullptr)
            return ERR_SYNTAX;
        try(coder_end(st->coder));
        try(worker_send(s, MSG_tts_done, &(struct msg_tts_done){st->samples}));
        worker_end(s);
        return OK;
    default:
        return ERR_SYNTAX;
    }
}
