// SPDX-License-Identifier: Apache-2.0
/* Phonemes become the numbers that a voice was trained on: framed, padded, what it does not know left out. */
#include "tts/piper/phonemes.h"

#include <stdlib.h>

#include "unit.h"
#include "voice_write.h"

static struct voice_json voice;
static struct phoneme_ids *ids;

static int make(void **)
{
    struct voice_shape shape = voice_tiny_made();
    autobuf text = {};
    char why[VOICE_WHY_BYTES];
    voice_write_json(&shape, &text);
    ids = calloc(1, sizeof *ids);
    return ids && voice_json_read(buf_str(&text), &voice, why) == OK ? 0 : -1;
}

static int unmake(void **)
{
    voice_json_finish(&voice);
    free(ids);
    return 0;
}

static int64_t id_of(uint32_t cp)
{
    const struct voice_phoneme *p = voice_json_phoneme(&voice, cp);
    assert_non_null(p);
    return p->id[0];
}

/* `want`: the phonemes that are left, NULL where nothing is said. */
static void expect(const char *phonemes, const uint32_t *want)
{
    struct str rest = str_of(phonemes);
    bool says = phonemes_next(&voice, &rest, ids);
    assert_int_equal(says, want != nullptr);
    assert_int_equal(rest.n, 0);
    if (!want)
        return;
    size_t n = 0;
    assert_int_equal(ids->id[n++], 1); /* ^ */
    assert_int_equal(ids->id[n++], 0);
    for (; *want; want++) {
        assert_int_equal(ids->id[n++], id_of(*want));
        assert_int_equal(ids->id[n++], 0);
    }
    assert_int_equal(ids->id[n++], 2); /* $ */
    assert_int_equal(ids->n, n);
}

static void phonemes_become_numbers(void **)
{
    expect("hə.", (const uint32_t[]){'h', 0x259, '.', 0});
    expect("a b", (const uint32_t[]){'a', ' ', 'b', 0});
    expect("c\u0327", (const uint32_t[]){'c', 0x327, 0});
}

static void what_it_does_not_know_is_left_out(void **)
{
    expect("a\u4e2db", (const uint32_t[]){'a', 'b', 0});
    expect("a^_$b", (const uint32_t[]){'a', 'b', 0}); /* frames are no letters */
    expect("a\xff\xfe", (const uint32_t[]){'a', 0});
    expect("", nullptr);
    expect("   ", nullptr);
    expect("\u4e2d\u6587 _", nullptr);
}

static void rules_that_write_otherwise_are_known(void **)
{
    expect("ca", (const uint32_t[]){'c', 'a', 0});
    memcpy(voice.espeak, "pt-br", sizeof "pt-br");
    expect("ca", (const uint32_t[]){'k', 'a', 0});
    memcpy(voice.espeak, "en-us", sizeof "en-us");
}

/* A long text is several utterances, cut between words; nothing is lost. */
static void long_texts_are_cut(void **)
{
    autobuf text = BUF(1 << 20);
    for (int i = 0; i < 500; i++)
        assert_ok(buf_add(&text, S("ab cd\u0259 ")));
    struct str rest = buf_str(&text);
    size_t utterances = 0, phonemes = 0, before = rest.n;
    while (phonemes_next(&voice, &rest, ids)) {
        assert_true(ids->n <= (PHONEMES_MAX + 2) * 2);
        assert_true(rest.n < before && (rest.n == 0 || rest.p[-1] == ' '));
        before = rest.n;
        phonemes += (ids->n - 3) / 2;
        utterances++;
    }
    assert_int_equal(phonemes, 500 * 7);
    assert_true(utterances >= 500 * 7 / PHONEMES_MAX && utterances < 12);
}

/* One word without an end is cut where there is no blank. */
static void a_word_without_an_end_is_cut(void **)
{
    autobuf text = BUF(1 << 20);
    for (int i = 0; i < 3 * PHONEMES_MAX; i++)
        assert_ok(buf_add(&text, S("\u0259")));
    struct str rest = buf_str(&text);
    for (int i = 0; i < 3; i++) {
        assert_true(phonemes_next(&voice, &rest, ids));
        assert_int_equal(ids->n, PHONEMES_MAX * 2 + 3);
    }
    assert_false(phonemes_next(&voice, &rest, ids));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phonemes_become_numbers),
        cmocka_unit_test(what_it_does_not_know_is_left_out),
        cmocka_unit_test(rules_that_write_otherwise_are_known),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(a_word_without_an_end_is_cut),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
