// SPDX-License-Identifier: Apache-2.0
/* What of a growing transcript is settled, and the final one in segments. */
#include "wire/agree.h"

#include "stt/segments.h"
#include "unit.h"
#include "wire/spoken_word.h"

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

/* What was told, a line a segment: times, text, words with their times, tokens. */
struct told {
    struct buf lines;
    unsigned most; /* then it fails */
    float logprob; /* of the last one */
};

static enum err tell(void *arg, const struct msg_stt_segment *m)
{
    struct told *t = arg;
    struct str rest = m->words;
    struct spoken_word w;
    if (t->most-- == 0)
        return ERR_CANCELED;
    try(buf_addf(&t->lines, "%u-%u %.*s", m->start_ms, m->end_ms, STR_FMT(m->text)));
    while (rest.n) {
        try(spoken_word_next(&rest, m->text.n, &w));
        try(buf_addf(&t->lines, " [%.*s %u-%u]", STR_FMT(str_sub(m->text, w.at, w.at + w.length)),
                     w.start_ms, w.end_ms));
    }
    t->logprob = m->logprob;
    return buf_addf(&t->lines, " %zu\n", m->tokens.n / sizeof(int32_t));
}

static void test_segments(void **state)
{
    (void)state;
    struct stt_result r = he_was_not();
    struct told t = {.lines = BUF(4096), .most = 100};
    assert_ok(segments_tell(&r, true, tell, &t));
    assert_str(buf_str(&t.lines), "100-600 he was [he 100-300] [was 310-600] 0\n"
                                  "1000-1200 not [not 1000-1200] 0\n");
    assert_float_equal(t.logprob, -1.386294, 1e-5);
    buf_clear(&t.lines);
    assert_ok(segments_tell(&r, false, tell, &t)); /* without the times of words */
    assert_str(buf_str(&t.lines), "100-600 he was [he 0-0] [was 0-0] 0\n"
                                  "1000-1200 not [not 0-0] 0\n");
    t.most = 1;
    assert_err(segments_tell(&r, true, tell, &t), ERR_CANCELED);
    buf_finish(&t.lines);
    buf_finish(&r.text);
}

/* Parts stay as they were heard, whatever the pauses; each has its tokens. */
static void test_parts(void **state)
{
    (void)state;
    struct stt_result r = he_was_not();
    struct stt_part parts[] = {{.words_end = 1, .tokens_end = 2, .logprob = -0.5f},
                               {.words_end = 3, .tokens_end = 5, .logprob = -0.25f}};
    int32_t tokens[] = {1, 2, 3, 4, 5};
    struct told t = {.lines = BUF(4096), .most = 100};
    r.parts = parts;
    r.parts_n = countof(parts);
    r.tokens = tokens;
    r.tokens_n = countof(tokens);
    assert_ok(segments_tell(&r, false, tell, &t));
    assert_str(buf_str(&t.lines),
               "100-300 he [he 0-0] 2\n310-1200 was not [was 0-0] [not 0-0] 3\n");
    assert_float_equal(t.logprob, -0.25, 1e-6);
    buf_finish(&t.lines);
    buf_finish(&r.text);
}

/* Who never pauses is cut all the same, at the longest gap of the later half. */
static void test_long_segments(void **state)
{
    (void)state;
    enum { WORDS = 2000, WORD_MS = 300 };
    static struct stt_word many[WORDS];
    struct stt_result r = {.text = BUF(WORDS * 2), .words = many, .words_n = WORDS};
    struct told t = {.lines = BUF(1 << 20), .most = 1000};
    for (uint32_t i = 0; i < WORDS; i++) {
        many[i] = (struct stt_word){.at = 2 * i,
                                    .length = 1,
                                    .start_ms = i * WORD_MS + (i % 50 == 0 ? 100 : 0),
                                    .end_ms = (i + 1) * WORD_MS,
                                    .confidence = 1};
        assert_ok(buf_add(&r.text, S("a ")));
    }
    assert_ok(segments_tell(&r, false, tell, &t));
    struct str rest = buf_str(&t.lines), line;
    int64_t last = 0;
    size_t heard = 0;
    for (size_t i = 0; str_cut(&rest, '\n', &line); i++) {
        int64_t start, end;
        struct str times = {}, number = {};
        assert_true(str_cut(&line, ' ', &times));
        assert_true(str_cut(&times, '-', &number));
        assert_ok(str_to_i64(number, &start));
        assert_ok(str_to_i64(times, &end));
        assert_true(start >= last && end > start && end <= start + SEGMENTS_MAX_MS);
        assert_true(i == 0 || start % 15000 == 100);
        last = end;
        for (size_t at = 0; at < line.n; at++)
            heard += line.p[at] == '[';
    }
    assert_int_equal(last, WORDS * WORD_MS);
    assert_int_equal(heard, WORDS);
    buf_finish(&t.lines);
    buf_finish(&r.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agree),         cmocka_unit_test(test_agree_of_two),
        cmocka_unit_test(test_agree_words),   cmocka_unit_test(test_agree_cap),
        cmocka_unit_test(test_segments),      cmocka_unit_test(test_parts),
        cmocka_unit_test(test_long_segments),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
