// SPDX-License-Identifier: Apache-2.0
#include "server/talk/clause.h"

#include "unit.h"

struct row {
    const char *text;
    const char *clauses[6];
};

static const struct row rows[] = {
    {"Hello there. How are you?", {"Hello there.", "How are you?"}},
    {"It costs 3.50 euros, or 1,000 yen today, which is not much.",
     {"It costs 3.50 euros, or 1,000 yen today,", "which is not much."}},
    {"Ask Dr. Smith. He knows.", {"Ask Dr. Smith.", "He knows."}},
    {"Open from 8 a.m. to 7 p.m. Come in.", {"Open from 8 a.m. to 7 p.m.", "Come in."}},
    {"See No. 5. No. Not that.", {"See No. 5.", "No.", "Not that."}},
    {"It ends at 7 p.m.", {"It ends at 7 p.m."}},
    {"J. Smith wrote it. Then he left.", {"J. Smith wrote it.", "Then he left."}},
    {"Write to a.b@example.com or see www.example.com/x.html now. Thanks!",
     {"Write to a.b@example.com or see www.example.com/x.html now.", "Thanks!"}},
    {"Short, but no cut here", {"Short, but no cut here"}},
    {"1. First do this.\n2. Then do that.", {"1. First do this.", "2. Then do that."}},
    {"He said \"stop.\" Then (quietly.) it ended.",
     {"He said \"stop.\"", "Then (quietly.)", "it ended."}},
    {"你好。今天很好！再见", {"你好。", "今天很好！", "再见"}},
    {"   \n\n  ", {}},
    {"", {}},
    {"One line\nanother line", {"One line", "another line"}},
};

static void expect_clauses(const struct row *row, size_t step)
{
    struct clause_splitter c;
    clause_init(&c);
    struct str text = str_of(row->text);
    size_t got = 0, last_end = 0;
    for (size_t at = 0; at <= text.n; at += step) {
        assert_ok(clause_feed(&c, str_sub(text, at, at + step)));
        if (at + step > text.n)
            clause_finish(&c);
        struct str clause;
        size_t end;
        while (clause_next(&c, &clause, &end)) {
            assert_non_null(row->clauses[got]);
            assert_str(clause, row->clauses[got]);
            assert_true(end > last_end && end <= text.n);
            last_end = end;
            got++;
        }
    }
    assert_null(row->clauses[got]);
    clause_free(&c);
}

static void test_table(void **)
{
    for (size_t i = 0; i < countof(rows); i++)
        expect_clauses(&rows[i], 1000);
}

/* Tokens arrive in any size; the clauses must not depend on it. */
static void test_byte_by_byte(void **)
{
    for (size_t i = 0; i < countof(rows); i++)
        for (size_t step = 1; step < 8; step++)
            expect_clauses(&rows[i], step);
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
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_endless_text_is_cut_at_white_space),
        cmocka_unit_test(test_one_endless_word_is_cut_between_code_points),
        cmocka_unit_test(test_first_clause_is_shorter),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
