// SPDX-License-Identifier: Apache-2.0
/*
 * A microphone and its engine: closed, gone, too many, slow. Nobody is left to believe that he is listened to,
 * and nobody is dismissed for what has not been heard yet.
 */
#include "server/talk/turn_parts.h"
#include "talk_user.h"

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

static void partial(const char *text, uint32_t audio_ms)
{
    const struct msg_stt_partial words = {.text = str_of(text), .audio_ms = audio_ms};
    assert_ok(fake_answer(&rig.stt, recogniser(), MSG_stt_partial, &words));
}

static void conf_word(struct conf *conf, const char *name, const char *word)
{
    assert_ok(conf_set(conf, str_of(name), str_of(word), "test", nullptr));
}

static uint32_t patience_percent;

/* How long a silence ends what he says; `heard_ms` of his sound are known. */
static uint32_t silence_after(const char *words, uint32_t heard_ms)
{
    meet(true, INLET_PCM, false);
    user.c->wishes.patience_percent = patience_percent;
    conversation_start(user.c);
    for_ms(1000, true);
    partial(words, heard_ms);
    uint32_t silence = 0;
    for (; user.news[CONVERSATION_SPEECH_STOPPED] == 0 && silence < 5000; silence += 20)
        for_ms(20, false);
    part();
    return silence;
}

static void the_words_say_how_long_he_may_be_silent(void **)
{
    const struct conf *conf = rig.talk.conf;
    assert_int_equal(silence_after("I am fine", 1000), conf->vad_silence_ms);
    assert_int_equal(silence_after("how do I", 1000), conf->vad_unfinished_ms);
    assert_int_equal(silence_after("How are you?", 1000), conf->vad_question_ms);
    conf_word(&rig.conf, "vad.eagerness", "low");
    assert_int_equal(silence_after("I am fine", 1000), 2 * conf->vad_silence_ms);
    assert_int_equal(silence_after("How are you?", 1000), 2 * conf->vad_question_ms);
    conf_word(&rig.conf, "vad.eagerness", "high");
    assert_int_equal(silence_after("how do I", 1000), conf->vad_unfinished_ms * 3 / 5);
    patience_percent = 100; /* his own wish */
    assert_int_equal(silence_after("how do I", 1000), conf->vad_unfinished_ms);
    patience_percent = 0;
    conf_word(&rig.conf, "vad.eagerness", "medium");
    /* He has said more since, and nobody knows what. */
    assert_int_equal(silence_after("How are you?", 900), conf->vad_silence_ms);
}

static bool is_begun(void)
{
    return user.c->turn && user.c->turn->wager.is_on;
}

/* After how much silence the answer to such words is begun, or 0: not before he has finished. */
static uint32_t begun_after(const char *words, uint32_t heard_ms)
{
    meet(true, INLET_PCM, false);
    conversation_start(user.c);
    for_ms(1000, true);
    partial(words, heard_ms);
    uint32_t silence = 0;
    while (!is_begun() && user.news[CONVERSATION_SPEECH_STOPPED] == 0) {
        for_ms(20, false);
        find();
        silence += 20;
    }
    bool is_there = is_begun();
    part();
    return is_there ? silence : 0;
}

static void the_words_say_when_the_answer_is_begun(void **)
{
    rig.talk.llm = nullptr;
    assert_int_equal(begun_after("where is my cat", 1000), 140);
    assert_int_equal(begun_after("Where is my cat?", 1000), 40);
    assert_int_equal(begun_after("where are my", 1000), 0);
    assert_int_equal(begun_after("where is my cat", 900), 0);
}

/* A click in the silence is no word; a voice is, and there the answer was not wanted. */
static void a_click_is_no_voice(void **)
{
    rig.talk.llm = nullptr;
    meet(true, INLET_PCM, false);
    conversation_start(user.c);
    for_ms(1000, true);
    partial("where is my cat", 1000);
    for_ms(200, false);
    find();
    assert_true(is_begun());
    for_ms(60, true);
    for_ms(100, false);
    assert_true(is_begun());
    for_ms(100, true);
    assert_false(is_begun());
    part();
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

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        t(stop_closes_it_also_while_the_engine_is_gone),
        t(stop_closes_it_also_when_the_engine_dies_over_the_last_packets),
        t(a_microphone_too_many_is_refused),
        t(it_is_told_once_that_nobody_hears),
        t(who_is_told_by_his_turn_is_not_told_again),
        t(who_has_the_floor_keeps_it_when_the_detector_is_lost),
        t(the_words_say_how_long_he_may_be_silent),
        t(the_words_say_when_the_answer_is_begun),
        t(a_click_is_no_voice),
        t(a_slow_recogniser_dismisses_nobody),
        t(what_was_decoded_and_is_nothing_is_dismissed),
    };
    return cmocka_run_group_tests_name("talk/microphone", tests, nullptr, nullptr);
}
