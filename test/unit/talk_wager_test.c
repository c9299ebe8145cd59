// SPDX-License-Identifier: Apache-2.0
/* The answer that is begun before it is sure that it is wanted: nobody hears of it before, and then all of it. */
#include "talk_wager.h"

static void what_is_ready_leaves_at_once(void **)
{
    const uint64_t before = won();
    heard(question);
    turn_expect_stop(client.turn);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    tokens();
    sound();
    done();
    assert_int_equal(told(), 0);
    assert_int_equal(fake_sent(&rig.tts, MSG_tts_text), 1); /* the first clause and no more */
    assert_int_equal(fake_sent(&rig.tts, MSG_tts_finish), 0);
    assert_int_equal(rig.session->history.count, 0);
    final("How long do cats sleep?");
    assert_int_equal(won(), before + 1);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    assert_int_equal(client.heard[HEARD_FINAL], 1);
    assert_int_equal(client.heard[HEARD_CITATION], 1);
    assert_int_equal(client.heard[HEARD_TOKEN], 1); /* all that there is */
    assert_int_equal(client.heard[HEARD_AUDIO_START], 1);
    assert_int_equal(client.sound_bytes, 2 * 2 * PIECE_SAMPLES);
    assert_int_equal(turn_state(client.turn), TURN_SPEAKING);
    assert_int_equal(fake_sent(&rig.tts, MSG_tts_text), 2);
    assert_int_equal(fake_sent(&rig.tts, MSG_tts_finish), 1);
    assert_int_equal(rig.queries, 1);
    finish();
    listen_out();
    assert_int_equal(client.err, OK);
    assert_string_equal(client.answer, answer);
    assert_string_equal(client.played, answer);
    assert_int_equal(rig.session->history.count, 2);
    assert_let_go();
}

/* It goes on from wherever it is. */
static void won_at_every_moment(void **)
{
    for (size_t moment = 0; moment < 5; moment++) {
        heard(question);
        turn_expect_stop(client.turn);
        if (moment > 0)
            token("Sixteen");
        if (moment > 1)
            token(" hours, as the book says.");
        if (moment > 2)
            token(" Or more.");
        if (moment > 3)
            sound();
        assert_int_equal(told(), 0);
        final(question);
        if (moment < 1)
            token("Sixteen");
        if (moment < 2)
            token(" hours, as the book says.");
        if (moment < 3)
            token(" Or more.");
        if (moment < 4)
            sound();
        done();
        finish();
        listen_out();
        assert_int_equal(client.err, OK);
        assert_string_equal(client.answer, answer);
        assert_int_equal(client.sound_bytes, 2 * 2 * PIECE_SAMPLES);
        assert_let_go();
        begin_anew();
    }
}

/* It waits for the passages of the newest words; being told again changes nothing. */
static void it_waits_for_passages(void **)
{
    assert_ok(begin());
    loop_step(rig.loop, 0);
    turn_expect_stop(client.turn);
    partial("how long do");
    turn_expect_stop(client.turn);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 0);
    find();
    partial(question); /* that they were the last was said of fewer */
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 1);
    expect_no_trace();
    partial("how long do cats sleep at all");
    turn_expect_stop(client.turn); /* while they are looked for */
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 2);
    for (int i = 0; i < 10; i++)
        turn_expect_stop(client.turn);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 2);
    final("how long do cats sleep at all");
    answer_it();
}

static double stage_ms(enum stage s)
{
    const struct waterfall *w = &client.turn->waterfall;
    return w->stage[s].to_us ? (double)(w->stage[s].from_us - w->zero_us) / 1000 : -1;
}

/* The stages are the listener's: none begins before those that it follows from. */
static void expect_order_of_stages(void)
{
    static const enum stage order[] = {STAGE_TRANSCRIBE, STAGE_RETRIEVE, STAGE_ANSWER,
                                       STAGE_GENERATE,   STAGE_CLAUSE,   STAGE_SYNTHESIZE};
    double before = 0;
    for (size_t i = 0; i < countof(order); i++) {
        if (order[i] == STAGE_GENERATE)
            continue; /* it goes on */
        assert_true(stage_ms(order[i]) >= before);
        before = stage_ms(order[i]);
    }
}

static void its_stages_are_the_listener_s(void **)
{
    for (int wins = 0; wins < 2; wins++) {
        heard(question);
        turn_expect_stop(client.turn);
        pass_ms(300);
        halt();
        pass_ms(40);
        token("Sixteen hours, as the book says. Or"); /* its first clause is whole after the end */
        pass_ms(50);
        final(wins ? question : "how long do cats live");
        pass_ms(20);
        if (!wins) {
            find();
            pass_ms(100);
            token("Sixteen hours, as the book says. Or");
        }
        pass_ms(30);
        sound();
        expect_order_of_stages();
        assert_true(stage_ms(STAGE_SYNTHESIZE) >= 90);
        const struct waterfall *w = &client.turn->waterfall;
        assert_int_equal(w->ahead_us ? w->zero_us - w->ahead_us : 0, wins ? 300000 : 0);
        turn_cancel(client.turn);
        begin_anew();
    }
}

/* He takes the first passage for an occasion to leave: what he has not been told is not remembered. */
static void leaves(struct turn *t)
{
    turn_cancel(t);
}

static void ended_from_within(void **)
{
    heard(question);
    turn_expect_stop(client.turn);
    tokens();
    client.at = HEARD_CITATION;
    client.nth = 1;
    client.reaction = leaves;
    final(question);
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.answer, "");
    assert_int_equal(rig.session->history.count, 1); /* the question */
    client.reaction = nullptr;
    assert_let_go();
}

/* Who answers has changed meanwhile. */
static void another_answers_now(void **)
{
    rig.talk.llm = nullptr;
    assert_ok(begin());
    loop_step(rig.loop, 0);
    partial(question);
    turn_expect_stop(client.turn);
    find();
    assert_true(client.turn->wager.is_on);
    rig.talk.llm = &rig.llm.engine;
    final(question);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    answer_it();
}

/* A place that is paid for stays: what was spare is the turn's answer now. */
static void what_was_won_is_kept(void **)
{
    struct job *other[2];
    static const struct job_events events = {};
    heard(question);
    turn_expect_stop(client.turn);
    final(question);
    for (size_t i = 0; i < countof(other); i++)
        assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other[i]));
    assert_int_equal(rig.llm.engine.waiting_count, 1);
    for (size_t i = 0; i < countof(other); i++)
        job_cancel(other[i]);
    answer_it();
}

/* The language that was heard is what the model is told; another one makes another answer. */
static void the_language_belongs_to_the_words(void **)
{
    assert_ok(conf_set(&rig.conf, S("language"), S("auto"), "test", nullptr));
    static const struct {
        const char *heard;
        bool wins;
    } rows[] = {{"de", false}, {"de", true}, {"en", false}, {"en", true}};
    for (size_t i = 0; i < countof(rows); i++) {
        const uint64_t before = won();
        heard(question);
        turn_expect_stop(client.turn);
        final_in(question, rows[i].heard);
        assert_int_equal(won() - before, rows[i].wins);
        answer_it();
        pass_ms(1);
        client = (struct client){};
    }
}

static void where_no_model_answers(void **)
{
    rig.talk.llm = nullptr;
    assert_ok(begin());
    loop_step(rig.loop, 0);
    partial(question);
    assert_int_equal(rig.queries, 0); /* reading documents out needs no advance but this */
    turn_expect_stop(client.turn);
    find();
    assert_int_equal(told(), 0);
    assert_int_equal(fake_sent(&rig.tts, MSG_tts_text), 1);
    sound();
    final(question);
    assert_int_equal(client.heard[HEARD_CITATION], 1);
    assert_int_equal(client.heard[HEARD_TOKEN], 1);
    assert_int_equal(client.heard[HEARD_AUDIO_START], 1);
    assert_int_equal(turn_state(client.turn), TURN_SPEAKING);
    finish();
    listen_out();
    assert_int_equal(client.err, OK);
    assert_true(strstr(client.answer, "Cats sleep sixteen hours a day."));
    assert_let_go();
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        t(what_is_ready_leaves_at_once),
        t(won_at_every_moment),
        t(it_waits_for_passages),
        t(its_stages_are_the_listener_s),
        t(ended_from_within),
        t(another_answers_now),
        t(what_was_won_is_kept),
        t(the_language_belongs_to_the_words),
        t(where_no_model_answers),
    };
    return cmocka_run_group_tests_name("talk/wager", tests, nullptr, nullptr);
}
