// SPDX-License-Identifier: Apache-2.0
/* A recogniser that speaks Wyoming and does as it should, but for going away. */
#include "wyoming_server_rig.h"

/* --- its ways --- */

static void sound_leaves_while_somebody_speaks(void **)
{
    struct owner o = {};
    autobuf said = BUF(HEARD_MAX);
    assert_ok(begin(&o));
    for (int i = 0; i < 3; i++) {
        assert_ok(say(&o));
        assert_ok(buf_add(&said, half_a_second()));
        step_until(peer.sound.n + 2048 > said.n);
    }
    assert_str(buf_str(&peer.asked), "{\"language\":\"en\"}"); /* which model, the server knows */
    assert_int_equal(peer.stops, 0);
    assert_ok(finish(&o));
    step_until(o.ends == 1);
    assert_ok(o.err);
    assert_int_equal(peer.stops, 1);
    assert_int_equal(peer.sound.n, said.n);
    assert_memory_equal(peer.sound.p, said.p, said.n);
    assert_string_equal(o.text, "Yes, sir.");
    assert_string_equal(o.language, "en");
    step_until(peer.closed == 2); /* the probe's, the utterance's */
}

static void words_come_before_the_end(void **)
{
    static const struct act acts[] = {
        {.at_start = "{\"type\":\"transcript-start\"}\n" PIECE("How do") PIECE(" I add"),
         .at_stop = PIECE(" documents?") TEXT("How do I add documents?")}};
    struct owner o = {};
    peer.acts = acts;
    assert_ok(begin(&o));
    assert_ok(say(&o));
    step_until(o.partials > 0 && strcmp(o.partial, "How do I add") == 0);
    assert_str(buf_str(&peer.asked), "{\"name\":\"tiny\",\"language\":\"en\"}");
    for (size_t i = 0; i < LINES; i++) /* what was stable stays; what was not may become more */
        if (peer.line[i].act)
            line_say(&peer.line[i], PIECE("itional"));
    step_until(hearing()->has_news); /* as soon as there is more of the sound */
    assert_string_equal(o.partial, "How do I add");
    assert_ok(say(&o));
    step_until(strcmp(o.partial, "How do I additional") == 0);
    assert_string_equal(o.stable, "How do I");
    assert_false(o.is_untrue);
    assert_ok(finish(&o));
    step_until(o.ends == 1);
    assert_string_equal(o.text, "How do I add documents?");
}

/* Its words before the end are not those of the end. */
static const struct act changes_its_mind[] = {
    {.at_start = PIECE("How do"), .at_stop = PIECE(" you") TEXT("Who are you?")}};

static void words_that_may_change_are_not_for_everybody(void **)
{
    static const uint32_t wishes[] = {PARTIALS_NONE, 3};
    for (size_t i = 0; i < countof(wishes); i++) {
        struct owner o = {};
        peer.acts = changes_its_mind;
        peer.utterances = 0;
        assert_ok(begin_as(
            &o, &(struct msg_stt_open){.rate_hz = PCM_RATE_RECOGNISE, .partials = wishes[i]}));
        assert_ok(say(&o));
        step_until(hearing()->has_news);
        for (int k = 0; k < 4; k++) {
            assert_ok(say(&o));
            step();
        }
        assert_ok(finish(&o));
        step_until(o.ends == 1);
        assert_ok(o.err);
        assert_int_equal(o.partials, 0);
        assert_string_equal(o.text, "Who are you?");
    }
}

static const struct msg_stt_open wants_progress = {.rate_hz = PCM_RATE_RECOGNISE,
                                                   .partials = PARTIALS_PROGRESS};

static void who_waits_for_words_hears_that_there_are_none(void **)
{
    static const struct act acts[] = {{.at_start = "", .at_stop = good}};
    static const char zeros[32000];
    struct owner o = {};
    peer.acts = acts;
    assert_ok(begin_as(&o, &wants_progress));
    for (int i = 0; i < 3; i++) /* while there is nothing to tell */
        assert_ok(job_send(o.job, MSG_audio, &(struct msg_audio){{zeros, sizeof zeros}}));
    for (int i = 0; i < 2; i++)
        assert_ok(say(&o));
    step_until(peer.sound.n > 0);
    assert_int_equal(o.ends, 0);
    assert_ok(say(&o));
    step_until(o.ends == 1);
    assert_err(o.err, ERR_ENGINE);
    assert_non_null(strstr(o.sentence, "cannot tell what is said in time"));
    assert_int_equal(peer.stops, 0);
    step_until(peer.closed == 2);
}

/* The same of one that has told some; and a partial claims only what had been sent at the one before. */
static void progress_is_what_was_surely_heard(void **)
{
    static const struct act acts[] = {{.at_start = PIECE("How do"), .at_stop = good}};
    struct owner o = {};
    peer.acts = acts;
    assert_ok(begin_as(&o, &wants_progress));
    assert_ok(say(&o));
    step_until(o.partials == 1);
    assert_int_equal(o.audio_ms, 0);
    for (unsigned n = 2; n < 6; n++) {
        assert_ok(say(&o));
        for (size_t i = 0; i < LINES; i++)
            if (peer.line[i].act)
                line_say(&peer.line[i], PIECE(" it"));
        step_until(o.partials == n);
        assert_true(o.audio_ms < 500 * (n - 1) + 1);
    }
    assert_true(o.audio_ms > 0);
    for (int i = 0; i < 3 && !o.ends; i++) {
        assert_ok(say(&o));
        step();
    }
    step_until(o.ends == 1);
    assert_err(o.err, ERR_ENGINE);
}

static void whoever_leaves_closes_the_connection(void **)
{
    static const struct act acts[] = {{.at_start = ""}, {.at_start = ""}};
    struct owner o = {};
    for (int i = 0; i < 3; i++) { /* as soon as it is asked for, while he speaks, and after */
        unsigned before = peer.closed, utterances = peer.utterances;
        peer.acts = acts;
        assert_ok(begin(&o));
        if (i > 0)
            assert_ok(say(&o));
        if (i > 1)
            assert_ok(finish(&o));
        step_until(i == 0 || peer.utterances > utterances);
        job_cancel(o.job);
        step_until(engine->leaving_count == 0 && (i == 0 || peer.closed > before));
    }
    assert_int_equal(o.ends, 0);
    assert_null(engine->remote->works);
}

static void silence_is_not_sent(void **)
{
    static const char zeros[32000];
    struct owner o = {};
    assert_ok(begin(&o));
    assert_ok(job_send(o.job, MSG_audio, &(struct msg_audio){{zeros, sizeof zeros}}));
    step_until(wyoming_line_is_open(&hearing()->line));
    assert_ok(finish(&o));
    step_until(o.ends == 1 && peer.closed == 2);
    assert_ok(o.err);
    assert_string_equal(o.text, "");
    assert_int_equal(peer.utterances, 0);
}

static void a_server_that_does_not_read_costs_no_more(void **)
{
    struct owner o = {};
    assert_ok(begin(&o));
    step_until(wyoming_line_is_open(&hearing()->line));
    peer.is_deaf = true;
    size_t said = 0;
    for (int i = 0; i < 600; i++) { /* 9.6 MB */
        assert_ok(say(&o));
        said += sizeof tone;
        step();
        assert_true(wyoming_line_queued(&hearing()->line) < 128 * 1024);
    }
    assert_true(hearing()->sent < said);
    peer.sound = BUF(said);
    peer.is_deaf = false;
    assert_ok(finish(&o));
    step_until(o.ends == 1);
    assert_string_equal(o.text, "Yes, sir.");
    assert_int_equal(peer.sound.n, said);
}

static void what_the_protocol_cannot_say_is_refused(void **)
{
    static const struct {
        struct msg_stt_open open;
        enum err err;
        const char *says;
    } rows[] = {
        {{.translate = true}, ERR_UNSUPPORTED, "translates nothing"},
        {{.segments = SEGMENTS_TIMED}, ERR_INVALID, "does not measure when each word was said"},
        {{.partials = PARTIALS_PROGRESS}, ERR_ENGINE, "tells no words before the end"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct owner o = {};
        struct msg_stt_open open = rows[i].open;
        open.rate_hz = PCM_RATE_RECOGNISE;
        assert_ok(begin_as(&o, &open));
        assert_int_equal(o.ends, 0); /* never from inside */
        step_until(o.ends == 1);
        assert_err(o.err, rows[i].err);
        assert_non_null(strstr(o.sentence, rows[i].says));
    }
    struct owner o = {};
    const struct msg_stt_open open = {.rate_hz = PCM_RATE_RECOGNISE, .segments = SEGMENTS_WANTED};
    assert_ok(begin_as(&o, &open));
    assert_ok(say(&o));
    assert_ok(finish(&o));
    step_until(o.ends == 1);
    assert_int_equal(o.segments, 1);
    assert_int_equal(o.finals, 1);
    assert_int_equal(peer.utterances, 1);
}

/* --- is it there --- */

static void what_it_says_of_itself(void **)
{
    static const struct {
        const char *info, *wanted;
        const char *model; /* NULL: it is not ready */
        const char *says;  /* then this; or its languages */
        bool streams;
    } rows[] = {
        {good_info, "", "tiny", "en, de"},
        {good_info, "tiny", "tiny", "en, de"},
        {INFO(PROGRAM(STREAMS, MODEL("a", "\"en\"") "," MODEL("b", "\"de\",\"en\""))), "",
         "faster-whisper", "en, de", true},
        {INFO(PROGRAM("", MODEL("a", "\"en\"") "," MODEL("b", "\"de\",7,\"x y\""))), "b", "b",
         "de"},
        {INFO(PROGRAM("", "")), "", "faster-whisper", ""},
        {INFO("{}"), "", "recogniser", ""},
        {INFO("7,{\"installed\":false}," PROGRAM("", MODEL("a", ""))), "", "a", ""},
        {INFO(PROGRAM("", MODEL("a", "")) "," PROGRAM(STREAMS, MODEL("b", ""))), "b", "b", "",
         true},
        {INFO(PROGRAM("", "{\"name\":\"a\",\"installed\":false}," MODEL("b", ""))), "", "b", ""},
        {"{\"type\":\"pong\"}\n" INFO(PROGRAM("", MODEL("a", ""))), "", "a", ""},
        {INFO(PROGRAM(STREAMS, MODEL("a", "\"en\"") "," MODEL("b", ""))), "c", nullptr,
         "has no model c; set stt.model to one of its own: a, b"},
        {INFO(""), "", nullptr, "has no recogniser: its info names no program under \"asr\""},
        {"{\"type\":\"info\"}\n", "", nullptr, "has no recogniser"},
        {"{\"type\":\"info\",\"data\":{\"asr\":{}}}\n", "", nullptr, "is not the Wyoming protocol"},
        {"HTTP/1.1 400 Bad Request\r\n", "", nullptr,
         "is not the Wyoming protocol; stt.url must be"},
        {"{\"type\":\"info\",\"data_length\":999999999}\n", "", nullptr,
         "is not the Wyoming protocol"},
        {BUSY, "", nullptr, "does not describe itself"},
        {"{\"type\":\"error\",\"data\":{\"text\":[]}}\n", "", nullptr, "does not describe itself"},
        {nullptr, "", nullptr, "does not answer"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        assert_int_equal(begin_engine(rows[i].wanted, rows[i].info), 0);
        for (int k = 0; engine->state == ENGINE_STARTING && k < MANY; k++) {
            step();
            if (!rows[i].info && engine->remote->probe_line.sock)
                pass_ms(1000);
        }
        bool is_ready = engine->state == ENGINE_READY;
        const char *got = is_ready ? engine->ready_model : engine->refusal;
        const char *want = rows[i].model ? rows[i].model : rows[i].says;
        if (is_ready != (rows[i].model != nullptr) || !strstr(got, want))
            fail_msg("row %zu: %s, not %s", i, got, want);
        assert_null(strstr(got, "wait")); /* its own words are for the log */
        if (is_ready) {
            assert_string_equal(engine->languages, rows[i].says);
            assert_int_equal(engine->remote->tells_partials, rows[i].streams);
        } else {
            assert_false(engine->remote->tells_partials);
        }
        engine_destroy(engine);
        engine = nullptr;
        for (int k = 0; k < 3; k++)
            step();
    }
}

static void it_goes_and_comes_back(void **)
{
    struct owner o;
    speak(&o);
    step_until(o.ends == 1);
    assert_ok(o.err);
    assert_ok(begin(&o));
    assert_ok(say(&o));
    step_until(peer.utterances == 2);
    peer_leave();
    for (int s = 0; s < 40 && engine->state == ENGINE_READY; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_DOWN);
    assert_non_null(strstr(engine->refusal, "there is no recogniser's server at tcp://127.0.0.1:"));
    peer_listen();
    for (int s = 0; s < 40 && engine->state != ENGINE_READY; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_READY);
    assert_int_equal(o.ends, 1); /* who was speaking meanwhile is heard, whole */
    assert_ok(say(&o));
    assert_ok(finish(&o));
    step_until(o.ends == 2);
    assert_ok(o.err);
    assert_string_equal(o.text, "Yes, sir.");
    assert_int_equal(peer.sound.n, 2 * sizeof tone);
    peer_leave();
    speak(&o);
    for (int s = 0; s < 40 && !o.ends; s++)
        pass_ms(250);
    assert_err(o.err, ERR_ENGINE);
    assert_non_null(strstr(o.sentence, "cannot be reached"));
}

static void a_busy_server_is_not_gone_but_a_hung_one_is(void **)
{
    static const struct act acts[] = {{.at_start = ""}};
    struct owner o = {};
    engine->remote->reply_ms = 200000;
    peer.acts = acts;
    peer.info = nullptr;
    speak(&o);
    step_until(peer.stops == 1);
    unsigned probes = peer.probes;
    for (int s = 0; s < 90; s++)
        pass_ms(1000);
    assert_true(peer.probes > probes + 2);
    assert_int_equal(engine->state, ENGINE_READY);
    for (int s = 0; s < 60 && engine->state == ENGINE_READY; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_DOWN);
    job_cancel(o.job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sound_leaves_while_somebody_speaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_come_before_the_end, set_up_streaming, tear_down),
        cmocka_unit_test_setup_teardown(words_that_may_change_are_not_for_everybody,
                                        set_up_streaming, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_for_words_hears_that_there_are_none,
                                        set_up_streaming, tear_down),
        cmocka_unit_test_setup_teardown(progress_is_what_was_surely_heard, set_up_streaming,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whoever_leaves_closes_the_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_is_not_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_does_not_read_costs_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_protocol_cannot_say_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_it_says_of_itself, set_up_nobody, tear_down),
        cmocka_unit_test_setup_teardown(it_goes_and_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_server_is_not_gone_but_a_hung_one_is, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("engine/remote/wyoming", tests, nullptr, nullptr);
}
