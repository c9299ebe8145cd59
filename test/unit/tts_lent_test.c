// SPDX-License-Identifier: Apache-2.0
/* Sound that was made elsewhere, through repartee-tts with its scripted driver: counted, levelled, refused. $PROGRAM is its path. */
#include <stdlib.h>

#include "audio/pcm.h"
#include "engine_peer.h"
#include "unit.h"

static struct peer *start(const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    assert_str(p->msg.hello.role, "tts");
    peer_load(p, "scripted", options);
    return p;
}

static void open_voice(struct peer *p, uint32_t stream, const char *voice, uint32_t rate_hz,
                       float speed)
{
    peer_send(p, MSG_tts_open, stream,
              &(struct msg_tts_open){.voice = str_of(voice), .rate_hz = rate_hz, .speed = speed});
}

static void say(struct peer *p, uint32_t stream, const char *text)
{
    peer_send(p, MSG_tts_text, stream, &(struct msg_tts_text){str_of(text)});
}

static void finish(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_tts_finish, stream, &(struct msg_tts_finish){0});
}

static int16_t tone[24000]; /* loud from its first sample to its last */

static void lend(struct peer *p, uint32_t stream, uint32_t rate_hz, uint32_t level, size_t count)
{
    for (size_t i = 0; i < countof(tone); i++)
        tone[i] = (int16_t)(i / 25 % 2 ? 2000 : -2000);
    for (size_t at = 0; at < count; at += 8000) /* a frame holds no more than 64 KiB */
        peer_send(
            p, MSG_tts_sound, stream,
            &(struct msg_tts_sound){rate_hz,
                                    level,
                                    {(const char *)(tone + at),
                                     (count - at < 8000 ? count - at : 8000) * sizeof *tone}});
}

/* Samples of the next clause, and how loud they are. */
static uint32_t hear_clause(struct peer *p, uint32_t index, double *ret_rms)
{
    autobuf sound = BUF(1 << 20);
    while (peer_next(p) && p->frame.type != MSG_tts_clause)
        if (p->frame.type == MSG_audio)
            assert_ok(buf_add(&sound, p->msg.audio.samples));
    assert_int_equal(p->frame.type, MSG_tts_clause);
    assert_int_equal(p->msg.tts_clause.index, index);
    assert_int_equal(p->msg.tts_clause.samples, sound.n / 2);
    *ret_rms = pcm_rms((const int16_t *)sound.p, sound.n / 2);
    return (uint32_t)sound.n / 2;
}

/* A clause that was spoken elsewhere, one whose end was not, one that is all ours: each is counted as if it were ours. */
static void test_lent_sound(void **state)
{
    (void)state;
    struct peer *p = start("ms=20");
    double rms;
    open_voice(p, 1, "", 16000, 0);
    lend(p, 1, 24000, 0, 24000);
    say(p, 1, ".");
    lend(p, 1, 8000, 0, 8000);
    say(p, 1, "more words.");
    say(p, 1, "Hello.");
    lend(p, 1, 16000, 0, 16000);
    say(p, 1, ",");
    finish(p, 1);
    uint32_t first = hear_clause(p, 0, &rms);
    assert_uint_in_range(first, 15997, 16003);
    assert_true(rms > 1800 && rms < 2100);
    uint32_t second = hear_clause(p, 1, &rms), pause = 16 * 260, short_pause = 16 * 60;
    uint32_t expected = pause + 16000 + short_pause + 16 * 20 * 11;
    assert_uint_in_range(second, expected - 6, expected + 6);
    uint32_t third = hear_clause(p, 2, &rms);
    assert_uint_in_range(third, pause + 16 * 120 - 3, pause + 16 * 120 + 3);
    uint32_t fourth = hear_clause(p, 3, &rms);
    assert_uint_in_range(fourth, pause + 16000 - 3, pause + 16000 + 3);
    assert_true(peer_wait(p, MSG_tts_done));
    assert_int_equal(p->msg.tts_done.samples, first + second + third + fourth);
    assert_int_equal(peer_stop(p), 0);
}

/* As loud as our own voice, within reason. */
static void test_lent_loudness(void **state)
{
    (void)state;
    struct peer *p = start("ms=60");
    static const struct {
        uint32_t level;
        double times;
    } rows[] = {{0, 1}, {1000, 4}, {500, 4}, {4618, 1}, {9236, 0.5}, {20000, 0.25}, {30000, 0.25}};
    double own, rms;
    open_voice(p, 1, "", 24000, 0);
    say(p, 1, "First it speaks for a while."); /* a triangle, 4618 loud */
    hear_clause(p, 0, &own);
    assert_true(own > 4500 && own < 4750);
    for (uint32_t i = 0; i < countof(rows); i++) {
        lend(p, 1, 24000, rows[i].level, 24000);
        say(p, 1, "");
        hear_clause(p, i + 1, &rms);
        double want = 2000 * rows[i].times * (i ? 0.97 : 0.89); /* the pause before it is silence */
        if (rms < want * 0.95 || rms > want * 1.07)
            fail_msg("level %u: %f, not %f", rows[i].level, rms, want);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void test_lent_nonsense(void **state)
{
    (void)state;
    static const struct {
        uint32_t rates[2];
        size_t bytes;
        enum err err;
    } rows[] = {
        {{24000, 24000}, 3, ERR_SYNTAX}, {{24000, 16000}, 4, ERR_SYNTAX},
        {{7999, 7999}, 4, ERR_INVALID},  {{48001, 48001}, 4, ERR_INVALID},
        {{0, 0}, 4, ERR_INVALID},        {{UINT32_MAX, UINT32_MAX}, 4, ERR_INVALID},
    };
    struct peer *p = start("ms=20");
    for (uint32_t i = 0; i < countof(rows); i++) {
        open_voice(p, i + 1, "", 16000, 0);
        for (int k = 0; k < 2; k++)
            peer_send(p, MSG_tts_sound, i + 1,
                      &(struct msg_tts_sound){rows[i].rates[k], 0, {"abcd", rows[i].bytes}});
        assert_true(peer_wait(p, MSG_fail));
        assert_int_equal(p->msg.fail.err, rows[i].err);
    }
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lent_sound),
        cmocka_unit_test(test_lent_loudness),
        cmocka_unit_test(test_lent_nonsense),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
