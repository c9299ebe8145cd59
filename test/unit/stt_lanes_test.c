// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-stt with Whisper, and many who speak at once: they share a model and a lane of it, or two. $PROGRAM is the
 * program's path.
 */
#include <stdlib.h>

#include "listener.h"
#include "made_whisper.h"
#include "unit.h"

#define RECORDING "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"
#define QUESTION "how do i add documents"

static struct peer *start(const char *model, const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "whisper", model, options);
    return p;
}

/* Piece by piece in turns; each is heard. */
static void hear_at_once(const char *model, const char *options, uint32_t people,
                         const struct sound *sounds[], const struct buf texts[], size_t sounds_n)
{
    struct peer *p = start(model, options);
    static struct listener l[32];
    size_t longest = 0;
    assert_true(people <= countof(l));
    for (size_t i = 0; i < sounds_n; i++)
        longest = sounds[i]->bytes.n > longest ? sounds[i]->bytes.n : longest;
    for (uint32_t i = 0; i < people; i++)
        listen_open(&l[i], p, i + 1, 16000, false, false);
    for (size_t at = 0; at < longest; at += 6400)
        for (uint32_t i = 0; i < people; i++)
            listen_send(&l[i], str_sub(buf_str(&sounds[i % sounds_n]->bytes), at, at + 6400), 6400);
    for (uint32_t i = 0; i < people; i++)
        listen_finish(&l[i]);
    for (uint32_t i = 0; i < people; i++) {
        listen_wait(&l[i]);
        assert_int_equal(l[i].err, OK);
        struct str text = buf_str(&l[i].text), want = buf_str(&texts[i % sounds_n]);
        if (!str_eq(text, want))
            fail_msg("%u of %s: \"%.*s\" and not \"%.*s\"", i, options, STR_FMT(text),
                     STR_FMT(want));
        listen_free(&l[i]);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* 32 people at once share one model and one lane, or eight two of them. */
static void many_are_heard_at_once(void **)
{
    struct whisper_shape shape = whisper_tiny_made();
    shape.says = QUESTION;
    struct sound speech = sound_read(RECORDING "0880.wav"),
                 part = {.bytes = BUF(1 << 20), .rate_hz = 16000};
    assert_ok(buf_add(&part.bytes, str_sub(buf_str(&speech.bytes), 0, 2 * 16000 * 2)));
    const struct sound *sounds[] = {&part};
    struct buf texts[] = {BUF(100)};
    assert_ok(buf_add(&texts[0], S(QUESTION)));
    const char *model = made_whisper(shape);
    hear_at_once(model, "streams=32", 32, sounds, texts, 1);
    hear_at_once(model, "streams=8,lanes=2", 8, sounds, texts, 1);
    buf_finish(&texts[0]);
    sound_free(&speech);
    sound_free(&part);
}

/* Neither what lies in the other lane nor what was there before is heard. */
static void each_of_two_lanes_hears_its_own(void **)
{
    enum { SOUNDS = 4 };
    struct whisper_shape shape = whisper_tiny_made();
    shape.sure = 60; /* what it says depends on the sound */
    const char *model = made_whisper(shape);
    struct sound longer = sound_read(RECORDING "0870.wav"),
                 speech = sound_read(RECORDING "0880.wav");
    struct sound little = {.bytes = BUF(1 << 20), .rate_hz = 16000};
    struct sound more = {.bytes = BUF(1 << 20), .rate_hz = 16000};
    assert_ok(buf_add(&little.bytes, str_sub(buf_str(&longer.bytes), 16000, 64000)));
    assert_ok(buf_add(&more.bytes, str_sub(buf_str(&longer.bytes), 64000, 160000)));
    const struct sound *sounds[SOUNDS] = {&more, &speech, &little, &longer};
    struct buf texts[SOUNDS] = {BUF(1 << 16), BUF(1 << 16), BUF(1 << 16), BUF(1 << 16)};
    struct peer *p = start(model, "streams=8,lanes=2"); /* as many threads in each */
    for (uint32_t i = 0; i < SOUNDS; i++) {
        struct listener l;
        listen_to(&l, p, i + 1, sounds[i], false, 32000);
        assert_int_equal(l.err, OK);
        assert_ok(buf_add(&texts[i], buf_str(&l.text)));
        listen_free(&l);
    }
    assert_int_equal(peer_stop(p), 0);
    size_t heard = 0; /* chance may make a loop of one, which is dropped */
    for (int i = 0; i < SOUNDS; i++) {
        heard += texts[i].n > 0;
        assert_false(i > 0 && str_eq(buf_str(&texts[i - 1]), buf_str(&texts[i])));
    }
    assert_true(heard + 1 >= SOUNDS);
    hear_at_once(model, "streams=8,lanes=2", 8, sounds, texts, SOUNDS);
    for (int i = 0; i < SOUNDS; i++)
        buf_finish(&texts[i]);
    sound_free(&longer);
    sound_free(&speech);
    sound_free(&little);
    sound_free(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_heard_at_once),
        cmocka_unit_test(each_of_two_lanes_hears_its_own),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
