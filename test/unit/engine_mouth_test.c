// SPDX-License-Identifier: Apache-2.0
/* A synthesiser elsewhere: when it is used, what is asked of it, what is kept, and who is hung up on. */
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
    static const struct row fails = {"fails", 500, .text = "<p>"};
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
    say("\xf0\x9f\x98\x80"); /* nobody is asked for what is not said */
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

/* As with a program that takes nothing. */
static void whoever_says_too_much_is_refused(void **)
{
    static const struct row hangs = {"hangs", 0};
    static char text[8 * 1024];
    memset(text, 'a', sizeof text - 1);
    step_until(info().is_up);
    peer.row = &hangs;
    open_job("", 1);
    enum err err = OK;
    unsigned said = 0;
    for (; err == OK && said < JOB_BACKLOG_MAX / sizeof text; said++)
        err = job_send(job, MSG_tts_text, &(struct msg_tts_text){str_of(text)});
    assert_err(err, ERR_BUSY);
    assert_uint_in_range(said, JOB_BACKLOG_MAX / sizeof text / 4, JOB_BACKLOG_MAX / sizeof text);
}

/* A greeting is asked for once, for a while, and of each server that comes. */
static void what_is_short_and_comes_again_is_kept(void **)
{
    step_until(info().is_up);
    for (int i = 0; i < 4; i++) {
        if (i == 3)
            clock_fake(clock_us() + (MOUTH_KEPT_MS + 1) * 1000ull);
        open_job("", i == 1 ? 2 : 1); /* at another speed it is another sound */
        say(FIRST);
        finish();
        step_until(is_finished());
        assert_int_equal(fake.sound_bytes, PROBE_MS * PER_MS);
        assert_string_equal(fake.spoken, ".|");
        end_job();
        static const unsigned asked[] = {1, 2, 2, 3}, again[] = {0, 0, 1, 1};
        assert_int_equal(peer.asked, asked[i]);
        assert_int_equal(info().again, again[i]);
    }
    assert_int_equal(info().clauses, 4);
}

static void what_is_kept_is_bounded(void **)
{
    struct mouth_kept k = {};
    uint32_t rate;
    char text[32];
    for (int i = 0; i < 3000; i++) {
        struct buf samples = BUF(100000);
        assert_ok(buf_reserve(&samples, 100000));
        samples.n = 100000;
        memset(samples.p, i, samples.n);
        snprintf(text, sizeof text, "text %d", i);
        mouth_kept_add(&k, str_of(text), 1, 24000, &samples);
        assert_null(samples.p);
        assert_true(k.bytes <= MOUTH_KEPT_BYTES_MAX);
        assert_non_null(mouth_kept_find(&k, S("text 0"), 1, &rate)); /* wanted each time */
    }
    assert_null(mouth_kept_find(&k, S("text 1"), 1, &rate));
    const struct buf *last = mouth_kept_find(&k, S("text 2999"), 1, &rate);
    assert_non_null(last);
    assert_int_equal((uint8_t)last->p[0], 2999 % 256);
    assert_int_equal(rate, 24000);
    assert_null(mouth_kept_find(&k, S("text 2999"), 1.5f, &rate));
    mouth_kept_clear(&k);
    assert_int_equal(k.bytes, 0);
    struct buf big = BUF(1 << 20);
    assert_ok(buf_reserve(&big, MOUTH_KEPT_SOUND_MAX + 2));
    big.n = MOUTH_KEPT_SOUND_MAX + 2;
    mouth_kept_add(&k, S("big"), 1, 24000, &big);
    assert_null(mouth_kept_find(&k, S("big"), 1, &rate));
    buf_finish(&big);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_it_is_away_nobody_waits_and_it_is_found_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_answer_changes_its_voice_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_asked_by_name_speaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(coqui_is_asked_in_its_own_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_not_wanted_any_more_is_hung_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_listens_slowly_holds_the_sound_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whoever_says_too_much_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_short_and_comes_again_is_kept, set_up, tear_down),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test_setup_teardown(an_engine_that_dies_takes_its_requests_along, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
