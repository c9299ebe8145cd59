// SPDX-License-Identifier: Apache-2.0
/* How often a window is heard anew, on machines of different speed: the sound is never left behind for long. */
#include "stt/window/pace.h"

#include "unit.h"

static void a_step_is_a_word_or_half_as_long_again_as_it_took(void **)
{
    static const struct {
        uint32_t took_ms, step_ms, paused_ms;
    } rows[] = {{0, 240, 0},     {80, 240, 80},      {160, 240, 160},
                {200, 300, 200}, {1000, 1500, 1000}, {20000, 30000, 20000}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct pace p = {};
        pace_note(&p, rows[i].took_ms * 1000ull);
        assert_false(pace_is_due(&p, rows[i].step_ms - 1, false));
        assert_true(pace_is_due(&p, rows[i].step_ms, false));
        assert_true(pace_is_due(&p, rows[i].paused_ms, true));
        if (rows[i].paused_ms > 0)
            assert_false(pace_is_due(&p, rows[i].paused_ms - 1, true));
    }
}

/* Sound comes in real time and is taken in when nothing is being heard; what a hearing takes grows with the window. */
static uint64_t worst_delay_ms(uint64_t fixed_ms, uint64_t per_second_ms)
{
    struct pace p = {};
    uint64_t now = 0, fed = 0, heard = 0, worst = 0;
    while (fed < 20000) {
        now = now > fed + 20 ? now : fed + 20; /* the next 20 ms have come */
        fed += 20;
        if (!pace_is_due(&p, fed - heard, fed % 700 == 0))
            continue;
        uint64_t took = fixed_ms + per_second_ms * fed / 1000;
        heard = fed;
        now += took;
        pace_note(&p, took * 1000);
        worst = now - fed > worst ? now - fed : worst;
    }
    return worst;
}

static void the_sound_is_caught_up_with(void **)
{
    assert_true(worst_delay_ms(40, 10) <= 40 + 200);
    assert_true(worst_delay_ms(300, 20) <= 2 * (300 + 400));
    assert_true(worst_delay_ms(1500, 0) <=
                2 * 1500); /* a machine that needs longer than the words */
    assert_true(worst_delay_ms(4000, 100) <= 2 * (4000 + 2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_a_word_or_half_as_long_again_as_it_took),
        cmocka_unit_test(the_sound_is_caught_up_with),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
