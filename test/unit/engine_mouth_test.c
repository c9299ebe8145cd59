// SPDX-License-Identifier: Apache-2.0
/* A synthesiser elsewhere: when it is used, what is asked of it, and who is hung up on. */
#include "mouth_rig.h"

/* What the log and /readyz say names what to change, and holds no key. */
static void it_says_why(void **state)
{
    static const struct {
        struct row row;
        const char *says;
    } rows[] = {
        {{"k", 401, JSON("{\"error\":{\"message\":\"Bad\"}}")},
         "does not accept the key of tts.key_file (HTTP 401): Bad"},
        {{"v", 404, JSON("{\"detail\":\"voice\"}")}, "tts.remote_voice (HTTP 404): voice"},
        {{"m", 200, "audio/mpeg", .text = "ID3........."}, "it sends MP3 where"},
        {{"l", 200, .ms = 1000, .late_ms = 5000},
         "it took 5000 ms to begin to speak; tts.first_sound_ms is 1500"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        if (i)
            set_up(state);
        peer.probe_row = &rows[i].row;
        assert_false(info().is_judged);
        step_until(info().is_judged);
        assert_false(info().is_up);
        if (str_find(str_of(info().notes), str_of(rows[i].says)) >= strlen(info().notes))
            fail_msg("%s", info().notes);
        if (i + 1 < countof(rows))
            tear_down(state);
    }
}

static void while_it_is_away_nobody_waits_and_it_is_found_again(void **)
{
    static const struct row dead = {"dead", 0, .closes = true};
    step_until(info().is_up);
    peer.row = peer.probe_row = &dead;
    open_job("far", 0);
    say(FIRST);
    finish();
    step_until(is_finished());
    assert_string_equal(fake.spoken, FIRST "|");
    end_job();
    uint64_t from = clock_ms();
    unsigned asked = peer.asked;
    for (int i = 0; i < 5; i++) {
        open_job("", 1);
        say(FIRST);
        say(SECOND);
        finish();
        assert_true(is_finished()); /* from inside the call */
        assert_string_equal(fake.spoken, LOCAL);
        end_job();
    }
    assert_int_equal(clock_ms(), from);
    assert_int_equal(peer.asked, asked);
    assert_int_equal(info().fallbacks[MOUTH_away], 10);
    open_job("", 1);
    say("»"); /* a pause is nobody's words */
    end_job();
    assert_int_equal(info().fallbacks[MOUTH_away], 10);
    /* It is asked less and less often. */
    unsigned probes = peer.probes;
    step_until(clock_ms() > from + 60000);
    assert_uint_in_range(peer.probes - probes, 5, 7);
    peer.row = peer.probe_row = &good;
    step_until(info().is_up);
    open_job("", 1);
    say(FIRST);
    finish();
    step_until(is_finished());
    assert_string_equal(fake.spoken, ".|");
    end_job();
}

/* An answer that has changed its voice once goes on with it. */
static void one_answer_changes_its_voice_once(void **)
{
    static const struct row fails = {"fails", 401, .text = "<p>"};
    step_until(info().is_up);
    peer.row = &fails;
    open_job("", 1);
    say(FIRST);
    step_until(!info().is_up);
    peer.row = &good;
    step_until(info().is_up);
    unsigned asked = peer.asked;
    say(SECOND);
    finish();
    assert_true(is_finished());
    assert_string_equal(fake.spoken, LOCAL);
    assert_int_equal(peer.asked, asked);
    end_job();
}

/* Nobody takes the voice from all others with one text; and who refuses all is found out. */
static void one_text_that_is_refused_is_no_outage(void **)
{
    static const struct row rows[] = {{"unprocessable", 422, JSON("{}")},
                                      {"fails", 500, .text = "<p>"},
                                      {"silent", 200, .ms = 500, .is_silent = true},
                                      {.name = "empty", .status = 200}};
    step_until(info().is_up);
    for (size_t i = 0; i < countof(rows); i++) {
        for (int k = 0; k < 3; k++) {
            speak_once(&rows[i], FIRST);
            assert_string_equal(fake.spoken, FIRST "|");
            assert_true(info().is_up);
        }
        speak_once(&good, "This one is spoken.");
        assert_string_equal(fake.spoken, ".|");
        speak_once(&rows[i], SECOND);
        assert_true(info().is_up); /* the one before it was spoken */
        speak_once(&rows[i], FIRST);
        assert_false(info().is_up);
        step_until(info().is_up);
    }
}

/* A clause may be longer than a minute: what the server has no time to say is said all the same. Of a text of this length a
 * third and more is left, at 80 ms for a byte as the probe told. */
static void a_very_long_clause_is_spoken_to_its_end(void **)
{
    static const struct row on = {"on", 200, .ms = 4000, .drip_ms = 4000};
    static const struct {
        float speed;
        uint32_t sounds_ms;
    } speeds[] = {{1, 60000}, {0.5f, 120000}};
    char text[1301];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 5 == 4 ? ' ' : 'a';
    text[sizeof text - 1] = 0;
    step_until(info().is_up);
    peer.row = &on;
    for (size_t i = 0; i < countof(speeds); i++) {
        open_job("", speeds[i].speed);
        say(text);
        finish();
        step_until(is_finished());
        assert_int_equal(fake.sound_bytes / PER_MS, speeds[i].sounds_ms);
        assert_uint_in_range(strlen(fake.spoken), 500, 800);
        assert_int_equal(info().fallbacks[MOUTH_endless], i + 1);
        end_job();
    }
}

/* A server that speaks for one at a time is asked for one at a time. */
static void a_second_request_too_many_is_made_again(void **)
{
    static const struct row single = {"single", 200, .ms = 1000, .late_ms = 300,
                                      .one_by_one = true};
    step_until(info().is_up);
    peer.row = &single;
    for (int i = 0; i < 2; i++) {
        open_job("", 1);
        say("The first of three, which is not kept at all, since it goes on for much too long for "
            "that.");
        say("The second of three, which is not kept at all, since it goes on for much too long for "
            "that.");
        say("The third of three, which is not kept at all, since it goes on for much too long for "
            "that.");
        finish();
        step_until(is_finished());
        assert_string_equal(fake.spoken, ".|.|.|");
        assert_int_equal(fake.sound_bytes, 3 * 1000 * PER_MS);
        assert_true(info().is_up);
        end_job();
    }
    assert_int_equal(peer.crowded, 1);
    assert_int_equal(info().clauses, 6);
}

static void who_is_asked_by_name_speaks(void **)
{
    step_until(info().is_up);
    unsigned asked = peer.asked;
    open_job("slt", 1); /* one of ours */
    say(FIRST);
    finish();
    assert_true(is_finished());
    assert_string_equal(fake.spoken, FIRST "|");
    assert_int_equal(peer.asked, asked);
    assert_int_equal(info().fallbacks[MOUTH_away], 0);
    end_job();
    open_job("far", 1.5f);
    say("Please, *now*.");
    /* nobody is asked for what is not said */
    static const char *const mute[] = {"\xf0\x9f\x98\x80", "»", "」", "—", "… !"};
    for (size_t i = 0; i < countof(mute); i++)
        say(mute[i]);
    finish();
    step_until(is_finished());
    assert_int_equal(peer.asked, asked + 1);
    assert_non_null(strstr(peer.text, "POST /v1/audio/speech HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.text,
                           "{\"model\":\"m\",\"input\":\"Please, now.\",\"voice\":\"far\","
                           "\"response_format\":\"pcm\",\"speed\":1.5}"));
    assert_true(str_starts(str_of(fake.spoken), S(".|")));
    assert_uint_in_range(fake.sound_level, 1700, 1765); /* known from the probe */
    end_job();
}

/* A name that the program lists is the program's; the server's voice has another then. */
static void a_name_that_both_have_is_the_local_voice(void **)
{
    char names[] = "rms, far, slt";
    step_until(info().is_up);
    assert_string_equal(info().name, "far");
    fake.engine.voices = names;
    assert_string_equal(info().name, "remote");
    open_job("far", 1);
    say(FIRST);
    finish();
    assert_true(is_finished());
    assert_string_equal(fake.spoken, FIRST "|");
    assert_int_equal(peer.asked, 0);
    end_job();
    open_job("remote", 1);
    say(FIRST);
    finish();
    step_until(is_finished());
    assert_string_equal(fake.spoken, ".|");
    assert_non_null(strstr(peer.text, "\"voice\":\"far\""));
    end_job();
    fake.engine.voices = nullptr;
}

static void coqui_is_asked_in_its_own_way(void **state)
{
    tear_down(state);
    set_up_for(MOUTH_COQUI, "/api/tts");
    step_until(info().is_up);
    open_job("", 1);
    say("Yes & no.");
    finish();
    step_until(is_finished());
    assert_non_null(
        strstr(peer.text, "GET /api/tts?text=Yes%20%26%20no.&speaker_id=far HTTP/1.1\r\n"));
    assert_string_equal(fake.spoken, ".|");
    end_job();
    open_job("", 2); /* which it cannot */
    say(FIRST);
    finish();
    assert_true(is_finished());
    assert_string_equal(fake.spoken, FIRST "|");
    end_job();
}

static void who_is_not_wanted_any_more_is_hung_up(void **)
{
    static const struct row hangs = {"hangs", 0};
    step_until(info().is_up);
    peer.row = &hangs;
    open_job("", 1);
    say(FIRST);
    say(SECOND);
    step_until(peer.asked == 2);
    uint64_t from = clock_ms();
    assert_int_equal(peer.at_once, 0); /* both were read, and get no answer */
    job_cancel(job);
    job = nullptr;
    assert_int_equal(fake.engine.mouth->live, 0);
    size_t open = LINES;
    for (int i = 0; i < 100 && open; i++) {
        steps(1);
        open = 0;
        for (size_t k = 0; k < LINES; k++)
            open += peer.line[k].fd >= 0 && peer.line[k].row == &hangs;
    }
    assert_int_equal(open, 0);
    assert_int_equal(clock_ms(), from);
    assert_true(info().is_up); /* it is not its fault */
}

/* Whoever listens may be a file, which has all that there is at once. */
static void much_to_hear_buys_a_server_that_hangs_little_time(void **)
{
    static const struct row quick = {"quick", 200, .ms = 4000}, hangs = {"hangs", 0};
    step_until(info().is_up);
    peer.row = &quick;
    open_job("", 1);
    for (int i = 0; i < 8; i++) {
        say("A sentence that lasts for four seconds, one way or another, and that is too long to be "
            "kept for later.");
        step_until(info().clauses == (uint64_t)i + 1);
    }
    uint64_t from = clock_ms();
    peer.row = &hangs;
    say(FIRST);
    finish();
    step_until(is_finished());
    assert_true(clock_ms() - from <= MOUTH_AHEAD_MS + FIRST_MS + SLACK_MS);
    assert_true(str_ends(str_of(fake.spoken), S(FIRST "|")));
    assert_int_equal(info().fallbacks[MOUTH_late], 1);
    end_job();
}

/* Sound waits here while the program takes none, and what is asked for ahead of time is bounded. */
static void whoever_listens_slowly_holds_the_sound_back(void **)
{
    static const struct row long_one = {"long", 200, .ms = 4000};
    step_until(info().is_up);
    peer.row = &long_one;
    is_stingy = true;
    open_job("", 1);
    for (int i = 0; i < 6; i++)
        say("A sentence that lasts for four seconds, one way or another, and that is too long to be "
            "kept for later.");
    finish();
    for (int i = 0; i < 300; i++)
        step();
    assert_int_equal(peer.asked, 4); /* two are out or on their way, two have been asked for */
    assert_true(fake.sound_bytes <= WIRE_CREDIT);
    assert_true(job_backlog(job) < 256 * 1024);
    /* An hour later it is still nobody's fault. */
    clock_fake(clock_us() + 3600 * 1000000ull);
    steps(20);
    assert_true(info().is_up);
    while (!is_finished()) {
        assert_ok(fake_answer(&fake, 0, MSG_credit, &(struct msg_credit){64 * 1024}));
        steps(20);
    }
    assert_int_equal(fake.sound_bytes, 6 * 4000 * PER_MS);
    assert_int_equal(info().clauses, 6);
    end_job();
}

/* A job that waits for its place asks for nothing, and its clauses are spoken once it has it. */
static void who_waits_for_a_place_asks_for_nothing(void **)
{
    struct job *before[4];
    step_until(info().is_up);
    for (size_t i = 0; i < countof(before); i++) {
        open_job("", 1);
        before[i] = job;
    }
    open_job("", 1);
    say(FIRST);
    say(SECOND);
    finish();
    clock_fake(clock_us() + 3 * 1000000ull);
    steps(20);
    assert_int_equal(peer.asked, 0);
    assert_int_equal(info().fallbacks[MOUTH_late], 0);
    for (size_t i = 0; i < countof(before); i++)
        job_cancel(before[i]);
    step_until(is_finished());
    assert_string_equal(fake.spoken, ".|.|");
    assert_int_equal(peer.asked, 2);
    job_cancel(job);
    job = nullptr;
    assert_int_equal(fake.engine.mouth->held, 0);
}

/* Where others keep too much, the local voice speaks, which keeps nothing. */
static void sound_that_waits_is_bounded_in_all(void **)
{
    static const struct row long_one = {"long", 200, .ms = 4000};
    struct mouth *m = fake.engine.mouth;
    step_until(info().is_up);
    peer.row = &long_one;
    is_stingy = true;
    open_job("", 1);
    for (int i = 0; i < 4; i++)
        say("A sentence that lasts for four seconds, one way or another, and that is too long to be "
            "kept for later.");
    for (int i = 0; i < 300; i++)
        step();
    assert_true(m->held >= 4000 * PER_MS); /* that do not fit in what the program takes */
    job_cancel(job);
    job = nullptr;
    assert_int_equal(m->held, 0);
    m->held = 1 << 30; /* of jobs elsewhere */
    speak_once(&good, FIRST);
    assert_string_equal(fake.spoken, FIRST "|");
    assert_int_equal(info().fallbacks[MOUTH_busy], 1);
    assert_true(info().is_up);
    assert_int_equal(m->held, 1 << 30);
    m->held = 0;
}

/* As with a program that takes nothing. */
static void whoever_says_too_much_is_refused(void **)
{
    static const struct row hangs = {"hangs", 0};
    static char text[8 * 1024];
    memset(text, 'a', sizeof text - 1);
    step_until(info().is_up);
    peer.row = &hangs;
    open_job("", 1);
    static const char clause[] = "So many short sentences there are in the longest answer.";
    for (size_t n = 0; n < 256 * 1024; n += sizeof clause)
        say(clause);
    job_cancel(job);
    open_job("", 1);
    enum err err = OK;
    unsigned said = 0;
    for (; err == OK && said < JOB_BACKLOG_MAX / sizeof text; said++)
        err = job_send(job, MSG_tts_text, &(struct msg_tts_text){str_of(text)});
    assert_err(err, ERR_BUSY);
    assert_uint_in_range(said, JOB_BACKLOG_MAX / sizeof text / 4, JOB_BACKLOG_MAX / sizeof text);
}

static void an_engine_that_dies_takes_its_requests_along(void **)
{
    static const struct row hangs = {"hangs", 0};
    step_until(info().is_up);
    peer.row = &hangs;
    open_job("", 1);
    say(FIRST);
    step_until(peer.asked == 1);
    fake_die(&fake, 100);
    assert_int_equal(ended, 1);
    assert_err(ended_err, ERR_ENGINE);
    assert_int_equal(fake.engine.mouth->live, 0);
    fake_come_back(&fake);
}

/* What the program cannot be told ends the job, and its requests with it. */
static void what_cannot_be_passed_on_ends_the_job(void **)
{
    step_until(info().is_up);
    open_job("", 1);
    say(FIRST);
    say(SECOND);
    fake.refuse = ERR_NOMEM;
    step_until(ended == 1);
    fake.refuse = OK;
    assert_err(ended_err, ERR_NOMEM);
    assert_int_equal(fake.engine.mouth->live, 0);
    assert_int_equal(fake.engine.mouth->held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_passed_on_ends_the_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_it_is_away_nobody_waits_and_it_is_found_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_answer_changes_its_voice_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_text_that_is_refused_is_no_outage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_very_long_clause_is_spoken_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_request_too_many_is_made_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_asked_by_name_speaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_both_have_is_the_local_voice, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(coqui_is_asked_in_its_own_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_not_wanted_any_more_is_hung_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(much_to_hear_buys_a_server_that_hangs_little_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whoever_listens_slowly_holds_the_sound_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_waits_for_a_place_asks_for_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sound_that_waits_is_bounded_in_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_says_too_much_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_engine_that_dies_takes_its_requests_along, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
