// SPDX-License-Identifier: Apache-2.0
#include "llm/answer.h"

#include "unit.h"

/* What is sent of `text` when it comes in pieces of `step` bytes. */
static void feed(const char *stops, struct str text, size_t step, struct buf *into, bool *over)
{
    struct answer a;
    char why[LLM_WHY_BYTES] = "";
    struct str ready;
    assert_ok(answer_init(&a, str_of(stops), why));
    for (size_t at = 0; at < text.n && !answer_over(&a); at += step) {
        assert_ok(answer_add(&a, str_sub(text, at, at + step), &ready));
        assert_true(utf8_valid(ready));
        assert_ok(buf_add(into, ready));
    }
    assert_ok(answer_end(&a, &ready));
    assert_ok(buf_add(into, ready));
    *over = answer_over(&a);
    answer_finish(&a);
}

static void the_same_however_cut(void **)
{
    static const struct {
        const char *stops, *text, *want;
        bool over;
    } rows[] = {
        {"", "plain text", "plain text", false},
        {"[]", "", "", false},
        {"[]", "grüße, 世界 😀!", "grüße, 世界 😀!", false},
        {"[\"\\nUser:\"]", "Yes.\nUser: and", "Yes.", true},
        {"[\"\\nUser:\"]", "Yes.\nUse", "Yes.\nUse", false},
        {"[\"ab\", \"aab\"]", "xaaaab", "xaa", true},
        {"[\"END\", \"N\"]", "before END", "before E", true},
        {"[\"世界\"]", "hello 世x 世界", "hello 世x ", true},
        {"[\"x\"]", "x", "", true},
        {"[]", "bad \xff\xc3(", "bad \uFFFD\uFFFD(", false},
        {"[]", "cut \xf0\x9f\x98", "cut \uFFFD\uFFFD\uFFFD", false},
        {"[]", "\xe4\xb8", "\uFFFD\uFFFD", false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        for (size_t step = 1; step < 12; step++) {
            autobuf got = BUF(1000);
            bool over;
            feed(rows[i].stops, str_of(rows[i].text), step, &got, &over);
            assert_str(buf_str(&got), rows[i].want);
            assert_int_equal(over, rows[i].over);
        }
    }
}

/* Text leaves at once unless it may become something else. */
static void nothing_is_held_without_need(void **)
{
    struct answer a;
    char why[LLM_WHY_BYTES] = "";
    struct str ready;
    assert_ok(answer_init(&a, S("[\"stop\"]"), why));
    assert_ok(answer_add(&a, S("hello s"), &ready));
    assert_str(ready, "hello ");
    assert_ok(answer_add(&a, S("to"), &ready));
    assert_str(ready, "");
    assert_ok(answer_add(&a, S("ry"), &ready));
    assert_str(ready, "story");
    answer_finish(&a);
}

static void bad_stops_are_refused(void **)
{
    static const char *const rows[] = {
        "{}",
        "\"x\"",
        "[1]",
        "[\"\"]",
        "[null]",
        "[\"a\"",
        "nonsense",
        "[[\"a\"]]",
        "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]",
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct answer a;
        char why[LLM_WHY_BYTES] = "";
        assert_err(answer_init(&a, str_of(rows[i]), why), ERR_INVALID);
        assert_string_not_equal(why, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_however_cut),
        cmocka_unit_test(nothing_is_held_without_need),
        cmocka_unit_test(bad_stops_are_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
