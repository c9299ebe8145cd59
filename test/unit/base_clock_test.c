// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include "unit.h"

static void test_fake(void **)
{
    clock_fake(5000123);
    assert_int_equal(clock_us(), 5000123);
    assert_int_equal(clock_ms(), 5000);
    assert_int_equal(clock_wall_ms(), 5000);
    clock_fake(UINT64_MAX);
    assert_true(clock_wall_ms() > 1700000000000);
    uint64_t before = clock_us(), after = clock_us();
    assert_true(before <= after && after - before < 60000000);
}

static void test_random(void **)
{
    static unsigned char bytes[4096];
    unsigned count[256] = {};
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        count[bytes[i]]++;
    for (int i = 0; i < 256; i++) /* 16 each; 60 happens once in 10^15 runs */
        assert_true(count[i] < 60);

    char a[33], b[33];
    random_hex(a, 16);
    random_hex(b, 16);
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
    random_hex(a, 0);
    assert_string_equal(a, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fake),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
