// SPDX-License-Identifier: Apache-2.0
/* Changes of the language model with whatever may come between, drawn by chance: nobody is lost, nothing is left. */
#include "answerer_rig.h"
#include "chance.h"

static void happen(void)
{
    static const char *const names[] = {"one", "two", "three", "quote"};
    struct engine *e = chance(2) ? newest() : rig.now.llm;
    switch (chance(10)) {
    case 0:
    case 1:
        if (prepare(names[chance(4)]) == OK) {
            answerer_begin(rig.a, chance(4) ? &rig_watch : nullptr, &rig);
            rig.begun++;
        }
        break;
    case 2:
    case 3:
        if (e && e->info.state != ENGINE_READY)
            ready(e);
        break;
    case 4:
        if (e && chance(3) == 0)
            die(e, chance(2) ? "it does not fit" : "");
        break;
    case 5:
        if (e && e->job)
            warmed(e, chance(3) ? OK : ERR_ENGINE);
        break;
    case 6:
        if (rig.now.llm && rig.now.takes_new)
            rig.now.llm->info.live = chance(3);
        break;
    case 7:
        for (size_t i = 0; i < rig.made_count; i++)
            rig.made[i]->info.live = 0;
        break;
    case 8:
        rig.create_err = chance(3) ? OK : ERR_NOMEM;
        break;
    default:
        pass_ms(chance(3) ? 50 : chance(20 * 60 * 1000));
    }
    assert_true(alive() <= 2 + 4);
    assert_true(rig.ends <= rig.begun);
    /* Who answers is alive. */
    assert_true(!rig.now.llm || is_alive(rig.now.llm));
}

static void test_any_sequence(void **)
{
    for (begin_sequences(400); next_sequence();) {
        rig_conf("llm.beside", chance(2) ? "auto" : "never");
        start_with(chance(3) ? "one" : "");
        for (int i = 0; i < 60; i++)
            happen();
        rig.create_err = OK;
        for (size_t i = 0; i < rig.made_count; i++)
            rig.made[i]->info.live = 0;
        pass_ms(20 * 60 * 1000);
        pass_ms(20 * 60 * 1000);
        pass_ms(20 * 60 * 1000);
        assert_string_equal(state(), "none");
        assert_int_equal(alive(), rig.now.llm ? 1 : 0);
        assert_true(rig.now.answers && rig.now.takes_new);
        rig_stop();
    }
}

static int tell_and_tear_down(void **state)
{
    (void)tell_sequence(state);
    return rig_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_sequence, rig_set_up, tell_and_tear_down),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
