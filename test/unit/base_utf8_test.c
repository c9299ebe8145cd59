// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "unit.h"

/* By the table of RFC 3629, section 3. */
static size_t encode(uint32_t cp, char into[4])
{
    if (cp < 0x80) {
        into[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        into[0] = (char)(0xc0 | cp >> 6);
        into[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        into[0] = (char)(0xe0 | cp >> 12);
        into[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        into[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    into[0] = (char)(0xf0 | cp >> 18);
    into[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    into[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    into[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

static void test_every_code_point(void **)
{
    for (uint32_t cp = 0; cp < 0x120000; cp++) {
        char bytes[4];
        size_t len = encode(cp, bytes);
        bool good = cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff);
        uint32_t got = UINT32_MAX;
        size_t took = utf8_next((struct str){bytes, len}, &got);
        if (took != (good ? len : 0) || got != (good ? cp : UINT32_MAX) ||
            utf8_valid((struct str){bytes, len}) != good)
            fail_msg("U+%04X", cp);
        if (len > 1 && utf8_next((struct str){bytes, len - 1}, &got) != 0)
            fail_msg("U+%04X, cut", cp);
    }
}

/* Of all sequences of three bytes, as many begin with a well-formed character of each length as
 * there are such characters: so nothing else is taken for one. */
static void test_every_three_bytes(void **)
{
    size_t count[4] = {};
    for (uint32_t bits = 0; bits < 1u << 24; bits++) {
        const char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        uint32_t cp;
        count[utf8_next((struct str){bytes, 3}, &cp)]++;
    }
    assert_int_equal(count[1], 0x80 << 16);
    assert_int_equal(count[2], (0x800 - 0x80) << 8);
    assert_int_equal(count[3], 0x10000 - 0x800 - 0x800);
}

static void test_malformed(void **)
{
    static const struct str rows[] = {
        S("\x80"),
        S("\xbf"),
        S("\xc0\x80"),
        S("\xc1\xbf"),
        S("\xe0\x9f\xbf"),
        S("\xed\xa0\x80"),
        S("\xed\xbf\xbf"),
        S("\xf0\x8f\xbf\xbf"),
        S("\xf4\x90\x80\x80"),
        S("\xf5\x80"),
        S("\xfe"),
        S("\xff"),
        S("\xe2\x28\xa1"),
        S("\xf0\x9f\x98"),
        S("\xc3"),
    };
    static const char before[] = "0123456789abcdef";
    for (size_t i = 0; i < countof(rows); i++)
        for (int n = 0; n <= 16; n++) { /* at every offset of the eight bytes looked at at once */
            autobuf text = BUF(64);
            assert_ok(buf_addf(&text, "%.*s", n, before));
            assert_true(utf8_valid(buf_str(&text)));
            assert_ok(buf_add(&text, rows[i]));
            assert_false(utf8_valid(buf_str(&text)));
            assert_ok(buf_add(&text, S("trailing text")));
            assert_false(utf8_valid(buf_str(&text)));
        }
    assert_true(utf8_valid((struct str){}));
    assert_true(utf8_valid(S("a\0b")));
    uint32_t cp;
    assert_int_equal(utf8_next((struct str){}, &cp), 0);
}

static void test_prefixes(void **)
{
    /* lengths 1, 2, 3, 4 */
    struct str text = S("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t max = 0; max < countof(want); max++)
        assert_int_equal(utf8_prefix(text, max), want[max]);
    assert_int_equal(utf8_prefix(S("\x80\x80\x80\x80\x80\x80"), 5), 5); /* not a character at all */
    assert_int_equal(utf8_prefix((struct str){}, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_three_bytes),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
