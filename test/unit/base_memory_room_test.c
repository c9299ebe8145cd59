// SPDX-License-Identifier: Apache-2.0
/* Whether memory can be had, without taking it. */
#include "base/memory_room.h"

#include "unit.h"

static void what_can_be_had_is_given_back(void **)
{
    enum { ROUNDS = 100 };
    const uint64_t bytes = 64 << 20;
    assert_true(memory_can_have(0));
    uint64_t before = memory_own().asked_bytes;
    assert_true(before > 0);
    for (int i = 0; i < ROUNDS; i++)
        assert_true(memory_can_have(bytes));
    assert_true(memory_own().asked_bytes < before + bytes);
}

/* More than there are addresses, and a number that no page's multiple follows. */
static void what_cannot_be_had_is_told(void **)
{
    assert_false(memory_can_have((uint64_t)1 << 62));
    assert_false(memory_can_have(UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_had_is_given_back),
        cmocka_unit_test(what_cannot_be_had_is_told),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
