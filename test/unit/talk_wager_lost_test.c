// SPDX-License-Identifier: Apache-2.0
/* Such an answer that is not wanted in the end, or cannot be begun: nobody ever hears of it. */
#include "alloc_fault.h"
#include "talk_wager.h"

/* Nor where it can only be refused: that is no wager, and what is being read is read on. */
static void what_cannot_be_begun_is_none(void **)
{
    struct job *other;
    static const struct job_events events = {};
    const uint64_t before = made();
    heard(question);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 1);
    assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other));
    for (int i = 0; i < 20; i++)
        turn_expect_stop(client.turn);
    assert_int_equal(made(), before);
    assert_int_equal(fake_sent(&rig.llm, MSG_cancel), 0);
    job_cancel(other);
    turn_expect_stop(client.turn);
    assert_int_equal(made(), before + 1);
    assert_true(client.turn->wager.is_on);
    turn_goes_on(client.turn);
    /* A voice elsewhere is asked for nothing that may not be wanted. */
    rig.tts.engine.mouth = (struct mouth *)&rig;
    turn_expect_stop(client.turn);
    token("Sixteen hours, as the book says. Or");
    assert_true(client.turn->wager.is_on && client.turn->wager.is_mute);
    assert_int_equal(fake_sent(&rig.tts, MSG_tts_open), 0);
    rig.tts.engine.mouth = nullptr;
    turn_cancel(client.turn);
    assert_let_go();
}

static void a_store_that_fails_is_not_asked_again(void **)
{
    assert_ok(begin());
    loop_step(rig.loop, 0);
    partial(question);
    store_answers(ERR_IO);
    for (int i = 0; i < 20; i++)
        turn_expect_stop(client.turn);
    assert_int_equal(rig.queries, 1);
    partial("how long do cats sleep at night");
    assert_int_equal(rig.queries, 2);
    turn_cancel(client.turn);
    assert_let_go();
}

static void lost_without_a_trace(void **)
{
    const uint64_t before = won();
    for (int way = 0; way < 3; way++) {
        heard(question);
        turn_expect_stop(client.turn);
        tokens();
        if (way == 0) { /* his words go on */
            partial("how long do cats sleep in winter");
            expect_no_trace();
            find();
        } else if (way == 1) { /* his voice does */
            turn_goes_on(client.turn);
            expect_no_trace();
        }
        /* Or only the last words show it. */
        final("how long do cats sleep in winter");
        if (way > 0)
            find();
        assert_int_equal(client.heard[HEARD_TOKEN], 0);
        answer_it();
        begin_anew();
    }
    assert_int_equal(won(), before);
}

static void nothing_is_told_of_a_turn_that_ends_before(void **)
{
    heard(question);
    turn_expect_stop(client.turn);
    tokens();
    turn_cancel(client.turn);
    assert_int_equal(told(), 0);
    assert_string_equal(client.answer, "");
    assert_int_equal(rig.session->history.count, 0);
    assert_let_go();
    pass_ms(1);
    client = (struct client){};
    assert_the_next_is_whole();
}

/* Whoever needs an engine has it. */
static void it_gives_way(void **)
{
    struct job *other[2];
    static const struct job_events events = {};
    /* The model is at somebody's answer already. */
    assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other[0]));
    heard(question);
    turn_expect_stop(client.turn);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 0);
    expect_no_trace();
    job_cancel(other[0]);
    /* Others come, and there is no further place. */
    turn_expect_stop(client.turn);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    token("Sixteen hours, as the book says. Or");
    assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other[0]));
    assert_true(client.turn->wager.is_on);
    assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other[1]));
    expect_no_trace();
    job_cancel(other[0]);
    job_cancel(other[1]);
    /* Somebody else is spoken to: the answer is only written. */
    assert_ok(engine_open(&rig.tts.engine, &events, nullptr, &other[0]));
    turn_expect_stop(client.turn);
    token("Sixteen hours, as the book says.");
    assert_true(client.turn->wager.is_on);
    assert_null(client.turn->tts);
    final(question);
    job_cancel(other[0]);
    token(" Or more.");
    assert_int_equal(fake_sent(&rig.tts, MSG_tts_text), 2); /* of the one that gave way, and this */
    sound();
    done();
    finish();
    listen_out();
    assert_string_equal(client.answer, answer);
    assert_int_equal(client.err, OK);
    assert_let_go();
}

static void its_failures_are_nobody_s(void **)
{
    for (int way = 0; way < 2; way++) {
        heard(question);
        turn_expect_stop(client.turn);
        token("Sixteen hours, as the book says. Or");
        fake_die(way == 0 ? &rig.llm : &rig.tts, 100);
        expect_no_trace();
        assert_int_equal(turn_state(client.turn), TURN_LISTENING);
        fake_come_back(&rig.llm);
        fake_come_back(&rig.tts);
        final(question);
        assert_int_equal(rig.queries, (unsigned)way + 1); /* its passages are good */
        answer_it();
        begin_anew();
    }
}

static void no_more_than_so_many(void **)
{
    const uint64_t before = made();
    heard(question);
    for (int i = 0; i < 50; i++) {
        turn_expect_stop(client.turn);
        turn_goes_on(client.turn);
    }
    assert_int_equal(made(), before + 8);
    final(question);
    answer_it();
}

static void not_where_it_is_not_wanted(void **)
{
    rig.conf.turn_ahead = false;
    assert_ok(begin());
    loop_step(rig.loop, 0);
    partial(question);
    turn_expect_stop(client.turn);
    assert_int_equal(rig.queries, 0);
    final(question);
    find();
    answer_it();
    pass_ms(1);
    client = (struct client){};
    rig.conf.turn_ahead = true;
    heard(question);
    rig.talk.unanswered = true; /* the model is about to go */
    turn_expect_stop(client.turn);
    assert_false(client.turn->wager.is_on);
    turn_cancel(client.turn);
    assert_let_go();
}

/* Each allocation of it fails: it is lost, or won as ever. */
static void short_of_memory(void **)
{
    unsigned lost = 0;
    for (unsigned n = 0;; n++) {
        heard(question);
        const uint64_t before = won();
        alloc_fault_arm(n);
        turn_expect_stop(client.turn);
        tokens();
        bool did_fail = alloc_fault_disarm();
        assert_int_equal(turn_state(client.turn), TURN_LISTENING);
        final(question);
        lost += won() == before;
        if (won() == before) {
            answer_it();
        } else {
            if (!client.turn->sound.n)
                sound();
            done();
            finish();
            listen_out();
            assert_int_equal(client.err, OK);
        }
        begin_anew();
        if (!did_fail)
            break;
        assert_true(n < 1000);
    }
    assert_true(lost > 3);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        t(what_cannot_be_begun_is_none),
        t(a_store_that_fails_is_not_asked_again),
        t(lost_without_a_trace),
        t(nothing_is_told_of_a_turn_that_ends_before),
        t(it_gives_way),
        t(its_failures_are_nobody_s),
        t(no_more_than_so_many),
        t(not_where_it_is_not_wanted),
        t(short_of_memory),
    };
    return cmocka_run_group_tests_name("talk/wager, lost", tests, nullptr, nullptr);
}
