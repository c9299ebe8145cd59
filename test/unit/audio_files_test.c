// SPDX-License-Identifier: Apache-2.0
/*
 * FLAC and MP3, in: what is coded here comes back, alone and as a recording; what memory that fails leaves. Strangers'
 * files are in audio_table, those of other programs in test/api/sound.test.js.
 */
#include <math.h>
#include <sys/mman.h>

#include "alloc_fault.h"
#include "audio/flac_in.h"
#include "audio/flac_out.h"
#include "audio/mp3_in.h"
#include "audio/mp3_out.h"
#include "audio/recording.h"
#include "unit.h"

enum { ROOM = 1 << 22, RATE = 24000, SAMPLES = 2 * RATE, STEP = 4096 };

static int16_t tone[SAMPLES];
static struct buf flac = BUF(ROOM), mp3 = BUF(ROOM);

static int make_files(void **)
{
    struct flac_out *f;
    struct mp3_out *m;
    for (size_t i = 0; i < SAMPLES; i++)
        tone[i] = (int16_t)lround(8000 * sin(2 * 3.14159265358979 * 440 * (double)i / RATE));
    assert_ok(flac_out_create(RATE, &f));
    assert_ok(flac_out_run(f, tone, SAMPLES, &flac));
    assert_ok(flac_out_end(f, &flac));
    flac_out_destroy(f);
    assert_ok(mp3_out_create(RATE, &m));
    assert_ok(mp3_out_run(m, tone, SAMPLES, &mp3));
    assert_ok(mp3_out_end(m, &mp3));
    mp3_out_destroy(m);
    return 0;
}

static int free_files(void **)
{
    buf_finish(&flac);
    buf_finish(&mp3);
    return 0;
}

static enum err decode(struct str file, struct buf *into, uint32_t *ret_rate)
{
    struct recording *r;
    try(recording_create(file, &r));
    enum err err;
    do
        err = recording_read(r, STEP, into);
    while (err == OK && !recording_ended(r));
    if (err == OK)
        *ret_rate = recording_rate(r);
    recording_destroy(r);
    return err;
}

static void test_flac(void **)
{
    autobuf got = BUF(ROOM);
    uint32_t rate;
    assert_ok(decode(buf_str(&flac), &got, &rate));
    assert_int_equal(rate, RATE);
    assert_true(str_eq(buf_str(&got), (struct str){(const char *)tone, sizeof tone}));
}

/* How far the tone lies in what came, where it fits best; and how much is left of what does not fit. */
static double error_of(const int16_t *got, size_t count, size_t *ret_delay)
{
    double least = INFINITY;
    for (size_t delay = 0; delay < 2000; delay++) {
        double sum = 0;
        for (size_t i = 5000; i < 10000 && delay + i < count; i++)
            sum += pow((double)got[delay + i] - tone[i], 2);
        if (sum < least) {
            least = sum;
            *ret_delay = delay;
        }
    }
    return sqrt(least / 5000);
}

static void test_mp3(void **)
{
    autobuf got = BUF(ROOM);
    uint32_t rate;
    size_t delay = 0;
    assert_ok(decode(buf_str(&mp3), &got, &rate));
    assert_int_equal(rate, RATE);
    assert_int_in_range(got.n / 2, SAMPLES, SAMPLES + 5 * 576);
    double error = error_of((const int16_t *)got.p, got.n / 2, &delay);
    assert_true(error < 400); /* of 5700 */
}

/* Tags in front, as music shops write them. */
static void test_tags(void **)
{
    const struct str files[] = {buf_str(&flac), buf_str(&mp3)};
    for (size_t i = 0; i < countof(files); i++) {
        autobuf tagged = BUF(ROOM), plain = BUF(ROOM), got = BUF(ROOM);
        uint32_t rate;
        assert_ok(buf_add(&tagged, S("ID3\4\0\0\0\0\0\5title"
                                     "ID3\3\0\0\0\0\0\0")));
        assert_ok(buf_add(&tagged, files[i]));
        assert_ok(decode(files[i], &plain, &rate));
        assert_ok(decode(buf_str(&tagged), &got, &rate));
        assert_true(str_eq(buf_str(&plain), buf_str(&got)));
    }
}

/* A file may end anywhere: what was there is heard, no more than with all of it. */
static void test_cut(void **)
{
    const struct str files[] = {buf_str(&flac), buf_str(&mp3)};
    for (size_t i = 0; i < countof(files); i++) {
        size_t before = 0;
        for (size_t n = 1000; n <= files[i].n; n += 997) {
            autobuf got = BUF(ROOM);
            uint32_t rate;
            assert_ok(decode(str_sub(files[i], 0, n), &got, &rate));
            assert_true(got.n >= before);
            before = got.n;
        }
        assert_true(before > sizeof tone * 8 / 10);
    }
}

static void test_steps(void **)
{
    struct flac_in *f;
    struct mp3_in *m;
    autobuf got = BUF(ROOM);
    assert_ok(flac_in_create(buf_str(&flac), false, &f));
    assert_int_equal(flac_in_rate(f), 0);
    while (!flac_in_ended(f)) {
        size_t before = got.n;
        assert_ok(flac_in_read(f, &got));
        assert_true(got.n - before <= 960 * sizeof(int16_t)); /* a frame of 40 ms */
    }
    flac_in_destroy(f);
    assert_ok(mp3_in_create(buf_str(&mp3), &m));
    assert_int_equal(mp3_in_rate(m), 0);
    while (!mp3_in_ended(m)) {
        size_t before = got.n;
        assert_ok(mp3_in_read(m, &got));
        assert_true((got.n - before) / 2 <= MP3_IN_STEP_SAMPLES);
    }
    mp3_in_destroy(m);
    flac_in_destroy(nullptr);
    mp3_in_destroy(nullptr);
}

static void test_no_room(void **)
{
    const struct str files[] = {buf_str(&flac), buf_str(&mp3)};
    for (size_t i = 0; i < countof(files); i++) {
        autobuf little = BUF(20000);
        uint32_t rate;
        assert_err(decode(files[i], &little, &rate), ERR_TOOBIG);
    }
}

/* Bytes that look like frames and are none, as many as an upload may have: only the first of them are there to be read. */
static void test_noise(void **)
{
    enum { ALL = 64 << 20, THERE = 2 << 20 };
    const struct {
        struct str begin, noise;
        const char *errmsg;
    } rows[] = {
        {str_sub(buf_str(&flac), 0, 2000), S("\xff\xf8"), "the FLAC file's sound is damaged"},
        /* Good heads, but none where the frame of another one ends. */
        {str_sub(buf_str(&mp3), 0, 2000), S("\xff\xfb\x10\xc4\0"),
         "the MP3 file's sound is damaged"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char *file = mmap(nullptr, ALL, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(file != MAP_FAILED);
        assert_int_equal(mprotect(file, THERE, PROT_READ | PROT_WRITE), 0);
        memcpy(file, rows[i].begin.p, rows[i].begin.n);
        for (size_t at = rows[i].begin.n; at + rows[i].noise.n <= THERE; at += rows[i].noise.n)
            memcpy(file + at, rows[i].noise.p, rows[i].noise.n);
        struct recording *r;
        autobuf got = BUF(ROOM);
        assert_ok(recording_create((struct str){file, ALL}, &r));
        enum err err = OK;
        while (err == OK && !recording_ended(r))
            err = recording_read(r, STEP, &got);
        assert_err(err, ERR_MEDIA);
        assert_str(str_of(recording_errmsg(r)), rows[i].errmsg);
        recording_destroy(r);
        assert_int_equal(munmap(file, ALL), 0);
    }
}

static enum err decode_some(void *arg)
{
    autobuf got = BUF(ROOM);
    uint32_t rate;
    return decode(str_sub(*(struct str *)arg, 0, 6000), &got, &rate);
}

/* libmpg123 leaks what it had when some of it cannot be had, which the end of the process mends: of MP3 only the first. */
static void test_memory(void **)
{
    struct str files[] = {buf_str(&flac), buf_str(&mp3)};
    struct mp3_in *m;
    assert_true(torture(decode_some, &files[0]) > 3);
    for (unsigned n = 0; n < 2; n++) {
        alloc_fault_arm(n);
        enum err err = mp3_in_create(files[1], &m);
        assert_true(alloc_fault_disarm());
        assert_err(err, ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flac),  cmocka_unit_test(test_mp3),    cmocka_unit_test(test_tags),
        cmocka_unit_test(test_cut),   cmocka_unit_test(test_steps),  cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_noise), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
