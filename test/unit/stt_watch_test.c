// SPDX-License-Identifier: Apache-2.0
/*
 * The streams of repartee-stt that watch for speech, over the engine protocol: recordings of people,
 * and what is no speech. $PROGRAM is its path.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "listener.h"
#include "made_file.h"
#include "silero_write.h"
#include "unit.h"

#define RECORDING                                                                                  \
    "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
enum { FRAME_MS = 20, FRAMES_MAX = 4096, PIECE = 640, KEPT = 6 };

static struct peer *start(void)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load(p, "scripted", "");
    return p;
}

/* The answer to all of a sound: a byte for each frame. */
static void watch(struct peer *p, uint32_t stream, const struct sound *s, size_t piece,
                  struct buf *frames)
{
    peer_send(p, MSG_vad_open, stream, &(struct msg_vad_open){s->rate_hz});
    size_t want = sound_samples(s) * 1000 / s->rate_hz / FRAME_MS -
                  KEPT; /* by the resampler, by the detector */
    struct str rest = buf_str(&s->bytes);
    int64_t credit = WIRE_CREDIT;
    while (frames->n < want) {
        while (rest.n > 0 && credit >= (int64_t)piece + 4) {
            struct str part = str_sub(rest, 0, piece);
            peer_send(p, MSG_audio, stream, &(struct msg_audio){part});
            credit -= (int64_t)part.n + 4;
            rest = str_sub(rest, part.n, rest.n);
        }
        assert_true(peer_next(p));
        if (p->frame.stream != stream)
            continue; /* of one that was cancelled */
        if (p->frame.type == MSG_credit)
            credit += p->msg.credit.bytes;
        else if (p->frame.type == MSG_vad_frames)
            assert_ok(buf_add(frames, p->msg.vad_frames.speech));
        else
            fail_msg("%s is no answer of a watch", msg_name(p->frame.type));
    }
    peer_send(p, MSG_cancel, stream, &(struct msg_cancel){});
}

/* How many of the frames from..to are speech, in percent. */
static unsigned percent(const struct buf *frames, size_t from, size_t to)
{
    unsigned n = 0;
    for (size_t i = from; i < to; i++)
        n += frames->p[i] != 0;
    return 100 * n / (unsigned)(to - from);
}

static struct sound speech_between(uint32_t ms)
{
    struct sound all = sound_silence(16000, ms), spoken = sound_read(RECORDING),
                 after = sound_silence(16000, ms);
    sound_append(&all, &spoken);
    sound_append(&all, &after);
    sound_free(&spoken);
    sound_free(&after);
    return all;
}

static void test_speech_is_found(void **)
{
    struct peer *p = start();
    struct sound all = speech_between(1000);
    autobuf frames = BUF(FRAMES_MAX), again = BUF(FRAMES_MAX);
    watch(p, 1, &all, PIECE, &frames);
    assert_int_equal(percent(&frames, 0, 45), 0);
    assert_true(percent(&frames, 55, frames.n - 60) > 60);
    assert_int_equal(percent(&frames, frames.n - 40, frames.n), 0);
    watch(p, 2, &all, 777, &again); /* the cuts do not matter */
    assert_memory_equal(frames.p, again.p, frames.n < again.n ? frames.n : again.n);
    sound_free(&all);
    assert_int_equal(peer_stop(p), 0);
}

/* In a room that is not quiet: noise 26 dB below the voice. */
static void test_speech_in_noise(void **)
{
    struct peer *p = start();
    struct sound all = speech_between(1500);
    int16_t *samples = (int16_t *)all.bytes.p;
    uint32_t x = 1;
    for (size_t i = 0; i < sound_samples(&all); i++) {
        x = x * 1664525u + 1013904223u;
        samples[i] = (int16_t)(samples[i] / 2 + (int32_t)(x >> 16) % 200 - 100);
    }
    autobuf frames = BUF(FRAMES_MAX);
    watch(p, 1, &all, PIECE, &frames);
    assert_true(percent(&frames, 0, 70) < 5);
    assert_true(percent(&frames, 80, frames.n - 85) > 40);
    assert_true(percent(&frames, frames.n - 60, frames.n) < 5);
    sound_free(&all);
    assert_int_equal(peer_stop(p), 0);
}

enum noise { WHITE, BROWN, HUM, CLICKS, NOISES };

static struct sound noise(enum noise kind)
{
    struct sound s = sound_silence(16000, 4000);
    int16_t *samples = (int16_t *)s.bytes.p;
    uint32_t x = 7;
    double sum = 0;
    for (size_t i = 8000; i < sound_samples(&s); i++) {
        x = x * 1664525u + 1013904223u;
        int white = (int)(x >> 20) - 2048;
        sum = sum * 0.98 + white;
        switch (kind) {
        case WHITE:
            samples[i] = (int16_t)white;
            break;
        case BROWN:
            samples[i] = (int16_t)(sum / 4);
            break;
        case HUM:
            samples[i] = (int16_t)(3000 * sin((double)i * 6.28318 * 100 / 16000));
            break;
        default: /* 10 ms of noise twice a second */
            samples[i] = (int16_t)(i % 8000 < 160 ? 8 * white : 0);
        }
    }
    return s;
}

/* What begins suddenly may be taken for speech for a moment, what lasts is not, nor are clicks. */
static void test_noise_is_not(void **)
{
    struct peer *p = start();
    for (uint32_t i = 0; i < NOISES; i++) {
        struct sound s = noise((enum noise)i);
        autobuf frames = BUF(FRAMES_MAX);
        watch(p, i + 1, &s, PIECE, &frames);
        assert_true(percent(&frames, 20, 40) <= 25); /* where it begins */
        assert_true(percent(&frames, 40, frames.n) <= 4);
        sound_free(&s);
    }
    assert_int_equal(peer_stop(p), 0);
}

enum { STREAMS = 8, PIECES = 150 };

/* By a network, whose memory is of one stream alone: many at once say what one says by itself. */
static void test_streams_of_a_network(void **)
{
    const char *path = made_file();
    assert_true(silero_write(path, &(struct silero_shape){.version = {6, 2, 0}}));
    struct peer *p = peer_start(getenv("PROGRAM"));
    const struct msg_load load = {.driver = S("scripted"), .threads = 2, .vad = str_of(path)};
    peer_send(p, MSG_load, WIRE_STREAM_NONE, &load);
    assert_true(peer_wait(p, MSG_ready));
    assert_true(str_ends(p->msg.ready.notes, S("speech found by Silero 6.2.0")));
    struct sound sounds[2] = {noise(WHITE), noise(CLICKS)};
    struct buf said[STREAMS + 2] = {};
    for (uint32_t i = 0; i < countof(said); i++)
        said[i] = BUF(FRAMES_MAX);
    for (uint32_t i = 0; i < 2; i++)
        watch(p, i + 1, &sounds[i], PIECE, &said[i]);
    struct buf *many = said + 2;
    for (uint32_t i = 0; i < STREAMS; i++)
        peer_send(p, MSG_vad_open, 10 + i, &(struct msg_vad_open){16000});
    for (uint32_t at = 0; at < PIECES * PIECE; at += PIECE)
        for (uint32_t i = 0; i < STREAMS; i++) {
            struct str part = str_sub(buf_str(&sounds[i % 2].bytes), at, at + PIECE);
            peer_send(p, MSG_audio, 10 + i, &(struct msg_audio){part});
        }
    for (uint32_t want = STREAMS; want > 0;) {
        assert_true(peer_wait(p, MSG_vad_frames));
        if (p->frame.stream < 10)
            continue;
        struct buf *of = &many[p->frame.stream - 10];
        bool had_all = of->n >= PIECES - 6;
        assert_ok(buf_add(of, p->msg.vad_frames.speech));
        want -= !had_all && of->n >= PIECES - 6;
    }
    for (uint32_t i = 0; i < STREAMS; i++)
        assert_memory_equal(many[i].p, said[i % 2].p, PIECES - 6);
    assert_memory_not_equal(said[0].p, said[1].p, PIECES - 6);
    for (uint32_t i = 0; i < countof(said); i++)
        buf_finish(&said[i]);
    sound_free(&sounds[0]);
    sound_free(&sounds[1]);
    assert_int_equal(peer_stop(p), 0);
}

static void test_refusals(void **)
{
    struct peer *p = start();
    static const uint32_t rates[] = {0, 7999, 48001};
    for (uint32_t i = 0; i < countof(rates); i++) {
        peer_send(p, MSG_vad_open, i + 1, &(struct msg_vad_open){rates[i]});
        assert_true(peer_wait(p, MSG_fail));
        assert_int_equal(p->msg.fail.err, ERR_INVALID);
    }
    peer_send(p, MSG_vad_open, 9, &(struct msg_vad_open){16000});
    peer_send(p, MSG_stt_finish, 9, &(struct msg_stt_finish){});
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_SYNTAX);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speech_is_found), cmocka_unit_test(test_speech_in_noise),
        cmocka_unit_test(test_noise_is_not),    cmocka_unit_test(test_streams_of_a_network),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
