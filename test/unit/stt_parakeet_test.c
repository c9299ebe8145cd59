// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-stt with Parakeet files that are made (parakeet_write.h), on real speech: the LibriVox recordings of Debian's
 * pocketsphinx-testdata. A made model says what it was told to, a piece of a word each 80 ms; so these are tests of all
 * but its ears. $PROGRAM is the program's path.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "listener.h"
#include "made_file.h"
#include "made_parakeet.h"
#include "unit.h"

#define RECORDING "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"
#define QUESTION "how do i add documents"
enum { PIECE = 640 }; /* 20 ms at 16 kHz */

static const char *says_question; /* the usual model */
static struct sound speech;       /* three seconds and more */

static int make(void **)
{
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = QUESTION;
    says_question = made_parakeet(shape);
    speech = sound_read(RECORDING "0880.wav");
    return 0;
}

static int unmake(void **)
{
    sound_free(&speech);
    return 0;
}

static struct peer *start(const char *model, const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "parakeet", model, options);
    return p;
}

static uint32_t guards(const struct peer *p)
{
    uint32_t n = 0;
    for (int i = 0; i < GUARD_COUNT; i++)
        n += p->guarded[i];
    return n;
}

/* The final has the words, in order and inside of the sound, and the partials before it began so: how many of them come
 * depends on how quick the machine is. */
static void words_are_heard(void **)
{
    struct peer *p = start(says_question, "streams=3");
    assert_int_equal(p->msg.ready.slots, 3);
    assert_int_equal(p->msg.ready.rate_hz, 16000);
    assert_str(p->msg.ready.languages, "en");
    assert_true(str_find(p->msg.ready.notes, S("f16 weights, English only")) <
                p->msg.ready.notes.n);
    struct listener l;
    struct sound first = {.bytes = BUF(1 << 20), .rate_hz = 16000};
    assert_ok(buf_add(&first.bytes, str_sub(buf_str(&speech.bytes), 0, 2 * 16000 * 2)));
    listen_to(&l, p, 1, &first, false, PIECE);
    assert_int_equal(l.err, OK);
    assert_str(buf_str(&l.text), QUESTION);
    assert_true(str_starts(S(QUESTION), buf_str(&l.partial)));
    assert_str(str_of(l.language), "en");
    assert_int_equal(l.audio_ms, 2000);
    struct json_doc *doc;
    assert_ok(json_parse(buf_str(&l.segments), &doc, nullptr));
    int64_t last = 0;
    size_t words = 0;
    for (size_t s = 0; s < json_count(json_root(doc)); s++) {
        const struct json_val *segment = json_at(json_root(doc), s);
        const struct json_val *list = json_get(segment, "words");
        int64_t from = json_int(json_get(segment, "start_ms"), -1);
        int64_t to = json_int(json_get(segment, "end_ms"), -1);
        assert_true(from >= last && to > from && to <= 2000);
        assert_true(json_int(json_get(segment, "tokens"), 0) >= (int64_t)json_count(list));
        assert_true(json_num(json_get(segment, "logprob"), 1) <= 0);
        assert_true(json_num(json_get(segment, "compression"), 0) > 0);
        last = to;
        for (size_t i = 0; i < json_count(list); i++, words++) {
            int64_t start = json_int(json_get(json_at(list, i), "start_ms"), -1);
            int64_t end = json_int(json_get(json_at(list, i), "end_ms"), -1);
            assert_int_equal(start, from + PARAKEET_PIECE_MS * (int64_t)i);
            assert_int_equal(end, start + (i == 4 ? 2 : 1) * PARAKEET_PIECE_MS);
            assert_true(end <= to);
        }
    }
    assert_int_equal(words, 5);
    assert_int_equal(guards(p), 0);
    json_doc_destroy(doc);
    listen_free(&l);
    sound_free(&first);
    assert_int_equal(peer_stop(p), 0);
}

static void partials_come_while_it_is_spoken(void **)
{
    struct peer *p = start(says_question, "");
    listen_for_partials(p, &speech, QUESTION);
    assert_int_equal(peer_stop(p), 0);
}

/* One that hears something: what it says depends on the sound. */
static struct parakeet_shape hearing(void)
{
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.sure = 60;
    return shape;
}

static void hear_whole(struct listener *l, struct peer *p, const struct sound *sound,
                       const char *language, size_t piece)
{
    static uint32_t stream;
    listen_open_in(l, p, ++stream, language);
    listen_send(l, buf_str(&sound->bytes), piece);
    listen_finish(l);
    listen_wait(l);
    assert_int_equal(l->err, OK);
}

/* In any pieces, with partials heard at any places on the way, after anything else: a longer window, a shorter one. */
static void hear_again_and_again(const char *model, const char *language)
{
    static const size_t pieces[] = {31, 3201, 48 * 1024};
    struct peer *p = start(model, "streams=1");
    struct sound longer = sound_read(RECORDING "0870.wav"), little = {.bytes = BUF(1 << 20)};
    assert_ok(buf_add(&little.bytes, str_sub(buf_str(&longer.bytes), 16000, 64000)));
    const struct sound *between[] = {&longer, &little};
    autobuf first = BUF(1 << 16);
    struct listener l;
    for (size_t i = 0; i < 2 * countof(pieces); i++) {
        hear_whole(&l, p, &speech, language, pieces[i / 2]);
        if (i == 0)
            assert_ok(buf_add(&first, buf_str(&l.text)));
        assert_true(l.text.n > 0);
        if (!str_eq(buf_str(&l.text), buf_str(&first)))
            fail_msg("\"%s\", in pieces of %zu: \"%.*s\" and not \"%.*s\"", language, pieces[i / 2],
                     STR_FMT(buf_str(&l.text)), STR_FMT(buf_str(&first)));
        listen_free(&l);
        hear_whole(&l, p, between[i % 2], language, 32000);
        assert_false(str_eq(buf_str(&l.text), buf_str(&first))); /* it does hear */
        listen_free(&l);
    }
    sound_free(&longer);
    sound_free(&little);
    assert_int_equal(peer_stop(p), 0);
}

static void the_same_sound_gives_the_same_words(void **)
{
    hear_again_and_again(made_parakeet(hearing()), "en");
}

static void expect_guard(struct parakeet_shape shape, enum guard guard, const char *text)
{
    struct peer *p = start(made_parakeet(shape), "");
    struct listener l;
    struct sound first = {.bytes = BUF(1 << 20), .rate_hz = 16000};
    assert_ok(buf_add(&first.bytes, str_sub(buf_str(&speech.bytes), 0, 2 * 16000 * 2)));
    listen_to(&l, p, 1, &first, false, PIECE);
    assert_int_equal(l.err, OK);
    assert_str(buf_str(&l.text), text);
    assert_int_equal(p->guarded[guard], 1);
    assert_int_equal(guards(p), 1); /* it is one window */
    if (text[0])
        assert_true(str_starts(buf_str(&l.partial), str_of(text)));
    else
        assert_str(buf_str(&l.partial), ""); /* nothing was shown that is taken back */
    listen_free(&l);
    sound_free(&first);
    assert_int_equal(peer_stop(p), 0);
}

static void what_it_is_not_sure_of_is_dropped(void **)
{
    expect_guard(parakeet_tiny_made(), GUARD_guess, "");
}

static void a_loop_is_cut(void **)
{
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = "thank you for that";
    shape.endless = true;
    expect_guard(shape, GUARD_loop, "thank you for that");
}

/* It is not heard again, since it would be the same; so it is told once. */
static void what_says_nothing_new_is_dropped(void **)
{
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = "aaaaaaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaaaaaaaaab";
    expect_guard(shape, GUARD_compression, "");
}

/* Where nobody speaks the model is not asked: this one would always find words. */
static void silence_is_not_heard(void **)
{
    struct peer *p = start(says_question, "");
    struct sound silence = sound_silence(16000, 4000), hum = sound_silence(16000, 4000);
    for (size_t i = 0; i < sound_samples(&hum); i++)
        ((int16_t *)hum.bytes.p)[i] = (int16_t)(i % 320 < 160 ? 4000 : -4000);
    const struct sound *sounds[] = {&silence, &hum};
    for (uint32_t i = 0; i < countof(sounds); i++) {
        struct listener l;
        listen_to(&l, p, i + 1, sounds[i], false, PIECE);
        assert_int_equal(l.err, OK);
        assert_str(buf_str(&l.text), "");
        assert_str(buf_str(&l.segments), "[]");
        assert_int_equal(p->guarded[GUARD_silence], i + 1);
        listen_free(&l);
    }
    assert_int_equal(guards(p), 2);
    sound_free(&silence);
    sound_free(&hum);
    assert_int_equal(peer_stop(p), 0);
}

/* No sound at all, and less than libparakeet can read. */
static void hardly_any_sound_is_no_harm(void **)
{
    struct peer *p = start(says_question, "");
    for (uint32_t n = 0; n < 40; n++) {
        struct listener l;
        struct sound little = {.bytes = BUF(1 << 16), .rate_hz = 16000};
        assert_ok(buf_add(&little.bytes, str_sub(buf_str(&speech.bytes), 40000, 40000 + n * 101)));
        listen_to(&l, p, n + 1, &little, false, PIECE);
        assert_int_equal(l.err, OK);
        assert_str(buf_str(&l.text), "");
        listen_free(&l);
        sound_free(&little);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* Pauses end what is heard for good: it does not change any more, and is not heard again. */
static void long_speech_is_cut_at_pauses(void **)
{
    struct peer *p = start(says_question, "");
    struct sound sound = {.bytes = BUF(8 << 20), .rate_hz = 16000};
    struct sound pause = sound_silence(16000, 900);
    for (int i = 0; i < 4; i++) {
        sound_append(&sound, &speech);
        sound_append(&sound, &pause);
    }
    struct listener l;
    listen_open(&l, p, 1, 16000, false, false);
    autobuf before = BUF(1 << 16);
    struct str rest = buf_str(&sound.bytes);
    while (rest.n > 0) {
        listen_send(&l, str_sub(rest, 0, 6400), 6400);
        rest = str_sub(rest, 6400, rest.n);
        /* A model that always says the same never takes a word back. */
        struct str text = buf_str(&l.partial);
        assert_true(text.n >= before.n && str_starts(text, buf_str(&before)));
        buf_clear(&before);
        assert_ok(buf_add(&before, text));
    }
    listen_finish(&l);
    listen_wait(&l);
    assert_int_equal(l.err, OK);
    size_t times = (l.text.n + 1) / sizeof QUESTION;
    assert_true(times >= 4 && times <= 16);
    for (size_t i = 0; i < times; i++)
        assert_str(str_sub(buf_str(&l.text), i * sizeof QUESTION, (i + 1) * sizeof QUESTION - 1),
                   QUESTION);
    struct json_doc *doc;
    assert_ok(json_parse(buf_str(&l.segments), &doc, nullptr));
    assert_true(json_count(json_root(doc)) >= 4);
    json_doc_destroy(doc);
    listen_free(&l);
    sound_free(&sound);
    sound_free(&pause);
    assert_int_equal(peer_stop(p), 0);
}

/* Whoever goes away in the middle leaves the lane to others. */
static void cancelled_streams_leave(void **)
{
    struct peer *p = start(says_question, "streams=2");
    for (uint32_t i = 0; i < 20; i++) {
        struct listener gone, next;
        listen_open(&gone, p, 2 * i + 1, 16000, false, false);
        listen_send(&gone, str_sub(buf_str(&speech.bytes), 0, 8000 + i * 2000), 4000);
        listen_cancel(&gone);
        struct sound first = {.bytes = BUF(1 << 20), .rate_hz = 16000};
        assert_ok(buf_add(&first.bytes, str_sub(buf_str(&speech.bytes), 0, 16000 * 2)));
        listen_to(&next, p, 2 * i + 2, &first, false, PIECE);
        assert_int_equal(next.err, OK);
        assert_str(buf_str(&next.text), QUESTION);
        listen_free(&next);
        sound_free(&first);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* Every n-th sample, or each one n times. */
static struct sound at_rate(const struct sound *sound, uint32_t rate_hz)
{
    struct sound other = {.bytes = BUF(16 << 20), .rate_hz = rate_hz};
    size_t n = sound_samples(sound) * rate_hz / sound->rate_hz;
    for (size_t i = 0; i < n; i++) {
        const char *sample = sound->bytes.p + i * sound->rate_hz / rate_hz * sizeof(int16_t);
        assert_ok(buf_add(&other.bytes, (struct str){sample, sizeof(int16_t)}));
    }
    return other;
}

/* With an end-of-speech detector in front, several rates. */
static void ends_of_speech_are_found(void **)
{
    static const uint32_t rates_hz[] = {16000, 8000, 48000};
    struct peer *p = start(says_question, "");
    struct sound silence = sound_silence(16000, 1000);
    struct sound sound = {.bytes = BUF(4 << 20), .rate_hz = 16000};
    sound_append(&sound, &silence);
    sound_append(&sound, &speech);
    sound_append(&sound, &silence);
    for (uint32_t i = 0; i < countof(rates_hz); i++) {
        struct sound other = at_rate(&sound, rates_hz[i]);
        struct listener l;
        listen_open(&l, p, i + 1, rates_hz[i], false, true);
        listen_send(&l, buf_str(&other.bytes), PIECE);
        listen_finish(&l);
        listen_wait(&l);
        assert_int_equal(l.err, OK);
        assert_true(l.started && l.ended);
        assert_uint_in_range(l.started_ms, 800, 1500);
        assert_true(str_starts(buf_str(&l.text), S(QUESTION)));
        listen_free(&l);
        sound_free(&other);
    }
    sound_free(&silence);
    sound_free(&sound);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_heard),
        cmocka_unit_test(partials_come_while_it_is_spoken),
        cmocka_unit_test(the_same_sound_gives_the_same_words),
        cmocka_unit_test(what_it_is_not_sure_of_is_dropped),
        cmocka_unit_test(a_loop_is_cut),
        cmocka_unit_test(what_says_nothing_new_is_dropped),
        cmocka_unit_test(silence_is_not_heard),
        cmocka_unit_test(hardly_any_sound_is_no_harm),
        cmocka_unit_test(long_speech_is_cut_at_pauses),
        cmocka_unit_test(cancelled_streams_leave),
        cmocka_unit_test(ends_of_speech_are_found),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
