// SPDX-License-Identifier: Apache-2.0
/*
 * A turn's life, and all that can go wrong in each of its states: whatever ends it, it ends once, lets
 * everything go, nothing of it is heard any more, and the next turn is a whole one.
 */
#include "alloc_fault.h"
#include "turn_rig.h"

/* What the engines and the store had not been told in time. */
static void assert_deaf_to_what_is_late(void)
{
    const struct client before = client;
    run_all();
    for (int i = 0; i < 5; i++)
        pass_ms(60000);
    assert_memory_equal(&client, &before, sizeof before);
}

/* --- what ends it --- */

static void cancel(void)
{
    turn_cancel(client.turn);
}

static void fall(void)
{
    turn_fail(client.turn, ERR_NOSPACE, "no room");
}

static void abandon(void)
{
    turn_abandon(client.turn);
    client.turn = nullptr;
}

static void time_out(void)
{
    pass_ms((uint64_t)rig.conf.turn_ms + 60000);
}

static void stt_dies(void)
{
    fake_die(&rig.stt, 100);
}

static void llm_dies(void)
{
    fake_die(&rig.llm, 100);
}

static void tts_dies(void)
{
    fake_die(&rig.tts, 100);
}

static void stt_fails(void)
{
    (void)fake_answer(&rig.stt, 0, MSG_fail, &(struct msg_fail){ERR_MEDIA, S("no sound")});
}

static void llm_fails(void)
{
    (void)fake_answer(&rig.llm, 0, MSG_fail, &(struct msg_fail){ERR_MEDIA, S("no words")});
}

static void tts_fails(void)
{
    (void)fake_answer(&rig.tts, 0, MSG_fail, &(struct msg_fail){ERR_MEDIA, S("no voice")});
}

static void tts_sends_half_a_sample(void)
{
    (void)fake_answer(&rig.tts, 0, MSG_audio, &(struct msg_audio){S("abc")});
}

static void store_fails(void)
{
    store_answers(ERR_IO);
}

/* The words are there before the user has stopped. */
static void stt_is_too_quick(void)
{
    hear();
}

/* The sound is over before its text is: nobody would hear the rest. */
static void tts_is_too_quick(void)
{
    (void)fake_answer(&rig.tts, 0, MSG_tts_done, &(struct msg_tts_done){0});
}

enum { NOT = ERR_COUNT, SILENT }; /* it goes on; it ends, and nobody is told */

static const struct mishap {
    const char *name;
    void (*strike)(void);
    int ends[countof(stages)]; /* with which error */
} mishaps[] = {
#define ALL(err) {err, err, err, err, err, err, err}
    {"cancel", cancel, ALL(ERR_CANCELED)},
    {"fail", fall, ALL(ERR_NOSPACE)},
    {"abandon", abandon, ALL(SILENT)},
    /* Who speaks for too long is answered; who does not tell that he has heard it all is taken to have. */
    {"time", time_out, {NOT, ERR_LATE, ERR_LATE, ERR_LATE, ERR_LATE, ERR_LATE, OK}},
    {"stt dies", stt_dies, {ERR_ENGINE, ERR_ENGINE, NOT, NOT, NOT, NOT, NOT}},
    {"llm dies", llm_dies, {NOT, NOT, NOT, ERR_ENGINE, ERR_ENGINE, NOT, NOT}},
    {"tts dies", tts_dies, {NOT, NOT, NOT, NOT, ERR_ENGINE, ERR_ENGINE, NOT}},
    {"stt fails", stt_fails, {ERR_MEDIA, ERR_MEDIA, NOT, NOT, NOT, NOT, NOT}},
    {"llm fails", llm_fails, {NOT, NOT, NOT, ERR_MEDIA, ERR_MEDIA, NOT, NOT}},
    {"tts fails", tts_fails, {NOT, NOT, NOT, NOT, ERR_MEDIA, ERR_MEDIA, NOT}},
    {"half a sample", tts_sends_half_a_sample, {NOT, NOT, NOT, NOT, ERR_ENGINE, ERR_ENGINE, NOT}},
    {"store fails", store_fails, {NOT, NOT, ERR_IO, NOT, NOT, NOT, NOT}},
    {"stt is too quick", stt_is_too_quick, {ERR_ENGINE, NOT, NOT, NOT, NOT, NOT, NOT}},
    {"tts is too quick", tts_is_too_quick, {NOT, NOT, NOT, NOT, ERR_ENGINE, NOT, NOT}},
};

static void whatever_ends_it_in_any_state_ends_it_once(void **state)
{
    for (size_t m = 0; m < countof(mishaps); m++)
        for (size_t stage = 0; stage < countof(stages); stage++) {
            int ends = mishaps[m].ends[stage];
            if (ends == NOT)
                continue;
            print_message("# %s while %s (%zu)\n", mishaps[m].name,
                          turn_state_name(stages[stage].state), stage);
            assert_int_equal(rig_set_up(state), 0);
            bring(stage);
            mishaps[m].strike();
            assert_int_equal(client.ends, ends != SILENT);
            if (ends != SILENT)
                assert_int_equal(client.err, ends);
            assert_let_go();
            assert_int_equal(rig.saves, 1);
            assert_deaf_to_what_is_late();
            assert_the_next_is_whole();
            assert_int_equal(rig_tear_down(state), 0);
        }
}

static void what_does_not_concern_it_does_not_end_it(void **state)
{
    for (size_t m = 0; m < countof(mishaps); m++)
        for (size_t stage = 0; stage < countof(stages); stage++) {
            bool own_step = mishaps[m].strike == stt_is_too_quick ||
                            mishaps[m].strike == tts_is_too_quick || mishaps[m].strike == time_out;
            if (mishaps[m].ends[stage] != NOT || own_step)
                continue;
            print_message("# %s while %s (%zu)\n", mishaps[m].name,
                          turn_state_name(stages[stage].state), stage);
            assert_int_equal(rig_set_up(state), 0);
            bring(stage);
            mishaps[m].strike();
            assert_non_null(client.turn);
            assert_int_equal(client.ends, 0);
            fake_come_back(&rig.llm);
            fake_come_back(&rig.tts);
            for (size_t i = stages[stage].steps; i < countof(steps); i++)
                steps[i]();
            assert_int_equal(client.ends, 1);
            assert_int_equal(client.err, OK);
            assert_let_go();
            assert_int_equal(rig_tear_down(state), 0);
        }
}

/* --- who ends it from inside what it says --- */

static void cancel_it(struct turn *t)
{
    turn_cancel(t);
}

static void abandon_it(struct turn *t)
{
    turn_abandon(t);
    client.turn = nullptr;
}

static void it_may_be_ended_from_inside_anything_it_says(void **state)
{
    void (*const reactions[])(struct turn *t) = {cancel_it, abandon_it};
    unsigned reached[HEARD_KINDS] = {};
    for (size_t r = 0; r < countof(reactions); r++)
        for (int kind = 0; kind < HEARD_KINDS; kind++)
            for (unsigned nth = 1; nth < 4; nth++) {
                assert_int_equal(rig_set_up(state), 0);
                client = (struct client){.at = (enum hearing)kind, .nth = nth};
                client.reaction = reactions[r];
                assert_ok(begin());
                run_all();
                bool was = client.heard[kind] >= nth, silent = reactions[r] == abandon_it;
                reached[kind] += was;
                assert_int_equal(client.ends, !(was && silent));
                assert_true(!was || client.heard[kind] == nth);
                if (client.ends)
                    assert_int_equal(client.err, was ? ERR_CANCELED : OK);
                assert_let_go();
                client.reaction = nullptr;
                assert_deaf_to_what_is_late();
                assert_the_next_is_whole();
                assert_int_equal(rig_tear_down(state), 0);
            }
    for (int kind = 0; kind < HEARD_KINDS; kind++)
        assert_true(reached[kind] > 0);
}

/* There was nothing in the answer that can be spoken. */
static void hush(void)
{
    (void)fake_answer(&rig.tts, 0, MSG_tts_done, &(struct msg_tts_done){0});
}

/* --- a listener who is away for a while --- */

/* Whatever he missed, it goes on where he left, and ends. */
static void who_comes_back_hears_the_rest(void **state)
{
    for (size_t away = 0; away <= 6; away++)
        for (size_t back = away; back <= 7; back++)
            for (int mute = 0; mute < 2; mute++) {
                void (*const way[])(void) = {speak,
                                             halt,
                                             hear,
                                             find,
                                             mute ? tokens_alone : tokens,
                                             done,
                                             mute ? hush : finish};
                assert_int_equal(rig_set_up(state), 0);
                assert_ok(begin());
                for (size_t i = 0; i <= countof(way); i++) {
                    if (i == away)
                        turn_hold(client.turn, true);
                    if (i == back && client.turn)
                        turn_hold(client.turn, false);
                    if (i < countof(way))
                        way[i]();
                }
                for (int i = 0; i < 100 && client.turn; i++)
                    pass_ms(20);
                assert_int_equal(client.ends, 1);
                assert_int_equal(client.err, OK);
                assert_int_equal(client.sound_bytes, mute ? 0 : 4 * PIECE_SAMPLES);
                assert_let_go();
                assert_int_equal(rig_tear_down(state), 0);
            }
}

/* However long he is away: that is no time of the turn's. */
static void who_is_away_for_long_hears_the_rest(void **)
{
    bring(5);
    turn_hold(client.turn, true);
    finish();
    for (int i = 0; i < 10; i++)
        pass_ms((uint64_t)rig.conf.turn_ms / 5);
    assert_non_null(client.turn);
    turn_hold(client.turn, false);
    pass_ms(20);
    assert_non_null(client.turn);
    for (int i = 0; i < 100 && client.turn; i++)
        pass_ms(20);
    assert_int_equal(client.err, OK);
    assert_int_equal(client.sound_bytes, 4 * PIECE_SAMPLES);
    assert_let_go();
}

/* --- memory --- */

static void memory_that_is_short_costs_a_turn_at_most(void **state)
{
    unsigned refused = 0, failed_turns = 0, n = 0;
    for (bool failed = true; failed; n++) {
        assert_int_equal(rig_set_up(state), 0);
        alloc_fault_arm(n);
        enum err err = begin();
        run_all();
        failed = alloc_fault_disarm();
        pass_ms(1);
        if (err != OK) {
            assert_int_equal(err, ERR_NOMEM);
            assert_int_equal(client.ends, 0);
            refused++;
        } else {
            assert_int_equal(client.ends, 1);
            assert_true(client.err == OK || (failed && client.err == ERR_NOMEM));
            failed_turns += client.err != OK;
        }
        assert_let_go();
        assert_the_next_is_whole();
        assert_int_equal(rig_tear_down(state), 0);
    }
    assert_true(refused > 3 && failed_turns > 10 && n < 200);
}

/* --- what it says is refused before it begins --- */

static void a_turn_that_cannot_begin_leaves_nothing(void **)
{
    const struct turn_request blank = {.text = S(" \n ")}, typed = {.text = S("hello")};
    struct turn *t = nullptr;
    assert_err(turn_begin(&rig.talk, rig.session, &blank, &sink, nullptr, &t), ERR_INVALID);
    assert_ok(begin());
    assert_err(turn_begin(&rig.talk, rig.session, &typed, &sink, nullptr, &t), ERR_CONFLICT);
    struct session *other;
    assert_ok(session_create(rig.sessions, S("bob"), &other));
    rig.conf.max_turns = 1;
    assert_err(turn_begin(&rig.talk, other, &typed, &sink, nullptr, &t), ERR_BUSY);
    cancel();
    rig.talk.draining = true;
    assert_err(begin(), ERR_DRAINING);
    rig.talk.draining = false;
    rig.stt.engine.state = ENGINE_STOPPED;
    assert_err(begin(), ERR_DRAINING);
    session_hold(rig.session);
    session_end(rig.sessions, rig.session);
    assert_err(turn_begin(&rig.talk, rig.session, &typed, &sink, nullptr, &t), ERR_NOTFOUND);
    session_release(rig.sessions, rig.session);
    assert_null(t);
    assert_int_equal(rig.talk.live_count, 0);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_ends_it_in_any_state_ends_it_once),
        cmocka_unit_test(what_does_not_concern_it_does_not_end_it),
        cmocka_unit_test(it_may_be_ended_from_inside_anything_it_says),
        cmocka_unit_test(who_comes_back_hears_the_rest),
        t(who_is_away_for_long_hears_the_rest),
        cmocka_unit_test(memory_that_is_short_costs_a_turn_at_most),
        t(a_turn_that_cannot_begin_leaves_nothing),
    };
    return cmocka_run_group_tests_name("talk/turn", tests, nullptr, nullptr);
}
