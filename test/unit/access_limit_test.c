// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/clock.h"
#include "server/access/limit.h"

#include "unit.h"

static uint64_t now_us = 1000000;

static void pass_ms(uint64_t ms)
{
    now_us += ms * 1000;
    clock_fake(now_us);
}

static void test_bucket_empties_and_refills(void **)
{
    struct limit *l;
    uint32_t wait = 0;
    pass_ms(0);
    assert_ok(limit_create(60, &l));
    for (int i = 0; i < 60; i++)
        assert_ok(limit_take(l, S("ann"), &wait));
    assert_err(limit_take(l, S("ann"), &wait), ERR_RATE);
    assert_uint_in_range(wait, 1, 2);
    assert_ok(limit_take(l, S("bob"), &wait)); /* nobody pays for another */
    pass_ms(1001);
    assert_ok(limit_take(l, S("ann"), &wait));
    assert_err(limit_take(l, S("ann"), &wait), ERR_RATE);
    limit_destroy(l);
}

/* A flood of made-up names must neither grow the table nor free a name that is being held back. */
static void test_flood_of_names_frees_nobody(void **)
{
    struct limit *l;
    uint32_t wait = 0;
    assert_ok(limit_create(2, &l));
    assert_ok(limit_take(l, S("greedy"), &wait));
    assert_ok(limit_take(l, S("greedy"), &wait));
    for (int i = 0; i < 100000; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "user-%d", i);
        assert_ok(limit_take(l, (struct str){name, (size_t)n}, &wait));
    }
    assert_err(limit_take(l, S("greedy"), &wait), ERR_RATE);
    limit_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_empties_and_refills),
        cmocka_unit_test(test_flood_of_names_frees_nobody),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
