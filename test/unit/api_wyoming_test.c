// SPDX-License-Identifier: Apache-2.0
/* A connection of Wyoming: its deadlines, what it holds back, what becomes of its jobs when it ends. */
#include "wyoming_rig.h"

/* --- the clock --- */

static void who_has_nothing_under_way_may_stay_for_ten_minutes(void **)
{
    call();
    pass(9 * MINUTE);
    say("{\"type\":\"ping\"}\n");
    pass(10 * MINUTE - SECOND);
    assert_false(client.ended);
    pass(2 * SECOND);
    assert_true(client.ended);
    assert_true(has("pong") && !has("error"));
    pass(3 * SECOND); /* and need not close his end himself */
    assert_int_equal(door.count, 0);
}

static void who_begins_goes_on_within_half_a_minute(void **)
{
    static const char *const beginnings[] = {
        "{\"type\":",
        "{\"type\":\"audio-chunk\",\"payload_length\":9}\n12345678",
        "{\"type\":\"audio-start\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1}}\n",
        "{\"type\":\"synthesize-start\"}\n",
    };
    for (size_t i = 0; i < countof(beginnings); i++) {
        call();
        pass(MINUTE);
        send_bytes(str_of(beginnings[i]));
        pass(29 * SECOND);
        assert_false(client.ended);
        pass(2 * SECOND);
        assert_true(client.ended);
        assert_true(has("\"code\":\"timeout\""));
        hang_up();
        assert_int_equal(door.count, 0);
        assert_int_equal(stt.open_count + tts.open_count, 0);
        buf_finish(&client.in);
    }
}

/* Neither by a byte now and then, nor by what has nothing to do with it; and what does is not for ever. */
static void time_cannot_be_stretched(void **)
{
    static const struct {
        const char *begin, *again;
        unsigned most_s;
    } cases[] = {
        {"{\"type\":", " ", 40},
        {"{\"type\":\"synthesize\",\"data_length\":99}\n{", " ", 40},
        {"{\"type\":\"audio-chunk\",\"payload_length\":99}\n1", "2", 40},
        {LISTEN, "{\"type\":\"ping\"}\n", 40},
        {LISTEN, " ", 40},
        {LISTEN, "{\"type\":\"other\"}\n", 40},
        {"{\"type\":\"synthesize-start\"}\n", "{\"type\":\"ping\"}\n", 40},
        {"{\"type\":\"synthesize-start\"}\n",
         "{\"type\":\"synthesize\",\"data\":{\"text\":\"a\"}}\n", 40},
        {LISTEN, CHUNK("ab"), 60 + 40},
        {"{\"type\":\"synthesize-start\"}\n",
         "{\"type\":\"synthesize-chunk\",\"data\":{\"text\":\"a\"}}\n", 10 * 60},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        call();
        send_bytes(str_of(cases[i].begin));
        unsigned s = 0;
        for (; s < 1000 && !client.ended; s += 20) {
            if (s > 0)
                send_bytes(str_of(cases[i].again));
            pass(20 * SECOND);
        }
        print_message("# %zu: %u s\n", i, s);
        assert_true(s > cases[i].most_s - 20 && s <= cases[i].most_s);
        assert_true(has("\"code\":\"timeout\""));
        hang_up();
        assert_int_equal(stt.open_count + tts.open_count, 0);
        buf_finish(&client.in);
    }
}

static void the_longest_utterance_is_heard(void **)
{
    conf.utterance_ms = 600 * SECOND;
    call();
    for (unsigned s = 0; s < 620; s += 20) {
        say(CHUNK("ab"));
        pass(20 * SECOND);
    }
    assert_false(client.ended);
    say("{\"type\":\"audio-stop\"}\n");
    assert_ok(fake_answer(&stt, 0, MSG_stt_final, &(struct msg_stt_final){.text = S("One.")}));
    settle();
    assert_true(has("transcript-stop") && !has("error"));
}

static void an_answer_may_take_longer(void **)
{
    call();
    say("{\"type\":\"synthesize\",\"data\":{\"text\":\"Hello.\"}}\n");
    pass(20 * SECOND);
    assert_ok(fake_answer(&tts, 0, MSG_audio, &(struct msg_audio){S("ab")}));
    pass(20 * SECOND);
    assert_ok(fake_answer(&tts, 0, MSG_audio, &(struct msg_audio){S("cd")}));
    assert_ok(fake_answer(&tts, 0, MSG_tts_done, &(struct msg_tts_done){2}));
    settle();
    assert_true(has("audio-stop"));
    assert_false(client.ended);
    say("{\"type\":\"synthesize\",\"data\":{\"text\":\"Hello.\"}}\n");
    pass(31 * SECOND); /* the voice has fallen silent */
    assert_true(has("server_timeout") && client.ended);
}

static void half_a_sample_is_the_engines_fault(void **)
{
    call();
    say("{\"type\":\"synthesize\",\"data\":{\"text\":\"Hello.\"}}\n");
    assert_ok(fake_answer(&tts, 0, MSG_audio, &(struct msg_audio){S("abc")}));
    settle();
    assert_true(has("engine_unavailable") && client.ended);
    assert_int_equal(tts.open_count, 0);
}

static void a_voice_that_ends_before_the_text_is_broken(void **)
{
    call();
    say("{\"type\":\"synthesize-start\"}\n{\"type\":\"synthesize-chunk\",\"data\":{\"text\":\"Hello there. And\"}}\n");
    assert_int_equal(fake_sent(&tts, MSG_tts_text), 1); /* the clause that is whole */
    assert_ok(fake_answer(&tts, 0, MSG_tts_done, &(struct msg_tts_done){0}));
    settle();
    assert_true(has("engine_unavailable") && client.ended);
}

/* --- back-pressure --- */

static void tts_sends(size_t messages)
{
    static char sound[32 * 1024];
    for (size_t i = 0; i < messages; i++)
        assert_ok(fake_answer(&tts, 0, MSG_audio, &(struct msg_audio){{sound, sizeof sound}}));
    step();
}

static void who_does_not_read_gets_no_more_and_is_dropped(void **)
{
    call();
    say("{\"type\":\"synthesize\",\"data\":{\"text\":\"Hello.\"}}\n");
    tts_sends(8);
    uint64_t granted = tts.granted;
    tts_sends(16);                          /* more than an engine may */
    assert_int_equal(tts.granted, granted); /* none of it is paid for */
    for (unsigned i = 0; i < 50; i++)
        settle(); /* he reads */
    assert_true(tts.granted > granted);
    tts_sends(32);
    clock_fake((now_ms += 4 * SECOND) * 1000);
    step();
    assert_int_equal(door.count, 1);
    clock_fake((now_ms += 2 * SECOND) * 1000);
    step();
    assert_int_equal(door.count, 0);
    assert_int_equal(tts.open_count, 0);
}

/* Pings whose answers nobody reads. How many there were. */
static unsigned fill(void)
{
    static char ping[4096];
    unsigned n = 0;
    size_t text = (size_t)snprintf(ping, sizeof ping,
                                   "{\"type\":\"ping\",\"data\":{\"text\":\"%04000d\"}}\n", 0);
    for (; n < 1000 && sock_queued(door.peers->sock) <= PEER_QUEUE; n++) {
        assert_int_equal(write(client.fd, ping, text), text);
        step();
    }
    assert_true(n < 1000);
    return n;
}

static void sip(size_t bytes)
{
    char some[4096];
    for (ssize_t n = 1; bytes > 0 && n > 0; bytes -= (size_t)n > bytes ? bytes : (size_t)n) {
        n = read(client.fd, some, sizeof some);
        client.ended = n == 0;
        if (n <= 0)
            return;
        assert_ok(buf_add(&client.in, (struct str){some, (size_t)n}));
    }
}

static void who_reads_slowly_gets_all_of_it_in_the_end(void **)
{
    call();
    unsigned sent = fill(), got = 0;
    peer_drain(door.peers);
    for (unsigned i = 0; i < 100 && !client.ended; i++) {
        sip(40000);
        clock_fake((now_ms += 4 * SECOND) * 1000);
        step();
    }
    assert_true(client.ended);
    struct str all = buf_str(&client.in);
    for (size_t at; (at = str_find(all, S("\"pong\""))) < all.n; got++)
        all = str_sub(all, at + 1, all.n);
    assert_int_equal(got, sent);
    hang_up();
    buf_finish(&client.in);
    call();
    fill();
    peer_drain(door.peers);
    clock_fake((now_ms += 6 * SECOND) * 1000);
    step(); /* who reads nothing holds up nothing */
    assert_int_equal(door.count, 0);
}

/* A recogniser that takes nothing: some of the sound is kept here, and the rest stays with the client. */
static void a_slow_recogniser_slows_the_client_down(void **)
{
    static char chunk[100 + 32 * 1024] =
        "{\"type\":\"audio-chunk\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1},\"payload_length\":32768}\n";
    size_t head = strlen(chunk), taken = 0;
    conf.utterance_ms = 600 * SECOND;
    call();
    for (unsigned idle = 0; idle < 3;) {
        ssize_t n =
            write(client.fd, chunk + taken % (head + 32768), head + 32768 - taken % (head + 32768));
        idle = n > 0 ? 0 : idle + 1;
        taken += n > 0 ? (size_t)n : 0;
        settle();
        assert_true(taken < 4 << 20);
    }
    assert_true(taken > 1 << 20);
    pass(5 * MINUTE); /* it is not his fault */
    assert_false(client.ended);
    for (unsigned i = 0; i < 100; i++) {
        const struct msg_credit credit = {1 << 20};
        assert_ok(fake_answer(&stt, 0, MSG_credit, &credit));
        pass(20);
    }
    assert_false(client.ended);
    assert_true(write(client.fd, chunk + taken % (head + 32768), 1) == 1); /* there is room again */
    hang_up();
    assert_int_equal(stt.open_count, 0);
}

static void what_comes_meanwhile_waits(void **)
{
    call();
    say("{\"type\":\"synthesize\",\"data\":{\"text\":\"One.\"}}\n{\"type\":\"synthesize\",\"data\":{\"text\":\"Two.\"}}\n"
        "{\"type\":\"ping\"}\n");
    assert_int_equal(fake_sent(&tts, MSG_tts_open), 1);
    assert_false(has("pong"));
    assert_ok(fake_answer(&tts, 0, MSG_tts_done, &(struct msg_tts_done){0}));
    settle();
    assert_int_equal(fake_sent(&tts, MSG_tts_open), 2);
    assert_ok(fake_answer(&tts, 0, MSG_tts_done, &(struct msg_tts_done){0}));
    settle();
    assert_true(has("pong"));
}

static void words_leave_as_they_are_sure(void **)
{
    call();
    say("{\"type\":\"audio-chunk\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1},\"payload_length\":4}\nabcd");
    assert_ok(
        fake_answer(&stt, 0, MSG_stt_partial, &(struct msg_stt_partial){.text = S("One two")}));
    settle();
    assert_true(has("transcript-start") && has("{\"text\":\"One two\"}") &&
                !has("transcript-stop"));
    say("{\"type\":\"audio-stop\"}\n");
    assert_ok(
        fake_answer(&stt, 0, MSG_stt_final,
                    &(struct msg_stt_final){.text = S("One two three."), .language = S("en")}));
    settle();
    assert_true(has("{\"text\":\" three.\"}") &&
                has("{\"text\":\"One two three.\",\"language\":\"en\"}"));
    assert_true(has("transcript-stop") && !client.ended);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        timed(who_has_nothing_under_way_may_stay_for_ten_minutes),
        timed(who_begins_goes_on_within_half_a_minute),
        timed(time_cannot_be_stretched),
        timed(the_longest_utterance_is_heard),
        timed(an_answer_may_take_longer),
        timed(half_a_sample_is_the_engines_fault),
        timed(a_voice_that_ends_before_the_text_is_broken),
        timed(who_does_not_read_gets_no_more_and_is_dropped),
        timed(who_reads_slowly_gets_all_of_it_in_the_end),
        timed(a_slow_recogniser_slows_the_client_down),
        timed(what_comes_meanwhile_waits),
        timed(words_leave_as_they_are_sure),
    };
    return cmocka_run_group_tests_name("api/wyoming", tests, nullptr, nullptr);
}
