// SPDX-License-Identifier: Apache-2.0
/* A recogniser that speaks Wyoming and hangs, cuts, trickles, babbles and lies; and memory that is short. */
#include "wyoming_server_rig.h"

/* --- its misbehaviours --- */

static char long_text[60000];

static void whatever_it_does_there_are_words_or_a_sentence(void **)
{
    static const struct act well = {.at_start = "", .at_stop = good};
    static const struct {
        const char *name;
        struct act first, second;
        enum err err;
        const char *says; /* the text, or a part of the sentence */
        unsigned tries;
        bool is_late;        /* the clock has to pass */
        bool while_speaking; /* it happens then */
    } rows[] = {
        {"good", well, {}, OK, "Yes, sir.", 1},
        {"fields after the line",
         {.at_stop = "{\"type\":\"transcript\",\"data_length\":12}\n{\"text\":\"a\"}"},
         {},
         OK,
         "a",
         1},
        {"nothing", {.at_stop = TEXT("")}, {}, OK, "", 1},
        {"a marker", {.at_stop = TEXT("[BLANK_AUDIO]")}, {}, OK, "", 1},
        {"pieces alone",
         {.at_stop = PIECE("a") PIECE(" b") "{\"type\":\"transcript-stop\"}\n"},
         {},
         OK,
         "a b",
         1},
        {"pieces begun anew",
         {.at_stop = PIECE("x") "{\"type\":\"transcript-start\"}\n" PIECE(
              "a") "{\"type\":\"transcript-stop\"}\n"},
         {},
         OK,
         "a",
         1},
        {"byte by byte", {.at_stop = good, .drips = true}, {}, OK, "Yes, sir.", 1},
        {"two transcripts", {.at_stop = TEXT("a") TEXT("b")}, {}, OK, "a", 1},
        {"others before",
         {.at_stop =
              "{\"type\":\"pong\"}\n{\"type\":\"audio-chunk\",\"payload_length\":3}\nabc" TEXT(
                  "a")},
         {},
         OK,
         "a",
         1},
        {"garbage behind it", {.at_stop = TEXT("a") "garbage\n"}, {}, OK, "a", 1},
        {"and closes", {.at_stop = good, .closes = true}, {}, OK, "Yes, sir.", 1},
        /* again, before anything came */
        {"closes once", {.at_stop = "", .closes = true}, well, OK, "Yes, sir.", 2},
        {"closes always",
         {.at_stop = "", .closes = true},
         {.at_stop = "", .closes = true},
         ERR_ENGINE,
         "broke off before its answer",
         2},
        {"busy once", {.at_stop = BUSY}, well, OK, "Yes, sir.", 2},
        {"busy always", {.at_stop = BUSY}, {.at_stop = BUSY}, ERR_BUSY, "too much to do", 2},
        /* while somebody speaks */
        {"closes at the beginning",
         {.closes = true},
         well,
         OK,
         "Yes, sir.",
         2,
         .while_speaking = true},
        {"fails at the beginning",
         {.at_start = "{\"type\":\"error\",\"data\":{\"text\":\"x\"}}\n"},
         well,
         OK,
         "Yes, sir.",
         2,
         .while_speaking = true},
        {"answers before the end",
         {.at_start = TEXT("a")},
         well,
         OK,
         "Yes, sir.",
         2,
         .while_speaking = true},
        {"babbles at the beginning",
         {.at_start = "220 mail\r\n"},
         well,
         OK,
         "Yes, sir.",
         2,
         .while_speaking = true},
        {"closes, and then always",
         {.closes = true},
         {.at_stop = "", .closes = true},
         ERR_ENGINE,
         "broke off before its answer",
         2,
         .while_speaking = true},
        /* an end that is none */
        {"cut within an event",
         {.at_stop = "{\"type\":\"transc", .closes = true},
         {},
         ERR_ENGINE,
         "broke off in the middle",
         1},
        {"cut after a piece",
         {.at_stop = PIECE("a"), .closes = true},
         {},
         ERR_ENGINE,
         "broke off in the middle",
         1},
        /* no transcript */
        {"an error",
         {.at_stop = "{\"type\":\"error\",\"data\":{\"text\":\"CUDA\\n\",\"code\":7}}\n"},
         {},
         ERR_ENGINE,
         "has failed",
         1},
        {"a failure",
         {.at_stop = "{\"type\":\"error\",\"data\":{\"text\":\"CUDA\\n\",\"code\":\"cuda\"}}\n"},
         {},
         ERR_ENGINE,
         "has failed",
         1},
        {"HTTP",
         {.at_stop = "HTTP/1.1 400 Bad Request\r\n\r\n"},
         {},
         ERR_ENGINE,
         "is no transcript",
         1},
        {"no UTF-8", {.at_stop = TEXT("\xff")}, {}, ERR_ENGINE, "is no transcript", 1},
        {"a number",
         {.at_stop = "{\"type\":\"transcript\",\"data\":{\"text\":7}}\n"},
         {},
         ERR_ENGINE,
         "is no transcript",
         1},
        {"no text",
         {.at_stop = "{\"type\":\"transcript\"}\n"},
         {},
         ERR_ENGINE,
         "is no transcript",
         1},
        {"no piece",
         {.at_stop = "{\"type\":\"transcript-chunk\"}\n"},
         {},
         ERR_ENGINE,
         "is no transcript",
         1},
        {"a stop alone",
         {.at_stop = "{\"type\":\"transcript-stop\"}\n"},
         {},
         ERR_ENGINE,
         "is no transcript",
         1},
        /* too much */
        {"a long text", {.at_stop = long_text}, {}, ERR_ENGINE, "is too long", 1},
        {"a line without end",
         {.at_stop = "                                                 ", .floods = true},
         {},
         ERR_ENGINE,
         "is too long",
         1},
        {"endless others",
         {.at_stop =
              "{\"type\":\"ping\",\"data\":{\"text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}\n",
          .floods = true},
         {},
         ERR_ENGINE,
         "is too long",
         1},
        {"many fields to come",
         {.at_stop = "{\"type\":\"transcript\",\"data_length\":99999999}\n"},
         {},
         ERR_ENGINE,
         "is too long",
         1},
        {"much sound to come",
         {.at_stop = "{\"type\":\"transcript\",\"payload_length\":99999999}\n"},
         {},
         ERR_ENGINE,
         "is too long",
         1},
        /* silence */
        {"hangs", {.at_start = ""}, {}, ERR_LATE, "has not begun to answer", 1, .is_late = true},
        {"hangs after others",
         {.at_stop = "{\"type\":\"pong\"}\n"},
         {},
         ERR_LATE,
         "has not begun to answer",
         1,
         .is_late = true},
        {"hangs within",
         {.at_stop = "{\"type\":\"transcript\",\"da"},
         {},
         ERR_LATE,
         "has fallen silent",
         1,
         .is_late = true},
    };
    snprintf(long_text, sizeof long_text, "%s", TEXT("%"));
    size_t from = strcspn(long_text, "%");
    memset(long_text + from, 'a', sizeof long_text - from);
    memcpy(long_text + sizeof long_text - 5, "\"}}\n", 5);
    for (size_t i = 0; i < countof(rows); i++) {
        const struct act acts[] = {rows[i].first, rows[i].second};
        struct owner o = {};
        peer.acts = acts;
        peer.utterances = 0;
        assert_ok(begin(&o));
        assert_ok(say(&o));
        if (rows[i].while_speaking)
            step_until(peer.utterances == 1 && !wyoming_line_is_open(&hearing()->line));
        assert_int_equal(o.ends, 0);
        unsigned stops = peer.stops;
        assert_ok(finish(&o));
        if (rows[i].is_late) {
            step_until(peer.stops > stops);
            for (int k = 0; k < 5; k++) /* what it says then is read */
                step();
            pass_ms(REPLY_MS + 1000);
        }
        for (int k = 0; !o.ends && k < MANY; k++) {
            step();
            if (hearing() && hearing()->phase == PAUSING)
                pass_ms(250);
        }
        const char *got = o.err == OK ? o.text : o.sentence;
        bool is_right =
            o.ends == 1 && o.err == rows[i].err && peer.utterances == rows[i].tries &&
            (o.err == OK ? strcmp(got, rows[i].says) == 0 : strstr(got, rows[i].says) != nullptr);
        if (!is_right)
            fail_msg("%s: %u end(s), %s: %s; tries: %u", rows[i].name, o.ends, err_code(o.err), got,
                     peer.utterances);
        assert_null(engine->remote->works);
        assert_int_equal(o.finals, o.err == OK);
        pass_ms(60000); /* it is looked for again */
        step_until(engine->state == ENGINE_READY && !engine->remote->is_probing);
    }
    peer.acts = nullptr;
}

/* Each allocation of ours fails once: of the job's owner, the probe, the connection, its events and sentences. */
static void memory_may_be_short(void **)
{
    static const struct act acts[] = {{.at_start = PIECE("a") PIECE(" b"), .at_stop = good},
                                      {.at_start = PIECE("a") PIECE(" b"), .at_stop = good}};
    unsigned failures = 0, repaired = 0;
    bool has_failed = true;
    for (unsigned n = 1; has_failed; n++) {
        struct owner o = {};
        peer.acts = acts;
        peer.utterances = 0;
        own_fault_arm(n);
        enum err err = begin(&o);
        if (err == OK)
            err = say(&o);
        for (int k = 0; err == OK && k < 8; k++)
            step();
        remote_look(engine->remote);
        if (err == OK)
            err = finish(&o);
        for (int k = 0; err == OK && !o.ends && k < MANY; k++) {
            step();
            if (hearing() && hearing()->phase == PAUSING)
                pass_ms(250);
        }
        has_failed = own_fault_disarm();
        assert_true(err == OK || err == ERR_NOMEM);
        job_cancel(o.job);
        if (err == OK)
            assert_int_equal(o.ends, 1);
        err = err == OK ? o.err : err;
        if (!has_failed)
            assert_ok(err);
        failures += err != OK;
        repaired += has_failed && err == OK;
        assert_null(engine->remote->works ? engine->remote->works->next : nullptr);
        step_until(!engine->remote->works && !engine->remote->is_probing);
        for (int k = 0; engine->remote->failures && k < 40; k++) /* nobody has looked meanwhile */
            pass_ms(1000);
        assert_int_equal(engine->state, ENGINE_READY);
    }
    assert_true(failures >= 3);
    assert_true(repaired >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_it_does_there_are_words_or_a_sentence, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(memory_may_be_short, set_up_streaming, tear_down),
    };
    return cmocka_run_group_tests_name("engine/remote/wyoming_wrong", tests, nullptr, nullptr);
}
