// SPDX-License-Identifier: Apache-2.0
/* What a recogniser elsewhere is sent, and what is made of its answers, right and wrong. */
#include "alloc_fault.h"
#include "audio/wav.h"
#include "server/engine/remote/sound.h"
#include "server/engine/remote/transcript.h"
#include "server/net/multipart.h"
#include "unit.h"
#include "wire/spoken_word.h"

/* --- the request --- */

struct form {
    struct buf fields, file; /* "name=value" each, and a line end */
    bool in_file;
};

static enum err on_part(void *arg, const struct multipart_part *part)
{
    struct form *f = arg;
    f->in_file = part->filename.p != nullptr;
    return f->in_file ? OK : buf_addf(&f->fields, "%.*s=", STR_FMT(part->name));
}

static enum err on_data(void *arg, struct str bytes)
{
    struct form *f = arg;
    return buf_add(f->in_file ? &f->file : &f->fields, bytes);
}

static enum err on_part_end(void *arg)
{
    struct form *f = arg;
    return f->in_file ? OK : buf_add_byte(&f->fields, '\n');
}

static void read_form(struct str type, struct str body, struct form *f)
{
    static const struct multipart_events events = {on_part, on_data, on_part_end};
    struct multipart *m;
    assert_ok(multipart_create(type, 16, &events, f, &m));
    assert_ok(multipart_feed(m, body));
    assert_ok(multipart_finish(m));
    multipart_destroy(m);
}

static void expect_request(struct str type, struct str body, const char *fields, size_t samples)
{
    struct form f = {.fields = BUF(4096), .file = BUF(1 << 20)};
    autobuf heard = BUF(1 << 20);
    struct wav_reader *wav;
    read_form(type, body, &f);
    assert_str(buf_str(&f.fields), fields);
    assert_ok(wav_reader_create(&wav));
    assert_ok(wav_feed(wav, buf_str(&f.file), &heard));
    assert_ok(wav_end(wav));
    assert_int_equal(wav_rate(wav), PCM_RATE_RECOGNISE);
    assert_int_equal(heard.n, samples * sizeof(int16_t));
    assert_int_equal(f.file.n, WAV_HEADER_BYTES + heard.n);
    wav_reader_destroy(wav);
    buf_finish(&f.fields);
    buf_finish(&f.file);
}

static int16_t sound[3 * 1600];

static struct str some(size_t from, size_t to)
{
    return str_sub((struct str){(const char *)sound, sizeof sound}, from, to);
}

static void a_request_is_a_form_with_a_recording(void **)
{
    static const struct remote_sound_ask plain = {.model = S("m")},
                                         all = {.model = S("m"),
                                                .language = S("en"),
                                                .prompt = S("a\r\n--part-\r\nb"),
                                                .temperature = 0.25f,
                                                .verbose = true,
                                                .times_words = true};
    struct remote_sound s;
    autobuf copy = {};
    for (size_t i = 0; i < countof(sound); i++)
        sound[i] = (int16_t)(i % 200 * 50);
    assert_ok(remote_sound_init(&s, PCM_RATE_RECOGNISE));
    assert_false(s.is_loud);
    assert_ok(remote_sound_add(&s, some(0, 3201))); /* in the middle of a sample */
    assert_true(s.is_loud);
    assert_int_equal(remote_sound_ms(&s), 100);
    assert_ok(remote_sound_copy(&s, &plain, &copy));
    expect_request(str_of(s.type), buf_str(&copy), "model=m\nresponse_format=json\n", 1600);
    assert_ok(remote_sound_add(&s, some(3201, sizeof sound)));
    assert_ok(remote_sound_end(&s));
    for (int i = 0; i < 2; i++) { /* asked again, it is the same sound */
        assert_ok(remote_sound_ask(&s, &all));
        expect_request(str_of(s.type), buf_str(&s.body),
                       "model=m\nlanguage=en\nprompt=a\r\n--part-\r\nb\ntemperature=0.25\n"
                       "response_format=verbose_json\ntimestamp_granularities[]=word\n"
                       "timestamp_granularities[]=segment\n",
                       4800);
    }
    assert_ok(remote_sound_ask(&s, &plain));
    expect_request(str_of(s.type), buf_str(&s.body), "model=m\nresponse_format=json\n", 4800);
    remote_sound_finish(&s);
}

static void any_rate_becomes_that_of_recognisers(void **)
{
    static const uint32_t rates[] = {8000, 22050, 48000};
    for (size_t i = 0; i < countof(rates); i++) {
        struct remote_sound s;
        assert_ok(remote_sound_init(&s, rates[i]));
        assert_ok(remote_sound_add(&s, some(0, sizeof sound)));
        assert_ok(remote_sound_end(&s));
        uint32_t ms = (uint32_t)(countof(sound) * 1000 / rates[i]);
        assert_uint_in_range(remote_sound_ms(&s), ms - 1, ms + 1);
        remote_sound_finish(&s);
    }
    struct remote_sound s;
    assert_err(remote_sound_init(&s, 7999), ERR_INVALID);
    remote_sound_finish(&s);
    assert_err(remote_sound_init(&s, 48001), ERR_INVALID);
    remote_sound_finish(&s);
}

static void silence_and_too_much_are_known(void **)
{
    static const char zero[32 * 1024];
    static int16_t faint[100];
    struct remote_sound s;
    assert_ok(remote_sound_init(&s, PCM_RATE_RECOGNISE));
    for (size_t i = 0; i < countof(faint); i++)
        faint[i] = i % 2 ? 60 : -60;
    assert_ok(remote_sound_add(&s, (struct str){(const char *)faint, sizeof faint}));
    enum err err = OK;
    size_t n = sizeof faint;
    for (; err == OK; n += sizeof zero)
        err = remote_sound_add(&s, (struct str){zero, sizeof zero});
    assert_err(err, ERR_TOOBIG);
    assert_uint_in_range(n, REMOTE_SOUND_MAX, REMOTE_SOUND_MAX + 2 * sizeof zero);
    assert_false(s.is_loud);
    assert_ok(remote_sound_ask(&s, &(struct remote_sound_ask){.model = S("m")}));
    faint[0] = -100;
    remote_sound_finish(&s);
    assert_ok(remote_sound_init(&s, PCM_RATE_RECOGNISE));
    assert_ok(remote_sound_add(&s, (struct str){(const char *)faint, sizeof faint}));
    assert_true(s.is_loud);
    remote_sound_finish(&s);
}

static enum err send(void *)
{
    struct remote_sound s;
    struct buf copy = {};
    static const struct remote_sound_ask what = {.model = S("m"), .prompt = S("x")};
    enum err err = remote_sound_init(&s, 48000);
    if (err == OK)
        err = remote_sound_add(&s, some(0, sizeof sound));
    if (err == OK)
        err = remote_sound_copy(&s, &what, &copy);
    if (err == OK)
        err = remote_sound_end(&s);
    if (err == OK)
        err = remote_sound_ask(&s, &what);
    remote_sound_finish(&s);
    buf_finish(&copy);
    return err;
}

/* --- the answer --- */

static void texts(void **)
{
    static const struct {
        const char *body, *text, *language;
        enum err err;
    } rows[] = {
        {"{\"text\":\"Hello there.\"}", "Hello there.", "", OK},
        {"{\"text\":\"\"}", "", "", OK},
        {"{\"text\":\" how do i\\n add\\t\\u0000documents \\n\",\"language\":\"english\"}",
         "how do i add documents", "en", OK},
        {"{\"text\":\"Gr\\u00fc\\u00df Gott\",\"language\":\"de-CH\"}", "Grüß Gott", "de", OK},
        {"{\"text\":\"a\",\"language\":\"Klingon\"}", "a", "", OK},
        {"{\"text\":\"a\",\"language\":7}", "a", "", OK},
        /* markers */
        {"{\"text\":\"[BLANK_AUDIO]\"}", "", "", OK},
        {"{\"text\":\" [ Silence ] so [cough] be it\"}", "so be it", "", OK},
        {"{\"text\":\"(upbeat music) (applause)\"}", "", "", OK},
        {"{\"text\":\"call (555) 123\"}", "call (555) 123", "", OK},
        {"{\"text\":\"(a) b\"}", "(a) b", "", OK},
        {"{\"text\":\"a [b\"}", "a [b", "", OK},
        {"{\"text\":\"[0123456789012345678901234567890123456789012345678901234567890123]\"}",
         "[0123456789012345678901234567890123456789012345678901234567890123]", "", OK},
        /* without its text, but with its parts */
        {"{\"segments\":[{\"text\":\" a b\"},{\"text\":\"(music)\"},{\"text\":\"c \"},7]}", "a b c",
         "", OK},
        {"{\"segments\":[]}", "", "", OK},
        {"{\"text\":null,\"segments\":[{\"text\":\"a\"}]}", "", "", ERR_SYNTAX},
        /* no transcripts */
        {"{}", "", "", ERR_SYNTAX},
        {"{\"error\":{\"message\":\"no\"}}", "", "", ERR_SYNTAX},
        {"{\"text\":7}", "", "", ERR_SYNTAX},
        {"{\"text\":[\"a\"]}", "", "", ERR_SYNTAX},
        {"[{\"text\":\"a\"}]", "", "", ERR_SYNTAX},
        {"\"a\"", "", "", ERR_SYNTAX},
        {"{\"text\":\"a\"", "", "", ERR_SYNTAX},
        {"{\"text\":\"\xff\"}", "", "", ERR_SYNTAX},
        {"{\"text\":\"a\"} x", "", "", ERR_SYNTAX},
        {"hello", "", "", ERR_SYNTAX},
        {"<html>", "", "", ERR_SYNTAX},
        {"", "", "", ERR_SYNTAX},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct remote_transcript t = {};
        enum err err = remote_transcript_read(str_of(rows[i].body), &t);
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].body, err_code(err));
        assert_str(buf_str(&t.text), rows[i].text);
        if (err == OK)
            assert_str(remote_transcript_language(&t), rows[i].language);
        remote_transcript_finish(&t);
    }
}

static void long_texts_are_refused(void **)
{
    autobuf body = BUF(1 << 20);
    assert_ok(buf_add(&body, S("{\"text\":\"")));
    for (int i = 0; i < REMOTE_TRANSCRIPT_MAX / 2 - 1; i++)
        assert_ok(buf_add(&body, S("a ")));
    size_t n = body.n;
    struct remote_transcript t = {};
    assert_ok(buf_add(&body, S("a\"}")));
    assert_ok(remote_transcript_read(buf_str(&body), &t));
    remote_transcript_finish(&t);
    body.n = n;
    assert_ok(buf_add(&body, S("a aa\"}")));
    assert_err(remote_transcript_read(buf_str(&body), &t), ERR_TOOBIG);
}

/* "start-end text {word start-end confidence …}" of each. */
static enum err note(void *arg, const struct msg_stt_segment *s)
{
    struct str rest = s->words;
    struct spoken_word w;
    try(buf_addf(arg, "%u-%u %.*s", s->start_ms, s->end_ms, STR_FMT(s->text)));
    if (s->logprob != 0)
        try(buf_addf(arg, " %g %g %g", (double)s->logprob, (double)s->no_speech,
                     (double)s->compression));
    while (rest.n) {
        assert_ok(spoken_word_next(&rest, s->text.n, &w));
        try(buf_addf(arg, " {%.*s %u-%u %g}", STR_FMT(str_sub(s->text, w.at, w.at + w.length)),
                     w.start_ms, w.end_ms, (double)w.confidence));
    }
    return buf_add_byte(arg, '\n');
}

#define WORD(word, start, end)                                                                     \
    "{\"word\":\"" word "\",\"start\":" start ",\"end\":" end ",\"probability\":0.5}"

static void segments(void **)
{
    static const struct {
        const char *body, *told;
        bool needs_times;
        enum err err;
    } rows[] = {
        {"{\"text\":\"a b\"}", "0-5000 a b\n", false, OK},
        {"{\"text\":\"a b\",\"segments\":7}", "0-5000 a b\n", false, OK},
        {"{\"text\":\"a b\",\"segments\":[]}", "0-5000 a b\n", false, OK},
        {"{\"text\":\"\",\"segments\":[]}", "", true, OK},
        {"{\"text\":\"a b\",\"segments\":[{\"start\":0.5,\"end\":1.25,\"text\":\" a\","
         "\"avg_logprob\":-0.5,\"no_speech_prob\":0.25,\"compression_ratio\":1.5},"
         "{\"start\":1.25,\"end\":2,\"text\":\"b\",\"words\":[" WORD("b", "1.25", "2") "]}]}",
         "500-1250 a -0.5 0.25 1.5\n1250-2000 b {b 1250-2000 0.5}\n", false, OK},
        /* numbers that are none, or out of the recording */
        {"{\"text\":\"a\",\"segments\":[{\"start\":-3,\"end\":99,\"text\":\"a\"},"
         "{\"start\":\"x\",\"end\":1e300,\"text\":\"b\",\"avg_logprob\":-1e300},"
         "{\"start\":4,\"end\":3,\"text\":\"c\"},{\"text\":\"d\"},{\"text\":7},null,[]]}",
         "0-5000 a\n0-5000 b\n4000-4000 c\n0-0 d\n", false, OK},
        /* words with each segment, as whisper.cpp and faster-whisper tell them */
        {"{\"text\":\"a bc d\",\"segments\":[{\"start\":0,\"end\":2,\"text\":\" a bc\",\"words\":[" WORD(
             " a", "0", "0.5") "," WORD(" bc", "1", "2") "]},{\"start\":2,\"end\":3,\"text\":\"d\","
                                                         "\"words\":[" WORD("d", "2", "3") "]}]}",
         "0-2000 a bc {a 0-500 0.5} {bc 1000-2000 0.5}\n2000-3000 d {d 2000-3000 0.5}\n", true, OK},
        /* of all, as OpenAI does, without signs */
        {"{\"text\":\"A, b.\",\"segments\":[{\"start\":0,\"end\":1,\"text\":\"A,\"},"
         "{\"start\":1,\"end\":2,\"text\":\"b.\"}],\"words\":[" WORD("A", "0", "0.5") "," WORD(
             "b", "1", "9") "]}",
         "0-1000 A, {A 0-500 0.5}\n1000-2000 b. {b 1000-5000 0.5}\n", true, OK},
        {"{\"text\":\"a b\",\"words\":[" WORD("a", "0", "0.5") "," WORD("b", "1", "2") "]}",
         "0-5000 a b {a 0-500 0.5} {b 1000-2000 0.5}\n", true, OK},
        /* those that were not said there, or are none */
        {"{\"text\":\"a b\",\"words\":[" WORD("x", "0", "1") ",7,{}," WORD("b", "3", "2") "," WORD(
             "a", "3", "4") "]}",
         "0-5000 a b {b 3000-3000 0.5}\n", true, OK},
        {"{\"text\":\"a b\"}", "0-5000 a b\n", true, ERR_INVALID},
        {"{\"text\":\"a b\",\"words\":[]}", "0-5000 a b\n", true, ERR_INVALID},
        {"{\"text\":\"a b\",\"words\":{\"word\":\"a\"}}", "0-5000 a b\n", true, ERR_INVALID},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct remote_transcript_wish wish = {.audio_ms = 5000,
                                                    .needs_times = rows[i].needs_times};
        struct remote_transcript t = {};
        autobuf told = BUF(4096);
        assert_ok(remote_transcript_read(str_of(rows[i].body), &t));
        enum err err = remote_transcript_tell(&t, &wish, note, &told);
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].body, err_code(err));
        assert_str(buf_str(&told), rows[i].told);
        remote_transcript_finish(&t);
    }
}

static enum err refuse(void *arg, const struct msg_stt_segment *)
{
    ++*(int *)arg;
    return ERR_CANCELED;
}

static void whoever_has_heard_enough_hears_no_more(void **)
{
    struct remote_transcript t = {};
    int told = 0;
    assert_ok(remote_transcript_read(
        S("{\"segments\":[{\"text\":\"a\"},{\"text\":\"b\"}],\"language\":\"en\"}"), &t));
    assert_err(remote_transcript_tell(&t, &(struct remote_transcript_wish){}, refuse, &told),
               ERR_CANCELED);
    assert_int_equal(told, 1);
    remote_transcript_finish(&t);
}

static enum err ignore(void *, const struct msg_stt_segment *)
{
    return OK;
}

static enum err hear(void *)
{
    static const struct str body = S(
        "{\"text\":\"a b\",\"segments\":[{\"text\":\"a b\",\"words\":[" WORD("a", "0", "1") "]}]}");
    static const struct remote_transcript_wish wish = {.audio_ms = 2000, .needs_times = true};
    struct remote_transcript t = {};
    try(remote_transcript_read(body, &t));
    enum err err = remote_transcript_tell(&t, &wish, ignore, nullptr);
    remote_transcript_finish(&t);
    return err;
}

static void memory_may_be_short(void **)
{
    assert_true(torture(send, nullptr) > 3);
    assert_true(torture(hear, nullptr) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_a_form_with_a_recording),
        cmocka_unit_test(any_rate_becomes_that_of_recognisers),
        cmocka_unit_test(silence_and_too_much_are_known),
        cmocka_unit_test(texts),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(segments),
        cmocka_unit_test(whoever_has_heard_enough_hears_no_more),
        cmocka_unit_test(memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
