// SPDX-License-Identifier: Apache-2.0
/* What a turn makes of an answer: its time, its prompt, the pace of its sound, what is remembered of it. */
#include "turn_rig.h"

static void cancel(void)
{
    turn_cancel(client.turn);
}

static void tts_dies(void)
{
    fake_die(&rig.tts, 100);
}

static void time_out(void)
{
    pass_ms((uint64_t)rig.conf.turn_ms);
}

static void who_speaks_for_too_long_is_answered(void **)
{
    bring(0);
    pass_ms((uint64_t)rig.conf.utterance_ms);
    assert_int_equal(turn_state(client.turn), TURN_FINALISING);
    for (size_t i = 2; i < countof(steps); i++)
        steps[i]();
    assert_int_equal(client.err, OK);
    assert_let_go();
}

/* The limit is one for the whole answer, however it is divided among its states. */
static void an_answer_has_one_limit(void **)
{
    bring(3);
    pass_ms((uint64_t)rig.conf.turn_ms / 2);
    tokens();
    done();
    assert_int_equal(turn_state(client.turn), TURN_SPEAKING);
    pass_ms((uint64_t)rig.conf.turn_ms / 2 - 1);
    assert_int_equal(client.ends, 0);
    pass_ms(1);
    assert_int_equal(client.ends, 1);
    assert_int_equal(client.err, ERR_LATE);
}

/* Who the model is, the passage, the question; in the next turn what was said as well. */
static void the_model_reads_each_word_once(void **)
{
    assert_ok(begin());
    run_all();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_segment), 3);
    assert_the_next_is_whole();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_segment), 3 + 5);
}

/* The one that was heard in this turn, where that is left open; and nothing that is no tag, since this is a text of ours. */
static void the_answer_is_asked_for_in_a_language(void **)
{
    static const struct {
        const char *configured, *heard, *asked;
    } rows[] = {
        {"en", "de", nullptr},         {"fr", "de", "tag is fr."},
        {"auto", "de", "tag is de."},  {"AUTO", "pt-BR", "tag is pt-BR."},
        {"auto", "en", nullptr},       {"auto", "", nullptr},
        {"auto", "de. Obey", nullptr}, {"auto", "abcdefghijklmnop", nullptr},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct conf_err why;
        assert_ok(conf_set(&rig.conf, S("language"), str_of(rows[i].configured), "test", &why));
        bring(1);
        const struct msg_stt_final final = {.text = S("wie lange schlafen Katzen"),
                                            .language = str_of(rows[i].heard)};
        assert_ok(fake_answer(&rig.stt, 0, MSG_stt_final, &final));
        find();
        assert_int_equal(turn_state(client.turn), TURN_ANSWERING);
        const char *asked = strstr(rig.llm.told, "tag is ");
        if (rows[i].asked)
            assert_string_equal(asked, rows[i].asked);
        else
            assert_null(asked);
        cancel();
        pass_ms(1);
    }
}

static void what_was_heard_is_what_the_speaker_played(void **)
{
    bring(countof(stages) - 2);
    const struct msg_tts_clause clause = {.samples = PIECE_SAMPLES};
    assert_ok(fake_answer(&rig.tts, 0, MSG_tts_clause, &clause));
    turn_played(client.turn, 50); /* of 100 ms */
    cancel();
    assert_string_equal(client.answer, answer);
    assert_string_equal(client.played, "Sixteen hours,");
    assert_string_equal(rig.session->history.entry[1].text, "Sixteen hours,");
}

/* --- while the language model is changed --- */

static void whoever_has_asked_is_still_answered(void **)
{
    bring(2);
    rig.talk.changing = true;
    assert_err(begin(), ERR_CHANGING);
    for (size_t i = stages[2].steps; i < countof(steps); i++)
        steps[i]();
    assert_int_equal(client.err, OK);
    assert_err(begin(), ERR_CHANGING);
    assert_let_go();
}

static void but_not_when_nobody_is_left_to_answer(void **)
{
    bring(2);
    rig.talk.changing = rig.talk.unanswered = true;
    find();
    assert_int_equal(client.ends, 1);
    assert_int_equal(client.err, ERR_CHANGING);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_open), 0);
    assert_let_go();
    rig.talk.changing = rig.talk.unanswered = false;
    assert_the_next_is_whole();
}

static void an_answer_ends_where_it_began(void **)
{
    static struct fake other;
    fake_create(&other, rig.loop, "llm", 2);
    bring(4);
    rig.talk.llm = &other.engine;
    for (size_t i = stages[4].steps; i < countof(steps); i++)
        steps[i]();
    assert_int_equal(client.err, OK);
    assert_int_equal(fake_sent(&other, MSG_llm_open), 0);
    bring(3);
    assert_int_equal(fake_sent(&other, MSG_llm_open), 1);
    cancel();
    rig.talk.llm = &rig.llm.engine;
    fake_destroy(&other);
    assert_let_go();
}

/* --- how its sound leaves --- */

/* At most two seconds ahead of the speaker, by the clock or by the speaker's own word. */
static void sound_keeps_the_pace_of_the_speaker(void **state)
{
    enum { LEAD_MS = 2000, SAID_MS = 10000, PACKET_MS = 20, PACKET_BYTES = 60 };
    for (int opus = 0; opus < 2; opus++) {
        static const char bytes[2 * PIECE_SAMPLES];
        const size_t each = opus ? PACKET_BYTES : sizeof bytes, each_ms = opus ? PACKET_MS : 100;
        struct turn_request request = {
            .text = S("go on"), .speak = true, .out_rate_hz = RATE_HZ, .out_opus = opus};
        assert_int_equal(rig_set_up(state), 0);
        assert_ok(turn_begin(&rig.talk, rig.session, &request, &sink, nullptr, &client.turn));
        loop_step(rig.loop, 0);
        tokens_alone();
        for (size_t ms = 0; ms < SAID_MS; ms += each_ms)
            assert_ok(fake_answer(&rig.tts, 0, MSG_audio, &(struct msg_audio){{bytes, each}}));
        assert_int_equal(client.sound_bytes, each * LEAD_MS / each_ms);
        pass_ms(500);
        assert_int_equal(client.sound_bytes, each * (LEAD_MS + 500) / each_ms);
        turn_played(client.turn, 300); /* it is slower than the clock, and does not run back */
        pass_ms(100);
        assert_int_equal(client.sound_bytes, each * (LEAD_MS + 500) / each_ms);
        turn_played(client.turn, 1500);
        assert_int_equal(client.sound_bytes, each * (LEAD_MS + 1500) / each_ms);
        /* The synthesiser may go on by what has left, not by what has come. */
        assert_int_equal(fake_sent(&rig.tts, MSG_credit), client.sound_bytes * 4 / WIRE_CREDIT);
        turn_cancel(client.turn);
        assert_let_go();
        assert_int_equal(rig_tear_down(state), 0);
    }
}

/* An answer that broke off is not remembered as a whole one. */
static void a_broken_answer_is_remembered_as_such(void **state)
{
    void (*const breaks[])(void) = {cancel, tts_dies, time_out};
    for (size_t i = 0; i < countof(breaks); i++) {
        assert_int_equal(rig_set_up(state), 0);
        bring(countof(stages) - 2);
        breaks[i]();
        assert_int_equal(client.ends, 1);
        const struct history *h = &rig.session->history;
        assert_int_equal(h->count, 2);
        assert_string_equal(h->entry[0].text, "how long do cats sleep");
        assert_true(h->entry[1].interrupted);
        assert_true(h->entry[1].n < sizeof answer - 1);
        assert_int_equal(rig_tear_down(state), 0);
    }
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        t(who_speaks_for_too_long_is_answered),
        t(an_answer_has_one_limit),
        t(the_model_reads_each_word_once),
        t(the_answer_is_asked_for_in_a_language),
        t(what_was_heard_is_what_the_speaker_played),
        t(whoever_has_asked_is_still_answered),
        t(but_not_when_nobody_is_left_to_answer),
        t(an_answer_ends_where_it_began),
        cmocka_unit_test(sound_keeps_the_pace_of_the_speaker),
        cmocka_unit_test(a_broken_answer_is_remembered_as_such),
    };
    return cmocka_run_group_tests_name("talk/answer", tests, nullptr, nullptr);
}
