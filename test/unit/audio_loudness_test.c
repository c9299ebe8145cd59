// SPDX-License-Identifier: Apache-2.0
#include "audio/loudness.h"
#include "unit.h"

static int16_t tone[2400]; /* 100 ms at 24 kHz */

static void pauses_make_nobody_quieter(void **)
{
    static const int16_t pause[24000];
    struct loudness l = {}, quiet = {};
    assert_int_equal(loudness_level(&l, 24000), 0);
    loudness_add(&l, 24000, tone, countof(tone));
    assert_int_equal(loudness_level(&l, 24000), 0); /* 100 ms say little */
    for (int i = 0; i < 5; i++)
        loudness_add(&l, 24000, tone, countof(tone));
    uint32_t level = loudness_level(&l, 24000);
    assert_uint_in_range(level, 1700, 1765); /* of a saw from -3000 to 2940 */
    loudness_add(&l, 24000, pause, countof(pause));
    assert_uint_in_range(loudness_level(&l, 24000), level - 1, level + 1);
    loudness_add(&quiet, 24000, pause, countof(pause));
    assert_int_equal(loudness_level(&quiet, 24000), 0);
}

static int make_tone(void **)
{
    for (size_t i = 0; i < countof(tone); i++)
        tone[i] = (int16_t)((int)(i % 100) * 60 - 3000);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_make_nobody_quieter),
    };
    return cmocka_run_group_tests(tests, make_tone, nullptr);
}
