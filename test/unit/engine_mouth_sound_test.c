// SPDX-License-Identifier: Apache-2.0
/* What a synthesiser elsewhere is asked, and what is made of the bytes that it answers with, right and wrong. */
#include "alloc_fault.h"
#include "server/engine/mouth/ask.h"
#include "server/engine/mouth/sound.h"
#include "unit.h"

enum { SAMPLES = 2400, LONG_MS = 10000 };

static int16_t tone[SAMPLES];
static struct buf wav = BUF(1 << 20);

static struct str pcm(size_t samples)
{
    return (struct str){(const char *)tone, samples * sizeof *tone};
}

static int set_up(void **)
{
    uint8_t head[WAV_HEADER_BYTES];
    for (size_t i = 0; i < SAMPLES; i++)
        tone[i] = (int16_t)(i % 100 * 60 - 3000);
    wav_header(head, 22050, SAMPLES);
    assert_ok(buf_add(&wav, (struct str){(const char *)head, sizeof head}));
    assert_ok(buf_add(&wav, pcm(SAMPLES)));
    return 0;
}

static int tear_down(void **)
{
    buf_finish(&wav);
    return 0;
}

/* In pieces of so many bytes; what comes last is the end's. */
static enum err read(struct mouth_sound *s, const char *type, struct str bytes, size_t piece,
                     uint32_t ms_max, struct buf *into)
{
    mouth_sound_init(s, str_of(type), ms_max);
    for (size_t at = 0; at < bytes.n; at += piece)
        try(mouth_sound_feed(s, str_sub(bytes, at, at + piece), into));
    return mouth_sound_end(s, into);
}

static void sound_is_read_however_it_is_cut(void **)
{
    static const size_t pieces[] = {1, 2, 3, 7, 11, 13, 45, 4096, 1 << 20};
    static const struct {
        const char *type;
        bool is_wav;
        uint32_t rate_hz;
    } rows[] = {
        {"audio/pcm", false, 24000},
        {"audio/pcm;rate=16000", false, 16000},
        {"Audio/L16; rate=48000; channels=1", false, 48000},
        {"audio/pcm; rate=7999", false, 24000},
        {"audio/pcm; rate=many", false, 24000},
        {"application/octet-stream", false, 24000},
        {"", false, 24000},
        {"audio/wav", true, 22050},
        {"audio/pcm", true, 22050},  /* asked for bare samples, it sends a file */
        {"audio/mpeg", true, 22050}, /* and calls it whatever it likes */
        {"application/json", true, 22050},
    };
    for (size_t i = 0; i < countof(rows); i++)
        for (size_t k = 0; k < countof(pieces); k++) {
            struct mouth_sound s;
            autobuf heard = BUF(1 << 20);
            struct str bytes = rows[i].is_wav ? buf_str(&wav) : pcm(SAMPLES);
            assert_ok(read(&s, rows[i].type, bytes, pieces[k], LONG_MS, &heard));
            assert_int_equal(s.rate_hz, rows[i].rate_hz);
            assert_true(str_eq(buf_str(&heard), pcm(SAMPLES)));
            assert_int_equal(mouth_sound_ms(&s), SAMPLES * 1000 / rows[i].rate_hz);
            mouth_sound_finish(&s);
        }
}

#define RIFF(rate) "RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0" rate "\0\0\0\0\x02\0\x10\0"

static void what_is_no_sound_is_refused_with_a_reason(void **)
{
    static const struct {
        const char *type;
        struct str bytes;
        const char *says;
    } rows[] = {
        {"audio/mpeg", S("\xff\xfb\x90\x64 and so on"), "it sends MP3 where"},
        {"audio/ogg; codecs=opus", S("OggS........"), "it sends Ogg where"},
        {"", S("OggS........"), "it sends Ogg where"},
        {"audio/pcm", S("fLaC........"), "it sends FLAC where"},
        {"application/octet-stream", S("ID3\x04........."), "it sends MP3 where"},
        {"", S("\xff\xf3\x44\xc4........"), "it sends MP3 where"},
        {"text/html", S("Good morning"), "it sends text where"},
        {"application/problem+json", S("[1,2,3,4,5,6]"), "it sends text where"},
        {"audio/pcm", S("{\"error\":\"no voice\"}"), "it sends JSON where"},
        {"", S("<!doctype html>"), "it sends HTML where"},
        {"", S("<html><body>"), "it sends HTML where"},
        {"audio/pcm", S(""), "it sends no sound"},
        {"audio/pcm", S("a"), "it sends no sound"},
        {"audio/pcm", S("\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0"), "what it sends is silence"},
        {"audio/wav", S("RIFF\0\0\0\0WAVE"), "it sends no sound"},
        {"audio/wav", S("RIFF\0\0\0\0WAVEdata\0\0\0\0"), "its WAV file is none"},
        {"audio/wav", S("RIFF\0\0\0\0WAVEfmt \x04\0\0\0\x01\0\x01\0"), "its WAV file is none"},
        {"audio/wav", S(RIFF("\x40\x0d\x03\0") "data\x04\0\0\0\1\1\1\1"),
         "its WAV file is none: the WAV file's sample rate"},
        {"audio/wav", S(RIFF("\x00\x77\x01\0") "data\x04\0\0\0\1\1\1\1"),
         "its sound has 96000 samples a second"},
        {"audio/wav", S(RIFF("\0\0\0\0") "data\x04\0\0\0\1\1\1\1"), "its WAV file is none"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct mouth_sound s;
        autobuf heard = BUF(1 << 20);
        enum err err = read(&s, rows[i].type, rows[i].bytes, 5, LONG_MS, &heard);
        if (err != ERR_MEDIA || !str_starts(str_of(s.why), str_of(rows[i].says)))
            fail_msg("row %zu: %s, \"%s\"", i, err_code(err), s.why);
        mouth_sound_finish(&s);
    }
}

static void bare_samples_may_look_like_an_mp3_frame(void **)
{
    static const struct str bytes = S("\xff\xfb\x90\x64\xff\xfb\x90\x64\xff\xfb\x90\x64\xff\xfb");
    struct mouth_sound s;
    autobuf heard = BUF(1 << 20);
    assert_ok(read(&s, "audio/pcm", bytes, 4, LONG_MS, &heard));
    assert_true(str_eq(buf_str(&heard), bytes));
    mouth_sound_finish(&s);
}

static void a_file_that_is_shorter_than_it_says_is_cut(void **)
{
    static const struct {
        uint32_t claimed; /* samples */
        enum err err;
    } rows[] = {{SAMPLES - 1, OK},         {SAMPLES, OK},
                {SAMPLES + 1, ERR_CLOSED}, {10 * SAMPLES, ERR_CLOSED},
                {0x3fffffff, OK}, /* by who does not know */
                {UINT32_MAX, OK}};
    for (size_t i = 0; i < countof(rows); i++) {
        uint8_t head[WAV_HEADER_BYTES];
        struct mouth_sound s;
        autobuf file = BUF(1 << 20), heard = BUF(1 << 20);
        wav_header(head, 22050, rows[i].claimed);
        assert_ok(buf_add(&file, (struct str){(const char *)head, sizeof head}));
        assert_ok(buf_add(&file, pcm(SAMPLES)));
        assert_err(read(&s, "audio/wav", buf_str(&file), 1000, LONG_MS, &heard), rows[i].err);
        mouth_sound_finish(&s);
    }
}

/* What sounded up to there stays. */
static void sound_without_an_end_ends(void **)
{
    struct mouth_sound s;
    autobuf heard = BUF(1 << 20);
    mouth_sound_init(&s, S("audio/pcm"), 250);
    enum err err = OK;
    size_t n = 0;
    for (; err == OK; n++)
        err = mouth_sound_feed(&s, pcm(SAMPLES), &heard);
    assert_err(err, ERR_TOOBIG);
    assert_int_equal(n, 3); /* of 100 ms */
    assert_int_equal(heard.n, 6000 * sizeof(int16_t));
    mouth_sound_finish(&s);
    /* heads alone, for ever */
    static char junk[64 * 1024];
    mouth_sound_init(&s, S("audio/wav"), 250);
    err = mouth_sound_feed(&s, S(RIFF("\x22\x56\0\0") "junk\xff\xff\xff\x7f"), &heard);
    for (n = 0; err == OK && n < 1000; n++)
        err = mouth_sound_feed(&s, (struct str){junk, sizeof junk}, &heard);
    assert_err(err, ERR_TOOBIG);
    mouth_sound_finish(&s);
}

/* --- what is asked --- */

static void requests(void **)
{
    static const struct {
        struct mouth_ask ask;
        const char *url, *body;
    } rows[] = {
        {{.url = "http://h/v1",
          .model = "tts-1",
          .voice = "",
          .language = "",
          .speed = 1,
          .text = S("Say \"hi\".")},
         "http://h/v1/audio/speech",
         "{\"model\":\"tts-1\",\"input\":\"Say \\\"hi\\\".\",\"voice\":\"alloy\","
         "\"response_format\":\"pcm\"}"},
        {{.url = "http://h/v1",
          .model = "",
          .voice = "af_sky",
          .language = "de",
          .speed = 1.5f,
          .text = S("a")},
         "http://h/v1/audio/speech",
         "{\"input\":\"a\",\"voice\":\"af_sky\",\"language\":\"de\",\"response_format\":\"pcm\","
         "\"speed\":1.5}"},
        {{.api = MOUTH_COQUI,
          .url = "http://h/api/tts",
          .model = "x",
          .voice = "",
          .language = "",
          .speed = 1,
          .text = S("a b&c=\xc3\xa9?~")},
         "http://h/api/tts?text=a%20b%26c%3D%C3%A9%3F~",
         ""},
        {{.api = MOUTH_COQUI,
          .url = "http://h/api/tts",
          .model = "",
          .voice = "Ana Florence",
          .language = "en",
          .speed = 1,
          .text = S("a")},
         "http://h/api/tts?text=a&speaker_id=Ana%20Florence&language_id=en",
         ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf url = BUF(MOUTH_ASK_MAX), body = BUF(MOUTH_ASK_MAX);
        assert_ok(mouth_ask_write(&rows[i].ask, &url, &body));
        assert_str(buf_str(&url), rows[i].url);
        assert_str(buf_str(&body), rows[i].body);
    }
    assert_int_equal(mouth_api_of("auto", "http://h/v1"), MOUTH_OPENAI);
    assert_int_equal(mouth_api_of("auto", "http://h/api/tts/"), MOUTH_COQUI);
    assert_int_equal(mouth_api_of("coqui", "http://h/v1"), MOUTH_COQUI);
    assert_int_equal(mouth_api_of("openai", "http://h/api/tts"), MOUTH_OPENAI);
    assert_false(mouth_api_has_speed(MOUTH_COQUI, 1.5f));
    assert_true(mouth_api_has_speed(MOUTH_COQUI, 1));
    assert_true(mouth_api_has_speed(MOUTH_OPENAI, 1.5f));
}

static void words(void **)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"Hello there.", "Hello there."},
        {"", ""},
        {"**Bold** and `code`, ~~gone~~.", "Bold and code, gone."},
        {"See [the manual](http://h/a_b) [1][12].", "See the manual ."},
        {"## A title", "A title"},
        {"> quoted\n> again", "quoted again"},
        {"C# and 2*3 and a_b, #1", "C# and 2*3 and a_b, #1"},
        {"a \xf0\x9f\x98\x80 smile \xe2\x9c\x93\xef\xb8\x8f", "a smile"},
        {"Gr\xc3\xbc\xc3\x9f Gott \xff!", "Gr\xc3\xbc\xc3\x9f Gott !"},
        {"line\r\nbreak\t\x01 and\x7f", "line break and"},
        {"[not one]", "not one"},
        {"](", "("},
        {"[1", "1"},
        {"*", ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct str text = str_of(rows[i].text);
        autobuf into = BUF(text.n + 1);
        assert_ok(mouth_ask_words(text, &into));
        assert_str(buf_str(&into), rows[i].words);
    }
}

static void where_to_go_on(void **)
{
    static const struct {
        const char *text;
        double share;
        const char *rest;
    } rows[] = {
        {"one two three", 0, "one two three"},
        {"one two three", 0.2, "one two three"},
        {"one two three", 0.32, "two three"},
        {"one two three", 0.5, "two three"},
        {"one two three", 0.99, "three"},
        {"one two three", 1, ""},
        {"one two three", 7, ""},
        {"one two three", -1, "one two three"},
        {"\xe4\xbd\xa0\xe5\xa5\xbd", 0.5, "\xe4\xbd\xa0\xe5\xa5\xbd"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct str text = str_of(rows[i].text);
        assert_str(str_sub(text, mouth_ask_rest(text, rows[i].share), text.n), rows[i].rest);
    }
    /* a long run without a blank is cut between two characters */
    static char run[300];
    for (size_t i = 0; i < sizeof run; i++)
        run[i] = "\xe4\xbd\xa0"[i % 3];
    size_t at = mouth_ask_rest((struct str){run, sizeof run}, 0.5);
    assert_int_equal(at % 3, 0);
    assert_uint_in_range(at, 145, 150);
    static const char *const closes[][2] = {{"Yes.", "."},    {"Yes?)", "?"},   {"one, ", ","},
                                            {"**so:**", ":"}, {"no sign", "."}, {"", "."}};
    for (size_t i = 0; i < countof(closes); i++)
        assert_str(mouth_ask_close(str_of(closes[i][0])), closes[i][1]);
}

/* --- memory --- */

static enum err all_of_it(void *)
{
    struct mouth_sound s;
    autobuf heard = BUF(1 << 20), url = BUF(MOUTH_ASK_MAX), body = BUF(MOUTH_ASK_MAX),
            said = BUF(100);
    static const struct mouth_ask ask = {
        .url = "http://h", .model = "m", .voice = "v", .language = "", .speed = 1, .text = S("a")};
    try(mouth_ask_words(S("a *b*"), &said));
    try(mouth_ask_write(&ask, &url, &body));
    enum err err = read(&s, "audio/wav", buf_str(&wav), 1000, LONG_MS, &heard);
    mouth_sound_finish(&s);
    return err;
}

static void memory_may_be_short(void **)
{
    assert_true(torture(all_of_it, nullptr) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_read_however_it_is_cut),
        cmocka_unit_test(what_is_no_sound_is_refused_with_a_reason),
        cmocka_unit_test(bare_samples_may_look_like_an_mp3_frame),
        cmocka_unit_test(a_file_that_is_shorter_than_it_says_is_cut),
        cmocka_unit_test(sound_without_an_end_ends),
        cmocka_unit_test(requests),
        cmocka_unit_test(words),
        cmocka_unit_test(where_to_go_on),
        cmocka_unit_test(memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
