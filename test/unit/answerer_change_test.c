// SPDX-License-Identifier: Apache-2.0
/* The change of the language model, with engines that are the test's: it says when one is ready, refuses, dies
 * or has jobs. */
#include "answerer_rig.h"

/* --- the table --- */

static void test_every_change_ends(void **)
{
    for (int s = 0; s < CHANGE_STATES; s++) {
        assert_int_equal(change_next(s, CHANGE_DRAIN), CHANGE_NONE);
        assert_non_null(change_name(s));
        if (s == CHANGE_NONE)
            continue;
        assert_true(change_limit_ms(s, 1000) > 0);
        /* By time alone it comes to its end, without a way round in circles. */
        enum change at = (enum change)s;
        for (int moves = 0; at != CHANGE_NONE; moves++) {
            assert_true(moves < CHANGE_STATES);
            at = change_next(at, CHANGE_TIMEOUT);
            assert_int_not_equal(at, CHANGE_STATES);
        }
        /* None begins while one is under way. */
        for (int m = CHANGE_BESIDE; m <= CHANGE_CHOSEN; m++)
            assert_int_equal(change_next(s, m), CHANGE_STATES);
    }
    /* Only a model that is warm, or that was loaded at the start, takes over. */
    for (int s = 0; s < CHANGE_STATES; s++)
        if (s != CHANGE_WARMING && s != CHANGE_WARMING_ALONE)
            assert_int_equal(change_next(s, CHANGE_WARM), CHANGE_STATES);
}

/* --- as it should go --- */

static void test_beside_the_old_one(void **)
{
    struct answerer_info info;
    start_with("one");
    struct engine *old = rig.now.llm;
    old->info.live = 2;
    ask("two");
    assert_holds("two", true);
    struct engine *fresh = engine_of("two");
    assert_true(fresh && rig.now.llm == old && rig.now.takes_new);
    ready(fresh);
    assert_string_equal(state(), "warming");
    assert_ptr_equal(rig.now.llm, old);
    warmed(fresh, OK);
    assert_ptr_equal(rig.now.llm, fresh);
    assert_int_equal(rig.ends, 1);
    assert_int_equal(rig.end_err, OK);
    assert_string_equal(rig.end_text, "two");
    assert_string_equal(rig.progress, "loading warming ");
    answerer_info(rig.a, &info);
    assert_string_equal(info.model, "two");
    assert_null(info.change_to);
    assert_null(info.failed);
    /* The old one ends its answers first. */
    assert_true(is_alive(old));
    assert_holds("one", true);
    old->info.live = 0;
    old->info.leaving = 1;
    pass_ms(1000);
    assert_true(is_alive(old));
    old->info.leaving = 0;
    pass_ms(100);
    assert_false(is_alive(old));
    assert_int_equal(alive(), 1);
    assert_holds("two", true);
    assert_holds("three", false);
}

static void test_one_after_the_other(void **)
{
    rig_conf("llm.beside", "never");
    start_with("one");
    struct engine *old = rig.now.llm;
    old->info.live = 1;
    ask("two");
    assert_string_equal(state(), "waiting");
    assert_false(rig.now.takes_new);
    assert_true(rig.now.answers && rig.now.llm == old);
    assert_null(engine_of("two"));
    old->info.live = 0;
    pass_ms(100);
    assert_false(is_alive(old));
    assert_false(rig.now.answers);
    assert_string_equal(state(), "loading");
    struct engine *fresh = engine_of("two");
    ready(fresh);
    assert_false(rig.now.takes_new);
    warmed(fresh, OK);
    assert_true(rig.now.takes_new && rig.now.answers && rig.now.llm == fresh);
    assert_string_equal(rig.progress, "waiting loading warming ");
    assert_int_equal(rig.end_err, OK);
    assert_int_equal(alive(), 1);
}

/* Those that still end their answers hold a model, too. */
static void test_one_after_all_others(void **)
{
    start_with("one");
    struct engine *first = rig.now.llm;
    first->info.live = 1;
    ask("two");
    ready(engine_of("two"));
    warmed(engine_of("two"), OK);
    rig_conf("llm.beside", "never");
    ask("three");
    pass_ms(100);
    assert_string_equal(state(), "waiting");
    assert_true(is_alive(first) && rig.now.llm == engine_of("two"));
    first->info.live = 0;
    pass_ms(100);
    assert_string_equal(state(), "loading");
    assert_int_equal(alive(), 1);
}

static void test_there_and_back_with_quotes(void **)
{
    rig_conf("llm.beside", "never"); /* which means nothing where no model is loaded */
    start_with("");
    assert_null(rig.now.llm);
    assert_true(rig.now.answers);
    ask("two");
    assert_string_equal(state(), "loading");
    assert_true(rig.now.takes_new);
    ready(engine_of("two"));
    warmed(engine_of("two"), OK);
    assert_non_null(rig.now.llm);
    ask("quote");
    assert_null(rig.now.llm);
    assert_true(rig.now.answers && rig.now.takes_new);
    assert_int_equal(rig.end_err, OK);
    assert_string_equal(rig.end_text, "quote");
    pass_ms(100);
    assert_int_equal(alive(), 0);
}

static void test_who_answers_already(void **)
{
    start_with("one");
    struct engine *old = rig.now.llm;
    ask("ONE");
    assert_ptr_equal(rig.now.llm, old);
    assert_int_equal(rig.ends, 1);
    assert_int_equal(rig.end_err, OK);
    assert_string_equal(rig.end_text, "one");
    assert_int_equal(alive(), 1);
    ask("quote");
    ask("quote");
    assert_int_equal(rig.ends, 3);
    pass_ms(100);
    assert_int_equal(alive(), 0);
    assert_true(has_choice());
}

/* --- mishaps --- */

enum mishap { NEW_DIES, NEW_REFUSES, NEW_RESTARTS, WARMING_FAILS, TOO_LATE, NO_MEMORY };

static void hit(enum mishap what, const char *name)
{
    struct engine *e = engine_of(name);
    switch (what) {
    case NEW_DIES:
        die(e, "");
        break;
    case NEW_REFUSES:
        die(e, "this is no model file");
        break;
    case NEW_RESTARTS: /* faster than anybody looks */
        e->info.restarts++;
        e->on_state(e->arg, e);
        settle();
        break;
    case WARMING_FAILS:
        if (e->job)
            warmed(e, ERR_NOMEM);
        else
            die(e, "");
        break;
    case NO_MEMORY:
        die(e, "not enough memory");
        break;
    case TOO_LATE:
        pass_ms(17 * 60 * 1000);
        break;
    }
}

static const enum mishap mishaps[] = {NEW_DIES,      NEW_REFUSES, NEW_RESTARTS,
                                      WARMING_FAILS, TOO_LATE,    NO_MEMORY};

static void test_the_old_one_stays(void **)
{
    for (size_t i = 0; i < countof(mishaps); i++)
        for (int warming = 0; warming < 2; warming++) {
            struct answerer_info info;
            start_with("one");
            struct engine *old = rig.now.llm;
            old->info.live = 1;
            ask("two");
            if (warming)
                ready(engine_of("two"));
            hit(mishaps[i], "two");
            assert_ptr_equal(rig.now.llm, old);
            assert_true(rig.now.takes_new);
            assert_int_equal(rig.ends, 1);
            assert_int_not_equal(rig.end_err, OK);
            assert_true(rig.end_text[0]);
            answerer_info(rig.a, &info);
            assert_string_equal(info.model, "one");
            assert_string_equal(info.failed, "two");
            assert_string_equal(info.failed_why, rig.end_text);
            assert_int_equal(alive(), 1);
            assert_false(has_choice());
            assert_holds("two", false);
            assert_int_equal(old->info.live, 1);
            rig_stop();
        }
}

/* A question that is still being spoken gets its answer from the model that was there when it began. */
static void test_turns_under_way_are_waited_for(void **)
{
    rig_conf("llm.beside", "never");
    start_with("one");
    struct engine *old = rig.now.llm;
    rig.awaited = true;
    ask("two");
    pass_ms(200);
    assert_string_equal(state(), "waiting");
    assert_true(rig.now.llm == old && rig.now.answers && !rig.now.takes_new);
    rig.awaited = false;
    pass_ms(200);
    assert_ptr_equal(rig.now.llm, engine_of("two"));
}

static void test_the_old_one_comes_back(void **)
{
    for (size_t i = 0; i < countof(mishaps); i++)
        for (int warming = 0; warming < 2; warming++) {
            rig_conf("llm.beside", "never");
            start_with("one");
            ask("two");
            if (warming)
                ready(engine_of("two"));
            hit(mishaps[i], "two");
            assert_string_equal(state(), "restoring");
            assert_int_equal(rig.ends, 0);
            assert_false(rig.now.answers);
            ready(engine_of("one"));
            assert_ptr_equal(rig.now.llm, engine_of("one"));
            assert_true(rig.now.answers && rig.now.takes_new);
            assert_int_equal(rig.ends, 1);
            assert_int_not_equal(rig.end_err, OK);
            assert_int_equal(alive(), 1);
            assert_false(has_choice());
            rig_stop();
        }
}

/* Its supervisor goes on, but nobody is kept waiting for it, and another model can be asked for. */
static void test_the_old_one_does_not_come_back(void **)
{
    rig_conf("llm.beside", "never");
    start_with("one");
    ask("two");
    die(engine_of("two"), "it does not fit");
    struct engine *old = engine_of("one");
    die(old, ""); /* as one does that is killed since memory is short */
    assert_string_equal(state(), "none");
    assert_int_equal(rig.ends, 1);
    assert_string_equal(rig.end_text, "it does not fit");
    assert_true(rig.now.llm == old && rig.now.takes_new);
    /* Asked for, it is tried anew, although it is who should answer. */
    ask("one");
    assert_string_equal(state(), "loading");
}

static void test_a_refusal_says_why(void **)
{
    start_with("one");
    ask("two");
    die(engine_of("two"), "this is no model file");
    assert_string_equal(rig.end_text, "this is no model file");
    assert_int_equal(rig.end_err, ERR_INVALID);
    /* and is forgotten when another one answers */
    struct answerer_info info;
    ask("three");
    ready(engine_of("three"));
    warmed(engine_of("three"), OK);
    answerer_info(rig.a, &info);
    assert_null(info.failed);
}

static void test_the_old_one_dies_meanwhile(void **)
{
    start_with("one");
    struct engine *old = rig.now.llm;
    ask("two");
    unsigned told = rig.states;
    die(old, "");
    assert_true(rig.states > told); /* which is its own affair */
    ready(engine_of("two"));
    warmed(engine_of("two"), OK);
    assert_ptr_equal(rig.now.llm, engine_of("two"));
    pass_ms(100);
    assert_int_equal(alive(), 1);
    /* While its last answers are waited for, too. */
    rig_stop();
    rig_conf("llm.beside", "never");
    start_with("one");
    rig.now.llm->info.live = 1;
    ask("two");
    rig.now.llm->info.live = 0;
    die(rig.now.llm, "");
    pass_ms(100);
    assert_non_null(engine_of("two"));
}

static void test_an_answer_without_end(void **)
{
    start_with("one");
    struct engine *old = rig.now.llm;
    old->info.live = 1;
    ask("two");
    ready(engine_of("two"));
    warmed(engine_of("two"), OK);
    pass_ms((uint64_t)rig.conf.turn_ms - 1000);
    assert_true(is_alive(old));
    pass_ms(2000);
    assert_false(is_alive(old));
    assert_int_equal(rig.last_end_err, ERR_CHANGING);
    rig_stop();
    rig_conf("llm.beside", "never");
    start_with("one");
    rig.now.llm->info.live = 1;
    ask("two");
    pass_ms((uint64_t)rig.conf.turn_ms + 1000);
    assert_non_null(engine_of("two"));
    assert_int_equal(alive(), 1);
}

static void test_many_in_a_row(void **)
{
    static const char *const names[] = {"two", "three", "one", "two"};
    start_with("one");
    rig.now.llm->info.live = 1;
    for (size_t i = 0; i < countof(names); i++) {
        ask(names[i]);
        struct engine *e = newest();
        ready(e);
        warmed(e, OK);
        assert_ptr_equal(rig.now.llm, e);
        e->info.live = 1;
    }
    assert_int_equal(alive(), 5);
    assert_err(prepare("three"), ERR_CONFLICT);
    pass_ms((uint64_t)rig.conf.turn_ms + 1000);
    assert_int_equal(alive(), 1);
    assert_ok(prepare("three"));
}

static void test_no_two_at_once(void **)
{
    start_with("one");
    ask("two");
    assert_err(prepare("three"), ERR_CONFLICT);
    assert_err(prepare("two"), ERR_CONFLICT);
    ready(engine_of("two"));
    assert_err(prepare("quote"), ERR_CONFLICT);
    warmed(engine_of("two"), OK);
    assert_ok(prepare("three"));
}

static void test_what_cannot_be(void **)
{
    start_with("one");
    assert_err(prepare("nothing"), ERR_NOTFOUND);
    assert_string_equal(rig.why.text, "the model nothing is not installed");
    assert_err(prepare("vectors"), ERR_INVALID);
    assert_err(prepare("../one"), ERR_NOTFOUND);
    assert_err(prepare("gone"), ERR_NOTFOUND);
    assert_non_null(strstr(rig.why.text, "models/llm/gone.gguf"));
    assert_err(prepare("huge"), ERR_TOOBIG);
    rig_stop();
    rig_conf("llm.driver", "scripted");
    start_with("");
    assert_err(prepare("one"), ERR_CONFLICT);
    assert_err(prepare("quote"), ERR_CONFLICT);
    rig_stop();
    rig_conf("llm.driver", "auto");
    rig_conf("llm.url", "http://127.0.0.1:9/v1");
    start_with("");
    assert_err(prepare("one"), ERR_CONFLICT);
}

static void test_who_watches_may_leave(void **)
{
    start_with("one");
    ask("two");
    answerer_unwatch(rig.a, &rig);
    ready(engine_of("two"));
    warmed(engine_of("two"), OK);
    assert_ptr_equal(rig.now.llm, engine_of("two"));
    assert_int_equal(rig.ends, 0);
}

/* --- the server leaves --- */

/* Brings a change to each of its states; false: there is no such. */
static bool bring_to(int stage)
{
    if (stage > 6)
        return false;
    rig_conf("llm.beside", stage >= 3 ? "never" : "auto");
    start_with("one");
    struct engine *old = rig.now.llm;
    old->info.live = stage == 3;
    if (stage == 0) { /* asked, and not yet begun */
        assert_ok(prepare("two"));
        answerer_begin(rig.a, &rig_watch, &rig);
        return true;
    }
    ask("two");
    if (stage == 2 || stage == 5)
        ready(engine_of("two"));
    if (stage == 6)
        die(engine_of("two"), "");
    return true;
}

static void test_the_server_leaves_in_any_state(void **)
{
    for (int drains = 0; drains < 2; drains++)
        for (int stage = 0; bring_to(stage); stage++, rig_stop()) {
            if (!drains)
                continue; /* it is destroyed as it is: the sanitizer counts */
            answerer_drain(rig.a);
            assert_int_equal(rig.ends, 1);
            assert_int_equal(rig.end_err,
                             stage == 6 ? ERR_ENGINE : ERR_DRAINING); /* the first reason */
            settle();
            assert_err(prepare("three"), ERR_DRAINING);
            assert_int_equal(alive(), 1);
            assert_false(has_choice());
            if (stage <= 3) {
                assert_ptr_equal(rig.now.llm, engine_of("one"));
                assert_true(rig.now.takes_new);
            }
        }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_change_ends),
        TEST(test_beside_the_old_one),
        TEST(test_one_after_the_other),
        TEST(test_one_after_all_others),
        TEST(test_there_and_back_with_quotes),
        TEST(test_who_answers_already),
        TEST(test_the_old_one_stays),
        TEST(test_turns_under_way_are_waited_for),
        TEST(test_the_old_one_comes_back),
        TEST(test_the_old_one_does_not_come_back),
        TEST(test_a_refusal_says_why),
        TEST(test_the_old_one_dies_meanwhile),
        TEST(test_an_answer_without_end),
        TEST(test_many_in_a_row),
        TEST(test_no_two_at_once),
        TEST(test_what_cannot_be),
        TEST(test_who_watches_may_leave),
        TEST(test_the_server_leaves_in_any_state),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
