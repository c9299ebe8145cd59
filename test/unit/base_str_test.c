// SPDX-License-Identifier: Apache-2.0
#include <limits.h>

#include "unit.h"

static const struct str nothing = {};

static void test_comparing(void **)
{
    assert_true(str_eq(nothing, S("")));
    assert_true(str_eq(S("a\0b"), S("a\0b")));
    assert_false(str_eq(S("a\0b"), S("a\0c")));
    assert_false(str_eq(S("a"), S("ab")));
    assert_true(str_eq_nocase(S("Keep-ALIVE"), S("keep-alive")));
    assert_false(str_eq_nocase(S("[{"), S("{["))); /* one bit apart, as letters are */
    assert_false(str_eq_nocase(S("\xc3\x84"), S("\xc3\xa4")));
    assert_true(str_starts(S("abc"), S("ab")));
    assert_true(str_starts(nothing, nothing));
    assert_false(str_starts(S("a"), S("ab")));
    assert_true(str_ends(S("x.html"), S(".html")));
    assert_false(str_ends(S("html"), S(".html")));
    assert_true(str_ends_nocase(S("X.HTML"), S(".html")));
    assert_false(str_ends_nocase(S("X.HTM"), S(".html")));
}

static void test_finding(void **)
{
    static const struct {
        struct str in, what;
        size_t want;
    } rows[] = {
        {S("abcabc"), S("c"), 2},
        {S("abcabc"), S("ca"), 2},
        {S("abc"), S("x"), 3},
        {S("abc"), S("abcd"), 3},
        {S("abc"), S(""), 0},
        {{}, S("a"), 0},
        {{}, {}, 0},
        {S("a\0b\0c"), S("\0c"), 3},
        {S("aaab"), S("aab"), 1},
        {S("\r\n\r"), S("\r"), 0},
        {S("--x--xy"), S("--xy"), 3},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        assert_int_equal(str_find(rows[i].in, rows[i].what), rows[i].want);
        if (rows[i].what.n == 1)
            assert_int_equal(str_find_byte(rows[i].in, rows[i].what.p[0]), rows[i].want);
    }
}

static void test_cutting(void **)
{
    assert_str(str_sub(S("abcdef"), 2, 4), "cd");
    assert_str(str_sub(S("abcdef"), 4, 2), "");
    assert_str(str_sub(S("abcdef"), 4, SIZE_MAX), "ef");
    assert_str(str_sub(S("abcdef"), SIZE_MAX, SIZE_MAX), "");
    assert_str(str_trim(S(" \t\r\n\v\fa b \n")), "a b");
    assert_str(str_trim(S(" \n ")), "");
    assert_str(str_trim(nothing), "");
    assert_str(str_of(nullptr), "");

    struct str rest = S("a,,bc,"), piece;
    static const char *const pieces[] = {"a", "", "bc"};
    for (size_t i = 0; i < countof(pieces); i++) {
        assert_true(str_cut(&rest, ',', &piece));
        assert_str(piece, pieces[i]);
    }
    assert_false(str_cut(&rest, ',', &piece));
    assert_str(piece, "bc"); /* untouched */
}

static void test_whole_numbers(void **)
{
    static const struct {
        struct str text;
        bool good;
        int64_t want;
    } rows[] = {
        {S("0"), true, 0},
        {S("-0"), true, 0},
        {S("007"), true, 7},
        {S("-12"), true, -12},
        {S("9223372036854775807"), true, INT64_MAX},
        {S("-9223372036854775808"), true, INT64_MIN},
        {S("9223372036854775808"), false, 0},
        {S("-9223372036854775809"), false, 0},
        {{}, false, 0},
        {S("-"), false, 0},
        {S("+1"), false, 0},
        {S("--1"), false, 0},
        {S("1-"), false, 0},
        {S(" 1"), false, 0},
        {S("1 "), false, 0},
        {S("1\n"), false, 0},
        {S("1\0"), false, 0},
        {S("0x10"), false, 0},
        {S("1e3"), false, 0},
        {S("1.0"), false, 0},
        {S("0000000000000000000000000000000000000000000000000000000000000000"), false, 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t got = 42;
        assert_err(str_to_i64(rows[i].text, &got), rows[i].good ? OK : ERR_INVALID);
        assert_int_equal(got, rows[i].good ? rows[i].want : 42);
    }
    int64_t five;
    assert_ok(str_to_i64(str_sub(S("56"), 0, 1), &five)); /* what lies behind is not looked at */
    assert_int_equal(five, 5);
}

static void test_broken_numbers(void **)
{
    static const struct {
        const char *text;
        bool good;
        double want;
    } rows[] = {
        {"0.5", true, 0.5},  {"-2", true, -2},    {"1e3", true, 1000}, {"2.5E-1", true, 0.25},
        {"", false, 0},      {".", false, 0},     {"1e999", false, 0}, {"nan", false, 0},
        {"inf", false, 0},   {"0x1p3", false, 0}, {"0x10", false, 0},  {" 1", false, 0},
        {"1,5", false, 0},   {"+1", false, 0},    {"1.5.2", false, 0}, {"infinity", false, 0},
        {"1e+2", true, 100}, {"1e", false, 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        double got = 42;
        assert_err(str_to_f64(str_of(rows[i].text), &got), rows[i].good ? OK : ERR_INVALID);
        assert_true(got == (rows[i].good ? rows[i].want : 42));
    }
}

static void test_distance(void **)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } rows[] = {
        {"", "", 0},       {"ask", "ask", 0},      {"", "ask", 3},           {"ask", "", 3},
        {"aks", "ask", 2}, {"ingst", "ingest", 1}, {"kitten", "sitting", 3}, {"Ask", "ask", 1},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_int_equal(str_distance(str_of(rows[i].a), str_of(rows[i].b)), rows[i].want);
    char lengthy[STR_DISTANCE_MAX];
    memset(lengthy, 'x', sizeof lengthy);
    assert_int_equal(str_distance((struct str){lengthy, sizeof lengthy}, S("x")), STR_DISTANCE_MAX);
    assert_int_equal(str_distance((struct str){lengthy, sizeof lengthy - 1}, S("x")),
                     STR_DISTANCE_MAX - 2);
}

static void names_in_a_list_are_found_whole(void **)
{
    static const struct {
        const char *list, *name;
        bool want;
    } cases[] = {
        {"slt, rms, awb", "rms", true}, {"slt,rms", "slt", true}, {"slt, rms ", "rms", true},
        {"slt, rms", "rm", false},      {"slt, rms", "", false},  {"", "rms", false},
        {"slt rms", "rms", false},      {"slt,,rms", "", true},
    };
    for (size_t i = 0; i < countof(cases); i++)
        assert_int_equal(str_listed(str_of(cases[i].list), str_of(cases[i].name)), cases[i].want);
}

static void the_last_part_of_a_path_is_found(void **)
{
    static const char *const cases[][2] = {
        {"/a/b.c", "b.c"}, {"b.c", "b.c"}, {"a/", ""}, {"/", ""}, {"", ""}};
    for (size_t i = 0; i < countof(cases); i++)
        assert_str(str_file_name(str_of(cases[i][0])), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_in_a_list_are_found_whole),
        cmocka_unit_test(the_last_part_of_a_path_is_found),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_broken_numbers),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
