// SPDX-License-Identifier: Apache-2.0
/* What of a growing transcript is settled, and the final one as JSON. */
#include "stt/agree.h"

#include "base/json.h"
#include "stt/segments.h"
#include "unit.h"

static void test_agree(void **state)
{
    (void)state;
    static const struct {
        const char *hypothesis, *stable;
        const char *shown; /* NULL: the hypothesis */
        bool unsure;
    } rows[] = {
        {"how", ""},
        {"how do", ""},
        {"how do i", "how"},
        {"how do i add", "how do"},
        {"how do eyed", "how do"},
        {"how do i add docks", "how do"},
        {"how do i add documents", "how do"},
        {"how do i add documents to", "how do",
         .unsure = true}, /* is not one of those that agree */
        {"how do i add documents to", "how do i add"},
        {"how do i add documents to", "how do i add documents"},
        {"how do i add documents to", "how do i add documents to"},
        /* What is settled stays. */
        {"now do i add documents to", "how do i add documents to", "how do i add documents to"},
        {"now do eyes at docks to it", "how do i add documents to", "how do i add documents to it"},
        {"how do i add documents two", "how do i add documents to", "how do i add documents to"},
        {"how do", "how do i add documents to", "how do i add documents to"},
        {"", "how do i add documents to", "how do i add documents to"},
        {"a b c d e f it", "how do i add documents to", "how do i add documents to it"},
        {"a b c d e f it", "how do i add documents to", "how do i add documents to it", true},
        {"g h i j k l it", "how do i add documents to", "how do i add documents to it"},
        {"m n o p q r it s", "how do i add documents to it", "how do i add documents to it s"},
    };
    struct agree a;
    agree_init(&a, 3, 100);
    for (size_t i = 0; i < countof(rows); i++) {
        size_t stable;
        struct str text, hypothesis = str_of(rows[i].hypothesis);
        assert_ok(agree_next(&a, hypothesis, !rows[i].unsure, &text, &stable));
        assert_str(text, rows[i].shown ? rows[i].shown : rows[i].hypothesis);
        assert_str(str_sub(text, 0, stable), rows[i].stable);
    }
    agree_finish(&a);
}

/* A driver that asks seldom takes two for enough. */
static void test_agree_of_two(void **state)
{
    (void)state;
    struct agree a;
    agree_init(&a, 2, 100);
    size_t stable = 99;
    struct str text;
    assert_ok(agree_next(&a, S("how do i"), true, &text, &stable));
    assert_int_equal(stable, 0);
    assert_ok(agree_next(&a, S("how do eyes"), true, &text, &stable));
    assert_int_equal(stable, 6);
    assert_ok(agree_next(&a, S("how do eyes see"), true, &text, &stable));
    assert_int_equal(stable, 11);
    agree_finish(&a);
}

/* A word that is the beginning of another one is not that word. */
static void test_agree_words(void **state)
{
    (void)state;
    struct agree a;
    agree_init(&a, 3, 100);
    size_t stable = 99;
    struct str text;
    assert_ok(agree_next(&a, S("add document"), true, &text, &stable));
    assert_ok(agree_next(&a, S("add documents"), true, &text, &stable));
    assert_ok(agree_next(&a, S("add documents"), true, &text, &stable));
    assert_int_equal(stable, 3);
    assert_ok(agree_next(&a, S("address it"), true, &text, &stable));
    assert_str(text, "add it");
    assert_int_equal(stable, 3);
    agree_finish(&a);
}

static void test_agree_cap(void **state)
{
    (void)state;
    struct agree a;
    agree_init(&a, 3, 4);
    size_t stable;
    struct str text;
    assert_err(agree_next(&a, S("too long"), true, &text, &stable), ERR_TOOBIG);
    agree_finish(&a);
}

static struct stt_word words[] = {
    {.at = 0, .length = 2, .start_ms = 100, .end_ms = 300, .confidence = 1},
    {.at = 3, .length = 3, .start_ms = 310, .end_ms = 600, .confidence = 0.5f},
    {.at = 7, .length = 3, .start_ms = 1000, .end_ms = 1200, .confidence = 0.25f},
};

static struct stt_result he_was_not(void)
{
    struct stt_result r = {.text = BUF(100), .words = words, .words_n = countof(words)};
    assert_ok(buf_add(&r.text, S("he was not")));
    return r;
}

static void test_segments(void **state)
{
    (void)state;
    struct stt_result r = he_was_not();
    autobuf out = BUF(4096);
    assert_ok(segments_json(&r, 4096, &out));
    struct json_doc *doc;
    assert_ok(json_parse(buf_str(&out), &doc, nullptr));
    const struct json_val *phrases = json_root(doc), *first = json_at(phrases, 0);
    assert_int_equal(json_count(phrases), 2);
    assert_str(json_str(json_get(first, "text")), "he was");
    assert_int_equal(json_int(json_get(first, "start_ms"), -1), 100);
    assert_int_equal(json_int(json_get(first, "end_ms"), -1), 600);
    assert_float_equal(json_num(json_get(first, "confidence"), -1), 0.75, 1e-6);
    assert_int_equal(json_count(json_get(first, "words")), 2);
    assert_str(json_str(json_get(json_at(json_get(first, "words"), 1), "word")), "was");
    assert_str(json_str(json_get(json_at(phrases, 1), "text")), "not");
    json_doc_destroy(doc);
    buf_finish(&r.text);
}

/* What does not fit is left out, the finest first. */
static void test_segments_room(void **state)
{
    (void)state;
    struct stt_result r = he_was_not();
    autobuf whole = BUF(4096), phrases = BUF(4096), none = BUF(4096);
    assert_ok(segments_json(&r, 4096, &whole));
    assert_ok(segments_json(&r, whole.n - 1, &phrases));
    assert_true(phrases.n > 2 && phrases.n < whole.n);
    assert_true(str_find(buf_str(&phrases), S("\"words\"")) == phrases.n);
    assert_ok(segments_json(&r, phrases.n - 1, &none));
    assert_str(buf_str(&none), "[]");
    buf_finish(&r.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agree),       cmocka_unit_test(test_agree_of_two),
        cmocka_unit_test(test_agree_words), cmocka_unit_test(test_agree_cap),
        cmocka_unit_test(test_segments),    cmocka_unit_test(test_segments_room),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
