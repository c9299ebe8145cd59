// SPDX-License-Identifier: Apache-2.0
/*
 * A conversation with everything around it played by the test: whatever the user, the engines, the
 * network and the clock do, turns follow one another, the floor is somebody's only while there is a turn,
 * and nothing is left when it is over.
 */
#include "base/log.h"
#include "talk_user.h"
#include "turn_chance.h"

/* --- nothing of a dead turn is heard --- */

static void hear_partial(void *arg, struct turn *t, struct str text, size_t stable)
{
    assert_words_alive(&rig.stt, text);
    heard_partial(arg, t, text, stable);
}

static bool hands_free;

static void hear_final(void *arg, struct turn *t, struct str text)
{
    if (!hands_free) /* there it may begin with words of a turn that was interrupted */
        assert_words_alive(&rig.stt, text);
    heard_text(arg, t, text);
}

static void hear_token(void *arg, struct turn *t, struct str text)
{
    assert_words_alive(&rig.llm, text);
    heard_text(arg, t, text);
}

static void hear_audio(void *arg, struct turn *t, struct str sound)
{
    assert_sound_alive(sound);
    heard_text(arg, t, sound);
}

static void hear_end(void *arg, struct turn *t, const struct turn_end *end)
{
    all_is_dead();
    heard_end(arg, t, end);
}

static void meet_wary(enum inlet_format in, bool out_opus)
{
    static struct conversation_events wary;
    wary = events;
    wary.turn.partial = hear_partial;
    wary.turn.final = hear_final;
    wary.turn.token = hear_token;
    wary.turn.audio = hear_audio;
    wary.turn.ended = hear_end;
    meet_with(&wary, hands_free, in, out_opus);
}

/* --- anything, in any order --- */

static void presses(void)
{
    switch (chance(8)) {
    case 0:
        conversation_stop(user.c);
        break;
    case 1:
        conversation_text(user.c, S("how long do cats sleep"));
        break;
    case 2:
        conversation_cancel(user.c);
        break;
    case 3:
        conversation_text(user.c, S(" "));
        break;
    case 4:
        user.refuse = chance(3) ? OK : ERR_RATE;
        break;
    default:
        if (!user.c->inlet || chance(8) == 0)
            conversation_start(user.c);
    }
}

static void plays(void)
{
    static const uint64_t odd[] = {0, 1000000, UINT32_MAX, UINT64_MAX};
    conversation_played(user.c, chance(4) ? user.live : chance(5),
                        chance(8) ? chance(5000) : odd[chance(countof(odd))]);
}

static void makes_sound(void)
{
    sound_of(chance(10) ? 20 : chance(2000));
}

static void speaks(void)
{
    for_ms(20 * (1 + chance(60)), chance(2));
}

static void is_heard(void)
{
    frames(chance(64), chance(3) > 0);
}

static void goes_or_comes(void)
{
    conversation_hold(user.c, chance(2));
}

static void words_come(void)
{
    static const char *const words[] = {"stop", "uh huh", "", "as the book says",
                                        "where are my cats"};
    uint32_t stream = recogniser();
    struct str text = chance(2) ? words_of(stream) : str_of(words[chance(countof(words))]);
    if (stream && chance(3))
        (void)fake_answer(&rig.stt, stream, MSG_stt_partial,
                          &(struct msg_stt_partial){.text = text, .audio_ms = chance(20000)});
    else if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_stt_final, &(struct msg_stt_final){.text = text});
}

static void packets_are_decoded(void)
{
    static char samples[32 * 1024];
    uint32_t stream = fake_stream(&rig.stt, MSG_decode_open);
    const struct msg_decoded some = {chance(2000), {samples, 2 * (size_t)chance(16 * 1024)}};
    if (stream && chance(10))
        (void)fake_answer(&rig.stt, stream, MSG_decoded, &some);
    else if (stream && chance(2))
        (void)fake_answer(&rig.stt, stream, MSG_decode_done, &(struct msg_decode_done){3});
    else if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_fail, &(struct msg_fail){ERR_MEDIA, S("no Opus")});
}

static void assert_in_order(void)
{
    const struct conversation *c = user.c;
    assert_ptr_equal(rig.session->live, c->turn);
    assert_int_equal(rig.talk.live_count, c->turn != nullptr);
    if (!hands_free) {
        assert_true(!c->inlet || c->turn);
        return;
    }
    assert_int_equal(c->free.floor == FLOOR_FREE, c->turn == nullptr);
    bool undecided = c->free.floor == FLOOR_DUCKED || c->free.floor == FLOOR_DOUBTED;
    assert_true(!c->free.overheard || undecided);
    assert_true(!user.ducked || undecided);
    assert_true(!c->free.watcher || c->inlet || timer_armed(&c->free.retry));
    size_t room = c->free.recent.samples.room;
    assert_true(room <= 2 * (10000 + (size_t)rig.conf.vad_preroll_ms) * (RATE_HZ / 1000) * 2);
}

/* Whoever had the floor loses it to silence, when everything works. */
static void assert_silence_is_noticed(void)
{
    enum { LONG_S = 25 }; /* a recogniser may take 15 for its last words, the judge 7 */
    all_come_back();
    pass_ms(1000);
    for (int i = 0; i < LONG_S && user.c->free.watcher; i++) {
        frames(1000 / EAR_FRAME_MS, false);
        pass_ms(1000);
    }
    if (user.c->free.watcher)
        assert_true(user.c->free.floor == FLOOR_FREE || user.c->free.floor == FLOOR_ANSWER);
}

/* However it stands, it comes to an end when nobody does anything any more. */
static void assert_it_ends(void)
{
    conversation_stop(user.c);
    conversation_hold(user.c, false);
    assert_time_ends_it();
    assert_null(user.c->turn);
    assert_int_equal(user.live, 0);
}

static void once(void);
static void memory_is_short(void)
{
    while_memory_is_short(once);
}

static void once(void)
{
    static void (*const happens[])(void) = {
        presses,
        plays,
        makes_sound,
        speaks,
        speaks,
        speaks,
        is_heard,
        goes_or_comes,
        words_come,
        words_come,
        words_come,
        store_tells,
        it_goes_well,
        it_goes_well,
        some_engine_says,
        time_passes,
        all_come_back,
        waiting_is_over,
        packets_are_decoded,
        packets_are_decoded,
        is_answered,
        is_answered,
    };
    static void (*const rare[])(void) = {store_refuses, some_engine_fails, some_engine_dies,
                                         limit_passes,  some_engine_says,  memory_is_short};
    if (chance(16) == 0)
        rare[chance(countof(rare))]();
    else
        happens[chance(countof(happens))]();
}

static unsigned reached[FLOOR_STATES], news[4];

static void sequence(void)
{
    for (uint32_t left = 1 + chance(chance(10) ? 100 : 1000); left > 0; left--) {
        once();
        assert_in_order();
        assert_bounded();
        reached[user.c->free.floor]++;
    }
    for (size_t i = 0; i < countof(news); i++)
        news[i] += user.news[i];
}

static void whatever_happens_turns_follow_one_another(void **state)
{
    enum { SOME = 1500 };
    log_set_level(LOG_ERROR); /* each failure is a warning */
    for (begin_sequences(SOME); next_sequence();) {
        assert_int_equal(rig_set_up(state), 0);
        all_is_dead();
        hands_free = chance(4);
        meet_wary((enum inlet_format)chance(3), chance(2));
        conversation_start(user.c);
        sequence();
        if (hands_free && chance(8) == 0)
            assert_silence_is_noticed();
        if (chance(2))
            assert_it_ends();
        part();
        assert_int_equal(rig_tear_down(state), 0);
    }
    log_set_level(LOG_INFO);
    if (sequences_begun() < SOME)
        return;
    for (int s = 0; s < FLOOR_STATES; s++)
        assert_true(reached[s] > 100);
    for (size_t i = 0; i < countof(news); i++)
        assert_true(news[i] > 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whatever_happens_turns_follow_one_another, tell_sequence),
    };
    return cmocka_run_group_tests_name("talk/conversation", tests, nullptr, nullptr);
}
