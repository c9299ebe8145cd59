// SPDX-License-Identifier: Apache-2.0
/* What is read out of what a model writes: the cases are in test/data/speech. */
#include "tts/text/speakable.h"

#include "cases.h"
#include "chance.h"
#include "unit.h"

enum { CASES_MIN = 400 };

static const struct language *language;

static struct buf speak(struct str text)
{
    struct fence in_code = {};
    struct buf out = BUF(text.n * SPEAKABLE_GROWTH + SPEAKABLE_MORE);
    assert_ok(speakable(text, language, &in_code, &out));
    return out;
}

static void expect_speech(const struct text_case *c)
{
    autobuf out = speak(c->field[0]);
    if (!str_eq(buf_str(&out), c->field[1]))
        cases_differ(c, buf_str(&out), c->field[1]);
}

static void test_english(void **)
{
    language = language_find(S("en-us"));
    assert_true(cases_run("english.txt", expect_speech) >= CASES_MIN);
}

static void test_german(void **)
{
    language = language_find(S("de"));
    assert_ptr_equal(language, &language_german);
    assert_true(cases_run("german.txt", expect_speech) > 0);
}

/* A language without a table: the marks for the eye go, all else is left to the synthesiser. */
static void test_other(void **)
{
    language = language_find(S("cmn"));
    assert_ptr_equal(language, &language_other);
    assert_true(cases_run("other.txt", expect_speech) > 0);
}

/* What has been made speakable has nothing more to be done to it. */
static void expect_rest(const struct text_case *c)
{
    autobuf again = speak(c->field[1]);
    if (!str_eq(buf_str(&again), c->field[1]))
        cases_differ(c, buf_str(&again), c->field[1]);
}

static void test_speech_stays(void **)
{
    language = &language_english;
    (void)cases_run("english.txt", expect_rest);
}

/* A block of code is announced once, however many clauses it comes in, and the next one again. */
static void test_code_in_clauses(void **)
{
    static const char *const clauses[][2] = {
        {"Try this:", "Try this:"},
        {"```sh", "Here is some code."},
        {"make. Now", ""},
        {"x = 5", ""},
        {"```", ""},
        {"Then 5.", "Then five."},
        {"~~~", "Here is some code."},
        {"a", ""},
        {"~~~\nEnd", "End"},
    };
    struct fence in_code = {};
    for (size_t i = 0; i < countof(clauses); i++) {
        autobuf out = BUF(256);
        assert_ok(speakable(str_of(clauses[i][0]), &language_english, &in_code, &out));
        assert_str(buf_str(&out), clauses[i][1]);
    }
}

static void expect_clean(struct str text, struct str out)
{
    assert_true(utf8_valid(out));
    for (size_t i = 0; i < out.n; i++) {
        unsigned char c = (unsigned char)out.p[i];
        const char *marks = language == &language_other ? "*`|#[]{}\\^\"" : "*`|#[]{}\\^<>\"";
        if (c < 0x20 || c == 0x7F || strchr(marks, c) != nullptr)
            fail_msg("\"%.*s\": \"%.*s\" has \\x%02x", STR_FMT(text), STR_FMT(out), c);
        if (c == ' ' && (i == 0 || i + 1 == out.n || out.p[i + 1] == ' '))
            fail_msg("\"%.*s\": \"%.*s\" has a blank too many", STR_FMT(text), STR_FMT(out));
    }
}

/* Of anything, put together by chance: no mark for the eye is left, in the room that is promised. */
static void test_any_text(void **)
{
    static const char *const pieces[] = {
        "$",       "5",       "12",       "1984", ",",       ".",     "-",    " ",     " ",
        " ",       "\n",      "%",        "°C",   "/",       ":",     "*",    "**",    "`",
        "```",     "#",       "[",        "](",   ")",       "(",     "|",    "&lt;",  "&#42;",
        "<b>",     "<",       ">",        "\\",   "^",       "_",     "~",    "@",     "x",
        "GB",      "st",      "am",       "p.m.", "Dr.",     "No.",   "Nov",  "II",    "HTTP",
        "v",       "½",       "²",        "₂",    "–",       "“",     "’",    "'",     "\"",
        "😀",      "http://", "www.a",    "é",    "日本",    "\xff",  "\xc3", "\x01",  "\xc2\x85",
        "\\frac{", "}",       "{",        "K",    "million", "Henry", "€",    "x@y.z", "=",
        "!",       "?",       "+1 (555)",
    };
    static const struct language *const languages[] = {&language_english, &language_german,
                                                       &language_other};
    for (begin_sequences(20000); next_sequence();) {
        autobuf text = BUF(1 << 12);
        for (uint32_t n = chance(24); n > 0; n--)
            assert_ok(buf_add(&text, str_of(pieces[chance(countof(pieces))])));
        language = languages[chance(countof(languages))];
        autobuf out = speak(buf_str(&text));
        expect_clean(buf_str(&text), buf_str(&out));
    }
}

/* What grows most, over and over, stays in the room that is promised. */
static void test_growth(void **)
{
    static const char *const worst[] = {
        "<",    "#1",  "±",    "> ",    "#\n",    "- a\n",   "&lt;",  "½",    "7%",
        "7‰",   "$7",  "$7M",  "7K ",   "7W ",    "7 h",     "777,",  "7st ", "=",
        "1e7 ", "/7",  "7/7 ", "```\n", "$_$",    "10mph ",  "7:07 ", "v7 ",  "@a ",
        "#a ",  "B7 ", "73'",  "x^7",   "°",      "1/1/77 ", "7psi ", "<=",   "a@b.c ",
        "VII ", "!=",  "0.7",  "7ppm ", "7mmHg ", "-7 ",     "7x7 ",  "$.7 ",
    };
    language = &language_english;
    for (size_t i = 0; i < countof(worst); i++) {
        autobuf text = BUF(4096);
        while (text.n + 16 < text.cap)
            assert_ok(buf_add(&text, str_of(worst[i])));
        autobuf out = speak(buf_str(&text));
        expect_clean(buf_str(&text), buf_str(&out));
    }
}

/* Too little room is told, not overrun. */
static void test_room(void **)
{
    struct fence in_code = {};
    autobuf out = BUF(10);
    assert_err(speakable(S("It costs $5.2M."), &language_english, &in_code, &out), ERR_TOOBIG);
    assert_true(out.n <= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_english),
        cmocka_unit_test(test_german),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_speech_stays),
        cmocka_unit_test(test_code_in_clauses),
        cmocka_unit_test_teardown(test_any_text, tell_sequence),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
