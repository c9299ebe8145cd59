// SPDX-License-Identifier: Apache-2.0
/* The answer that is begun before it is sure that it is wanted: nobody hears of it before, and of a lost one never. */
#include "alloc_fault.h"
#include "server/talk/turn_parts.h"
#include "turn_rig.h"

static const char question[] = "how long do cats sleep";

static void partial(const char *text)
{
    assert_ok(
        fake_answer(&rig.stt, 0, MSG_stt_partial, &(struct msg_stt_partial){.text = str_of(text)}));
}

static void final_in(const char *text, const char *language)
{
    halt();
    assert_ok(
        fake_answer(&rig.stt, 0, MSG_stt_final,
                    &(struct msg_stt_final){.text = str_of(text), .language = str_of(language)}));
}

static void final(const char *text)
{
    final_in(text, "");
}

/* Somebody has spoken, and the passages for his words are there. */
static void heard(const char *text)
{
    assert_ok(begin());
    loop_step(rig.loop, 0);
    partial(text);
    find();
}

/* Another conversation. */
static void begin_anew(void)
{
    pass_ms(1);
    session_end(rig.sessions, rig.session);
    assert_ok(session_create(rig.sessions, S("ann"), &rig.session));
    client = (struct client){};
}

static void token(const char *text)
{
    (void)fake_answer(&rig.llm, 0, MSG_llm_token, &(struct msg_llm_token){str_of(text)});
}

/* What he has been told of an answer. */
static unsigned told(void)
{
    return client.heard[HEARD_FINAL] + client.heard[HEARD_CITATION] + client.heard[HEARD_TOKEN] +
           client.heard[HEARD_AUDIO_START] + client.heard[HEARD_AUDIO] +
           client.heard[HEARD_AUDIO_END];
}

static uint64_t won(void)
{
    return counter_get(&wagers_won);
}

static uint64_t made(void)
{
    return counter_get(&wagers_made);
}

static void expect_no_trace(void)
{
    assert_int_equal(told(), 0);
    assert_false(client.turn->wager.is_on);
    assert_int_equal(client.turn->clauses.text.n, 0);
    assert_int_equal(client.turn->sound.n, 0);
    assert_int_equal(client.turn->heard.count, 0);
    assert_int_equal(client.turn->usage.completion_tokens, 0);
    assert_null(client.turn->llm);
    assert_null(client.turn->tts);
    assert_int_equal(rig.session->history.count, 0);
}

/* The whole of a turn whose words are `said`, however it has come to its question. */
static void expect_whole_answer(void)
{
    assert_int_equal(turn_state(client.turn), TURN_ANSWERING);
    for (size_t i = 4; i < countof(steps); i++)
        steps[i]();
    assert_int_equal(client.err, OK);
    assert_string_equal(client.answer, answer);
    assert_let_go();
}

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
    partial(question);
    find(); /* those of fewer words */
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 0);
    find();
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    for (int i = 0; i < 10; i++)
        turn_expect_stop(client.turn);
    assert_int_equal(fake_sent(&rig.llm, MSG_llm_generate), 1);
    final(question);
    expect_whole_answer();
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
        expect_whole_answer();
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
    expect_whole_answer();
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
        expect_whole_answer();
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
    expect_whole_answer();
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
        expect_whole_answer();
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
    expect_whole_answer();
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
            expect_whole_answer();
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
        t(what_is_ready_leaves_at_once),
        t(won_at_every_moment),
        t(it_waits_for_passages),
        t(lost_without_a_trace),
        t(nothing_is_told_of_a_turn_that_ends_before),
        t(it_gives_way),
        t(what_was_won_is_kept),
        t(its_failures_are_nobody_s),
        t(no_more_than_so_many),
        t(the_language_belongs_to_the_words),
        t(where_no_model_answers),
        t(not_where_it_is_not_wanted),
        t(short_of_memory),
    };
    return cmocka_run_group_tests_name("talk/wager", tests, nullptr, nullptr);
}
