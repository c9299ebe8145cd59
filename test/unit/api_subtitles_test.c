// SPDX-License-Identifier: Apache-2.0
/* Subtitles: their times, their order, and what may not stand in them. */
#include "server/api/subtitles.h"

#include "alloc_fault.h"
#include "unit.h"
#include "wire/language_name.h"

struct row {
    uint64_t start_ms, end_ms;
    const char *text;
};

static enum err write(struct subtitles *s, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        try(subtitles_add(s, rows[i].start_ms, rows[i].end_ms, str_of(rows[i].text)));
    return subtitles_end(s);
}

static const struct row rows[] = {
    {210, 2980, "he was not"},
    {2980, 2980, "  blanks around  "},    /* has no length */
    {1000, 3500, "a & b < c -> d --> e"}, /* begins too early */
    {3600000 * 100ull + 61001, 3600000 * 100ull + 62001, "late"},
    {3600000 * 101ull, 3600000 * 101ull + 1, " \t"},
};

static void test_srt(void **)
{
    struct subtitles s = {.text = BUF(4096)};
    assert_ok(write(&s, rows, countof(rows)));
    assert_str(buf_str(&s.text), "1\n00:00:00,210 --> 00:00:02,980\nhe was not\n\n"
                                 "2\n00:00:02,980 --> 00:00:02,981\nblanks around\n\n"
                                 "3\n00:00:02,981 --> 00:00:03,500\na & b < c - > d -- > e\n\n"
                                 "4\n100:01:01,001 --> 100:01:02,001\nlate\n\n");
    assert_int_equal(s.cues, 4);
    buf_finish(&s.text);
}

static void test_vtt(void **)
{
    struct subtitles s = {.vtt = true, .text = BUF(4096)};
    assert_ok(write(&s, rows, countof(rows)));
    assert_str(buf_str(&s.text),
               "WEBVTT\n\n00:00:00.210 --> 00:00:02.980\nhe was not\n\n"
               "00:00:02.980 --> 00:00:02.981\nblanks around\n\n"
               "00:00:02.981 --> 00:00:03.500\na &amp; b &lt; c -&gt; d --&gt; e\n\n"
               "100:01:01.001 --> 100:01:02.001\nlate\n\n");
    buf_finish(&s.text);
}

static void test_lines(void **)
{
    struct subtitles s = {.text = BUF(4096)};
    const struct row row = {0, 1000, "one\n\n2\r\nthree\x7f"};
    assert_ok(write(&s, &row, 1));
    assert_str(buf_str(&s.text), "1\n00:00:00,000 --> 00:00:01,000\none  2  three \n\n");
    buf_finish(&s.text);
}

static void test_nothing(void **)
{
    struct subtitles srt = {.text = BUF(100)}, vtt = {.vtt = true, .text = BUF(100)};
    assert_ok(write(&srt, nullptr, 0));
    assert_ok(write(&vtt, nullptr, 0));
    assert_int_equal(srt.text.n, 0);
    assert_str(buf_str(&vtt.text), "WEBVTT\n\n");
    buf_finish(&vtt.text);
}

static enum err write_vtt(void *)
{
    struct subtitles s = {.vtt = true, .text = BUF(4096)};
    enum err err = write(&s, rows, countof(rows));
    buf_finish(&s.text);
    return err;
}

static void test_memory(void **)
{
    assert_true(torture(write_vtt, nullptr) > 0);
}

static void test_languages(void **)
{
    static const char *const names[][2] = {{"en", "english"},
                                           {"de-CH", "german"},
                                           {"pt_BR", "portuguese"},
                                           {"EN", "english"},
                                           {"haw", "hawaiian"},
                                           {"yue", "cantonese"},
                                           {"zz", "zz"},
                                           {"", ""},
                                           {"e", "e"},
                                           {"english", "english"}};
    for (size_t i = 0; i < countof(names); i++)
        assert_str(language_name(str_of(names[i][0])), names[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_srt),    cmocka_unit_test(test_vtt),
        cmocka_unit_test(test_lines),  cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
