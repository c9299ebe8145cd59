// SPDX-License-Identifier: Apache-2.0
/*
 * A voice in pieces sounds as it does whole, sample by sample, whatever its shape and however long the text; who goes away is not
 * computed for; and memory may be short on the way.
 */
#include "tts/piper/speech.h"

#include <math.h>
#include <stdlib.h>

#include "own_fault.h"
#include "tts/piper/pieces.h"
#include "unit.h"
#include "voice_write.h"

static char why[SESSION_WHY_BYTES];
static struct phoneme_ids *ids;
static const struct speech_scales steady = {0, 1, 0};

static int make(void **)
{
    ids = calloc(1, sizeof *ids);
    return ids && session_prepare() == OK && session_open_all(2, why) == OK ? 0 : -1;
}

static int unmake(void **)
{
    free(ids);
    session_close_all();
    return 0;
}

/* Phonemes by chance, the same for the same number. */
static void fill(size_t count)
{
    uint32_t x = (uint32_t)count;
    ids->n = 2 * count + 3;
    for (size_t i = 0; i < ids->n; i++) {
        x = x * 1664525u + 1013904223u;
        ids->id[i] = i % 2 ? 0 : 3 + (int64_t)(x >> 16) % 150;
    }
}

struct sound {
    struct buf samples;    /* float */
    size_t pieces, wanted; /* wanted: how many pieces; 0: all */
    bool is_lost;
};

static bool on_sound(void *arg, const float *samples, size_t count)
{
    struct sound *s = arg;
    if (s->wanted && s->pieces >= s->wanted)
        return false;
    s->pieces += count > 0;
    if (buf_add(&s->samples, (struct str){(const char *)samples, count * sizeof *samples}) != OK)
        s->is_lost = true;
    return true;
}

#define HEARER(sound) ((struct speech_hearer){on_sound, &(sound), nullptr})
#define SOUND ((struct sound){.samples = BUF(64 << 20)})

/* The plain model's, at once. */
static void say_plain(struct session *whole, int64_t speaker, struct sound *ret)
{
    static const char *const names[] = {"output"};
    const int64_t count = (int64_t)ids->n;
    const float scales[] = {0, 1, 0};
    const struct session_input inputs[] = {
        {"input", SESSION_INTS, ids->id, 2, {1, count}},
        {"input_lengths", SESSION_INTS, &count, 1, {1}},
        {"scales", SESSION_FLOATS, scales, 1, {3}},
        {"sid", SESSION_INTS, &speaker, 1, {1}},
    };
    struct session_output out;
    assert_ok(session_run(whole, inputs, speaker < 0 ? 3 : 4, names, 1, &out, nullptr, why));
    (void)on_sound(ret, out.data, out.count);
    session_free(&out, 1);
}

static void expect_alike(const struct buf *a, const struct buf *b, const char *name, size_t count)
{
    const float *x = (const float *)a->p, *y = (const float *)b->p;
    assert_true(a->n > 0);
    if (a->n != b->n)
        fail_msg("%s, %zu phonemes: %zu samples and not %zu", name, count, a->n / 4, b->n / 4);
    float loudest = 0;
    for (size_t i = 0; i < a->n / sizeof *x; i++) {
        if (!(fabsf(x[i] - y[i]) <= 1.0f / 32768))
            fail_msg("%s, %zu phonemes: sample %zu is %g and not %g", name, count, i, (double)x[i],
                     (double)y[i]);
        loudest = fmaxf(loudest, fabsf(x[i]));
    }
    assert_true(loudest > 0.01f); /* it is sound that is compared */
}

static void compare(const char *name, int speakers, int64_t speaker, const size_t *counts,
                    size_t counts_n)
{
    struct voice_shape shape;
    struct session *whole;
    struct gate gate;
    struct pieces pieces = {.gate = &gate};
    autobuf file = {};
    assert_true(voice_shape_named(name, &shape));
    shape.speakers = speakers;
    voice_write_onnx(&shape, &file);
    gate_init(&gate, 1);
    assert_ok(session_create(buf_str(&file), &whole, why));
    assert_ok(pieces_open(buf_str(&file), 22050, &pieces, why));
    for (size_t i = 0; i < counts_n; i++) {
        struct sound plain = SOUND, cut = SOUND;
        fill(counts[i]);
        say_plain(whole, speaker, &plain);
        assert_ok(pieces_say(&pieces, ids, speaker, steady, &HEARER(cut), why));
        assert_false(plain.is_lost || cut.is_lost);
        expect_alike(&plain.samples, &cut.samples, name, counts[i]);
        if (counts[i] > 100)
            assert_true(cut.pieces > 3);
        buf_finish(&plain.samples);
        buf_finish(&cut.samples);
    }
    pieces_close(&pieces);
    session_destroy(whole);
    gate_finish(&gate);
}

static void pieces_sound_as_the_whole(void **)
{
    static const size_t counts[] = {1, 2, 3, 5, 8, 10, 11, 14, 20, 33, 50, 75, 101, 150, 400},
                        few[] = {12, 60};
    compare("tiny", 1, -1, counts, countof(counts));
    compare("tiny", 3, 2, counts, countof(counts));
    compare("x_low", 1, -1, few, countof(few));
    compare("high", 2, 1, few, 1);
}

static struct speech *speech_of(struct voice_shape shape)
{
    struct speech *s;
    autobuf file = {};
    voice_write_onnx(&shape, &file);
    fill(40);
    assert_ok(speech_create(buf_str(&file), 22050, ids, shape.speakers > 1 ? 0 : -1, 1, &s, why));
    return s;
}

static void what_cannot_be_cut_is_said_whole(void **)
{
    struct voice_shape shape = voice_tiny_made();
    struct speech *cut = speech_of(shape);
    shape.is_tangled = true;
    struct speech *whole = speech_of(shape);
    struct sound sound = SOUND;
    assert_true(speech_is_cut(cut));
    assert_false(speech_is_cut(whole));
    assert_ok(speech_say(whole, ids, -1, steady, &HEARER(sound), why));
    assert_int_equal(sound.pieces, 1);
    buf_finish(&sound.samples);
    speech_destroy(cut);
    speech_destroy(whole);
    speech_destroy(nullptr);
}

/* Whoever goes away after so many pieces gets no more. */
static void refused_sound_ends_it(void **)
{
    struct speech *s = speech_of(voice_tiny_made());
    fill(200);
    for (size_t wanted = 1; wanted < 5; wanted++) {
        struct sound sound = SOUND;
        sound.wanted = wanted;
        assert_err(speech_say(s, ids, -1, steady, &HEARER(sound), why), ERR_CANCELED);
        assert_int_equal(sound.pieces, wanted);
        buf_finish(&sound.samples);
    }
    speech_destroy(s);
}

/* Sets `stop` with its first piece, and takes whatever comes. */
struct leaver {
    struct sound sound;
    struct session_stop stop;
};

static bool on_sound_leave(void *arg, const float *samples, size_t count)
{
    struct leaver *l = arg;
    if (count > 0)
        session_stop_set(&l->stop);
    return on_sound(&l->sound, samples, count);
}

static void expect_no_more(struct speech *s, size_t pieces)
{
    struct leaver l = {.sound = SOUND};
    const struct speech_hearer hearer = {on_sound_leave, &l, &l.stop};
    session_stop_init(&l.stop);
    enum err err = speech_say(s, ids, -1, steady, &hearer, why);
    assert_err(err, speech_is_cut(s) ? ERR_CANCELED : OK);
    assert_int_equal(l.sound.pieces, pieces);
    assert_err(speech_say(s, ids, -1, steady, &hearer, why), ERR_CANCELED);
    assert_int_equal(l.sound.pieces, pieces);
    session_stop_finish(&l.stop);
    buf_finish(&l.sound.samples);
}

/* Nothing is computed for whoever has gone, though nothing has asked him. */
static void who_has_gone_gets_no_more(void **)
{
    struct voice_shape shape = voice_tiny_made();
    struct speech *cut = speech_of(shape);
    shape.is_tangled = true;
    struct speech *whole = speech_of(shape);
    fill(200);
    expect_no_more(cut, 1);
    expect_no_more(whole, 1);
    speech_destroy(cut);
    speech_destroy(whole);
}

static void length_and_noise_are_scaled(void **)
{
    struct speech *s = speech_of(voice_tiny_made());
    struct sound normal = SOUND, again = SOUND, slow = SOUND, noisy = SOUND;
    fill(60);
    assert_ok(speech_say(s, ids, -1, steady, &HEARER(normal), why));
    assert_ok(speech_say(s, ids, -1, steady, &HEARER(again), why));
    assert_ok(speech_say(s, ids, -1, (struct speech_scales){0, 2, 0}, &HEARER(slow), why));
    assert_ok(speech_say(s, ids, -1, (struct speech_scales){1, 1, 0}, &HEARER(noisy), why));
    expect_alike(&normal.samples, &again.samples, "tiny", 60); /* it may have been cut elsewhere */
    assert_true(slow.samples.n > normal.samples.n * 3 / 2);
    assert_int_equal(noisy.samples.n, normal.samples.n);
    assert_false(str_eq(buf_str(&normal.samples), buf_str(&noisy.samples)));
    buf_finish(&normal.samples);
    buf_finish(&again.samples);
    buf_finish(&slow.samples);
    buf_finish(&noisy.samples);
    speech_destroy(s);
}

static void broken_models_are_refused(void **)
{
    struct speech *s;
    autobuf file = {};
    struct voice_shape shape = voice_tiny_made();
    assert_err(speech_create(S("nothing"), 22050, ids, -1, 1, &s, why), ERR_INTERNAL);
    assert_true(str_starts(str_of(why), S("ONNX Runtime cannot load the voice")));
    voice_write_onnx(&shape, &file);
    size_t at = str_find(buf_str(&file), S("ConvTranspose"));
    assert_true(at < file.n);
    memcpy(file.p + at, "ConvTransport", 13);
    assert_err(speech_create(buf_str(&file), 22050, ids, -1, 1, &s, why), ERR_INTERNAL);
    assert_true(strstr(why, "ConvTransport"));
}

/* An id that the model does not have is an error of this utterance; the next one is said. */
static void a_number_that_there_is_not(void **)
{
    struct speech *s = speech_of(voice_tiny_made());
    struct sound sound = SOUND;
    fill(20);
    ids->id[5] = 1000000;
    assert_err(speech_say(s, ids, -1, steady, &HEARER(sound), why), ERR_INTERNAL);
    assert_int_equal(sound.pieces, 0);
    fill(20);
    assert_ok(speech_say(s, ids, -1, steady, &HEARER(sound), why));
    buf_finish(&sound.samples);
    speech_destroy(s);
}

/* --- memory --- */

/* Of our allocations each may fail (where ONNX Runtime's do it ends the program): the next utterance is said. */
static void an_utterance_without_memory(void **)
{
    struct speech *s = speech_of(voice_tiny_made());
    struct sound want = SOUND;
    unsigned refused = 0;
    bool has_failed;
    fill(30);
    assert_ok(speech_say(s, ids, -1, steady, &HEARER(want), why));
    do {
        struct sound sound = SOUND;
        assert_ok(buf_reserve(&sound.samples, want.samples.n));
        own_fault_arm(refused + 1);
        enum err err = speech_say(s, ids, -1, steady, &HEARER(sound), why);
        has_failed = own_fault_disarm();
        assert_err(err, has_failed ? ERR_NOMEM : OK);
        if (!has_failed)
            assert_true(str_eq(buf_str(&sound.samples), buf_str(&want.samples)));
        refused += has_failed;
        buf_finish(&sound.samples);
    } while (has_failed);
    assert_true(refused >= 3); /* the frames, and two windows of them */
    buf_finish(&want.samples);
    speech_destroy(s);
}

/* A voice cannot be made, or is said whole; but it is never half made. */
static void a_voice_without_memory(void **)
{
    struct voice_shape shape = voice_tiny_made();
    autobuf file = {};
    unsigned refused = 0;
    voice_write_onnx(&shape, &file);
    for (unsigned n = 1;; n += 1 + n / 3) {
        struct speech *s = nullptr;
        fill(40);
        own_fault_arm(n);
        enum err err = speech_create(buf_str(&file), 22050, ids, -1, 1, &s, why);
        bool has_failed = own_fault_disarm();
        assert_true(err == OK || (has_failed && err == ERR_NOMEM && !s));
        refused += err != OK;
        speech_destroy(s);
        if (!has_failed)
            break;
    }
    assert_true(refused > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_sound_as_the_whole),
        cmocka_unit_test(what_cannot_be_cut_is_said_whole),
        cmocka_unit_test(refused_sound_ends_it),
        cmocka_unit_test(who_has_gone_gets_no_more),
        cmocka_unit_test(length_and_noise_are_scaled),
        cmocka_unit_test(broken_models_are_refused),
        cmocka_unit_test(a_number_that_there_is_not),
        cmocka_unit_test(an_utterance_without_memory),
        cmocka_unit_test(a_voice_without_memory),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
