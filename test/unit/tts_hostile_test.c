// SPDX-License-Identifier: Apache-2.0
/*
 * The texts of test/data/hostile/speech.txt go the way of every answer: cut into clauses, made
 * speakable, through the gate, and to the real voices, flite's and espeak-ng's. $PROGRAM is
 * repartee-tts, which lives through all of them.
 */
#include <stdlib.h>

#include "engine_peer.h"
#include "server/talk/clause.h"
#include "table.h"
#include "tts/driver.h"
#include "tts/normalise.h"
#include "tts/phrase.h"
#include "tts/text/speakable.h"
#include "unit.h"

enum {
    CASES_MIN = 100,
    BYTES_MAX = 1 << 21,
    SPOKEN_MAX = 2 /* clauses of a text that are really spoken */
};

static struct peer *tts;
static uint32_t stream;

/* The gate's rules hold for whatever a clause became; the bytes that a synthesiser gets. */
static size_t check_clause(struct str clause, const struct language *lang, struct fence *in_code)
{
    autobuf words = BUF(clause.n * SPEAKABLE_GROWTH + SPEAKABLE_MORE);
    assert_ok(speakable(clause, lang, in_code, &words));
    assert_true(utf8_valid(buf_str(&words)));
    autobuf clean = BUF(words.n * NORMALISE_GROWTH + 16);
    assert_ok(normalise(buf_str(&words), &clean));
    struct str rest = buf_str(&clean), phrase;
    for (size_t i = 0; i < clean.n; i++)
        assert_true((unsigned char)clean.p[i] >= 0x20);
    while (phrase_cut(&rest, false, &phrase_usual, &phrase))
        assert_true(phrase.n >= 1 && phrase.n <= TTS_PHRASE_MAX);
    return utf8_has_words(buf_str(&clean)) ? clean.n : 0;
}

static uint32_t speak_until_done(void)
{
    uint32_t samples = 0;
    peer_send(tts, MSG_tts_finish, stream, &(struct msg_tts_finish){0});
    while (peer_next(tts) && tts->frame.type != MSG_tts_done) {
        if (tts->frame.type == MSG_fail)
            fail_msg("%.*s", STR_FMT(tts->msg.fail.text));
        if (tts->frame.type == MSG_audio)
            samples += (uint32_t)tts->msg.audio.samples.n / 2;
    }
    assert_int_equal(tts->frame.type, MSG_tts_done);
    return samples;
}

static void open_voice(const char *voice)
{
    peer_send(tts, MSG_tts_open, ++stream,
              &(struct msg_tts_open){.voice = str_of(voice), .speed = 4});
}

/* What came of it, in the words of the table. */
static const char *speak(struct str bytes, const char *voice)
{
    struct clause_splitter c;
    clause_init(&c);
    /* What is no UTF-8 is refused at every door of the server, and by the engine's protocol. */
    bool valid = utf8_valid(bytes);
    enum err err = clause_feed(&c, bytes);
    clause_finish(&c);
    struct str clause;
    size_t end, spoken = 0;
    struct fence in_code = {};
    bool sayable = false;
    if (err == OK && valid)
        open_voice(voice);
    while (err == OK && clause_next(&c, &clause, &end)) {
        sayable |= check_clause(clause, language_find(S("en")), &in_code) > 0;
        if (valid && spoken++ < SPOKEN_MAX)
            peer_send(tts, MSG_tts_text, stream, &(struct msg_tts_text){clause});
    }
    uint32_t samples = err == OK && valid ? speak_until_done() : 0;
    clause_free(&c);
    assert_true(err == OK || err == ERR_TOOBIG);
    assert_true(samples == 0 || sayable);
    return err != OK || !valid ? "-> refused" : samples > 0 ? "-> speech" : "-> silence";
}

static void on_case(const struct table_case *c)
{
    static const char *const voices[] = {"slt", "en-us"};
    autobuf bytes = BUF(BYTES_MAX);
    table_bytes(c->text, &bytes);
    static size_t cases; /* the voices take turns */
    const char *voice = voices[cases++ % countof(voices)];
    struct str got = str_of(speak(buf_str(&bytes), voice));
    if (!str_eq(c->want, S("-> any")))
        table_compare(c->name, voice, got, c->want);
}

static void test_hostile_texts(void **)
{
    tts = peer_start(getenv("PROGRAM"));
    peer_load(tts, "builtin", "");
    assert_true(table_run("speech.txt", on_case) >= CASES_MIN);
    open_voice("slt");
    peer_send(tts, MSG_tts_text, stream, &(struct msg_tts_text){S("It speaks.")});
    assert_true(speak_until_done() > 1000);
    assert_int_equal(peer_stop(tts), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_texts),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
