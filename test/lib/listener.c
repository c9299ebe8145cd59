// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include <stdio.h>
#include <stdlib.h>

#include "audio/wav.h"
#include "base/clock.h"
#include "base/json.h"
#include "read_file.h"
#include "wire/spoken_word.h"

enum { FILE_MAX = 32 << 20 };

struct sound sound_read(const char *path)
{
    struct sound s = {.bytes = BUF(FILE_MAX), .rate_hz = 16000};
    if (str_ends(str_of(path), S(".raw"))) {
        read_file(path, &s.bytes);
        return s;
    }
    autobuf file = BUF(FILE_MAX);
    read_file(path, &file);
    struct wav_reader *r;
    assert_ok(wav_reader_create(&r));
    assert_ok(wav_feed(r, buf_str(&file), &s.bytes));
    assert_ok(wav_end(r));
    s.rate_hz = wav_rate(r);
    wav_reader_destroy(r);
    return s;
}

struct sound sound_silence(uint32_t rate_hz, uint32_t ms)
{
    struct sound s = {.bytes = BUF(FILE_MAX), .rate_hz = rate_hz};
    size_t bytes = (size_t)pcm_ms_to_samples(ms, rate_hz) * sizeof(int16_t);
    assert_ok(buf_reserve(&s.bytes, bytes));
    int16_t *sample = (int16_t *)s.bytes.p;
    uint32_t x = 1;
    /* Rooms are never digitally silent. */
    for (size_t i = 0; i < bytes / sizeof *sample; i++) {
        x = x * 1664525u + 1013904223u;
        sample[i] = (int16_t)((x >> 28) - 8);
    }
    s.bytes.n = bytes;
    return s;
}

void sound_append(struct sound *s, const struct sound *more)
{
    assert_int_equal(s->rate_hz, more->rate_hz);
    assert_ok(buf_add(&s->bytes, buf_str(&more->bytes)));
}

void sound_free(struct sound *s)
{
    buf_finish(&s->bytes);
}

size_t sound_samples(const struct sound *s)
{
    return s->bytes.n / sizeof(int16_t);
}

enum { LIVE_MAX = 64 };
static struct listener *live[LIVE_MAX];

static struct listener **find(uint32_t stream)
{
    for (size_t i = 0; i < LIVE_MAX; i++)
        if (live[i] != nullptr && live[i]->stream == stream)
            return &live[i];
    return nullptr;
}

struct peer *listen_start(const char *program, const char *driver, const char *options)
{
    memset(live, 0, sizeof live); /* a test that failed has left its own */
    struct peer *p = peer_start(program);
    assert_str(p->msg.hello.role, "stt");
    peer_load(p, driver, options);
    return p;
}

void listen_open_with(struct listener *l, struct peer *p, uint32_t stream,
                      const struct msg_stt_open *open)
{
    *l = (struct listener){.peer = p,
                           .stream = stream,
                           .credit = WIRE_CREDIT,
                           .text = BUF(1 << 20),
                           .segments = BUF(1 << 20),
                           .partial = BUF(1 << 20)};
    assert_null(find(stream));
    size_t i = 0;
    while (i < LIVE_MAX && live[i] != nullptr)
        i++;
    assert_true(i < LIVE_MAX);
    live[i] = l;
    peer_send(p, MSG_stt_open, stream, open);
}

void listen_open(struct listener *l, struct peer *p, uint32_t stream, uint32_t rate_hz, bool adapt,
                 bool endpoint)
{
    listen_open_with(l, p, stream,
                     &(struct msg_stt_open){.rate_hz = rate_hz,
                                            .endpoint = endpoint,
                                            .adapt = adapt,
                                            .partials = 1,
                                            .segments = 1,
                                            .language = S("en")});
}

void listen_open_in(struct listener *l, struct peer *p, uint32_t stream, const char *language)
{
    listen_open_with(
        l, p, stream,
        &(struct msg_stt_open){
            .rate_hz = 16000, .partials = 1, .segments = 1, .language = str_of(language)});
}

static void take_partial(struct listener *l, const struct msg_stt_partial *m)
{
    assert_true(m->stable_bytes <= m->text.n);
    assert_true(m->stable_bytes == m->text.n || m->stable_bytes == 0 ||
                m->text.p[m->stable_bytes] == ' ');
    /* What was once stable stays. */
    assert_true(m->stable_bytes >= l->stable_bytes);
    assert_true(str_starts(m->text, str_sub(buf_str(&l->partial), 0, l->stable_bytes)));
    buf_clear(&l->partial);
    assert_ok(buf_add(&l->partial, m->text));
    l->stable_bytes = m->stable_bytes;
    if (l->partials++ == 0)
        l->first_partial_ms = m->audio_ms;
}

static void take_speech(struct listener *l, const struct msg_stt_speech *m)
{
    assert_false(m->started ? l->started : l->ended);
    if (m->started) {
        l->started = true;
        l->started_ms = m->at_ms;
    } else {
        l->ended = true;
        l->ended_ms = m->at_ms;
    }
}

/* As JSON, for tests to look into. */
static void take_segment(struct listener *l, const struct msg_stt_segment *m)
{
    struct json_out j = {.to = &l->segments};
    struct str rest = m->words;
    struct spoken_word w;
    l->segments.n -= l->segments.n > 0; /* the bracket that closed them */
    assert_ok(buf_add_byte(&l->segments, l->segments.n ? ',' : '['));
    json_obj(&j);
    json_kint(&j, "start_ms", m->start_ms);
    json_kint(&j, "end_ms", m->end_ms);
    json_kstr(&j, "text", m->text);
    json_kint(&j, "tokens", (int64_t)(m->tokens.n / sizeof(int32_t)));
    json_knum(&j, "logprob", (double)m->logprob);
    json_knum(&j, "compression", (double)m->compression);
    json_key(&j, "words");
    json_arr(&j);
    while (rest.n) {
        assert_ok(spoken_word_next(&rest, m->text.n, &w));
        json_obj(&j);
        json_kstr(&j, "word", str_sub(m->text, w.at, w.at + w.length));
        json_kint(&j, "start_ms", w.start_ms);
        json_kint(&j, "end_ms", w.end_ms);
        json_knum(&j, "confidence", (double)w.confidence);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    assert_ok(json_finish(&j));
    assert_ok(buf_add_byte(&l->segments, ']'));
}

static void take_final(struct listener *l, const struct msg_stt_final *m)
{
    assert_ok(buf_add(&l->text, m->text));
    if (l->segments.n == 0)
        assert_ok(buf_add(&l->segments, S("[]")));
    snprintf(l->language, sizeof l->language, "%.*s", STR_FMT(m->language));
    l->audio_ms = m->audio_ms;
    l->compute_us = m->compute_us;
    l->final_us = clock_us();
    l->over = true;
}

static void take(struct listener *l, const struct peer *p)
{
    assert_false(l->over);
    switch (p->frame.type) {
    case MSG_credit:
        l->credit += p->msg.credit.bytes;
        break;
    case MSG_stt_partial:
        take_partial(l, &p->msg.stt_partial);
        break;
    case MSG_stt_speech:
        take_speech(l, &p->msg.stt_speech);
        break;
    case MSG_stt_segment:
        take_segment(l, &p->msg.stt_segment);
        break;
    case MSG_stt_final:
        take_final(l, &p->msg.stt_final);
        break;
    case MSG_fail:
        l->err = (enum err)p->msg.fail.err;
        assert_ok(buf_add(&l->text, p->msg.fail.text));
        l->over = true;
        break;
    default:
        fail_msg("a recogniser does not send %s", msg_name(p->frame.type));
    }
}

void listen_read(struct listener *l)
{
    if (!peer_next(l->peer))
        fail_msg("the program ended in mid-stream");
    struct listener **to = find(l->peer->frame.stream);
    if (to != nullptr)
        take(*to, l->peer);
}

void listen_send(struct listener *l, struct str bytes, size_t piece)
{
    while (bytes.n > 0 && !l->over) {
        const struct msg_audio audio = {str_sub(bytes, 0, piece)};
        uint32_t cost = msg_cost(MSG_audio, (uint32_t)audio.samples.n + 4);
        while (l->credit < cost && !l->over)
            listen_read(l);
        peer_send(l->peer, MSG_audio, l->stream, &audio);
        l->credit -= cost;
        bytes = str_sub(bytes, audio.samples.n, bytes.n);
    }
}

void listen_finish(struct listener *l)
{
    peer_send(l->peer, MSG_stt_finish, l->stream, &(struct msg_stt_finish){0});
}

void listen_wait(struct listener *l)
{
    while (!l->over)
        listen_read(l);
}

void listen_cancel(struct listener *l)
{
    peer_send(l->peer, MSG_cancel, l->stream, &(struct msg_cancel){0});
    listen_free(l);
}

void listen_free(struct listener *l)
{
    struct listener **at = find(l->stream);
    if (at != nullptr)
        *at = nullptr;
    buf_finish(&l->text);
    buf_finish(&l->segments);
    buf_finish(&l->partial);
}

void listen_to(struct listener *l, struct peer *p, uint32_t stream, const struct sound *sound,
               bool adapt, size_t piece)
{
    listen_open(l, p, stream, sound->rate_hz, adapt, false);
    listen_send(l, buf_str(&sound->bytes), piece);
    listen_finish(l);
    listen_wait(l);
}

void listen_words(struct peer *p, struct str text)
{
    p->telling++;
    do {
        size_t n = utf8_prefix(text, WIRE_PAYLOAD_MAX - 64);
        peer_send(p, MSG_stt_words, WIRE_STREAM_NONE,
                  &(struct msg_stt_words){
                      .telling = p->telling, .more = n < text.n, .text = str_sub(text, 0, n)});
        text = str_sub(text, n, text.n);
    } while (text.n > 0);
}

enum err listen_learnt(struct peer *p)
{
    while (peer_wait(p, MSG_stt_learnt))
        if (p->msg.stt_learnt.telling == p->telling)
            return (enum err)p->msg.stt_learnt.err;
    return ERR_CLOSED;
}

void listen_for_partials(struct peer *p, const struct sound *sound, const char *says)
{
    enum { STREAM = 1, PIECE = 640 /* 20 ms at 16 kHz */ };
    struct listener l;
    autobuf all = BUF(1 << 16);
    struct str rest = {};
    listen_open(&l, p, STREAM, sound->rate_hz, false, false);
    while (l.partials < 2) {
        rest = rest.n ? rest : buf_str(&sound->bytes);
        listen_send(&l, str_sub(rest, 0, PIECE), PIECE);
        rest = str_sub(rest, PIECE, rest.n);
        assert_false(l.over);
    }
    while (all.n < l.partial.n)
        assert_ok(buf_addf(&all, "%s ", says));
    assert_true(l.partial.n > 0 && str_starts(buf_str(&all), buf_str(&l.partial)));
    listen_cancel(&l);
}
