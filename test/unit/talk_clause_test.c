// SPDX-License-Identifier: Apache-2.0
/* The cases are in test/data/speech/clauses.txt. However the tokens' borders fall, the clauses are the same. */
#include "server/talk/clause.h"

#include "cases.h"
#include "chance.h"
#include "server/talk/clause_mark.h"
#include "unit.h"

enum { CASES_MIN = 300, CLAUSES_MAX = 1024 };

/* What came of a text: the clauses, and where each ended. */
struct cutting {
    struct buf clauses; /* a TAB after each */
    size_t count, end[CLAUSES_MAX];
};

static void take_clauses(struct clause_splitter *c, struct str text, struct cutting *into)
{
    struct str clause;
    size_t end;
    while (clause_next(c, &clause, &end)) {
        size_t from = into->count > 0 ? into->end[into->count - 1] : 0;
        assert_true(clause.n > 0 && end > from && end <= text.n);
        /* It is what stands there in the text, but for white space at its ends. */
        struct str piece = str_sub(text, from, end);
        size_t at = cut_space(piece);
        struct str behind = str_sub(piece, at + clause.n, piece.n);
        assert_true(str_eq(str_sub(piece, at, at + clause.n), clause));
        assert_int_equal(cut_space(behind), behind.n);
        assert_ok(buf_add(&into->clauses, clause));
        assert_ok(buf_add_byte(&into->clauses, '\t'));
        assert_true(into->count < CLAUSES_MAX);
        into->end[into->count++] = end;
    }
}

/* In tokens of `step` bytes; of 1 to 12 by chance when it is 0. */
static void cut_up(struct str text, size_t step, struct cutting *into)
{
    struct clause_splitter c;
    clause_init(&c);
    *into = (struct cutting){.clauses = BUF(text.n * 2 + 64)};
    for (size_t at = 0, n; at < text.n; at += n) {
        n = step > 0 ? step : 1 + chance(12);
        assert_ok(clause_feed(&c, str_sub(text, at, at + n)));
        take_clauses(&c, text, into);
    }
    clause_finish(&c);
    take_clauses(&c, text, into);
    size_t last = into->count > 0 ? into->end[into->count - 1] : 0;
    struct str left = str_sub(text, last, text.n);
    assert_int_equal(cut_space(left), left.n);
    clause_free(&c);
}

static void expect_clauses(const struct text_case *c)
{
    autobuf want = BUF(1 << 16);
    for (size_t i = 1; i < c->count; i++) {
        assert_ok(buf_add(&want, c->field[i]));
        assert_ok(buf_add_byte(&want, '\t'));
    }
    struct cutting got;
    cut_up(c->field[0], c->field[0].n + 1, &got);
    if (!str_eq(buf_str(&got.clauses), buf_str(&want)))
        cases_differ(c, buf_str(&got.clauses), buf_str(&want));
    buf_finish(&got.clauses);
}

static void test_table(void **)
{
    assert_true(cases_run("clauses.txt", expect_clauses) >= CASES_MIN);
}

static void expect_same(struct str text, const struct cutting *whole, size_t step)
{
    struct cutting got;
    cut_up(text, step, &got);
    if (!str_eq(buf_str(&got.clauses), buf_str(&whole->clauses)) ||
        memcmp(got.end, whole->end, sizeof got.end) != 0)
        fail_msg("\"%.*s\" in tokens of %zu: \"%.*s\", not \"%.*s\"", STR_FMT(text), step,
                 STR_FMT(got.clauses), STR_FMT(whole->clauses));
    buf_finish(&got.clauses);
}

static void try_borders(const struct text_case *c)
{
    struct cutting whole;
    cut_up(c->field[0], c->field[0].n + 1, &whole);
    for (size_t step = 1; step <= 8; step++)
        expect_same(c->field[0], &whole, step);
    for (unsigned i = 0; i < 8; i++)
        expect_same(c->field[0], &whole, 0);
    buf_finish(&whole.clauses);
}

/* Also within a code point, a mark's run, a word that may be an abbreviation. */
static void test_borders_do_not_matter(void **)
{
    begin_sequences(1);
    (void)next_sequence();
    (void)cases_run("clauses.txt", try_borders);
    (void)cases_run("english.txt", try_borders);
    (void)next_sequence();
}

/* Texts of what a splitter looks at, put together by chance. */
static void test_borders_of_any_text(void **)
{
    static const char *const pieces[] = {
        ".",
        "...",
        "!",
        "?",
        ",",
        ":",
        ";",
        " ",
        "  ",
        "\n",
        "\n```",
        "`",
        "``",
        "[",
        "]",
        "[1]",
        "(",
        ")",
        "\"",
        "\xe2\x80\x9d",
        "\xe3\x80\x82",
        "\xe3\x80\x8d",
        "\xe2\x80\xa6",
        "\xc2\xa0",
        "\xe2\x80\x94",
        " \xe2\x80\x93 ",
        "Dr",
        "J",
        "No",
        "etc",
        "U.S",
        "p.m",
        "He",
        "Hello",
        "the",
        "word ",
        "3",
        "12",
        "2026",
        "|",
        "\n|",
        "# ",
        "- ",
        "Mai",
        "\xff",
        "\xe2",
        "\xf0\x9f",
        "$",
        "x",
    };
    for (begin_sequences(2000); next_sequence();) {
        autobuf text = BUF(1 << 14);
        for (uint32_t n = chance(60); n > 0; n--)
            assert_ok(buf_add(&text, str_of(pieces[chance(countof(pieces))])));
        struct cutting whole;
        cut_up(buf_str(&text), text.n + 1, &whole);
        expect_same(buf_str(&text), &whole, 1);
        expect_same(buf_str(&text), &whole, 0);
        expect_same(buf_str(&text), &whole, 0);
        buf_finish(&whole.clauses);
    }
}

static void test_endless_text_is_cut_at_white_space(void **)
{
    struct clause_splitter c;
    clause_init(&c);
    for (int i = 0; i < 200; i++)
        assert_ok(clause_feed(&c, S("words ")));
    struct str clause;
    size_t end, total = 0;
    while (clause_next(&c, &clause, &end)) {
        assert_true(clause.n <= CLAUSE_MAX + 1);
        assert_true(str_ends(clause, S("words")));
        total++;
    }
    assert_true(total >= 3);
    clause_free(&c);
}

static void test_one_endless_word_is_cut_between_code_points(void **)
{
    struct clause_splitter c;
    clause_init(&c);
    for (int i = 0; i < 1000; i++)
        assert_ok(clause_feed(&c, S("ü")));
    clause_finish(&c);
    struct str clause;
    size_t end, bytes = 0;
    while (clause_next(&c, &clause, &end)) {
        assert_true(utf8_valid(clause));
        bytes += clause.n;
    }
    assert_int_equal(bytes, 2000);
    clause_free(&c);
}

/* Wherever the length falls at which a cut is forced, a token's border there changes nothing. */
static void test_borders_at_a_forced_cut(void **)
{
    begin_sequences(1);
    (void)next_sequence();
    for (size_t pad = 0; pad < 40; pad++) {
        autobuf text = BUF(2048);
        for (size_t i = 0; i < pad; i++)
            assert_ok(buf_add_byte(&text, 'a'));
        while (text.n < 3 * CLAUSE_MAX)
            assert_ok(buf_add(&text, S(" weighs 12 kg and 1 234 g in all")));
        struct cutting whole;
        cut_up(buf_str(&text), text.n + 1, &whole);
        expect_same(buf_str(&text), &whole, 1);
        for (size_t step = 2; step <= 40; step += 3)
            expect_same(buf_str(&text), &whole, step);
        buf_finish(&whole.clauses);
    }
    (void)next_sequence();
}

static void test_first_clause_is_shorter(void **)
{
    struct clause_splitter c;
    clause_init(&c);
    assert_ok(clause_feed(&c, S("You can add documents on the page, or with the ingest command, or "
                                "over the interface, as you like. ")));
    struct str clause;
    size_t end;
    assert_true(clause_next(&c, &clause, &end));
    assert_str(clause, "You can add documents on the page,");
    assert_true(clause_next(&c, &clause, &end));
    assert_str(clause, "or with the ingest command, or over the interface, as you like.");
    clause_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test_teardown(test_borders_do_not_matter, tell_sequence),
        cmocka_unit_test_teardown(test_borders_of_any_text, tell_sequence),
        cmocka_unit_test(test_endless_text_is_cut_at_white_space),
        cmocka_unit_test(test_one_endless_word_is_cut_between_code_points),
        cmocka_unit_test_teardown(test_borders_at_a_forced_cut, tell_sequence),
        cmocka_unit_test(test_first_clause_is_shorter),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
