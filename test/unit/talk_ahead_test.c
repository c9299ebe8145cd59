// SPDX-License-Identifier: Apache-2.0
/* What is done while somebody still speaks, and that nothing is left of it when it was for nothing. */
#include "turn_rig.h"

static struct msg_stt_partial so_far;

static void partial(const char *text)
{
    so_far = (struct msg_stt_partial){.text = str_of(text)};
    assert_ok(fake_answer(&rig.stt, 0, MSG_stt_partial, &so_far));
}

static void final(const char *text)
{
    halt();
    assert_ok(
        fake_answer(&rig.stt, 0, MSG_stt_final, &(struct msg_stt_final){.text = str_of(text)}));
}

static void begin_speaking(void)
{
    assert_ok(begin());
    loop_step(rig.loop, 0);
}

static void model_has_read(void)
{
    assert_ok(
        fake_answer(&rig.llm, 0, MSG_llm_done, &(struct msg_llm_done){.reason = S("prefill")}));
}

static void words_that_stay_are_looked_for_and_read(void **)
{
    begin_speaking();
    partial("how lon");
    assert_int_equal(rig.queries, 0); /* which says nothing */
    partial("how long do");
    assert_int_equal(rig.queries, 1);
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 1);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_segment), 1); /* who it is; the rest may change */
    model_has_read();
    assert_int_equal(rig.queries, 1); /* nothing new was said */
    partial("how long do cats sleep");
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 2);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_segment),
                     1 + 3); /* that, the passage, the words */
    final("How long do cats sleep?");
    assert_int_equal(rig.queries, 2); /* its passages are there */
    assert_int_equal(fake_sent(&rig.llm, MSG_cancel), 1);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    assert_int_equal(client.heard[HEARD_CITATION], 1);
    answer_it();
}

static void words_that_go_on_differently_are_looked_for_anew(void **)
{
    begin_speaking();
    partial("how long do cats");
    find();
    final("how long do cats live");
    assert_int_equal(rig.queries, 2);
    assert_int_equal(turn_state(client.turn), TURN_RETRIEVING);
    find();
    answer_it();
    /* While the store is still looking. */
    begin_speaking();
    partial("how long do cats");
    final("how long do cats");
    assert_int_equal(queries_open(), 1); /* the turn's own, at once */
    find();
    answer_it();
}

/* A model remembers beginnings: what it has read, since two searches had found it, is given to it again in front. */
static void passages_that_were_read_stay_in_front(void **)
{
    static const struct {
        const char *first, *second, *last, *cited;
    } rows[] = {
        {"123", "123", "321", "123"},   {"123", "412", "412", "124"}, {"123", "456", "654", "654"},
        {"12", "1234", "4321", "1243"}, {"123", "3", "13", "31"},     {"", "12", "21", "21"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        client = (struct client){};
        begin_speaking();
        partial("how long do");
        store_finds(OK, rows[i].first);
        model_has_read();
        partial("how long do cats");
        store_finds(OK, rows[i].second);
        final("how long do cats sleep");
        store_finds(OK, rows[i].last);
        assert_string_equal(client.cited, rows[i].cited);
        answer_it();
        pass_ms(1);
    }
}

static void one_search_at_a_time_for_the_newest_words(void **)
{
    begin_speaking();
    partial("how long do");
    partial("how long do cats");
    partial("how long do cats sleep");
    assert_int_equal(rig.queries, 1);
    find();
    assert_int_equal(rig.queries, 2);
    find();
    assert_int_equal(rig.queries, 2);
    /* The same passages: what is being read is read to its end. */
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 1);
    assert_int_equal(fake_sent(&rig.llm, MSG_cancel), 0);
    turn_cancel(client.turn);
    assert_int_equal(client.err, ERR_CANCELED);
    assert_let_go();
}

static void it_gives_way(void **)
{
    struct job *other[2];
    static const struct job_events events = {};
    /* Somebody's answer is being written: nothing is read ahead. */
    assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other[0]));
    begin_speaking();
    partial("how long do cats sleep");
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 0);
    job_cancel(other[0]);
    turn_cancel(client.turn);
    pass_ms(1);
    /* Others come later: the last place is theirs. */
    begin_speaking();
    partial("how long do cats sleep");
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 1);
    assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other[0]));
    assert_int_equal(fake_sent(&rig.llm, MSG_cancel), 0);
    assert_ok(engine_open(&rig.llm.engine, &events, nullptr, &other[1]));
    assert_int_equal(fake_sent(&rig.llm, MSG_cancel), 1);
    assert_int_equal(rig.llm.engine.waiting_count, 0);
    assert_int_equal(rig.llm.engine.live_count, 2);
    job_cancel(other[0]);
    job_cancel(other[1]);
    final("how long do cats sleep");
    answer_it();
}

static void its_failures_are_nobody_s(void **)
{
    begin_speaking();
    partial("how long do cats sleep");
    store_answers(ERR_IO);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 0);
    partial("how long do cats sleep at night");
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_prefill), 1);
    fake_die(&rig.llm, 100);
    assert_int_equal(turn_state(client.turn), TURN_LISTENING);
    fake_come_back(&rig.llm);
    rig.refuse_query = ERR_BUSY;
    partial("how long do cats sleep at night in");
    rig.refuse_query = OK;
    assert_int_equal(turn_state(client.turn), TURN_LISTENING);
    final("how long do cats sleep at night in winter");
    find();
    answer_it();
    assert_the_next_is_whole();
}

/* What an earlier search has found is not taken for the words of one that failed. */
static void passages_are_those_of_the_words(void **)
{
    for (int refused = 0; refused < 2; refused++) {
        begin_speaking();
        partial("how long do cats");
        find();
        rig.refuse_query = refused ? ERR_BUSY : OK;
        partial("how long do cats sleep");
        rig.refuse_query = OK;
        if (!refused)
            store_answers(ERR_IO);
        unsigned before = rig.queries;
        final("how long do cats sleep");
        assert_int_equal(rig.queries, before + 1);
        assert_int_equal(turn_state(client.turn), TURN_RETRIEVING);
        find();
        answer_it();
        pass_ms(1);
    }
}

static void not_where_it_is_not_wanted(void **)
{
    rig.conf.turn_ahead = false;
    begin_speaking();
    partial("how long do cats sleep");
    assert_int_equal(rig.queries, 0);
    turn_cancel(client.turn);
    pass_ms(1);
    rig.conf.turn_ahead = true;
    rig.talk.llm = nullptr; /* reading documents out needs no advance */
    begin_speaking();
    partial("how long do cats sleep");
    assert_int_equal(rig.queries, 0);
    turn_cancel(client.turn);
    rig.talk.llm = &rig.llm.engine;
    assert_let_go();
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        t(words_that_stay_are_looked_for_and_read),
        t(words_that_go_on_differently_are_looked_for_anew),
        t(passages_that_were_read_stay_in_front),
        t(one_search_at_a_time_for_the_newest_words),
        t(it_gives_way),
        t(its_failures_are_nobody_s),
        t(passages_are_those_of_the_words),
        t(not_where_it_is_not_wanted),
    };
    return cmocka_run_group_tests_name("talk/ahead", tests, nullptr, nullptr);
}
