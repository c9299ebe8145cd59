// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"

#include "unit.h"

static void test_grows_to_its_cap(void **)
{
    for (size_t cap = 0; cap < 300; cap += 7) {
        autobuf b = BUF(cap);
        for (size_t i = 0; i < cap; i++) {
            assert_ok(buf_add_byte(&b, (char)('a' + i % 26)));
            assert_true(b.n < b.room && b.room <= cap + 1);
        }
        assert_err(buf_add_byte(&b, 'x'), ERR_TOOBIG);
        assert_err(buf_add(&b, S("xy")), ERR_TOOBIG);
        assert_err(buf_addf(&b, "%d", 1), ERR_TOOBIG);
        assert_err(buf_reserve(&b, 1), ERR_TOOBIG);
        assert_err(buf_reserve(&b, SIZE_MAX), ERR_TOOBIG);
        assert_ok(buf_add(&b, (struct str){}));
        assert_ok(buf_addf(&b, "%s", ""));
        assert_int_equal(b.n, cap);
        assert_int_equal(strlen(buf_z(&b)), cap);
        for (size_t i = 0; i < cap; i++)
            assert_int_equal(b.p[i], 'a' + i % 26);
    }
}

static void test_pieces_of_any_size(void **)
{
    char all[4000];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)(i * 31);
    struct str whole = {all, sizeof all};
    for (size_t step = 1; step < 700; step = step * 3 + 1) {
        autobuf b = BUF(sizeof all);
        for (size_t at = 0; at < whole.n; at += step)
            assert_ok(buf_add(&b, str_sub(whole, at, at + step)));
        assert_true(str_eq(buf_str(&b), whole));
    }
}

static void test_formatting(void **)
{
    autobuf b = BUF(1000);
    autobuf want = BUF(1000);
    for (int i = 0; i < 200; i++) {
        assert_ok(buf_addf(&b, "%d,", i % 10));
        assert_ok(buf_add_byte(&want, (char)('0' + i % 10)));
        assert_ok(buf_add_byte(&want, ','));
        assert_true(str_eq(buf_str(&b), buf_str(&want)));
    }
    assert_ok(buf_addf(&b, "%600d", 1));
    assert_err(buf_addf(&b, "a"), ERR_TOOBIG);
    assert_true(str_eq(str_sub(buf_str(&b), 0, 400), buf_str(&want)));
    assert_int_equal(b.p[999], '1');
}

static void test_eating(void **)
{
    autobuf b = BUF(100);
    assert_ok(buf_add(&b, S("abcdef")));
    buf_eat(&b, 2);
    assert_str(buf_str(&b), "cdef");
    buf_eat(&b, 0);
    buf_eat(&b, 4);
    assert_int_equal(b.n, 0);
    assert_string_equal(buf_z(&b), "");
    buf_clear(&b);
    buf_finish(&b);
    buf_finish(&b);
    assert_int_equal(b.cap, 100);
    assert_ok(buf_add(&b, S("again")));
    assert_str(buf_str(&b), "again");
}

/* A cap as large as can be must not overflow on the way to "too big". */
static void test_boundless(void **)
{
    autobuf b = BUF(SIZE_MAX);
    assert_ok(buf_add(&b, S("x")));
    assert_err(buf_reserve(&b, SIZE_MAX), ERR_TOOBIG);
    assert_ok(buf_add(&b, S("y")));
    assert_str(buf_str(&b), "xy");
}

static enum err fill(void *)
{
    autobuf b = BUF(1 << 20);
    for (int i = 0; i < 1000; i++) {
        struct str had = buf_str(&b);
        enum err err = i % 2 ? buf_add(&b, S("some words ")) : buf_addf(&b, "%d ", i);
        if (err != OK && (b.n != had.n || b.p != had.p))
            return ERR_INTERNAL; /* not left unchanged */
        try(err);
    }
    return buf_z(&b) ? OK : ERR_NOMEM;
}

static void test_without_memory(void **)
{
    assert_true(torture(fill, nullptr) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_to_its_cap), cmocka_unit_test(test_pieces_of_any_size),
        cmocka_unit_test(test_formatting),       cmocka_unit_test(test_eating),
        cmocka_unit_test(test_boundless),        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
