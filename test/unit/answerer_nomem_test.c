// SPDX-License-Identifier: Apache-2.0
/* A change of the language model without memory: for the server's own structures, or for an engine. */
#include "answerer_rig.h"

/* Each allocation of a whole change fails once: the old one answers, or the new one. */
static void test_short_of_memory(void **)
{
    static const char *const beside[] = {"auto", "never"};
    for (size_t way = 0; way < countof(beside); way++) {
        unsigned failed = 0;
        for (unsigned n = 0;; n++) {
            rig_conf("llm.beside", beside[way]);
            start_with("one");
            alloc_fault_arm(n);
            enum err err = prepare("two");
            if (err == OK) {
                answerer_begin(rig.a, &rig_watch, &rig);
                settle();
                for (int i = 0; i < 8 && rig.ends == 0; i++) {
                    struct engine *e = newest();
                    if (e && e->job)
                        warmed(e, OK);
                    else if (e)
                        ready(e);
                    pass_ms(100);
                }
            }
            bool did_fail = alloc_fault_disarm();
            failed += did_fail;
            assert_true(rig.now.llm && rig.now.answers && rig.now.takes_new);
            assert_int_equal(alive(), 1);
            if (err == OK) {
                assert_int_equal(rig.ends, 1);
                assert_string_equal(rig.now.llm->name, rig.end_err == OK ? "two" : "one");
            } else {
                assert_int_equal(err, ERR_NOMEM);
                assert_string_equal(rig.now.llm->name, "one");
            }
            assert_true(did_fail || rig.end_err == OK);
            rig_stop();
            if (!did_fail)
                break;
        }
        assert_true(failed > 5);
    }
}

/* None is to be had for a while: who asked is told, and the old one comes back when there is some. */
static void test_no_memory_for_either(void **)
{
    rig_conf("llm.beside", "never");
    start_with("one");
    rig.create_err = ERR_NOMEM;
    ask("two");
    assert_null(rig.now.llm);
    assert_false(rig.now.answers);
    pass_ms(5000);
    assert_int_equal(rig.ends, 1);
    assert_int_not_equal(rig.end_err, OK);
    assert_false(rig.now.answers);
    rig.create_err = OK;
    pass_ms(100);
    ready(engine_of("one"));
    assert_true(rig.now.answers && rig.now.llm);
    assert_int_equal(rig.ends, 1);
    /* And after the time for that is over, still. */
    ask("two");
    die(engine_of("two"), "");
    struct engine *old = engine_of("one");
    die(old, "");
    pass_ms(17 * 60 * 1000);
    assert_int_equal(rig.ends, 2);
    assert_null(strchr(state(), 'r'));
    assert_ptr_equal(rig.now.llm, old);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_short_of_memory),
        TEST(test_no_memory_for_either),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
