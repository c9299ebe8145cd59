// SPDX-License-Identifier: Apache-2.0
/*
 * The built-in voices, real: sound of sane length and level comes out, for hostile text too, and is
 * what a recogniser understands (test/tts/heard.test.js). $PROGRAM is repartee-tts.
 */
#include <stdlib.h>

#include "audio/pcm.h"
#include "engine_peer.h"
#include "unit.h"

struct spoken {
    uint32_t rate_hz, samples;
    double rms;
    int peak;
    enum err err; /* of a fail */
};

/* Speaks one answer of one clause to its end. */
static struct spoken speak_at(struct peer *p, uint32_t stream, const char *voice, uint32_t rate_hz,
                              float speed, const char *text)
{
    peer_send(p, MSG_tts_open, stream, &(struct msg_tts_open){str_of(voice), rate_hz, speed});
    peer_send(p, MSG_tts_text, stream, &(struct msg_tts_text){str_of(text)});
    peer_send(p, MSG_tts_finish, stream, &(struct msg_tts_finish){0});
    struct spoken out = {};
    double squares = 0;
    while (peer_next(p) && p->frame.type != MSG_tts_done) {
        if (p->frame.type == MSG_fail) {
            out.err = (enum err)p->msg.fail.err;
            return out;
        }
        if (p->frame.type == MSG_tts_format)
            out.rate_hz = p->msg.tts_format.rate_hz;
        if (p->frame.type != MSG_audio)
            continue;
        size_t count = p->msg.audio.samples.n / 2;
        for (size_t i = 0; i < count; i++) {
            int16_t sample;
            memcpy(&sample, p->msg.audio.samples.p + 2 * i, sizeof sample);
            squares += (double)sample * sample;
            out.peak = abs(sample) > out.peak ? abs(sample) : out.peak;
        }
        out.samples += (uint32_t)count;
    }
    if (out.samples > 0)
        out.rms = squares / out.samples;
    return out;
}

static struct spoken speak(struct peer *p, uint32_t stream, const char *voice, uint32_t rate_hz,
                           const char *text)
{
    return speak_at(p, stream, voice, rate_hz, 0, text);
}

static struct peer *start(void)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load(p, "builtin", "");
    return p;
}

static void test_voices(void **state)
{
    (void)state;
    static const struct {
        const char *voice, *text;
        uint32_t rate_hz; /* asked and given; 0: the voice's own is `own` */
        uint32_t own, least_ms, most_ms;
    } rows[] = {
        {"", "You can add documents by dropping them on the page.", 0, 16000, 2000, 4000},
        {"rms", "You can add documents by dropping them on the page.", 22050, 0, 2000, 4000},
        {"slt", "You can add documents by dropping them on the page.", 48000, 0, 2000, 4000},
        {"awb", "You can add documents by dropping them on the page.", 24000, 0, 2000, 4000},
        {"kal", "You can add documents by dropping them on the page.", 0, 8000, 2000, 4000},
        {"en-gb", "You can add documents by dropping them on the page.", 0, 22050, 1500, 4000},
        {"de", "Ziehen Sie die Dateien einfach auf die Seite.", 16000, 0, 1500, 4000},
        {"fr", "Déposez les documents sur la page.", 0, 22050, 1000, 4000},
        {"ru", "Документы можно перетащить на страницу.", 0, 22050, 1000, 5000},
        {"rms", "Ok.", 0, 16000, 200, 1200},
    };
    struct peer *p = start();
    for (uint32_t i = 0; i < countof(rows); i++) {
        struct spoken s = speak(p, i + 1, rows[i].voice, rows[i].rate_hz, rows[i].text);
        assert_int_equal(s.err, OK);
        assert_int_equal(s.rate_hz, rows[i].rate_hz ? rows[i].rate_hz : rows[i].own);
        assert_uint_in_range(s.samples, s.rate_hz / 1000 * rows[i].least_ms,
                             s.rate_hz / 1000 * rows[i].most_ms);
        assert_int_in_range(s.peak, 8000, 32000); /* audible, not clipped */
        assert_true(s.rms > 800.0 * 800.0 && s.rms < 8000.0 * 8000.0);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void test_unknown_voices(void **state)
{
    (void)state;
    static const char *const names[] = {
        "nobody",
        "../../etc/passwd",
        "xx",
        "en-gb/..",
        "a b",
        "%s%n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct peer *p = start();
    for (uint32_t i = 0; i < countof(names); i++) {
        struct spoken s = speak(p, i + 1, names[i], 0, "x");
        assert_int_equal(s.err, ERR_NOTFOUND);
        assert_true(str_find(p->msg.fail.text, S("rms, slt, awb, kal")) < p->msg.fail.text.n);
        assert_true(utf8_valid(p->msg.fail.text));
    }
    assert_int_equal(peer_stop(p), 0);
}

/* Texts that have crashed synthesisers, or that say nothing at all. */
static void test_hostile_text(void **state)
{
    (void)state;
    static const char *const units[] = {
        "s'", "'s ",    "I'd've'", "a", "1",    "9,",   "12:59pm", "$1.00", "MMMM ", "Dr. ",
        "-",  "\u0301", "日本",    "ß", "((((", "\"\"", "!?",      ".",     " ",     "😀"};
    static const char *const voices[] = {"rms", "kal", "en-gb", "de"};
    struct peer *p = start();
    uint32_t stream = 0;
    for (size_t i = 0; i < countof(units); i++) {
        for (size_t v = 0; v < countof(voices); v++) {
            char text[240];
            size_t n = 0, unit = strlen(units[i]);
            for (; n + unit < sizeof text; n += unit)
                memcpy(text + n, units[i], unit);
            text[n] = '\0';
            assert_int_equal(speak(p, ++stream, voices[v], 0, text).err, OK);
        }
    }
    assert_int_equal(peer_stop(p), 0);
}

/* Numbers for which espeak-ng 1.52 writes past its buffers, if it is given them as they are. */
static void test_numbers(void **state)
{
    (void)state;
    static const char *const voices[] = {"ar", "fo", "shn", "tn", "yue"};
    struct peer *p = start();
    for (uint32_t i = 0; i < countof(voices); i++)
        assert_int_equal(speak(p, i + 1, voices[i], 0, "4777 3251.000 2000,000 10000000000000").err,
                         OK);
    assert_int_equal(speak(p, 100, "kl", 0, "0").err, ERR_NOTFOUND);
    assert_int_equal(peer_stop(p), 0);
}

/* Eight answers at once in flite's and espeak-ng's voices: each as long as it is alone. */
/* A phrase of long numbers, digit by digit, as slowly as may be: minutes of sound. */
static void test_slow_numbers(void **state)
{
    (void)state;
    static const char *const voices[] = {"de", "ru", "hi", "vi"};
    const char *digits = "1234567890123 2345678901237 3456789012377 4567890123777 5678901237777 "
                         "6789012377777 7890123777777 8901237777771 9012377777712 1237777771234 "
                         "2377777712345 3777777123456 7777771234567 7777712345678 7777123456789";
    struct peer *p = start();
    for (uint32_t i = 0; i < countof(voices); i++) {
        struct spoken s = speak_at(p, i + 1, voices[i], 8000, 0.25f, digits);
        assert_int_equal(s.err, OK);
        assert_true(s.samples > 8000 * 60);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void test_at_once(void **state)
{
    (void)state;
    enum { STREAMS = 8 };
    static const char *const voices[] = {"rms", "de", "slt", "en-gb"};
    const char *text = "Four people are asking at the very same time.";
    uint32_t alone[STREAMS + 1], counts[STREAMS + 1] = {}, done = 0;
    struct peer *p = start();
    for (uint32_t s = 1; s <= STREAMS; s++)
        alone[s] = speak(p, STREAMS + s, voices[s % countof(voices)], 0, text).samples;
    for (uint32_t s = 1; s <= STREAMS; s++) {
        peer_send(p, MSG_tts_open, s,
                  &(struct msg_tts_open){str_of(voices[s % countof(voices)]), 0, 0});
        peer_send(p, MSG_tts_text, s, &(struct msg_tts_text){str_of(text)});
        peer_send(p, MSG_tts_finish, s, &(struct msg_tts_finish){0});
    }
    while (done < STREAMS && peer_next(p)) {
        assert_true(p->frame.type != MSG_fail);
        if (p->frame.type == MSG_audio)
            counts[p->frame.stream] += (uint32_t)p->msg.audio.samples.n / 2;
        done += p->frame.type == MSG_tts_done;
    }
    for (uint32_t s = 1; s <= STREAMS; s++) /* noise decides where a soft end is cut */
        assert_uint_in_range(counts[s], alone[s] - alone[s] / 20, alone[s] + alone[s] / 20);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_voices),       cmocka_unit_test(test_unknown_voices),
        cmocka_unit_test(test_hostile_text), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_slow_numbers), cmocka_unit_test(test_at_once),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
