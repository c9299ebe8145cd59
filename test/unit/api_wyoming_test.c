// SPDX-License-Identifier: Apache-2.0
/*
 * A connection of Wyoming by a clock and engines that the test plays: its deadlines, what it holds back, what becomes of its
 * jobs when it ends; and each allocation on its way fails in turn.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "engine_fake.h"
#include "own_fault.h"
#include "server/access/limit.h"
#include "server/answerer/answerer.h"
#include "server/api/wyoming/peer.h"
#include "server/loop/sock.h"
#include "unit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, ROUNDS = 12, RATE = 16000 };

static struct loop *loop;
static struct conf conf;
static struct fake stt, tts;
static struct server server;
static struct wyoming_door door;
static uint64_t now_ms;

static struct client {
    int fd;
    struct buf in;
    bool ended;
} client;

/* --- what is not under test --- */

enum err auth_token(const struct auth *, struct str, const struct sock_peer *,
                    struct principal *ret_who)
{
    *ret_who = (struct principal){.owner = "local"};
    return OK;
}

void auth_stranger(struct principal *) {}

void answerer_info(const struct answerer *, struct answerer_info *ret_info)
{
    *ret_info = (struct answerer_info){.driver = "quote", .model = "quote"};
}

static void on_nothing(void *, struct str) {}

static void on_no_end(void *, enum err) {}

/* --- the client --- */

static void receive(void)
{
    char bytes[64 * 1024];
    unsigned due = own_fault_pause(); /* the test's own memory */
    ssize_t n;
    while (client.fd >= 0 && (n = read(client.fd, bytes, sizeof bytes)) > 0)
        assert_ok(buf_add(&client.in, (struct str){bytes, (size_t)n}));
    client.ended = client.fd >= 0 && n == 0;
    own_fault_go_on(due);
}

/* Without reading what comes. */
static void step(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        loop_step(loop, 0);
}

static void settle(void)
{
    step();
    receive();
}

/* Resumed reading waits for the next step, so time goes on in small ones. */
static void pass(uint64_t ms)
{
    clock_fake((now_ms += ms) * 1000);
    settle();
}

static void send_bytes(struct str bytes)
{
    assert_int_equal(write(client.fd, bytes.p, bytes.n), bytes.n);
    settle();
}
#define say(literal) send_bytes(S(literal))

static bool has(const char *text)
{
    return str_find(buf_str(&client.in), str_of(text)) < client.in.n;
}

static void hang_up(void)
{
    if (client.fd >= 0)
        close(client.fd);
    client.fd = -1;
    step();
}

static void call(void)
{
    static const struct sock_events events = {.on_read = on_nothing, .on_end = on_no_end};
    int fds[2];
    struct sock *s;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    client = (struct client){.fd = fds[1], .in = BUF(1 << 26)};
    unsigned due = own_fault_pause();
    assert_ok(sock_open(loop, fds[0], &events, nullptr, &s));
    own_fault_go_on(due);
    peer_accept(&door, s);
    settle();
}

static int begin(void **)
{
    static char language[] = "en", voice[] = "";
    now_ms = 1000 * SECOND;
    clock_fake(now_ms * 1000);
    conf = (struct conf){.language = language,
                         .tts_voice = voice,
                         .max_uploads = 16,
                         .utterance_ms = 60 * SECOND,
                         .wyoming_connections = 2};
    if (loop_create(&loop) != OK)
        return 1;
    fake_create(&stt, loop, "stt", 2);
    fake_create(&tts, loop, "tts", 2);
    server = (struct server){.conf = &conf, .loop = loop, .stt = &stt.engine, .tts = &tts.engine};
    door = (struct wyoming_door){.server = &server};
    server.wyoming = &door;
    return limit_create(100000, &server.turn_limit) == OK ? 0 : 1;
}

static int finish(void **)
{
    hang_up();
    while (door.peers)
        peer_free(door.peers);
    buf_finish(&client.in);
    step();
    fake_destroy(&stt);
    fake_destroy(&tts);
    limit_destroy(server.turn_limit);
    loop_destroy(loop);
    clock_fake(UINT64_MAX);
    return 0;
}

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

/* --- memory --- */

static void hear_and_speak(void)
{
    static const char *const parts[] = {
        "{\"type\":\"describe\"}\n{\"type\":\"transcribe\",\"data_length\":17}\n{\"langua",
        "ge\":\"en\"}{\"type\":\"audio-chunk\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":2},\"payload_length\":9}\nabcdefghi",
        "{\"type\":\"audio-stop\"}\n",
    };
    for (size_t i = 0; i < countof(parts) && client.fd >= 0 && !client.ended; i++) {
        if (write(client.fd, parts[i], strlen(parts[i])) < 0)
            break; /* it was closed */
        settle();
    }
    if (stt.open_count > 0)
        (void)fake_answer(&stt, 0, MSG_stt_final, &(struct msg_stt_final){.text = S("One.")});
    settle();
    static const char text[] =
        "{\"type\":\"synthesize-start\"}\n{\"type\":\"synthesize-chunk\",\"data\":{\"text\":\"One. Two\"}}\n"
        "{\"type\":\"synthesize-stop\"}\n";
    if (!client.ended && write(client.fd, text, sizeof text - 1) > 0)
        settle();
    if (tts.open_count > 0)
        (void)fake_answer(&tts, 0, MSG_audio, &(struct msg_audio){S("ab")});
    if (tts.open_count > 0)
        (void)fake_answer(&tts, 0, MSG_tts_done, &(struct msg_tts_done){1});
    settle();
}

static void short_memory_costs_one_connection(void **)
{
    unsigned n = 0;
    bool failed = true;
    for (; failed && n < 1000; n++) {
        own_fault_arm(n + 1);
        call();
        hear_and_speak();
        failed = own_fault_disarm();
        settle();
        /* All of it, or its end. */
        bool is_whole = has("\"info\"") && has("transcript-stop") && has("synthesize-stopped");
        assert_true(is_whole || client.ended);
        assert_true(failed || is_whole);
        hang_up();
        pass(3 * SECOND);
        assert_int_equal(door.count, 0);
        assert_int_equal(server.uploads, 0);
        assert_int_equal(stt.open_count + tts.open_count, 0);
        buf_finish(&client.in);
    }
    print_message("# %u allocations\n", n - 1);
    assert_true(n > 10 && n < 1000);
}

#define timed(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        timed(who_has_nothing_under_way_may_stay_for_ten_minutes),
        timed(who_begins_goes_on_within_half_a_minute),
        timed(an_answer_may_take_longer),
        timed(half_a_sample_is_the_engines_fault),
        timed(a_voice_that_ends_before_the_text_is_broken),
        timed(who_does_not_read_gets_no_more_and_is_dropped),
        timed(a_slow_recogniser_slows_the_client_down),
        timed(what_comes_meanwhile_waits),
        timed(words_leave_as_they_are_sure),
        timed(short_memory_costs_one_connection),
    };
    return cmocka_run_group_tests_name("api/wyoming", tests, nullptr, nullptr);
}
