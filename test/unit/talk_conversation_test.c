// SPDX-License-Identifier: Apache-2.0
/*
 * A conversation with everything around it played by the test: whatever the user, the engines, the
 * network and the clock do, turns follow one another, the floor is somebody's only while there is a turn,
 * and nothing is left when it is over.
 */
#include "base/log.h"
#include "talk_user.h"

/* --- anything, in any order --- */

static uint32_t seed;
static uint32_t chance(uint32_t n)
{
    seed = seed * 1664525 + 1013904223; /* Numerical Recipes' */
    return (seed >> 8) % n;
}

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
        conversation_start(user.c);
    }
}

static void plays(void)
{
    conversation_played(user.c, chance(4) ? user.live : chance(5), chance(5000));
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
    const struct str text = str_of(words[chance(countof(words))]);
    uint32_t stream = recogniser();
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

static void store_tells(void)
{
    store_answers(chance(10) ? OK : ERR_IO);
}

static void something_fails(void)
{
    const struct msg_fail fail = {chance(2) ? ERR_NOMEM : ERR_ENGINE, S("no room")};
    const struct {
        struct fake *fake;
        enum msg_type open;
    } all[] = {{&rig.stt, MSG_stt_open},
               {&rig.stt, MSG_vad_open},
               {&rig.stt, MSG_decode_open},
               {&rig.llm, MSG_llm_open},
               {&rig.tts, MSG_tts_open}};
    size_t i = chance(countof(all));
    uint32_t stream = fake_stream(all[i].fake, all[i].open);
    if (stream)
        (void)fake_answer(all[i].fake, stream, MSG_fail, &fail);
}

static void one_dies(void)
{
    struct fake *const fakes[] = {&rig.stt, &rig.llm, &rig.tts};
    fake_die(fakes[chance(countof(fakes))], chance(3000));
}

static void all_come_back(void)
{
    fake_come_back(&rig.stt);
    fake_come_back(&rig.llm);
    fake_come_back(&rig.tts);
}

static void waiting_is_over(void)
{
    jobs_expire(&rig.stt.engine, clock_ms());
    jobs_expire(&rig.llm.engine, clock_ms());
    jobs_expire(&rig.tts.engine, clock_ms());
}

static void time_passes(void)
{
    pass_ms(chance(100) ? chance(300) : chance(100000));
}

static void assert_in_order(bool hands_free)
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
    assert_true(room <= 2 * 10000 * (RATE_HZ / 1000) * 2);
}

/* However it stands, it comes to an end when nobody does anything any more. */
static void assert_it_ends(void)
{
    conversation_stop(user.c);
    conversation_hold(user.c, false);
    for (int i = 0; i < 10; i++)
        pass_ms(100000);
    assert_null(user.c->turn);
    assert_int_equal(user.live, 0);
}

static void whatever_happens_turns_follow_one_another(void **state)
{
    enum { ROUNDS = 500, EVENTS = 600 };
    void (*const happens[])(void) = {
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
        tokens_alone,
        sound,
        done,
        finish,
        time_passes,
        something_fails,
        one_dies,
        all_come_back,
        all_come_back,
        waiting_is_over,
        packets_are_decoded,
        packets_are_decoded,
        is_answered,
        is_answered,
        is_answered,
    };
    unsigned reached[FLOOR_STATES] = {}, news[4] = {};
    log_set_level(LOG_ERROR); /* each failure is a warning */
    for (uint32_t round = 0; round < ROUNDS; round++) {
        assert_int_equal(rig_set_up(state), 0);
        seed = round;
        bool hands_free = chance(4);
        meet(hands_free, (enum inlet_format)chance(3), chance(2));
        conversation_start(user.c);
        for (int i = 0; i < EVENTS; i++) {
            happens[chance(countof(happens))]();
            assert_in_order(hands_free);
            reached[user.c->free.floor]++;
        }
        for (size_t i = 0; i < countof(news); i++)
            news[i] += user.news[i];
        if (chance(2))
            assert_it_ends();
        part();
        assert_int_equal(rig_tear_down(state), 0);
    }
    log_set_level(LOG_INFO);
    for (int s = 0; s < FLOOR_STATES; s++)
        assert_true(reached[s] > 100);
    for (size_t i = 0; i < countof(news); i++)
        assert_true(news[i] > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_turns_follow_one_another),
    };
    return cmocka_run_group_tests_name("talk/conversation", tests, nullptr, nullptr);
}
