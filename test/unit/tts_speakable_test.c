// SPDX-License-Identifier: Apache-2.0
/* What is read out of what a model writes: one line a case. */
#include "tts/speakable.h"

#include "unit.h"

struct row {
    const char *written, *spoken;
};

static void run(const struct row *rows, size_t count, bool english)
{
    for (size_t i = 0; i < count; i++) {
        autobuf out = BUF(strlen(rows[i].written) * SPEAKABLE_GROWTH + 16);
        assert_ok(speakable(str_of(rows[i].written), english, &out));
        if (!str_eq(buf_str(&out), str_of(rows[i].spoken)))
            fail_msg("\"%s\": got \"%.*s\", want \"%s\"", rows[i].written, (int)out.n, out.p,
                     rows[i].spoken);
    }
}

static void test_marks(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", ""},
        {"Plain text, as it is.", "Plain text, as it is."},
        {"**bold** and *thin* and __both__ and ~~gone~~", "bold and thin and both and gone"},
        {"**bold, cut off", "bold, cut off"},
        {"Run `make run` now", "Run make run now"},
        {"```sh\nmake run\n```", "make run"},
        {"# Heading\nText", "Heading. Text"},
        {"### Heading ", "Heading"},
        {"#1 of C#", "number 1 of C sharp"},
        {"- one\n- two\n* three", "one. two. three"},
        {"1. First\n2. Second", "1. First 2. Second"},
        {"- [ ] open\n- [x] done", "open. done"},
        {"> quoted\n> twice", "quoted twice"},
        {"---\nafter", "after"},
        {"| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b, 1, 2"},
        {"snake_case_name", "snake case name"},
        {"a \\* b", "a b"},
        {"3 * 4 and 3*4", "3 times 4 and 3 times 4"},
        {"two  blanks\t\tand tabs", "two blanks and tabs"},
        {"line\nline", "line line"},
        {"word -- word - word", "word, word, word"},
        {"well-known", "well-known"},
    };
    run(rows, countof(rows), true);
}

static void test_links(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"See [the manual](https://x.y/z?a=b).", "See the manual."},
        {"See **[the manual](docs/a.md)**!", "See the manual!"},
        {"![a picture](p.png) here", "a picture here"},
        {"See https://x.y/z.", "See link."},
        {"(http://x.y) and www.x.org, too", "(link) and link, too"},
        {"<https://x.y/>", "link"},
        {"[text][ref] and [text] alone", "text and text alone"},
        {"It can [1] do that [2, 3].", "It can do that."},
        {"A note[^1] here", "A note here"},
        {"Done [1](https://x.y), [12, 13].", "Done."},
        {"In [2024](https://x.y) and [2025]", "In 2024 and 2025"},
        {"[] [ ]( ) [-]", ""},
        {"See [the manual](https://x.y/z", "See the manual(link"},
        {"[https://x.y](https://x.y)", "link"},
        {"awww.nice", "awww.nice"},
        {"http:// alone", "http:// alone"},
        {"a ] b", "a b"},
        {"mailto:me@x.org", "link"},
    };
    run(rows, countof(rows), true);
}

static void test_symbols(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Great 😀!", "Great!"},
        {"👨‍👩‍👧 family 🇩🇪 1️⃣", "family 1"},
        {"✅ done", "done"},
        {"😀", ""},
        {"salt & pepper &amp; oil", "salt and pepper and oil"},
        {"x &lt; y&nbsp;!", "x less than y!"},
        {"1 + 2 = 3", "1 plus 2 equals 3"},
        {"20 °C ± 1", "20 degrees C plus or minus 1"},
        {"“Hello” – she said… it’s", "Hello, she said... it's"},
        {"pages 10–20", "pages 10-20"},
        {"a — b", "a, b"},
        {"A → B", "A to B"},
        {"<b>bold</b><br>new", "bold new"},
        {"<!-- hidden -->shown", "shown"},
        {"5 < 6", "5 less than 6"},
        {"~20 files", "about 20 files"},
        {"zero\u200bwidth", "zerowidth"},
        {"bell\x07rings", "bell rings"},
        {"bad \xff\xc3 bytes", "bad bytes"},
    };
    run(rows, countof(rows), true);
}

static void test_other_languages(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Salz & Pfeffer", "Salz & Pfeffer"},
        {"**Grüße** aus `Köln` 😀", "Grüße aus Köln"},
        {"1 + 2", "1 + 2"},
    };
    run(rows, countof(rows), false);
}

static void test_growth(void **state)
{
    (void)state;
    static const char *const worst[] = {"<", "#1", "±", "> ", "#\n", "- a\n", "&lt;", "½"};
    for (size_t i = 0; i < countof(worst); i++) {
        char text[4096];
        size_t n = 0, unit = strlen(worst[i]);
        for (; n + unit < sizeof text; n += unit)
            memcpy(text + n, worst[i], unit);
        autobuf out = BUF(n * SPEAKABLE_GROWTH);
        assert_ok(speakable((struct str){text, n}, true, &out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),   cmocka_unit_test(test_links),
        cmocka_unit_test(test_symbols), cmocka_unit_test(test_other_languages),
        cmocka_unit_test(test_growth),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
