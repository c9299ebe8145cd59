// SPDX-License-Identifier: Apache-2.0
/*
 * An engine's process, real (repartee-echo beside this program), under a clock that the test moves: it is
 * watched, and one that is well is left alone.
 */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "server/engine/engine_parts.h"
#include "server/loop/loop.h"
#include "unit.h"

enum { WAIT_MS = 200, MANY = 100 };

static struct loop *loop;
static struct engine *engine;

static struct {
    unsigned times;
    enum err err;
    char sentence[100];
} learnt;

static void on_learnt(void *, struct engine *, enum err err, struct str sentence)
{
    learnt.times++;
    learnt.err = err;
    snprintf(learnt.sentence, sizeof learnt.sentence, "%.*s", STR_FMT(sentence));
}

/* Steps of real time with the clock standing still. */
#define step_until(condition)                                                                      \
    do {                                                                                           \
        for (int step_ = 0; !(condition) && step_ < MANY; step_++)                                 \
            loop_step(loop, WAIT_MS);                                                              \
        assert_true(condition);                                                                    \
    } while (0)

static void pass_ms(uint64_t ms)
{
    clock_fake(clock_us() + ms * 1000);
    loop_step(loop, 0);
}

static int set_up(void **)
{
    const struct engine_config config = {
        .role = "echo", .options = "streams=4", .on_learnt = on_learnt};
    learnt.times = 0;
    clock_fake(1000000000);
    if (loop_create(&loop) != OK || engine_create(loop, &config, &engine) != OK)
        return 1;
    step_until(engine->state == ENGINE_READY);
    return 0;
}

static int tear_down(void **)
{
    engine_destroy(engine);
    clock_fake(UINT64_MAX);
    for (int i = 0; i < 3; i++)
        loop_step(loop, 10);
    loop_destroy(loop);
    return 0;
}

struct owner {
    struct job *job;
    unsigned messages, ends;
    enum err err;
};

static void on_message(void *arg, enum msg_type, const union msg *)
{
    ((struct owner *)arg)->messages++;
}

static void on_ended(void *arg, enum err err, const char *)
{
    struct owner *o = arg;
    o->job = nullptr;
    o->ends++;
    o->err = err;
}

static const struct job_events events = {.message = on_message, .ended = on_ended};

static void begin(struct owner *o, bool light, const char *order)
{
    assert_ok(light ? engine_open_light(engine, &events, o, &o->job)
                    : engine_open(engine, &events, o, &o->job));
    assert_ok(job_send(o->job, MSG_tts_open, &(struct msg_tts_open){}));
    assert_ok(job_send(o->job, MSG_tts_text, &(struct msg_tts_text){str_of(order)}));
}

/* A second of the clock, and the heartbeat that belongs to it. */
static void live_a_second(void)
{
    pass_ms(1000);
    step_until(engine->ping_ms == 0);
}

/* A conversation in Opus has a decoder beside its recogniser, for as long as it lasts. */
static void light_jobs_are_no_sign_of_a_hung_engine(void **)
{
    struct owner heavy = {}, light = {};
    begin(&heavy, false, "say hello");
    begin(&light, true, "say hello");
    step_until(heavy.messages == 1 && light.messages == 1);
    for (int i = 0; i < 40; i++)
        live_a_second();
    assert_int_equal(heavy.ends + light.ends, 0);
    assert_int_equal(engine->restarts, 0);
    job_cancel(heavy.job);
    job_cancel(light.job);
}

static void an_engine_busy_with_what_was_canceled_is_restarted(void **)
{
    struct owner o = {}, other = {};
    begin(&o, false, "deaf 100000");
    step_until(o.messages == 1);
    job_cancel(o.job);
    begin(&other, false, "say hello");
    step_until(other.messages == 1);
    for (int i = 0; i < 16; i++) {
        live_a_second();
        assert_int_equal(other.ends, 0);
    }
    for (int i = 0; i < 3 && engine->state == ENGINE_READY; i++)
        pass_ms(1000);
    step_until(other.ends == 1);
    assert_int_equal(other.err, ERR_ENGINE);
    assert_int_equal(engine->state, ENGINE_DOWN);
    step_until(!engine->child);
    pass_ms(1000);
    step_until(engine->state == ENGINE_READY);
    assert_int_equal(engine->restarts, 1);
}

static void an_engine_that_does_not_answer_is_restarted(void **)
{
    struct owner o = {};
    begin(&o, false, "say hello");
    step_until(o.messages == 1);
    assert_int_equal(kill(child_pid(engine->child), SIGSTOP), 0);
    for (int i = 0; i < 10 && engine->state == ENGINE_READY && o.ends == 0; i++)
        pass_ms(1000);
    step_until(o.ends == 1);
    assert_int_equal(o.err, ERR_ENGINE);
}

static void one_that_dies_ends_its_jobs_and_comes_back(void **)
{
    struct owner o = {}, waits = {};
    begin(&o, false, "say hello");
    step_until(o.messages == 1);
    assert_int_equal(kill(child_pid(engine->child), SIGKILL), 0);
    step_until(o.ends == 1);
    assert_int_equal(o.err, ERR_ENGINE);
    begin(&waits, false, "say hello"); /* the restart is near */
    step_until(!engine->child);
    pass_ms(100);
    step_until(waits.messages == 1);
    assert_int_equal(waits.ends, 0);
    job_cancel(waits.job);
}

/* Kills it and says for how long it is left alone. */
static uint64_t pause_after_kill(void)
{
    assert_int_equal(kill(child_pid(engine->child), SIGKILL), 0);
    step_until(engine->state == ENGINE_DOWN && !engine->child);
    uint64_t pause_ms = engine->restart_ms - clock_ms();
    pass_ms(pause_ms);
    step_until(engine->state == ENGINE_READY);
    return pause_ms;
}

/* It serves ten times as long as it is away, at least. */
static void how_long_it_is_left_alone_depends_on_how_long_it_served(void **)
{
    static const struct {
        uint64_t served_ms, pause_ms;
    } rows[] = {
        {0, 100}, {999, 200}, {1999, 400}, {4000, 100},  {1000, 100}, {0, 200},   {0, 400},
        {0, 800}, {0, 1600},  {0, 3200},   {9999, 6400}, {0, 10000},  {0, 10000}, {10000, 100},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        for (uint64_t left = rows[i].served_ms; left; left -= left < 1000 ? left : 1000) {
            pass_ms(left < 1000 ? left : 1000);
            step_until(engine->ping_ms == 0);
        }
        assert_int_equal(pause_after_kill(), rows[i].pause_ms);
    }
}

static void tell(const char *words)
{
    struct blob *text = blob_create(str_of(words));
    assert_non_null(text);
    engine_set_words(engine, text);
    blob_unref(text);
}

static bool has_learnt(void)
{
    struct engine_info info;
    engine_info(engine, &info);
    return info.learnt;
}

/* It is known when it has learnt the words, also the one that was started anew. */
static void what_it_has_learnt_is_known(void **)
{
    assert_true(has_learnt()); /* there was nothing */
    tell("one");
    assert_false(has_learnt());
    step_until(learnt.times == 1);
    assert_true(has_learnt() && learnt.err == OK);
    tell("one");
    assert_true(has_learnt()); /* no news */
    assert_int_equal(kill(child_pid(engine->child), SIGKILL), 0);
    step_until(!engine->child);
    assert_false(has_learnt());
    pass_ms(100);
    step_until(learnt.times == 2);
    assert_true(has_learnt());
}

static void what_it_cannot_learn_is_told(void **)
{
    tell("nonsense");
    step_until(learnt.times == 1);
    assert_int_equal(learnt.err, ERR_MEDIA);
    assert_string_equal(learnt.sentence, "it is nonsense");
    assert_true(has_learnt()); /* nothing is waited for */
    tell("never");
    for (int i = 0; i < 3; i++)
        live_a_second();
    assert_false(has_learnt());
    tell("two"); /* the last telling counts */
    step_until(learnt.times == 2);
    assert_true(has_learnt() && learnt.err == OK);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        t(light_jobs_are_no_sign_of_a_hung_engine),
        t(an_engine_busy_with_what_was_canceled_is_restarted),
        t(an_engine_that_does_not_answer_is_restarted),
        t(one_that_dies_ends_its_jobs_and_comes_back),
        t(how_long_it_is_left_alone_depends_on_how_long_it_served),
        t(what_it_has_learnt_is_known),
        t(what_it_cannot_learn_is_told),
    };
    return cmocka_run_group_tests_name("engine/process", tests, nullptr, nullptr);
}
