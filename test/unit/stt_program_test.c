// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-stt as a program, over the engine protocol, with its scripted driver: partials and finals,
 * rates, endpoints, order of messages, cancelling, faults. $PROGRAM is its path.
 */
#include <stdlib.h>

#include "base/json.h"
#include "listener.h"
#include "unit.h"

enum { PIECE = 640 }; /* 20 ms at 16 kHz */

static struct peer *start(const char *options)
{
    return listen_start(getenv("PROGRAM"), "scripted", options);
}

/* Words come one after another, settle, and are all in the final. */
static void test_words(void **state)
{
    (void)state;
    struct peer *p = start("text=how do i add documents");
    assert_int_equal(p->msg.ready.slots, 2);
    assert_int_equal(p->msg.ready.rate_hz, 16000);
    struct sound sound = sound_silence(16000, 1400);
    struct listener l;
    listen_open(&l, p, 1, 16000, true, false);
    listen_send(&l, buf_str(&sound.bytes), PIECE);
    listen_finish(&l);
    uint32_t stable = 0;
    while (!l.over) {
        listen_read(&l);
        assert_true(l.stable_bytes >= stable); /* the script never takes a word back */
        stable = l.stable_bytes;
    }
    assert_str(buf_str(&l.partial), "how do i add");
    assert_str(str_sub(buf_str(&l.partial), 0, l.stable_bytes), "how do i");
    assert_int_equal(l.first_partial_ms, 400);
    assert_str(buf_str(&l.text), "how do i add documents");
    assert_int_equal(l.audio_ms, 1400);
    struct json_doc *doc;
    assert_ok(json_parse(buf_str(&l.segments), &doc, nullptr));
    assert_int_equal(json_count(json_get(json_at(json_root(doc), 0), "words")), 5);
    json_doc_destroy(doc);
    listen_free(&l);
    sound_free(&sound);
    assert_int_equal(peer_stop(p), 0);
}

/* Any rate, and bytes cut in the middle of a sample. */
static void test_rates(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 11025, 16000, 22050, 44100, 48000};
    struct peer *p = start("word=100,text=one two three four five six seven eight nine ten");
    for (uint32_t i = 0; i < countof(rates); i++) {
        struct sound sound = sound_silence(rates[i], 2000);
        struct listener l;
        listen_to(&l, p, i + 1, &sound, false, 777);
        assert_uint_in_range(l.audio_ms, 1999, 2001);
        assert_int_equal(l.err, OK);
        assert_true(l.partials >= 5);
        listen_free(&l);
        sound_free(&sound);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void test_texts_in_turn(void **state)
{
    (void)state;
    static const char *const want[] = {"first one", "second", "first one"};
    struct peer *p = start("streams=1,text=first one | second");
    struct sound sound = sound_silence(16000, 100);
    for (uint32_t i = 0; i < countof(want); i++) {
        struct listener l;
        listen_to(&l, p, i + 1, &sound, false, PIECE);
        assert_str(buf_str(&l.text), want[i]);
        listen_free(&l);
    }
    sound_free(&sound);
    assert_int_equal(peer_stop(p), 0);
}

static void test_no_sound(void **state)
{
    (void)state;
    struct peer *p = start("");
    struct listener l;
    for (int endpoint = 0; endpoint < 2; endpoint++) {
        listen_open(&l, p, 1 + (uint32_t)endpoint, 16000, false, endpoint == 1);
        listen_finish(&l);
        listen_wait(&l);
        assert_int_equal(l.err, OK);
        assert_str(buf_str(&l.text), "");
        assert_str(buf_str(&l.segments), "[]");
        assert_int_equal(l.partials, 0);
        listen_free(&l);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void test_refusals(void **state)
{
    (void)state;
    struct peer *p = start("");
    static const uint32_t rates[] = {0, 7999, 48001};
    struct listener l;
    for (uint32_t i = 0; i < countof(rates); i++) {
        listen_open(&l, p, i + 1, rates[i], false, false);
        listen_wait(&l);
        assert_int_equal(l.err, ERR_INVALID);
        assert_true(str_find(buf_str(&l.text), S("rate")) < l.text.n);
        listen_free(&l);
    }
    listen_open(&l, p, 100, 16000, false, false);
    peer_send(p, MSG_stt_open, 100, &(struct msg_stt_open){.rate_hz = 16000});
    listen_wait(&l);
    assert_int_equal(l.err, ERR_SYNTAX);
    listen_free(&l);
    assert_int_equal(peer_stop(p), 0);
}

static void expect_failure(struct peer *p, uint32_t stream, enum err err, const char *text)
{
    struct sound sound = sound_silence(16000, 600);
    struct listener l;
    listen_to(&l, p, stream, &sound, false, PIECE);
    assert_int_equal(l.err, err);
    if (text != nullptr)
        assert_true(str_find(buf_str(&l.text), str_of(text)) < l.text.n);
    listen_free(&l);
    sound_free(&sound);
}

/* One that fails takes its decoder back and leaves the others alone. */
static void test_fail(void **state)
{
    (void)state;
    struct peer *p = start("streams=1,fail=2,after=3");
    expect_failure(p, 1, OK, "how do i");
    expect_failure(p, 2, ERR_INTERNAL, nullptr);
    expect_failure(p, 3, OK, "how do i");
    assert_int_equal(peer_stop(p), 0);
}

/* A decoder that hangs is free again once its stream is cancelled. */
static void test_hang(void **state)
{
    (void)state;
    struct peer *p = start("streams=1,word=100,hang=1,after=4");
    struct sound sound = sound_silence(16000, 600);
    struct listener hanging, next;
    listen_open(&hanging, p, 1, 16000, false, false);
    listen_send(&hanging, buf_str(&sound.bytes), PIECE);
    while (hanging.partials == 0)
        listen_read(&hanging);
    listen_cancel(&hanging);
    listen_to(&next, p, 2, &sound, false, PIECE);
    assert_int_equal(next.err, OK);
    listen_free(&next);
    sound_free(&sound);
    assert_int_equal(peer_stop(p), 0);
}

/* More at once than there are decoders: the late one is told so, and nobody else is disturbed. */
static void test_busy(void **state)
{
    (void)state;
    struct peer *p = start("streams=1");
    struct sound sound = sound_silence(16000, 600);
    struct listener first, second;
    listen_open(&first, p, 1, 16000, false, false);
    listen_send(&first, buf_str(&sound.bytes), PIECE);
    while (first.partials == 0)
        listen_read(&first);
    listen_to(&second, p, 2, &sound, false, PIECE);
    assert_int_equal(second.err, ERR_BUSY);
    listen_finish(&first);
    listen_wait(&first);
    assert_int_equal(first.err, OK);
    listen_free(&first);
    listen_free(&second);
    sound_free(&sound);
    assert_int_equal(peer_stop(p), 0);
}

static void test_crash(void **state)
{
    (void)state;
    struct peer *p = start("crash=1,after=2");
    struct sound sound = sound_silence(16000, 600);
    struct listener l;
    listen_open(&l, p, 1, 16000, false, false);
    /* Sent by hand: the program may be gone in the middle of it. */
    peer_send(p, MSG_audio, 1, &(struct msg_audio){buf_str(&sound.bytes)});
    while (peer_next(p))
        assert_int_not_equal(p->frame.type, MSG_stt_final);
    listen_free(&l);
    sound_free(&sound);
    assert_int_equal(peer_stop(p), 256 + 9);
}

/* Words of documents are taken in any number of pieces, and also without any. */
static void test_words_of_documents(void **state)
{
    (void)state;
    struct peer *p = start("");
    autobuf text = BUF(1 << 20);
    for (int i = 0; i < 20000; i++)
        assert_ok(buf_addf(&text, "word%d ", i));
    listen_words(p, buf_str(&text));
    listen_words(p, S(""));
    expect_failure(p, 1, OK, "documents");
    assert_int_equal(peer_stop(p), 0);
}

static void test_unknown_driver(void **state)
{
    (void)state;
    struct peer *p = peer_start(getenv("PROGRAM"));
    const struct msg_load load = {.driver = S("parrot")};
    peer_send(p, MSG_load, WIRE_STREAM_NONE, &load);
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_fail);
    assert_true(str_find(p->msg.fail.text, S("sphinx")) < p->msg.fail.text.n);
    assert_int_equal(peer_stop(p), 1);
}

/* The program says when it has learnt, or that it cannot; of several tellings the last one counts. */
static void test_learning(void **state)
{
    (void)state;
    struct peer *p = start("learn=20");
    listen_words(p, S("one"));
    listen_words(p, S("two"));
    assert_ok(listen_learnt(p));
    assert_int_equal(peer_stop(p), 0);
    p = start("unlearnt=1");
    listen_words(p, S("one"));
    assert_err(listen_learnt(p), ERR_NOMEM);
    assert_str(p->msg.stt_learnt.text, "as the script says");
    assert_int_equal(peer_stop(p), 0);
    /* One that is still learning leaves all the same. */
    p = start("learn=100000");
    listen_words(p, S("one"));
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),         cmocka_unit_test(test_rates),
        cmocka_unit_test(test_texts_in_turn), cmocka_unit_test(test_no_sound),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_fail),
        cmocka_unit_test(test_hang),          cmocka_unit_test(test_busy),
        cmocka_unit_test(test_crash),         cmocka_unit_test(test_words_of_documents),
        cmocka_unit_test(test_learning),      cmocka_unit_test(test_unknown_driver),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
