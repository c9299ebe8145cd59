// SPDX-License-Identifier: Apache-2.0
/* Jobs that nobody wants any more: until when the engine is still at them, and how that is measured. */
#include "base/clock.h"
#include "engine_fake.h"
#include "server/loop/loop.h"
#include "unit.h"

enum { SLOTS = 2, MANY = 3000, LEAVING_MAX = 2048 };

static struct loop *loop;
static struct fake fake;
static struct engine *const engine = &fake.engine;

static int set_up(void **)
{
    clock_fake(1000000);
    fake_create(&fake, loop, "stt", SLOTS);
    return 0;
}

static int tear_down(void **)
{
    fake_destroy(&fake);
    clock_fake(UINT64_MAX);
    return 0;
}

static void on_message(void *arg, enum msg_type, const union msg *)
{
    ++*(unsigned *)arg;
}

static void on_ended(void *arg, enum err, const char *)
{
    ++*(unsigned *)arg;
}

static const struct job_events events = {.message = on_message, .ended = on_ended};
static unsigned heard;

/* Begins a job and gives it up; its stream. */
static uint32_t leave(bool light)
{
    static const struct msg_canceled canceled = {};
    struct job *j;
    assert_ok(light ? engine_open_light(engine, &events, &heard, &j)
                    : engine_open(engine, &events, &heard, &j));
    uint32_t stream = j->stream;
    assert_ok(job_send(j, MSG_vad_open, &(struct msg_vad_open){.rate_hz = 16000}));
    if (j->started) /* nobody has cancelled it yet */
        assert_err(fake_answer(&fake, stream, MSG_canceled, &canceled), ERR_SYNTAX);
    job_cancel(j);
    return stream;
}

static uint64_t measured(void)
{
    uint64_t n = 0;
    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
        n += atomic_load(&engine_cancel_seconds(engine)->bucket[i]);
    return n;
}

/* It is over when the engine has said its last word of it, whichever that is. */
static void who_leaves_is_known_until_the_place_is_free(void **)
{
    const struct msg_canceled canceled = {};
    const struct msg_stt_partial partial = {.text = S("hel")};
    const struct msg_stt_final final = {.text = S("hello")};
    const struct msg_fail fail = {ERR_MEDIA, S("no sound")};
    const struct {
        enum msg_type type;
        const void *msg;
    } last[] = {{MSG_canceled, &canceled}, {MSG_stt_final, &final}, {MSG_fail, &fail}};
    heard = 0;
    for (size_t i = 0; i < countof(last); i++) {
        uint32_t stream = leave(i == 0);
        assert_int_equal(engine->leaving_count, 1);
        assert_ok(fake_answer(&fake, stream, MSG_stt_partial, &partial));
        assert_int_equal(engine->leaving_count, 1);
        clock_fake(clock_us() + 7000);
        for (int again = 0; again < 2; again++)
            assert_ok(fake_answer(&fake, stream, last[i].type, last[i].msg));
        assert_int_equal(engine->leaving_count, 0);
        assert_int_equal(measured(), i + 1);
        assert_int_equal(atomic_load(&engine_cancel_seconds(engine)->sum_us), (i + 1) * 7000);
    }
    assert_int_equal(heard, 0);
}

static void a_dead_engine_has_nobody_who_leaves(void **)
{
    leave(false);
    fake_die(&fake, 100);
    assert_int_equal(engine->leaving_count, 0);
    leave(false); /* it never was there */
    assert_int_equal(engine->leaving_count, 0);
    assert_int_equal(measured(), 0);
}

static void who_was_never_heard_of_does_not_stay(void **)
{
    struct job *j;
    assert_ok(engine_open(engine, &events, &heard, &j));
    job_cancel(j);
    assert_int_equal(engine->leaving_count, 0);
    assert_int_equal(engine->live_count, 0);
}

/* The end of one may be another's: both were at the engine that died. */
static void give_up(void *arg, enum err, const char *)
{
    job_cancel(arg);
}

static void who_is_given_up_while_the_engine_dies_does_not_stay(void **)
{
    static const struct job_events ends_the_other = {.message = on_message, .ended = give_up};
    struct job *other, *j;
    assert_ok(engine_open(engine, &events, &heard, &other));
    assert_ok(engine_open(engine, &ends_the_other, other, &j)); /* the latest is told first */
    fake_die(&fake, 100);
    assert_null(engine->live);
    assert_int_equal(engine->leaving_count, 0);
}

static void an_engine_that_lets_nobody_go_costs_no_more(void **)
{
    for (int i = 0; i < MANY; i++)
        leave(true);
    assert_int_equal(engine->leaving_count, LEAVING_MAX);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        t(who_leaves_is_known_until_the_place_is_free),
        t(a_dead_engine_has_nobody_who_leaves),
        t(who_was_never_heard_of_does_not_stay),
        t(who_is_given_up_while_the_engine_dies_does_not_stay),
        t(an_engine_that_lets_nobody_go_costs_no_more),
    };
    if (loop_create(&loop) != OK)
        return 1;
    int failed = cmocka_run_group_tests_name("engine/leave", tests, nullptr, nullptr);
    loop_destroy(loop);
    return failed;
}
