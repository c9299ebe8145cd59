// SPDX-License-Identifier: Apache-2.0
/* Who may connect by Wyoming and what he is told of it; and each allocation on the way of a connection fails in turn. */
#include "server/api/route.h"
#include "wyoming_rig.h"

/* --- who may come in --- */

static void who_came_before_the_first_key_is_asked_for_one(void **)
{
    static const char *const requests[] = {
        LISTEN,
        "{\"type\":\"synthesize\",\"data\":{\"text\":\"Hello.\"}}\n",
        "{\"type\":\"synthesize-start\"}\n",
        "{\"type\":\"transcript\",\"data\":{\"text\":\"Hello.\"}}\n",
    };
    for (size_t i = 0; i < countof(requests); i++) {
        key_answer = OK;
        call();
        say(LISTEN "{\"type\":\"audio-stop\"}\n");
        assert_ok(fake_answer(&stt, 0, MSG_stt_final, &(struct msg_stt_final){.text = S("One.")}));
        settle();
        assert_true(has("transcript-stop") && !has("unauthorized"));
        key_answer = ERR_AUTH;
        send_bytes(str_of(requests[i]));
        assert_true(has("unauthorized"));
        assert_int_equal(stt.open_count + tts.open_count, 0);
        hang_up();
        buf_finish(&client.in);
    }
    conf.wyoming_open = true; /* then as everybody */
    key_answer = OK;
    call();
    key_answer = ERR_AUTH;
    say(LISTEN);
    assert_false(client.ended);
    assert_int_equal(stt.open_count, 1);
}

static void more_than_may_come_are_told_so_and_more_than_these_are_not(void **)
{
    unsigned told = 0, n = 0;
    int fds[40];
    for (; n < countof(fds); n++) {
        call();
        told += has("overloaded");
        fds[n] = client.fd;
        buf_finish(&client.in);
    }
    assert_int_equal(told, 16);
    static char listen[] = "127.0.0.1:0";
    conf.wyoming_listen = listen;
    assert_int_equal(door.count, wyoming_descriptors(&conf) - 1); /* the listener */
    assert_int_equal(door.refused, 38);
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
    client.fd = -1;
    step();
    assert_int_equal(door.count, 0);
}

/* A server elsewhere does not tell what it knows, and who knows nothing is not asked. */
static void a_recogniser_elsewhere_knows_languages(void **)
{
    static struct {
        char model[64];
        const char *languages;
    } cases[] = {
        {"Systran/faster-whisper-small.en", "\"languages\":[\"en\"]"},
        {"large-v3", "\"languages\":[\"af\",\"am\",\"ar\","},
    };
    static char driver[] = "remote";
    for (size_t i = 0; i < countof(cases); i++) {
        stt.engine.driver = driver;
        stt.engine.ready_model = cases[i].model;
        stt.engine.languages = cases[i].model + strlen(cases[i].model); /* "" */
        call();
        say("{\"type\":\"describe\"}\n");
        assert_true(has(cases[i].languages));
        hang_up();
        buf_finish(&client.in);
    }
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

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        timed(who_came_before_the_first_key_is_asked_for_one),
        timed(more_than_may_come_are_told_so_and_more_than_these_are_not),
        timed(a_recogniser_elsewhere_knows_languages),
        timed(short_memory_costs_one_connection),
    };
    return cmocka_run_group_tests_name("api/wyoming_door", tests, nullptr, nullptr);
}
