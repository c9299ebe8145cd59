// SPDX-License-Identifier: Apache-2.0
/*
 * The built-in recogniser on real speech: the LibriVox recordings of Debian's pocketsphinx-testdata.
 * What the program hears is what PocketSphinx hears when it is driven by hand in equal steps, however
 * the sound was cut and whatever was heard before. $PROGRAM is repartee-stt.
 */
#include <pocketsphinx.h>
#include <stdio.h>
#include <stdlib.h>

#include "audio/resample.h"
#include "base/clock.h"
#include "base/json.h"
#include "listener.h"
#include "stt/sphinx_decoder.h"
#include "stt/sphinx_mean.h"
#include "unit.h"
#include "wer.h"

#define RECORDINGS "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"

static const struct {
    const char *name, *words;
} recordings[] = {
    {"0870",
     "and mr john dashwood had then leisure to consider how much there might be prudently in his "
     "power to do for them"},
    {"0880", "he was not an ill disposed young man"},
    {"0890", "unless to be rather cold hearted and rather selfish is to be ill disposed"},
    {"0920",
     "had he married a more a amiable woman he might have been made still more respectable than "
     "he was"},
    {"0930", "he might even have been made amiable himself"},
};
enum { RECORDINGS_N = countof(recordings), PIECE = 640 };

static struct sound sound[RECORDINGS_N];
static char *bare[RECORDINGS_N]; /* what PocketSphinx hears by itself */

static const char *path_of(size_t i)
{
    static char path[256];
    snprintf(path, sizeof path, RECORDINGS "%s.wav", recordings[i].name);
    return path;
}

/* PocketSphinx by hand: equal steps, and the running mean that stt/sphinx_mean.h describes. */
static char *decode_bare(ps_decoder_t *ps, ps_vad_t *vad, const struct sound *s)
{
    const int16_t *samples = (const int16_t *)s->bytes.p;
    size_t count = sound_samples(s), frame = SPHINX_STEP / 5, n;
    struct mean mean;
    char text[MEAN_TEXT_BYTES];
    unsigned quiet_ms = 0;
    mean_begin(&mean);
    mean_text(&mean, text);
    ps_set_cmn(ps, text);
    ps_start_stream(ps);
    assert_int_equal(ps_start_utt(ps), 0);
    for (size_t at = 0; at < count; at += n) {
        n = count - at < SPHINX_STEP ? count - at : SPHINX_STEP;
        assert_true(ps_process_raw(ps, samples + at, n, FALSE, FALSE) >= 0);
        for (size_t i = 0; i + frame <= n; i += frame)
            quiet_ms = ps_vad_classify(vad, samples + at + i) == PS_VAD_SPEECH ? 0 : quiet_ms + 20;
        if (quiet_ms <= MEAN_QUIET_MS)
            mean_heard(&mean, ps_get_cmn(ps, TRUE), (double)n / 160);
        mean_text(&mean, text);
        ps_set_cmn(ps, text);
    }
    assert_int_equal(ps_end_utt(ps), 0);
    const char *words = ps_get_hyp(ps, nullptr);
    return strdup(words ? words : "");
}

/* A decoder anew for every recording: nothing can be left of the one before. */
static int set_up(void **state)
{
    (void)state;
    err_set_loglevel(ERR_FATAL);
    for (size_t i = 0; i < RECORDINGS_N; i++) {
        sound[i] = sound_read(path_of(i));
        ps_config_t *c = ps_config_init(nullptr);
        ps_default_search_args(c);
        ps_decoder_t *ps = ps_init(c);
        ps_vad_t *vad = ps_vad_init(PS_VAD_LOOSE, 16000, 0.02);
        ps_config_free(c);
        bare[i] = decode_bare(ps, vad, &sound[i]);
        ps_vad_free(vad);
        ps_free(ps);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDINGS_N; i++) {
        sound_free(&sound[i]);
        free(bare[i]);
    }
    return 0;
}

static struct peer *start(const char *options)
{
    return listen_start(getenv("PROGRAM"), "sphinx", options);
}

/* The program's name for it: what `pocketsphinx single` prints as "t". */
static void single(size_t i, struct buf *into)
{
    char command[400];
    snprintf(command, sizeof command, "pocketsphinx single %s 2>/dev/null", path_of(i));
    FILE *f = popen(command, "r");
    assert_non_null(f);
    autobuf out = BUF(1 << 20);
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        assert_ok(buf_add(&out, (struct str){block, n}));
    assert_int_equal(pclose(f), 0);
    struct json_doc *doc;
    assert_ok(json_parse(str_trim(buf_str(&out)), &doc, nullptr));
    assert_ok(buf_add(into, json_str(json_get(json_root(doc), "t"))));
    json_doc_destroy(doc);
}

/* Equal words, whatever the pieces; word errors close to those of the whole recording at once. */
static void test_recordings(void **state)
{
    (void)state;
    static const size_t pieces[RECORDINGS_N] = {640, 777, 32000, 3200, 65000};
    struct wer ours = {}, theirs = {};
    uint64_t slowest = 0;
    struct peer *p = start("streams=1");
    for (size_t i = 0; i < RECORDINGS_N; i++) {
        struct listener l;
        listen_to(&l, p, (uint32_t)i + 1, &sound[i], false, pieces[i]);
        assert_str(buf_str(&l.text), bare[i]);
        wer_add(&ours, str_of(recordings[i].words), buf_str(&l.text));
        slowest = l.compute_us > slowest ? l.compute_us : slowest;
        listen_free(&l);
        autobuf whole = BUF(4096);
        single(i, &whole);
        wer_add(&theirs, str_of(recordings[i].words), buf_str(&whole));
    }
    print_message("word errors: %.1f %%, pocketsphinx single: %.1f %%\n", wer_percent(&ours),
                  wer_percent(&theirs));
    assert_true(wer_percent(&ours) <= wer_percent(&theirs) + 2);
    assert_int_equal(peer_stop(p), 0);
}

/* Two at once on two decoders, one after the other on the same: always the same words. */
static void test_repeats(void **state)
{
    (void)state;
    struct peer *p = start("streams=2");
    for (uint32_t round = 0; round < 2; round++) {
        struct listener one, two;
        listen_open(&one, p, 10 + round, 16000, false, false);
        listen_open(&two, p, 20 + round, 16000, false, false);
        listen_send(&one, buf_str(&sound[1].bytes), PIECE);
        listen_send(&two, buf_str(&sound[4].bytes), PIECE);
        listen_finish(&one);
        listen_finish(&two);
        listen_wait(&one);
        listen_wait(&two);
        assert_str(buf_str(&one.text), bare[1]);
        assert_str(buf_str(&two.text), bare[4]);
        listen_free(&one);
        listen_free(&two);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* Words come while the sound is still arriving, and what is settled mostly stays. */
static void test_partials(void **state)
{
    (void)state;
    struct peer *p = start("");
    struct listener l;
    listen_open(&l, p, 1, 16000, false, false);
    listen_send(&l, buf_str(&sound[3].bytes), PIECE);
    while (l.partials < 5)
        listen_read(&l); /* stt_finish has not been sent */
    listen_finish(&l);
    listen_wait(&l);
    assert_uint_in_range(l.first_partial_ms, 200, 1500);
    assert_true(l.partials > 10);
    assert_str(buf_str(&l.text), bare[3]);
    listen_free(&l);
    assert_int_equal(peer_stop(p), 0);
}

/* Times of words lie within the recording and rise. */
static void assert_times(struct str segments, uint32_t audio_ms)
{
    struct json_doc *doc;
    assert_ok(json_parse(segments, &doc, nullptr));
    int64_t last = 0;
    const struct json_val *phrases = json_root(doc);
    for (size_t i = 0; i < json_count(phrases); i++) {
        const struct json_val *words = json_get(json_at(phrases, i), "words");
        for (size_t w = 0; w < json_count(words); w++) {
            const struct json_val *word = json_at(words, w);
            double confidence = json_num(json_get(word, "confidence"), -1);
            assert_true(json_int(json_get(word, "start_ms"), -1) >= last);
            last = json_int(json_get(word, "end_ms"), -1);
            assert_true(confidence >= 0 && confidence <= 1);
        }
    }
    assert_true(last > 0 && last <= audio_ms + 100);
    json_doc_destroy(doc);
}

/* A long recording is cut at pauses and stays in step with its text. */
static void test_long(void **state)
{
    (void)state;
    struct wer wer = {};
    autobuf words = BUF(1 << 16);
    struct sound all = sound_silence(16000, 300), pause = sound_silence(16000, 700);
    for (size_t i = 0; i < RECORDINGS_N; i++) {
        sound_append(&all, &sound[i]);
        sound_append(&all, &pause);
        assert_ok(buf_addf(&words, "%s ", recordings[i].words));
    }
    struct peer *p = start("");
    struct listener l;
    listen_to(&l, p, 1, &all, false, 32000);
    wer_add(&wer, buf_str(&words), buf_str(&l.text));
    print_message("all at once: %.1f %% word errors, %u partials, %u ms of computing for %u ms\n",
                  wer_percent(&wer), l.partials, (unsigned)(l.compute_us / 1000), l.audio_ms);
    assert_true(wer_percent(&wer) < 45);
    assert_times(buf_str(&l.segments), l.audio_ms);
    listen_free(&l);
    sound_free(&all);
    sound_free(&pause);
    assert_int_equal(peer_stop(p), 0);
}

/* Telephone and studio rates are heard like the recording itself, more or less. */
static void test_resampled(void **state)
{
    (void)state;
    struct peer *p = start("");
    struct resample *r;
    struct sound studio = {.bytes = BUF(1 << 22), .rate_hz = 48000};
    assert_ok(resample_create(16000, 48000, &r));
    assert_ok(resample_run(r, (const int16_t *)sound[3].bytes.p, sound_samples(&sound[3]),
                           &studio.bytes));
    assert_ok(resample_flush(r, &studio.bytes));
    resample_destroy(r);
    struct listener l;
    listen_to(&l, p, 1, &studio, false, 1919);
    struct wer wer = {};
    wer_add(&wer, str_of(bare[3]), buf_str(&l.text));
    assert_true(wer_percent(&wer) < 25);
    assert_uint_in_range(l.audio_ms, 6049, 6052);
    listen_free(&l);
    sound_free(&studio);
    assert_int_equal(peer_stop(p), 0);
}

/* Hands free: speech is found in silence, and the words of one utterance come without being asked. */
static void test_endpoint(void **state)
{
    (void)state;
    struct sound all = sound_silence(16000, 1500), pause = sound_silence(16000, 1200);
    sound_append(&all, &sound[1]);
    sound_append(&all, &pause);
    sound_append(&all, &sound[4]); /* the next stream's business */
    struct peer *p = start("streams=1");
    struct listener l, other;
    listen_open(&l, p, 1, 16000, false, true);
    listen_to(&other, p, 2, &sound[4], false, PIECE); /* waiting for speech takes no decoder */
    assert_str(buf_str(&other.text), bare[4]);
    listen_free(&other);
    listen_send(&l, buf_str(&all.bytes), PIECE);
    listen_wait(&l);
    assert_true(l.started && l.ended);
    assert_uint_in_range(l.started_ms, 1300, 2000);
    assert_uint_in_range(l.ended_ms, 4000, 4700);
    assert_uint_in_range(l.audio_ms, l.ended_ms, l.ended_ms + 600);
    assert_true(l.partials > 0);
    struct wer wer = {};
    wer_add(&wer, str_of(bare[1]), buf_str(&l.text));
    assert_true(wer_percent(&wer) < 40);
    assert_times(buf_str(&l.segments), l.ended_ms);
    listen_free(&l);
    sound_free(&all);
    sound_free(&pause);
    assert_int_equal(peer_stop(p), 0);
}

/* A stream that is cancelled in the middle of a word leaves its decoder to the next, clean. */
static void test_cancel(void **state)
{
    (void)state;
    struct peer *p = start("streams=1");
    for (uint32_t round = 0; round < 2; round++) {
        struct listener gone, next;
        listen_open(&gone, p, 10 + round, 16000, false, false);
        listen_send(&gone, buf_str(&sound[round].bytes), PIECE);
        while (gone.partials == 0)
            listen_read(&gone);
        listen_cancel(&gone);
        listen_to(&next, p, 20 + round, &sound[1], false, PIECE);
        assert_str(buf_str(&next.text), bare[1]);
        listen_free(&next);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* What is no speech ends with a final, too. */
static void test_no_speech(void **state)
{
    (void)state;
    struct peer *p = start("");
    struct sound loud = sound_silence(16000, 3000), quiet = sound_silence(16000, 3000);
    int16_t *samples = (int16_t *)loud.bytes.p;
    uint32_t x = 1;
    for (size_t i = 0; i < sound_samples(&loud); i++) {
        x = x * 1664525u + 1013904223u;
        samples[i] = i < 16000 ? (int16_t)(x >> 16) : i < 32000 ? 0 : (i / 50) % 2 ? 32767 : -32768;
    }
    struct sound one_sample = {.bytes = BUF(16), .rate_hz = 16000};
    assert_ok(buf_add(&one_sample.bytes, S("xx")));
    const struct sound *const sounds[] = {&loud, &quiet, &one_sample};
    for (uint32_t i = 0; i < countof(sounds); i++) {
        struct listener l;
        listen_to(&l, p, i + 1, sounds[i], true, PIECE);
        assert_int_equal(l.err, OK);
        if (sounds[i] != &loud)
            assert_str(buf_str(&l.text), "");
        listen_free(&l);
    }
    sound_free(&loud);
    sound_free(&quiet);
    sound_free(&one_sample);
    assert_int_equal(peer_stop(p), 0);
}

/* A slip of the finger, or what is left when a long recording was cut: sound of a few frames is no word. */
static void test_short(void **state)
{
    (void)state;
    struct peer *p = start("");
    enum { MOST = 2400, STEP = 40, FROM = 24000 };
    for (uint32_t n = STEP; n <= MOST; n += STEP) {
        struct sound s = {.bytes = BUF(2 * MOST), .rate_hz = 16000};
        assert_ok(buf_add(&s.bytes, str_sub(buf_str(&sound[0].bytes), FROM, FROM + 2 * n)));
        struct listener l;
        listen_to(&l, p, n, &s, true, PIECE);
        assert_int_equal(l.err, OK);
        if (n < 1600)
            assert_str(buf_str(&l.text), "");
        listen_free(&l);
        sound_free(&s);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void test_language(void **state)
{
    (void)state;
    struct peer *p = start("");
    peer_send(p, MSG_stt_open, 1, &(struct msg_stt_open){.rate_hz = 16000, .language = S("de")});
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_UNSUPPORTED);
    assert_true(str_find(p->msg.fail.text, S("English")) < p->msg.fail.text.n);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings), cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_partials),   cmocka_unit_test(test_long),
        cmocka_unit_test(test_resampled),  cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_cancel),     cmocka_unit_test(test_no_speech),
        cmocka_unit_test(test_short),      cmocka_unit_test(test_language),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
