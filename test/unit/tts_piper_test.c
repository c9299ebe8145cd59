// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-tts with voices of Piper that are made (voice_write.h): what they say is noise, of a length that fits the text.
 * So these are tests of all but how it sounds. $PROGRAM is the program's path.
 */
#include <stdio.h>
#include <stdlib.h>

#include "made_file.h"
#include "made_voice.h"
#include "spoken.h"
#include "unit.h"

#define SENTENCE "You can add documents by dropping them on the page, or by naming a folder."

static const char *tiny, *several, *letters, *tangled;

static int make(void **)
{
    struct voice_shape shape = voice_tiny_made();
    tiny = made_voice(shape);
    shape.is_tangled = true;
    tangled = made_voice(shape);
    shape.is_tangled = false;
    shape.takes_letters = true;
    letters = made_voice(shape);
    shape.takes_letters = false;
    shape.speakers = 3;
    shape.is_steady = true;
    several = made_voice(shape);
    return 0;
}

static struct peer *start(const char *model)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "piper", model, "");
    return p;
}

/* Seconds that fit the text, loud enough and not at the limit. */
static void expect_speech(struct peer *p, const char *voice, uint32_t rate_hz)
{
    struct spoken s = spoken_text(p, voice, SENTENCE);
    assert_int_equal(s.err, OK);
    assert_int_equal(s.rate_hz, rate_hz);
    assert_uint_in_range(s.samples, rate_hz * 2, rate_hz * 12);
    assert_int_in_range(s.peak, 2000, 32767);
    buf_finish(&s.sound);
}

static void expect_note(const struct peer *p, const char *note)
{
    if (str_find(p->msg.ready.notes, str_of(note)) == p->msg.ready.notes.n)
        fail_msg("\"%.*s\" instead of \"%s\"", STR_FMT(p->msg.ready.notes), note);
}

static void a_voice_speaks(void **)
{
    struct peer *p = start(tiny);
    assert_str(p->msg.ready.driver, "piper");
    assert_int_equal(p->msg.ready.rate_hz, 16000);
    assert_true(str_starts(p->msg.ready.model, S("made-model-")));
    expect_note(p, "16000 Hz, 1 speaker, in pieces");
    expect_speech(p, "", 16000);
    assert_int_equal(peer_stop(p), 0);
}

static void one_that_cannot_be_cut_speaks(void **)
{
    struct peer *p = start(tangled);
    expect_note(p, "whole");
    expect_speech(p, "", 16000);
    assert_int_equal(peer_stop(p), 0);
}

/* Each of its speakers is a voice; the model's name is the first one. */
static void speakers_are_voices(void **)
{
    static const char *const names[] = {"p100", "p101", "p102", "p100", ""};
    enum { DIFFERENT = 3 };
    struct peer *p = start(several);
    struct spoken s[countof(names)];
    expect_note(p, "3 speakers, in pieces");
    for (size_t i = 0; i < countof(names); i++) {
        s[i] = spoken_text(p, names[i], SENTENCE);
        assert_int_equal(s[i].err, OK);
        assert_true(s[i].samples > 16000);
        for (size_t k = 0; k < i; k++)
            assert_true(str_eq(buf_str(&s[i].sound), buf_str(&s[k].sound)) ==
                        (i >= DIFFERENT && (k == 0 || k >= DIFFERENT)));
    }
    for (size_t i = 0; i < countof(names); i++)
        buf_finish(&s[i].sound);
    struct spoken none = spoken_text(p, "p103", SENTENCE);
    assert_int_equal(none.err, ERR_NOTFOUND);
    assert_true(str_find(p->msg.fail.text, S("p100, p101, p102, rms")) < p->msg.fail.text.n);
    buf_finish(&none.sound);
    assert_int_equal(peer_stop(p), 0);
}

static void built_in_voices_are_there_beside_it(void **)
{
    struct peer *p = start(tiny);
    expect_speech(p, "rms", 16000);
    expect_speech(p, "en-gb", 22050);
    assert_int_equal(peer_stop(p), 0);
}

static void one_that_takes_letters_speaks(void **)
{
    struct peer *p = start(letters);
    expect_speech(p, "", 16000);
    struct spoken small = spoken_text(p, "", "hello"), silent = spoken_text(p, "", "\u4e2d\u6587");
    assert_true(small.samples > 1000);
    assert_int_equal(silent.err, OK); /* it knows none of these */
    assert_int_equal(silent.samples, 0);
    buf_finish(&small.sound);
    buf_finish(&silent.sound);
    assert_int_equal(peer_stop(p), 0);
}

static void speed_is_that_of_speech(void **)
{
    struct peer *p = start(tiny);
    struct spoken slow = spoken_at(p, "", 0.5f, SENTENCE), fast = spoken_at(p, "", 2, SENTENCE);
    assert_true(slow.samples > fast.samples * 2);
    buf_finish(&slow.sound);
    buf_finish(&fast.sound);
    assert_int_equal(peer_stop(p), 0);
}

/* Chance makes another sound of the same words each time, until three have asked for them. */
static void what_many_are_told_is_kept(void **)
{
    enum { TIMES = 6, KEPT_FROM = 3 };
    static const struct {
        const char *voice, *text;
        float speed;
        bool is_kept;
    } rows[] = {{"", "One moment.", 1, true},
                {"", "One moment.", 2, true},
                {"", SENTENCE SENTENCE, 1, false}}; /* what is long is hardly said again */
    struct peer *p = start(tiny);
    for (size_t row = 0; row < countof(rows); row++) {
        struct spoken s[TIMES];
        for (size_t i = 0; i < TIMES; i++) {
            s[i] = spoken_at(p, rows[row].voice, rows[row].speed, rows[row].text);
            assert_int_equal(s[i].err, OK);
            assert_true(s[i].samples > 1000);
        }
        for (size_t i = 1; i < TIMES; i++)
            assert_true(str_eq(buf_str(&s[i].sound), buf_str(&s[i - 1].sound)) ==
                        (rows[row].is_kept && i >= KEPT_FROM));
        for (size_t i = 0; i < TIMES; i++)
            buf_finish(&s[i].sound);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void hostile_text_is_no_harm(void **)
{
    static const char *const units[] = {
        "s'", "a", "1", "9,",     "Dr. ", "\u0301",  "\u65e5\u672c",     "(",
        "_",  "^", "$", "\u200f", "!?",   "<speak>", "\xf0\x9f\x98\x80", "(en)"};
    struct peer *p = start(tiny);
    for (size_t i = 0; i < countof(units); i++) {
        char text[2000];
        size_t n = 0, unit = strlen(units[i]);
        for (; n + unit < sizeof text; n += unit)
            memcpy(text + n, units[i], unit);
        text[n] = '\0';
        struct spoken s = spoken_text(p, "", text);
        assert_int_equal(s.err, OK);
        buf_finish(&s.sound);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* Eight at once, and each of them whole. */
static void many_speak_at_once(void **)
{
    enum { STREAMS = 8 };
    struct spoken s[STREAMS] = {};
    struct peer *p = start(tiny);
    uint32_t done = 0;
    for (uint32_t i = 0; i < STREAMS; i++) {
        s[i].sound.cap = 64 << 20;
        spoken_ask(p, 1000 + i, "", 0, SENTENCE);
    }
    while (done < STREAMS && peer_next(p)) {
        assert_true(p->frame.type != MSG_fail);
        if (p->frame.type == MSG_audio)
            spoken_take(p, &s[p->frame.stream - 1000]);
        done += p->frame.type == MSG_tts_done;
    }
    for (uint32_t i = 0; i < STREAMS; i++) {
        assert_uint_in_range(s[i].samples, 16000 * 2, 16000 * 12);
        buf_finish(&s[i].sound);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* One that nobody listens to any more is closed, and the next one speaks. */
static void a_cancelled_answer_ends(void **)
{
    struct peer *p = start(tiny);
    for (uint32_t i = 0; i < 10; i++) {
        spoken_ask(p, 100 + i, "", 0.25f, SENTENCE " " SENTENCE " " SENTENCE);
        for (uint32_t k = 0; k < i && peer_wait(p, MSG_audio); k++)
            ;
        peer_send(p, MSG_cancel, 100 + i, &(struct msg_cancel){});
        while (peer_wait(p, MSG_canceled) && p->frame.stream != 100 + i)
            ;
        assert_int_equal(p->frame.type, MSG_canceled);
    }
    expect_speech(p, "", 16000);
    assert_int_equal(peer_stop(p), 0);
}

/* --- load --- */

static void a_run_ends_when_it_is_cancelled(void **)
{
    struct voice_shape shape = voice_tiny_made();
    shape.is_endless = true;
    struct peer *p = start(made_voice(shape));
    spoken_cancel_endless(p, "");
    expect_speech(p, "", 16000);
    assert_int_equal(peer_stop(p), 0);
}

static void put_file(const char *path, const char *ending, struct str bytes)
{
    char name[256];
    snprintf(name, sizeof name, "%s%s", path, ending);
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

/* Both files of a voice; NULL: it has no second one. */
static const char *put_voice(struct str onnx, const struct buf *json)
{
    const char *path = made_file();
    put_file(path, "", onnx);
    if (json)
        put_file(path, ".json", buf_str(json));
    return path;
}

static void what_is_no_voice_is_refused(void **)
{
    struct voice_shape shape = voice_tiny_made();
    autobuf onnx = {}, json = {}, speakers = {}, klingon = {}, other = {};
    voice_write_onnx(&shape, &onnx);
    voice_write_json(&shape, &json);
    shape.espeak = "xx-nowhere";
    voice_write_json(&shape, &klingon);
    shape.espeak = nullptr;
    shape.speakers = 2;
    voice_write_json(&shape, &speakers);
    other.cap = 1 << 20;
    assert_ok(buf_add(&other, buf_str(&onnx)));
    memcpy(other.p + str_find(buf_str(&other), S("ConvTranspose")), "ConvTransport", 13);
    const struct str driver = S("piper"), half = str_sub(buf_str(&onnx), 0, onnx.n / 2);
    const struct {
        struct msg_load load;
        const char *says;
    } rows[] = {
        {{.driver = driver}, "tts.model must name a voice"},
        {{.driver = driver, .model = S("/nowhere/x.onnx")}, "cannot open the voice"},
        {{.driver = driver, .model = S("/tmp")}, "no voice file"},
        {{.driver = driver, .model = S("/dev/null")}, "no voice file"},
        {{.driver = driver, .model = str_of(made_file())}, "no voice file"},
        {{.driver = driver, .model = str_of(put_voice(buf_str(&onnx), nullptr))},
         "lacks its second file"},
        {{.driver = driver, .model = str_of(put_voice(half, &json))}, "cut or damaged"},
        {{.driver = driver, .model = str_of(put_voice(buf_str(&json), &json))}, "no ONNX file"},
        {{.driver = driver, .model = str_of(put_voice(buf_str(&onnx), &onnx))}, "cannot be read"},
        {{.driver = driver, .model = str_of(put_voice(buf_str(&onnx), &speakers))},
         "do not belong together"},
        {{.driver = driver, .model = str_of(put_voice(buf_str(&onnx), &klingon))},
         "no rules for the voice's language"},
        {{.driver = driver, .model = str_of(put_voice(buf_str(&other), &json))},
         "ONNX Runtime cannot load the voice"},
        {{.driver = driver,
          .model = str_of(tiny),
          .sha256 = S("0000000000000000000000000000000000000000000000000000000000000000")},
         "not what models.lock says"},
        {{.driver = driver,
          .model = str_of(tiny),
          .sha256_beside = S("0000000000000000000000000000000000000000000000000000000000000000")},
         "not what models.lock says"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        peer_expect_refusal(getenv("PROGRAM"), &rows[i].load, rows[i].says);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_voice_speaks),
        cmocka_unit_test(one_that_cannot_be_cut_speaks),
        cmocka_unit_test(speakers_are_voices),
        cmocka_unit_test(built_in_voices_are_there_beside_it),
        cmocka_unit_test(one_that_takes_letters_speaks),
        cmocka_unit_test(speed_is_that_of_speech),
        cmocka_unit_test(what_many_are_told_is_kept),
        cmocka_unit_test(hostile_text_is_no_harm),
        cmocka_unit_test(many_speak_at_once),
        cmocka_unit_test(a_cancelled_answer_ends),
        cmocka_unit_test(a_run_ends_when_it_is_cancelled),
        cmocka_unit_test(what_is_no_voice_is_refused),
    };
    return cmocka_run_group_tests(tests, make, nullptr);
}
