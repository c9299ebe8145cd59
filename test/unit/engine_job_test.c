// SPDX-License-Identifier: Apache-2.0
/* Jobs at an engine: who waits and who runs, what may be sent, and the one end that each of them has. */
#include "alloc_fault.h"
#include "engine_owner.h"

enum { PIECE = 32 * 1024, JOBS = 80 };

static const struct msg_stt_final final = {.text = S("hello")};

static enum err answer_in(const struct owner *o, enum msg_type type, const void *msg)
{
    return fake_answer(&fake, o->job->stream, type, msg);
}

/* --- who waits, who runs --- */

static void those_without_a_place_wait_in_order(void **)
{
    struct owner o[5] = {};
    for (size_t i = 0; i < countof(o); i++)
        open_for(&o[i], false);
    assert_int_equal(fake_sent(&fake, MSG_stt_open), SLOTS);
    assert_int_equal(engine->waiting_count, 3);
    give_up(&o[3]); /* one of those that wait leaves */
    assert_int_equal(fake_sent(&fake, MSG_cancel), 0);
    assert_ok(answer_in(&o[0], MSG_stt_final, &final));
    assert_int_equal(o[0].ends, 1);
    assert_int_equal(fake.last_stream, o[2].job->stream);
    give_up(&o[1]); /* a place comes free by cancelling as well */
    assert_int_equal(fake_sent(&fake, MSG_cancel), 1);
    assert_int_equal(fake.last_stream, o[4].job->stream);
    give_up(&o[2]);
    give_up(&o[4]);
    assert_int_equal(fake_sent(&fake, MSG_stt_open), 4);
}

/* However many microphones are open, a question finds its way. */
static void light_jobs_are_bounded_and_bar_no_others(void **)
{
    static struct owner light[ENGINE_LIGHT_MAX];
    struct owner o = {}, none = {};
    for (int down = 0; down < 2; down++) {
        memset(light, 0, sizeof light);
        o = (struct owner){};
        engine->state = down ? ENGINE_DOWN : ENGINE_READY;
        for (size_t i = 0; i < countof(light); i++)
            open_for(&light[i], true);
        assert_err(engine_open_light(engine, &events, &none, &none.job), ERR_BUSY);
        open_for(&o, false);
        give_up(&light[0]);
        open_for(&light[0], true);
        assert_err(engine_open_light(engine, &events, &none, &none.job), ERR_BUSY);
        fake_come_back(&fake);
        assert_true(o.job->started);
        for (size_t i = 0; i < countof(light); i++)
            give_up(&light[i]);
        give_up(&o);
    }
}

static void a_light_job_takes_no_place_and_waits_for_none(void **)
{
    struct owner o[3] = {}, light[3] = {};
    for (size_t i = 0; i < countof(o); i++)
        open_for(&o[i], false);
    for (size_t i = 0; i < countof(light); i++)
        open_for(&light[i], true);
    assert_int_equal(fake_sent(&fake, MSG_decode_open), 3);
    assert_int_equal(engine->live_count, SLOTS);
    assert_int_equal(engine->waiting_count, 1);
    for (size_t i = 0; i < countof(light); i++)
        give_up(&light[i]);
    assert_int_equal(engine->live_count, SLOTS);
    for (size_t i = 0; i < countof(o); i++)
        give_up(&o[i]);
}

static void nobody_waits_for_ever(void **)
{
    static const struct {
        enum engine_state state;
        enum err err;
        const char *word;
    } rows[] = {
        {ENGINE_READY, ERR_BUSY, "every place is taken"},
        {ENGINE_STARTING, ERR_ENGINE, "still starting"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct owner o[4] = {};
        engine->state = rows[i].state;
        for (size_t n = 0; n < countof(o); n++)
            open_for(&o[n], false);
        assert_true(fake.hurried > 0);
        jobs_expire(engine, clock_ms() + ENGINE_WAIT_MS - 1);
        for (size_t n = 0; n < countof(o); n++)
            assert_int_equal(o[n].ends, 0);
        jobs_expire(engine, clock_ms() + ENGINE_WAIT_MS);
        for (size_t n = rows[i].state == ENGINE_READY ? SLOTS : 0; n < countof(o); n++) {
            assert_int_equal(o[n].ends, 1);
            assert_int_equal(o[n].err, rows[i].err);
            assert_non_null(strstr(o[n].text, rows[i].word));
        }
        for (size_t n = 0; n < countof(o); n++)
            give_up(&o[n]);
    }
}

static void who_cannot_be_served_is_told_at_once(void **)
{
    static struct owner o[JOBS];
    struct job *none = nullptr;
    engine->state = ENGINE_STOPPED;
    assert_err(engine_open(engine, &events, o, &none), ERR_DRAINING);
    fake_die(&fake, ENGINE_WAIT_MS);
    assert_err(engine_open(engine, &events, o, &none), ERR_ENGINE);
    assert_err(engine_open_light(engine, &events, o, &none), ERR_ENGINE);
    fake_die(&fake, 100); /* it is nearly back */
    memset(o, 0, sizeof o);
    size_t n = 0;
    while (engine_open(engine, &events, &o[n], &o[n].job) == OK)
        assert_true(++n < JOBS);
    assert_err(engine_open(engine, &events, &o[n], &none), ERR_BUSY);
    assert_null(none);
    assert_int_equal(n, 64);
    fake_come_back(&fake);
    assert_int_equal(engine->live_count, SLOTS);
    while (n-- > 0)
        give_up(&o[n]);
}

/* --- the end --- */

static void a_job_ends_once(void **)
{
    struct owner o = {};
    open_for(&o, false);
    uint32_t stream = o.job->stream;
    const struct msg_stt_partial partial = {.text = S("hel")};
    assert_ok(fake_answer(&fake, stream, MSG_stt_partial, &partial));
    assert_int_equal(o.ends, 0);
    assert_ok(fake_answer(&fake, stream, MSG_stt_final, &final));
    assert_int_equal(o.last, MSG_stt_final);
    assert_int_equal(o.ends, 1);
    assert_int_equal(o.err, OK);
    /* What comes now is of the past. */
    assert_ok(fake_answer(&fake, stream, MSG_stt_partial, &partial));
    assert_ok(fake_answer(&fake, stream, MSG_fail, &(struct msg_fail){ERR_ENGINE, S("late")}));
    assert_int_equal(o.messages, 2);
    assert_int_equal(o.ends, 1);
}

static void a_failure_is_told_in_its_words(void **)
{
    char longest[1000];
    memset(longest, 'x', sizeof longest);
    const struct {
        struct msg_fail fail;
        enum err err;
        const char *text; /* begins so */
    } rows[] = {
        {{ERR_MEDIA, S("no sound")}, ERR_MEDIA, "no sound"},
        {{OK, S("all is well")}, ERR_ENGINE, "all is well"}, /* that is no failure's number */
        {{ERR_COUNT, S("")}, ERR_ENGINE, err_text(ERR_ENGINE)},
        {{UINT32_MAX, {longest, sizeof longest}}, ERR_ENGINE, "xxx"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct owner o = {};
        open_for(&o, false);
        assert_ok(answer_in(&o, MSG_fail, &rows[i].fail));
        assert_int_equal(o.ends, 1);
        assert_int_equal(o.err, rows[i].err);
        assert_true(str_starts(str_of(o.text), str_of(rows[i].text)));
    }
}

static void after_a_cancel_nothing_is_heard(void **)
{
    struct owner o = {};
    open_for(&o, false);
    uint32_t stream = o.job->stream;
    give_up(&o);
    assert_int_equal(fake_sent(&fake, MSG_cancel), 1);
    assert_ok(fake_answer(&fake, stream, MSG_stt_final, &final));
    fake_die(&fake, 100);
    assert_int_equal(o.messages + o.ends, 0);
    job_cancel(nullptr);
}

/* From inside its own message; the last one too. */
static void a_job_may_be_canceled_from_its_message(void **)
{
    for (int last = 0; last < 2; last++) {
        struct owner o = {.cancels = true};
        open_for(&o, false);
        const struct msg_stt_partial partial = {.text = S("hel")};
        assert_ok(last ? answer_in(&o, MSG_stt_final, &final)
                       : answer_in(&o, MSG_stt_partial, &partial));
        assert_int_equal(o.messages, 1);
        assert_int_equal(o.ends, 0);
        assert_int_equal(engine->leaving_count, last ? 0 : 1);
        fake_die(&fake, 100);
        fake_come_back(&fake);
    }
}

static void death_ends_those_that_run_and_those_that_wait(void **)
{
    struct owner o[4] = {}, light = {};
    for (size_t i = 0; i < countof(o); i++)
        open_for(&o[i], false);
    open_for(&light, true);
    fake_die(&fake, 100);
    for (size_t i = 0; i < countof(o); i++) {
        assert_int_equal(o[i].ends, 1);
        assert_int_equal(o[i].err, ERR_ENGINE);
    }
    assert_int_equal(light.ends, 1);
    assert_int_equal(engine->live_count + engine->waiting_count, 0);
}

/* Who tries again as soon as he hears of the death waits for the next life. */
static void who_begins_again_at_the_end_is_not_ended_with_it(void **)
{
    struct owner again[3] = {}, o[] = {{.begins = &again[0]}, {}, {.begins = &again[1]}};
    for (size_t i = 0; i < countof(o); i++)
        open_for(&o[i], false);
    again[0].begins = again[1].begins = &again[2]; /* never reached */
    fake_die(&fake, 100);
    for (size_t i = 0; i < countof(o); i++)
        assert_int_equal(o[i].ends, 1);
    assert_int_equal(again[0].ends + again[1].ends, 0);
    assert_int_equal(engine->waiting_count, 2);
    fake_come_back(&fake);
    assert_int_equal(engine->live_count, 2);
    give_up(&again[0]);
    give_up(&again[1]);
}

static void who_begins_again_when_the_wait_is_over_waits_anew(void **)
{
    struct owner again = {}, o = {.begins = &again};
    engine->state = ENGINE_STARTING;
    open_for(&o, false);
    clock_fake(BEGIN_US + 1000 * ENGINE_WAIT_MS);
    jobs_expire(engine, clock_ms());
    assert_int_equal(o.ends, 1);
    assert_int_equal(again.ends, 0);
    jobs_expire(engine, clock_ms());
    assert_int_equal(again.ends, 0);
    give_up(&again);
}

/* --- credit --- */

static size_t send_pieces(struct owner *o, size_t most)
{
    static char sound[PIECE];
    const struct msg_audio audio = {{sound, sizeof sound}};
    size_t n = 0;
    while (n < most && job_send(o->job, MSG_audio, &audio) == OK)
        n++;
    return n;
}

static void no_more_is_sent_than_was_granted(void **)
{
    struct owner o = {};
    open_for(&o, false);
    assert_int_equal(send_pieces(&o, 20), 20);
    size_t within = WIRE_CREDIT / (PIECE + 4);
    assert_int_equal(fake_sent(&fake, MSG_audio), within);
    assert_true(job_backlog(o.job) > (20 - within) * PIECE);
    /* A message that costs nothing does not overtake what waits. */
    assert_ok(job_send(o.job, MSG_stt_finish, &(struct msg_stt_finish){}));
    assert_int_equal(fake_sent(&fake, MSG_stt_finish), 0);
    assert_ok(answer_in(&o, MSG_credit, &(struct msg_credit){PIECE + 4}));
    assert_int_equal(fake_sent(&fake, MSG_audio), within + 1);
    assert_ok(answer_in(&o, MSG_credit, &(struct msg_credit){UINT32_MAX}));
    assert_int_equal(fake_sent(&fake, MSG_audio), 20);
    assert_int_equal(fake_sent(&fake, MSG_stt_finish), 1);
    assert_int_equal(job_backlog(o.job), 0);
    give_up(&o);
}

static void a_backlog_is_bounded_and_keeps_whole_frames(void **)
{
    struct owner o = {};
    open_for(&o, false);
    size_t taken = send_pieces(&o, 1000);
    assert_true(job_backlog(o.job) <= JOB_BACKLOG_MAX && taken < 100);
    static char sound[PIECE];
    assert_err(job_send(o.job, MSG_audio, &(struct msg_audio){{sound, sizeof sound}}), ERR_BUSY);
    assert_ok(answer_in(&o, MSG_credit, &(struct msg_credit){UINT32_MAX}));
    assert_int_equal(job_backlog(o.job), 0);
    assert_int_equal(fake_sent(&fake, MSG_audio), taken);
    give_up(&o);
}

/* By the quarter of what the engine may have under way; with the length field of each message. */
static void what_was_dealt_with_is_granted_anew(void **)
{
    struct owner o = {};
    static char sound[16 * 1024];
    const struct msg_audio audio = {{sound, sizeof sound}};
    open_for(&o, false);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fake_sent(&fake, MSG_credit), 0);
        assert_ok(answer_in(&o, MSG_audio, &audio));
        job_consumed(o.job, sizeof sound);
    }
    assert_int_equal(fake_sent(&fake, MSG_credit), 1);
    assert_int_equal(fake.granted, 4 * (sizeof sound + 4));
    assert_int_equal(o.job->consumed, 0);
    fake.refuse = ERR_ENGINE; /* a grant that cannot leave is not lost */
    job_consumed(o.job, 70 * 1024);
    fake.refuse = OK;
    job_consumed(o.job, 1);
    assert_int_equal(fake_sent(&fake, MSG_credit), 2);
    give_up(&o);
}

/* --- mishaps --- */

static void foreign_messages_break_the_protocol(void **)
{
    struct owner o = {};
    open_for(&o, false);
    const struct msg_stt_open open = {};
    assert_err(answer_in(&o, MSG_stt_open, &open), ERR_SYNTAX); /* an engine does not say that */
    const struct frame cut = {.type = MSG_stt_final, .stream = o.job->stream, .payload = S("\1")};
    assert_err(jobs_dispatch(engine, &cut), ERR_SYNTAX);
    assert_int_equal(o.messages + o.ends, 0);
    give_up(&o);
}

static void a_socket_that_is_gone_is_told_once(void **)
{
    struct owner o = {};
    fake.refuse = ERR_ENGINE;
    assert_ok(engine_open(engine, &events, &o, &o.job));
    assert_err(job_send(o.job, MSG_stt_open, &(struct msg_stt_open){}), ERR_ENGINE);
    give_up(&o);
    fake.refuse = OK;
    assert_int_equal(fake_sent(&fake, MSG_cancel), 0);
    assert_int_equal(o.ends, 0);
}

static enum err open_and_send(void *arg)
{
    struct owner *o = arg;
    const struct msg_stt_open open = {.language = S("en")};
    enum err err = engine_open(engine, &events, o, &o->job);
    if (err == OK)
        err = job_send(o->job, MSG_stt_open, &open);
    job_cancel(o->job);
    o->job = nullptr;
    return err;
}

static void memory_that_is_short_costs_a_job(void **)
{
    struct owner o = {};
    assert_int_equal(torture(open_and_send, &o), 2); /* itself and its backlog */
    assert_int_equal(o.ends, 0);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        t(those_without_a_place_wait_in_order),
        t(light_jobs_are_bounded_and_bar_no_others),
        t(a_light_job_takes_no_place_and_waits_for_none),
        t(nobody_waits_for_ever),
        t(who_cannot_be_served_is_told_at_once),
        t(a_job_ends_once),
        t(a_failure_is_told_in_its_words),
        t(after_a_cancel_nothing_is_heard),
        t(a_job_may_be_canceled_from_its_message),
        t(death_ends_those_that_run_and_those_that_wait),
        t(who_begins_again_at_the_end_is_not_ended_with_it),
        t(who_begins_again_when_the_wait_is_over_waits_anew),
        t(no_more_is_sent_than_was_granted),
        t(a_backlog_is_bounded_and_keeps_whole_frames),
        t(what_was_dealt_with_is_granted_anew),
        t(foreign_messages_break_the_protocol),
        t(a_socket_that_is_gone_is_told_once),
        t(memory_that_is_short_costs_a_job),
    };
    if (loop_create(&loop) != OK)
        return 1;
    int failed = cmocka_run_group_tests_name("engine/job", tests, nullptr, nullptr);
    loop_destroy(loop);
    return failed;
}
