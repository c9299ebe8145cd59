// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-tts with a Kokoro that is made (kokoro_write.h): what it says is noise, of a length that fits the text. So these are
 * tests of all but how it sounds. $PROGRAM is the program's path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "made_file.h"
#include "made_kokoro.h"
#include "made_voice.h"
#include "spoken.h"
#include "unit.h"

#define SENTENCE "You can add documents by dropping them on the page, or by naming a folder."

enum { RATE = 24000 };

static const char *tiny, *older;

static int make(void **)
{
    struct kokoro_shape shape = kokoro_tiny_made();
    tiny = made_kokoro(shape);
    shape.is_older = true;
    shape.speed = ELEMENT_INT32;
    older = made_kokoro(shape);
    return 0;
}

static struct peer *start(const char *driver, const char *model)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, driver, model, "");
    return p;
}

/* Seconds that fit the text, loud enough. */
static void expect_speech(struct peer *p, const char *voice, uint32_t rate_hz)
{
    struct spoken s = spoken_text(p, voice, SENTENCE);
    if (s.err != OK)
        fail_msg("%.*s", STR_FMT(p->msg.fail.text));
    assert_int_equal(s.rate_hz, rate_hz);
    assert_uint_in_range(s.samples, rate_hz * 2, rate_hz * 12);
    assert_int_in_range(s.peak, 1000, 32767);
    buf_finish(&s.sound);
}

static void expect_in(struct str text, const char *part)
{
    if (str_find(text, str_of(part)) == text.n)
        fail_msg("\"%.*s\" instead of \"%s\"", STR_FMT(text), part);
}

static void a_kokoro_speaks(void **)
{
    struct peer *p = start("kokoro", tiny);
    assert_str(p->msg.ready.driver, "kokoro");
    assert_str(p->msg.ready.model, "af_heart");
    assert_int_equal(p->msg.ready.rate_hz, RATE);
    expect_in(p->msg.ready.notes, "24000 Hz, 3 voices of made-kokoro-");
    expect_speech(p, "", RATE);
    expect_speech(p, "bm_george", RATE);
    expect_speech(p, "ef_dora", RATE);
    assert_int_equal(peer_stop(p), 0);
}

/* Which of the two a model is shows by itself: a folder, a file, a file of Piper. */
static void it_is_told_from_a_voice_of_piper(void **)
{
    char file[128];
    snprintf(file, sizeof file, "%s/model.onnx", tiny);
    const struct {
        const char *model, *driver;
    } rows[] = {{tiny, "kokoro"}, {file, "kokoro"}, {made_voice(voice_tiny_made()), "piper"}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct peer *p = start("auto", rows[i].model);
        assert_str(p->msg.ready.driver, rows[i].driver);
        assert_int_equal(peer_stop(p), 0);
    }
}

/* Each has a style of its own, and says the same text otherwise; "" is the standard one. */
static void voices_differ(void **)
{
    static const char *const names[] = {"af_heart", "bm_george", "ef_dora"};
    struct peer *p = start("kokoro", tiny);
    struct spoken s[countof(names)];
    for (size_t i = 0; i < countof(names); i++) {
        s[i] = spoken_text(p, names[i], SENTENCE);
        assert_int_equal(s[i].err, OK);
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(buf_str(&s[i].sound), buf_str(&s[k].sound)));
    }
    for (size_t i = 0; i < countof(names); i++)
        buf_finish(&s[i].sound);
    struct spoken none = spoken_text(p, "af_nobody", SENTENCE);
    assert_int_equal(none.err, ERR_NOTFOUND);
    expect_in(p->msg.fail.text, "there are af_heart, bm_george, ef_dora, rms");
    buf_finish(&none.sound);
    expect_speech(p, "slt", 16000);
    expect_speech(p, "en-gb", 22050);
    assert_int_equal(peer_stop(p), 0);
}

/* It would be nonsense in a beautiful voice. */
static void a_language_without_phonemes_is_refused(void **)
{
    struct peer *p = start("kokoro", tiny);
    struct spoken s = spoken_text(p, "jf_alpha", "Konnichiwa.");
    assert_int_equal(s.err, ERR_UNSUPPORTED);
    assert_int_equal(s.samples, 0);
    expect_in(p->msg.fail.text,
              "the voice jf_alpha speaks Japanese, whose phonemes cannot be made");
    buf_finish(&s.sound);
    expect_speech(p, "", RATE);
    assert_int_equal(peer_stop(p), 0);
}

/* Early exports: other names, and the speed in whole numbers. */
static void an_older_export_speaks(void **)
{
    struct peer *p = start("kokoro", older);
    expect_speech(p, "", RATE);
    struct spoken usual = spoken_at(p, "", 1, SENTENCE), fast = spoken_at(p, "", 2, SENTENCE);
    assert_int_equal(usual.err, OK);
    assert_int_equal(fast.err, OK);
    assert_true(fast.samples > 0 && fast.samples < usual.samples);
    buf_finish(&usual.sound);
    buf_finish(&fast.sound);
    assert_int_equal(peer_stop(p), 0);
}

/* It would be said at another speed than was asked for. */
static void an_older_export_refuses_half_speeds(void **)
{
    static const float speeds[] = {0.25f, 0.5f, 1.5f, 3.75f};
    struct peer *p = start("kokoro", older);
    for (size_t i = 0; i < countof(speeds); i++) {
        struct spoken s = spoken_at(p, "", speeds[i], SENTENCE);
        assert_int_equal(s.err, ERR_UNSUPPORTED);
        assert_int_equal(s.samples, 0);
        expect_in(p->msg.fail.text, "takes whole speeds only");
        buf_finish(&s.sound);
    }
    expect_speech(p, "", RATE);
    assert_int_equal(peer_stop(p), 0);
}

static void speed_is_that_of_speech(void **)
{
    struct peer *p = start("kokoro", tiny);
    struct spoken slow = spoken_at(p, "", 0.5f, SENTENCE), fast = spoken_at(p, "", 2, SENTENCE);
    assert_int_equal(slow.err, OK);
    assert_int_equal(fast.err, OK);
    assert_true(fast.samples > 0 && slow.samples > fast.samples * 2);
    buf_finish(&slow.sound);
    buf_finish(&fast.sound);
    assert_int_equal(peer_stop(p), 0);
}

static void an_archive_of_voices_will_do(void **)
{
    static const char *const names[] = {"af_bella", "am_adam"};
    const char *folder = made_kokoro(kokoro_tiny_made());
    autobuf archive = {};
    char path[128];
    static const char *const gone[] = {"voices/af_heart.bin", "voices/bm_george.bin",
                                       "voices/ef_dora.bin", "voices/jf_alpha.bin"};
    for (size_t i = 0; i < countof(gone); i++)
        made_kokoro_change(folder, gone[i], S(""));
    snprintf(path, sizeof path, "%s/voices", folder);
    assert_int_equal(remove(path), 0);
    made_kokoro_change(folder, "tokenizer.json", S("")); /* then the symbols are Kokoro-82M's */
    kokoro_write_archive(names, countof(names), &archive);
    made_kokoro_change(folder, "voices-v1.0.bin", buf_str(&archive));
    struct peer *p = start("kokoro", folder);
    assert_str(p->msg.ready.model, "af_bella");
    expect_speech(p, "am_adam", RATE);
    assert_int_equal(peer_stop(p), 0);
}

static void a_builtin_voice_keeps_its_name(void **)
{
    static const char *const names[] = {"voices/rms.bin", "voices/en.bin"};
    const char *folder = made_kokoro(kokoro_tiny_made());
    autobuf style = {};
    kokoro_write_style(7, &style);
    for (size_t i = 0; i < countof(names); i++)
        made_kokoro_change(folder, names[i], buf_str(&style));
    struct peer *p = start("kokoro", folder);
    expect_speech(p, "rms", 16000);
    expect_speech(p, "en", 22050);
    char other[64];
    snprintf(other, sizeof other, "%s-en", strrchr(folder, '/') + 1);
    expect_speech(p, other, RATE);
    assert_int_equal(peer_stop(p), 0);
}

/* As the hub has them: the folder onnx below, and of its files one. */
static void the_only_model_of_the_folder_below_is_found(void **)
{
    const char *folder = made_kokoro(kokoro_tiny_made());
    char from[128], below[128], to[128];
    snprintf(from, sizeof from, "%s/model.onnx", folder);
    snprintf(below, sizeof below, "%s/onnx", folder);
    snprintf(to, sizeof to, "%s/onnx/model_quantized.onnx", folder);
    assert_int_equal(mkdir(below, 0755), 0);
    assert_int_equal(rename(from, to), 0);
    struct peer *p = start("auto", folder);
    assert_str(p->msg.ready.driver, "kokoro");
    expect_speech(p, "bm_george", RATE);
    assert_int_equal(peer_stop(p), 0);
}

/* Which of them belongs to the model nobody can tell. */
static void two_archives_are_refused(void **)
{
    static const char *const names[] = {"af_bella"}, *const archives[] = {"voices-v1.0.bin",
                                                                          "voices-v1.1.bin"};
    const char *folder = made_kokoro(kokoro_tiny_made());
    char from[128], to[128];
    autobuf archive = {};
    kokoro_write_archive(names, countof(names), &archive);
    snprintf(from, sizeof from, "%s/voices", folder);
    snprintf(to, sizeof to, "%s/elsewhere", folder);
    assert_int_equal(rename(from, to), 0);
    for (size_t i = 0; i < countof(archives); i++)
        made_kokoro_change(folder, archives[i], buf_str(&archive));
    const struct msg_load load = {.driver = S("kokoro"), .model = str_of(folder)};
    for (size_t i = 0; i < countof(archives); i++)
        peer_expect_refusal(getenv("PROGRAM"), &load, archives[i]);
}

static void hostile_text_is_no_harm(void **)
{
    static const char *const units[] = {
        "s'", "a", "1", "9,",     "Dr. ", "\u0301",  "\u65e5\u672c",     "(",
        "_",  "^", "$", "\u200f", "!?",   "<speak>", "\xf0\x9f\x98\x80", "(en)"};
    struct peer *p = start("kokoro", tiny);
    for (size_t i = 0; i < countof(units); i++) {
        char text[1000];
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
    struct peer *p = start("kokoro", tiny);
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
        assert_uint_in_range(s[i].samples, RATE * 2, RATE * 12);
        buf_finish(&s[i].sound);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* More than can compute, all of them cancelled: none says anything after its end was told, and the next one speaks. */
static void cancelled_answers_end(void **)
{
    enum { STREAMS = 20 };
    struct peer *p = start("kokoro", tiny);
    bool has_ended[STREAMS] = {};
    uint32_t ended = 0;
    for (uint32_t i = 0; i < STREAMS; i++)
        spoken_ask(p, 100 + i, "", 0.25f, SENTENCE " " SENTENCE " " SENTENCE);
    assert_true(peer_wait(p, MSG_audio));
    for (uint32_t i = 0; i < STREAMS; i++)
        peer_send(p, MSG_cancel, 100 + i, &(struct msg_cancel){});
    while (ended < STREAMS && peer_next(p)) {
        uint32_t i = p->frame.stream - 100;
        assert_true(i < STREAMS && !has_ended[i]);
        assert_true(p->frame.type != MSG_tts_done && p->frame.type != MSG_fail);
        has_ended[i] = p->frame.type == MSG_canceled;
        ended += has_ended[i];
    }
    assert_int_equal(ended, STREAMS);
    expect_speech(p, "", RATE);
    assert_int_equal(peer_stop(p), 0);
}

static void a_run_ends_when_it_is_cancelled(void **)
{
    struct kokoro_shape shape = kokoro_tiny_made();
    shape.is_endless = true;
    struct peer *p = start("kokoro", made_kokoro(shape));
    spoken_cancel_endless(p, "af_heart");
    expect_speech(p, "", RATE);
    assert_int_equal(peer_stop(p), 0);
}

/* --- load --- */

struct broken {
    const char *name; /* of the file that is written anew */
    struct str bytes; /* none: it is removed */
    const char *says;
};

static void expect_broken(const struct broken *b)
{
    const char *folder = made_kokoro(kokoro_tiny_made());
    made_kokoro_change(folder, b->name, b->bytes);
    const struct msg_load load = {.driver = S("kokoro"), .model = str_of(folder)};
    peer_expect_refusal(getenv("PROGRAM"), &load, b->says);
}

static void broken_folders_are_refused(void **)
{
    struct kokoro_shape shape = kokoro_tiny_made();
    autobuf onnx = {}, style = {}, piper = {}, mute = {}, silent = {}, nan = {}, unknown = {};
    kokoro_write_onnx(&shape, &onnx);
    kokoro_write_style(1, &style);
    shape.is_mute = true;
    kokoro_write_onnx(&shape, &mute);
    shape = kokoro_tiny_made();
    shape.is_silent = true;
    kokoro_write_onnx(&shape, &silent);
    shape.is_nan = true;
    kokoro_write_onnx(&shape, &nan);
    struct voice_shape voice = voice_tiny_made();
    voice_write_onnx(&voice, &piper);
    unknown.cap = 1 << 24;
    assert_ok(buf_add(&unknown, buf_str(&onnx)));
    memcpy(unknown.p + str_find(buf_str(&unknown), S("ConvTranspose")), "ConvTransport", 13);
    const struct str model = buf_str(&onnx), numbers = buf_str(&style);
    const struct broken rows[] = {
        {"model.onnx", S(""), "no model.onnx"},
        {"model.onnx", S("{}"), "no ONNX file"},
        {"model.onnx", str_sub(model, 0, model.n / 2), "cut or damaged"},
        {"model.onnx", str_sub(model, 0, model.n - 1), "cut or damaged"},
        {"model.onnx", buf_str(&piper), "model.onnx is a voice of Piper; name this file"},
        {"model.onnx", buf_str(&mute), "no sound"},
        {"model.onnx", buf_str(&silent), "no sound"},
        {"model.onnx", buf_str(&nan), "no sound"},
        {"model.onnx", buf_str(&unknown), "ONNX Runtime cannot load the voice"},
        {"tokenizer.json", S("{"), "cannot be read"},
        {"tokenizer.json", S("{\"model\": {\"vocab\": {}}}"), "needs 1 to 4096 symbols"},
        {"tokenizer.json", S("{\"model\": {\"vocab\": {\"a\": 4000, \"\u0259\": 4001}}}"),
         "ONNX Runtime cannot compute"},
        {"tokenizer.json", S("{\"model\": {\"vocab\": {\"~\": 1}}}"), "gives no sound"},
        {"voices/af_heart.bin", S("x"), "\"af_heart\" is no table of styles"},
        {"voices/af_heart.bin", str_sub(numbers, 0, numbers.n - 4), "or it is cut"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        expect_broken(&rows[i]);
}

static void what_is_no_kokoro_is_refused(void **)
{
    const char *lonely = made_kokoro(kokoro_tiny_made()),
               *foreign = made_kokoro(kokoro_tiny_made());
    static const char *const english[] = {"voices/af_heart.bin", "voices/bm_george.bin",
                                          "voices/ef_dora.bin"};
    for (size_t i = 0; i < countof(english); i++) {
        made_kokoro_change(lonely, english[i], S(""));
        made_kokoro_change(foreign, english[i], S(""));
    }
    made_kokoro_change(lonely, "voices/jf_alpha.bin", S(""));
    char file[128];
    snprintf(file, sizeof file, "%s/model.onnx", tiny);
    const struct str driver = S("kokoro");
    const struct {
        struct msg_load load;
        const char *says;
    } rows[] = {
        {{.driver = driver}, "tts.model must name a Kokoro"},
        {{.driver = driver, .model = S("/nowhere")}, "cannot open the voice"},
        {{.driver = driver, .model = S("/dev/null")}, "no voice file"},
        {{.driver = driver, .model = S("/tmp/nowhere/model.onnx")}, "cannot open the voice"},
        {{.driver = driver, .model = str_of(lonely)}, "lacks its voices"},
        {{.driver = driver, .model = str_of(foreign)}, "none speaks a language"},
        {{.driver = S("piper"), .model = str_of(file)}, "this is a voice of Kokoro"},
        {{.driver = driver,
          .model = str_of(tiny),
          .sha256 = S("0000000000000000000000000000000000000000000000000000000000000000")},
         "not what models.lock says"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        peer_expect_refusal(getenv("PROGRAM"), &rows[i].load, rows[i].says);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kokoro_speaks),
        cmocka_unit_test(it_is_told_from_a_voice_of_piper),
        cmocka_unit_test(voices_differ),
        cmocka_unit_test(a_language_without_phonemes_is_refused),
        cmocka_unit_test(an_older_export_speaks),
        cmocka_unit_test(an_older_export_refuses_half_speeds),
        cmocka_unit_test(a_builtin_voice_keeps_its_name),
        cmocka_unit_test(the_only_model_of_the_folder_below_is_found),
        cmocka_unit_test(two_archives_are_refused),
        cmocka_unit_test(speed_is_that_of_speech),
        cmocka_unit_test(an_archive_of_voices_will_do),
        cmocka_unit_test(hostile_text_is_no_harm),
        cmocka_unit_test(many_speak_at_once),
        cmocka_unit_test(cancelled_answers_end),
        cmocka_unit_test(a_run_ends_when_it_is_cancelled),
        cmocka_unit_test(broken_folders_are_refused),
        cmocka_unit_test(what_is_no_kokoro_is_refused),
    };
    return cmocka_run_group_tests(tests, make, nullptr);
}
