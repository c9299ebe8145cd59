// SPDX-License-Identifier: Apache-2.0
/*
 * A conversation with everything around it played by the test: whatever the user, the engines, the
 * network and the clock do, turns follow one another, the floor is somebody's only while there is a turn,
 * and nothing is left when it is over.
 */
#include "base/log.h"
#include "server/talk/barge.h"
#include "server/talk/conversation_parts.h"
#include "turn_rig.h"

static struct user {
    struct conversation *c;
    uint64_t live,
        last; /* numbers of turns: the one he hears of, 0: none; the last one that ended */
    unsigned news[4], begun, ends, failures, asked;
    bool ducked; /* the answer of `live` is played softly */
    enum err refuse;
    enum err failed;
} user;

/* Turns come one after another, and nothing is heard of one that has ended. */
static void hears_of(const struct turn *t)
{
    assert_non_null(t);
    if (turn_id(t) == user.live)
        return;
    assert_int_equal(user.live, 0);
    assert_true(turn_id(t) > user.last);
    user.live = turn_id(t);
    user.begun++;
}

static void heard_partial(void *, struct turn *t, struct str, size_t)
{
    hears_of(t);
}

static void heard_text(void *, struct turn *t, struct str)
{
    hears_of(t);
}

static void heard_citation(void *, struct turn *t, uint32_t, const struct rag_hit *)
{
    hears_of(t);
}

static void heard_audio_start(void *, struct turn *t, uint32_t)
{
    hears_of(t);
}

static void heard_audio_end(void *, struct turn *t)
{
    hears_of(t);
}

static void heard_end(void *, struct turn *t, const struct turn_end *)
{
    hears_of(t);
    user.last = user.live;
    user.live = 0;
    user.ducked = false;
    user.ends++;
}

static void heard_news(void *, struct turn *t, enum conversation_news what, uint64_t)
{
    hears_of(t);
    user.news[what]++;
    if (what == CONVERSATION_DUCK) {
        assert_false(user.ducked);
        user.ducked = true;
    } else if (what == CONVERSATION_RESUMED) {
        assert_true(user.ducked);
        user.ducked = false;
    }
}

static enum err may_begin(void *)
{
    user.asked++;
    return user.refuse;
}

static void heard_failure(void *, enum err err, const char *)
{
    user.failures++;
    user.failed = err;
}

static const struct conversation_events events = {
    .turn = {.partial = heard_partial,
             .final = heard_text,
             .citation = heard_citation,
             .token = heard_text,
             .audio_start = heard_audio_start,
             .audio = heard_text,
             .audio_end = heard_audio_end,
             .ended = heard_end},
    .news = heard_news,
    .may_begin = may_begin,
    .failed = heard_failure,
};

static void meet(bool hands_free, enum inlet_format in, bool out_opus)
{
    const struct conversation_wishes wishes = {
        .hands_free = hands_free,
        .in = in,
        .in_rate_hz = RATE_HZ,
        .answer = {.use_rag = true, .speak = true, .out_rate_hz = RATE_HZ, .out_opus = out_opus}};
    user = (struct user){};
    assert_ok(conversation_create(&rig.talk, rig.session, &wishes, &events, nullptr, &user.c));
}

static void part(void)
{
    conversation_destroy(user.c);
    user.c = nullptr;
    pass_ms(1000);
    assert_null(rig.talk.live);
    assert_null(rig.session->live);
    const struct fake *fakes[] = {&rig.stt, &rig.llm, &rig.tts};
    for (size_t i = 0; i < countof(fakes); i++)
        assert_null(fakes[i]->engine.live || fakes[i]->engine.waiting ? fakes[i] : nullptr);
}

/* --- what reaches the microphone --- */

static void sound_of(uint32_t ms)
{
    static char silence[64 * 1024];
    conversation_sound(user.c, (struct str){silence, (size_t)ms * RATE_HZ / 1000 * 2});
}

/* What the detector says of the next frames. */
static void frames(uint32_t n, bool voiced)
{
    char likely[64];
    memset(likely, voiced ? 255 : 0, sizeof likely);
    const struct msg_vad_frames msg = {{likely, n < sizeof likely ? n : sizeof likely}};
    uint32_t stream = fake_stream(&rig.stt, MSG_vad_open);
    if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_vad_frames, &msg);
}

static void for_ms(uint32_t ms, bool voiced)
{
    for (; ms >= 20; ms -= 20) {
        sound_of(20);
        frames(1, voiced);
    }
}

static uint32_t recogniser(void)
{
    return fake_stream(&rig.stt, MSG_stt_open);
}

static void vad_fails(void)
{
    uint32_t stream = fake_stream(&rig.stt, MSG_vad_open);
    if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_fail, &(struct msg_fail){ERR_NOMEM, S("no room")});
}

static size_t stt_jobs(void)
{
    const struct engine *e = &rig.stt.engine;
    return e->live_count + e->light_count + e->waiting_count + e->light_waiting;
}

/* --- the microphone is closed --- */

static void stop_closes_it_also_while_the_engine_is_gone(void **)
{
    meet(true, INLET_OPUS, false);
    conversation_start(user.c);
    assert_int_equal(stt_jobs(), 2);
    fake_die(&rig.stt, 100);
    conversation_stop(user.c);
    fake_come_back(&rig.stt);
    pass_ms(5000);
    assert_int_equal(stt_jobs(), 0);
    part();
}

static void stop_closes_it_also_when_the_engine_dies_over_the_last_packets(void **)
{
    meet(true, INLET_OPUS, false);
    conversation_start(user.c);
    conversation_sound(user.c, S("a packet"));
    conversation_stop(user.c);
    fake_die(&rig.stt, 100);
    fake_come_back(&rig.stt);
    pass_ms(5000);
    assert_int_equal(stt_jobs(), 0);
    part();
}

/* Nobody is left to believe that he is listened to. */
static void a_microphone_too_many_is_refused(void **)
{
    for (int format = INLET_PCM; format <= INLET_WEBM; format++) {
        rig.stt.engine.light_waiting += ENGINE_LIGHT_MAX; /* as if they were others' */
        meet(true, (enum inlet_format)format, false);
        conversation_start(user.c);
        assert_int_equal(user.failed, ERR_BUSY);
        assert_null(user.c->inlet);
        rig.stt.engine.light_waiting -= ENGINE_LIGHT_MAX;
        pass_ms(5000);
        assert_int_equal(stt_jobs(), 0);
        conversation_start(user.c);
        assert_int_equal(user.failures, 1);
        assert_non_null(user.c->free.watcher);
        part();
    }
}

static void it_is_told_once_that_nobody_hears(void **)
{
    meet(true, INLET_PCM, false);
    conversation_start(user.c);
    for (unsigned outage = 1; outage <= 2; outage++) {
        for_ms(500, false);
        fake_die(&rig.stt, 100);
        for (int i = 0; i < 20; i++) {
            sound_of(20);
            pass_ms(250);
        }
        assert_int_equal(user.failures, outage);
        assert_int_equal(user.failed, ERR_ENGINE);
        fake_come_back(&rig.stt);
        pass_ms(250);
    }
    /* It goes on by itself. */
    for_ms(300, true);
    assert_int_equal(user.news[CONVERSATION_SPEECH_STARTED], 1);
    assert_int_equal(user.failures, 2);
    part();
}

static void who_is_told_by_his_turn_is_not_told_again(void **)
{
    meet(true, INLET_OPUS, false);
    conversation_start(user.c);
    conversation_sound(user.c, S("a packet"));
    frames(30, true);
    assert_int_equal(user.begun, 1);
    fake_die(&rig.stt, 100);
    for (int i = 0; i < 20; i++)
        pass_ms(250);
    assert_int_equal(user.ends, 1);
    assert_int_equal(user.failures, 0);
    fake_come_back(&rig.stt);
    pass_ms(250);
    assert_int_equal(stt_jobs(), 2);
    part();
}

/* --- the floor --- */

static void who_has_the_floor_keeps_it_when_the_detector_is_lost(void **)
{
    meet(true, INLET_PCM, false);
    conversation_start(user.c);
    for_ms(300, true);
    assert_int_equal(user.news[CONVERSATION_SPEECH_STARTED], 1);
    vad_fails();
    pass_ms(1000);
    for_ms(2000, false);
    assert_int_equal(user.news[CONVERSATION_SPEECH_STOPPED], 1);
    assert_int_equal(user.begun, 1);
    part();
}

/* All the way to the first sound. */
static void is_answered(void)
{
    uint32_t stream = recogniser();
    for_ms(2000, false);
    if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_stt_final,
                          &(struct msg_stt_final){.text = S("how long")});
    loop_step(rig.loop, 0);
    store_answers(OK);
    tokens();
}

static void partial(const char *text, uint32_t audio_ms)
{
    const struct msg_stt_partial words = {.text = str_of(text), .audio_ms = audio_ms};
    assert_ok(fake_answer(&rig.stt, recogniser(), MSG_stt_partial, &words));
}

/* A machine under load: whoever speaks on is judged by what has been decoded. */
static void a_slow_recogniser_dismisses_nobody(void **)
{
    meet(true, INLET_PCM, false);
    conversation_start(user.c);
    for_ms(300, true);
    is_answered();
    for_ms(BARGE_LIMIT_MS + 1000, true);
    assert_int_equal(user.news[CONVERSATION_DUCK], 1);
    partial("", 800);
    for_ms(500, true);
    assert_int_equal(user.news[CONVERSATION_RESUMED], 0);
    partial("where are my cats", 1200);
    assert_int_equal(user.begun, 2);
    part();
}

static void what_was_decoded_and_is_nothing_is_dismissed(void **)
{
    meet(true, INLET_PCM, false);
    conversation_start(user.c);
    for_ms(300, true);
    is_answered();
    for_ms(BARGE_LIMIT_MS + 1000, true);
    partial("", BARGE_LIMIT_MS);
    for_ms(20, true);
    assert_int_equal(user.news[CONVERSATION_RESUMED], 0); /* the pre-roll is none of his */
    partial("", BARGE_LIMIT_MS + 500);
    for_ms(20, true);
    assert_int_equal(user.news[CONVERSATION_RESUMED], 1);
    assert_int_equal(user.begun, 1);
    part();
}

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
    assert_true(room <= 2 * 8000 * (RATE_HZ / 1000) * 2);
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
#define t(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        t(stop_closes_it_also_while_the_engine_is_gone),
        t(stop_closes_it_also_when_the_engine_dies_over_the_last_packets),
        t(a_microphone_too_many_is_refused),
        t(it_is_told_once_that_nobody_hears),
        t(who_is_told_by_his_turn_is_not_told_again),
        t(a_slow_recogniser_dismisses_nobody),
        t(what_was_decoded_and_is_nothing_is_dismissed),
        t(who_has_the_floor_keeps_it_when_the_detector_is_lost),
        cmocka_unit_test(whatever_happens_turns_follow_one_another),
    };
    return cmocka_run_group_tests_name("talk/conversation", tests, nullptr, nullptr);
}
