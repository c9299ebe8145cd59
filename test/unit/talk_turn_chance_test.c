// SPDX-License-Identifier: Apache-2.0
/*
 * A turn, and whatever may happen to it in any order: it is never stuck, every state is bounded, it ends
 * once, lets everything go, nothing of a dead one is heard, and the next turn is a whole one.
 */
#include "base/log.h"
#include "turn_chance.h"

static void hear_partial(void *epoch, struct turn *t, struct str text, size_t stable)
{
    assert_words_alive(&rig.stt, text);
    on_partial(epoch, t, text, stable);
}

static void hear_final(void *epoch, struct turn *t, struct str text)
{
    assert_words_alive(&rig.stt, text);
    on_final(epoch, t, text);
}

static void hear_token(void *epoch, struct turn *t, struct str text)
{
    assert_words_alive(&rig.llm, text);
    on_token(epoch, t, text);
}

static void hear_audio(void *epoch, struct turn *t, struct str sound)
{
    assert_sound_alive(sound);
    on_audio(epoch, t, sound);
}

static void hear_end(void *epoch, struct turn *t, const struct turn_end *end)
{
    all_is_dead();
    on_ended(epoch, t, end);
}

static const struct turn_sink wary = {
    .partial = hear_partial,
    .final = hear_final,
    .citation = on_citation,
    .token = hear_token,
    .audio_start = on_audio_start,
    .audio = hear_audio,
    .audio_end = on_audio_end,
    .ended = hear_end,
};

/* --- what the client does --- */

static void begins(void)
{
    const struct turn_request request = {.spoken = chance(2),
                                         .use_rag = chance(2),
                                         .speak = chance(4) > 0,
                                         .text = S("how long do cats sleep"),
                                         .before = chance(4) ? S("") : S("and"),
                                         .in_rate_hz = RATE_HZ,
                                         .out_rate_hz = RATE_HZ,
                                         .out_opus = chance(2)};
    bool was_free = !client.turn;
    if (was_free)
        client.epoch = (char *)client.epoch + 1;
    enum err err = turn_begin(&rig.talk, rig.session, &request, &wary, client.epoch, &client.turn);
    if (!was_free)
        assert_int_equal(err, ERR_CONFLICT);
    else
        assert_true(err == OK || err == ERR_ENGINE || err == ERR_BUSY || err == ERR_NOMEM);
}

static void speaks(void)
{
    static const int16_t silence[PIECE_SAMPLES];
    if (client.turn)
        (void)turn_audio(client.turn, silence, chance(PIECE_SAMPLES));
}

static void stops(void)
{
    if (client.turn)
        turn_stop(client.turn);
}

static void stops_perhaps(void)
{
    if (client.turn)
        turn_expect_stop(client.turn);
}

static void goes_on(void)
{
    if (client.turn)
        turn_goes_on(client.turn);
}

static void cancels(void)
{
    if (client.turn)
        turn_cancel(client.turn);
}

static void leaves(void)
{
    turn_abandon(client.turn);
    client.turn = nullptr;
    all_is_dead();
}

static void is_failed(void)
{
    if (client.turn)
        turn_fail(client.turn, ERR_NOSPACE, "no room");
}

static void reports(void)
{
    static const uint64_t odd[] = {0, 1000000, UINT32_MAX, UINT64_MAX};
    if (client.turn)
        turn_played(client.turn, chance(8) ? chance(8000) : odd[chance(countof(odd))]);
}

static void goes_or_comes(void)
{
    if (client.turn)
        turn_hold(client.turn, chance(2));
}

static void listens(void)
{
    if (client.turn)
        (void)turn_heard_now(client.turn, chance(10000), chance(10000));
}

/* What he will do when he hears something, from inside of it: all that turn.h allows there. */
static void reacts(struct turn *)
{
    void (*const acts[])(void) = {cancels, leaves, is_failed, listens};
    acts[chance(countof(acts))]();
}

static void prepares_to_react(void)
{
    client.at = (enum hearing)chance(HEARD_KINDS);
    client.nth = client.heard[client.at] + 1 + chance(3);
    client.reaction = reacts;
}

/* --- anything, in any order --- */

static void once(void);
static void memory_is_short(void)
{
    while_memory_is_short(once);
}

static void once(void)
{
    static void (*const events[])(void) = {
        begins,
        begins,
        speaks,
        stops,
        stops,
        stops_perhaps,
        stops_perhaps,
        goes_on,
        reports,
        goes_or_comes,
        listens,
        prepares_to_react,
        store_tells,
        store_tells,
        store_refuses,
        some_engine_says,
        some_engine_says,
        some_engine_says,
        some_engine_says,
        some_engine_says,
        some_engine_says,
        it_goes_well,
        it_goes_well,
        it_goes_well,
        it_goes_well,
        some_engine_comes_back,
        some_engine_comes_back,
        waiting_is_over,
        time_passes,
        time_passes,
        time_passes,
    };
    static void (*const rare[])(void) = {cancels,           leaves,           is_failed,
                                         some_engine_fails, some_engine_dies, limit_passes,
                                         memory_is_short};
    if (chance(16) == 0)
        rare[chance(countof(rare))]();
    else
        events[chance(countof(events))]();
}

static unsigned reached[TURN_STATES];

static void sequence(void)
{
    for (uint32_t left = 1 + chance(chance(10) ? 100 : 1000); left > 0; left--) {
        unsigned ends = client.ends;
        bool live = client.turn;
        once();
        assert_int_equal(client.strays, 0);
        assert_int_equal(rig.talk.live_count, client.turn != nullptr);
        assert_true(client.ends - ends <= live);
        assert_bounded();
        if (client.turn)
            reached[turn_state(client.turn)]++;
    }
}

static void whatever_happens_it_ends_once_and_the_next_is_whole(void **state)
{
    enum { SOME = 5000 };
    log_set_level(LOG_ERROR); /* each failure is a warning */
    for (begin_sequences(SOME); next_sequence();) {
        assert_int_equal(rig_set_up(state), 0);
        all_is_dead();
        if (chance(4) == 0)
            rig.talk.llm = nullptr; /* the quote answerer */
        sequence();
        client.reaction = nullptr;
        if (client.turn)
            turn_hold(client.turn, false);
        assert_time_ends_it();
        assert_let_go();
        rig.talk.llm = &rig.llm.engine;
        rig.refuse_query = OK;
        assert_the_next_is_whole();
        assert_int_equal(rig_tear_down(state), 0);
    }
    log_set_level(LOG_INFO);
    for (int s = 0; s < TURN_ENDED && sequences_begun() >= SOME; s++)
        assert_true(reached[s] > 500);
    assert_true(sequences_begun() < SOME || counter_get(&wagers_won) > 5);
    assert_true(sequences_begun() < SOME ||
                counter_get(&wagers_made) > 2 * counter_get(&wagers_won));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whatever_happens_it_ends_once_and_the_next_is_whole,
                                  tell_sequence),
    };
    return cmocka_run_group_tests_name("talk/turn by chance", tests, nullptr, nullptr);
}
