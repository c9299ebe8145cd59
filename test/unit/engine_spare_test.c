// SPDX-License-Identifier: Apache-2.0
/* Spare jobs at an engine: when they may begin, and that they leave their place to whoever needs it. */
#include "engine_owner.h"

static enum err open_spare(struct owner *o)
{
    try(engine_open_spare(engine, &events, o, &o->job));
    return job_send(o->job, MSG_stt_open, &(struct msg_stt_open){.rate_hz = 16000});
}

static void a_spare_job_begins_where_nothing_else_is_to_be_done(void **)
{
    struct owner spare[SLOTS + 1] = {}, o = {};
    open_for(&o, false);
    assert_err(engine_open_spare(engine, &events, &spare[0], &spare[0].job), ERR_BUSY);
    give_up(&o);
    open_for(&o, true); /* a light one is no work */
    for (size_t i = 0; i < SLOTS; i++)
        assert_ok(open_spare(&spare[i]));
    assert_err(engine_open_spare(engine, &events, &spare[SLOTS], &spare[SLOTS].job), ERR_BUSY);
    give_up(&o);
    for (size_t i = 0; i < SLOTS; i++)
        give_up(&spare[i]);
    fake_die(&fake, 100);
    assert_err(engine_open_spare(engine, &events, &spare[0], &spare[0].job), ERR_BUSY);
}

static void a_spare_job_leaves_its_place_to_whoever_needs_it(void **)
{
    struct owner spare[SLOTS] = {}, o[SLOTS + 1] = {};
    for (size_t i = 0; i < SLOTS; i++)
        assert_ok(open_spare(&spare[i]));
    for (size_t i = 0; i < countof(o); i++) {
        open_for(&o[i], false);
        assert_int_equal(spare[0].ends + spare[1].ends, i < SLOTS ? i + 1 : SLOTS);
        assert_int_equal(fake_sent(&fake, MSG_cancel), i < SLOTS ? i + 1 : SLOTS);
    }
    assert_int_equal(spare[0].err, ERR_BUSY);
    assert_int_equal(engine->live_count, SLOTS);
    assert_int_equal(engine->waiting_count, 1);
    for (size_t i = 0; i < countof(o); i++)
        give_up(&o[i]);
    /* The engine's last words of them are heard by nobody. */
    assert_int_equal(spare[0].messages + spare[1].messages, 0);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        t(a_spare_job_begins_where_nothing_else_is_to_be_done),
        t(a_spare_job_leaves_its_place_to_whoever_needs_it),
    };
    if (loop_create(&loop) != OK)
        return 1;
    int failed = cmocka_run_group_tests_name("engine/spare", tests, nullptr, nullptr);
    loop_destroy(loop);
    return failed;
}
