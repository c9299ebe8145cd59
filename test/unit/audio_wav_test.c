// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "alloc_fault.h"
#include "audio/g711.h"
#include "audio/resample.h"
#include "audio/wav.h"

#include "unit.h"

/* A WAV file of the given coding, holding `n` frames whose channels all carry ramp(i). */
static int16_t ramp(size_t i)
{
    return (int16_t)((int)(i * 517 % 60000) - 30000);
}

static void put(struct buf *b, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        assert_ok(buf_add_byte(b, (char)(value >> 8 * i)));
}

static void put_sample(struct buf *b, int16_t s, int tag, int bits)
{
    float f = (float)s / 32768.0f;
    double d = s / 32768.0;
    if (tag == 3 && bits == 32)
        assert_ok(buf_add(b, (struct str){(const char *)&f, 4}));
    else if (tag == 3)
        assert_ok(buf_add(b, (struct str){(const char *)&d, 8}));
    else if (bits == 8)
        put(b, (uint32_t)((s >> 8) + 128), 1);
    else
        put(b, (uint32_t)s << (bits - 16), bits / 8);
}

static void make(struct buf *b, int tag, int bits, int channels, bool extensible, size_t n,
                 uint32_t data_size)
{
    uint32_t frame = (uint32_t)(bits / 8 * channels);
    assert_ok(buf_add(b, S("RIFF\xff\xff\xff\xffWAVEjunk\x03\0\0\0abc\0fmt ")));
    put(b, extensible ? 40 : 16, 4);
    put(b, extensible ? 0xfffe : (uint32_t)tag, 2);
    put(b, (uint32_t)channels, 2);
    put(b, 16000, 4);
    put(b, 16000 * frame, 4);
    put(b, frame, 2);
    put(b, (uint32_t)bits, 2);
    if (extensible) {
        put(b, 22, 2);
        put(b, (uint32_t)bits, 2);
        put(b, 0, 4);
        put(b, (uint32_t)tag, 2);
        assert_ok(buf_add(b, S("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71")));
    }
    assert_ok(buf_add(b, S("data")));
    put(b, data_size == 1 ? (uint32_t)n * frame : data_size, 4);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++)
            put_sample(b, ramp(i), tag, bits);
}

static enum err decode(struct str file, size_t step, struct buf *samples, uint32_t *rate)
{
    struct wav_reader *r;
    assert_ok(wav_reader_create(&r));
    enum err err = OK;
    for (size_t at = 0; at < file.n && err == OK; at += step)
        err = wav_feed(r, str_sub(file, at, at + step), samples);
    if (err == OK)
        err = wav_end(r);
    if (err != OK)
        assert_true(wav_errmsg(r)[0] != 0);
    *rate = wav_rate(r);
    wav_reader_destroy(r);
    return err;
}

static void test_codings(void **)
{
    static const struct {
        int tag, bits, channels, error;
        bool extensible;
        uint32_t size;
    } rows[] = {
        {1, 16, 1, 0, false, 1},          {1, 16, 2, 0, false, 1}, {1, 8, 1, 256, false, 1},
        {1, 24, 1, 1, false, 1},          {1, 32, 3, 1, false, 1}, {3, 32, 1, 1, false, 1},
        {3, 64, 2, 1, false, 1},          {1, 16, 1, 0, true, 1},  {1, 16, 1, 0, false, 0},
        {1, 16, 1, 0, false, UINT32_MAX}, {1, 16, 8, 1, false, 1}, {1, 8, 2, 256, false, 1},
        {3, 64, 8, 1, true, 0x7ffff000},  {1, 24, 2, 1, true, 1},  {3, 32, 1, 1, true, 1},
    };
    static const size_t steps[] = {1, 3, 7, 1000000};
    for (size_t i = 0; i < countof(rows); i++)
        for (size_t s = 0; s < countof(steps); s++) {
            autobuf file = BUF(1 << 20), samples = BUF(1 << 20);
            uint32_t rate;
            make(&file, rows[i].tag, rows[i].bits, rows[i].channels, rows[i].extensible, 500,
                 rows[i].size);
            assert_ok(decode(buf_str(&file), steps[s], &samples, &rate));
            assert_int_equal(rate, 16000);
            assert_int_equal(samples.n, 1000);
            for (size_t k = 0; k < 500; k++) {
                int16_t got;
                memcpy(&got, samples.p + 2 * k, 2);
                assert_true(abs(got - ramp(k)) <= rows[i].error);
            }
        }
}

/* One file of `n` bytes of sound behind a header that says what it likes. */
static void make_raw(struct buf *b, int tag, int bits, int channels, uint32_t rate, uint32_t size,
                     struct str sound)
{
    make(b, tag, bits, channels, false, 0, size);
    for (int i = 0; i < 4; i++)
        b->p[b->n - 20 + (size_t)i] = (char)(rate >> 8 * i);
    assert_ok(buf_add(b, sound));
}

static void test_every_telephone_code(void **)
{
    char codes[256];
    for (int i = 0; i < 256; i++)
        codes[i] = (char)i;
    for (int tag = 6; tag <= 7; tag++) {
        autobuf file = BUF(1 << 16), samples = BUF(1 << 16);
        uint32_t rate;
        make_raw(&file, tag, 8, 1, 8000, 256, (struct str){codes, 256});
        assert_ok(decode(buf_str(&file), 11, &samples, &rate));
        assert_int_equal(rate, 8000);
        assert_int_equal(samples.n, 512);
        for (int i = 0; i < 256; i++) {
            int16_t got;
            memcpy(&got, samples.p + (size_t)i * 2, 2);
            assert_int_equal(got, tag == 6 ? g711_alaw((uint8_t)i) : g711_mulaw((uint8_t)i));
        }
    }
}

static void test_telephone_codings(void **)
{
    /* Values of the standard's tables. */
    assert_int_equal(g711_mulaw(0x00), -32124);
    assert_int_equal(g711_mulaw(0xff), 0);
    assert_int_equal(g711_mulaw(0x80), 32124);
    assert_int_equal(g711_alaw(0x2a), -32256);
    assert_int_equal(g711_alaw(0xaa), 32256);
    assert_int_equal(g711_alaw(0xd5), 8);
}

/* The byte that pads an odd chunk is no sound, nor is what follows. */
static void test_odd_chunks(void **)
{
    autobuf file = BUF(1 << 16), samples = BUF(1 << 16);
    uint32_t rate;
    make_raw(&file, 1, 8, 1, 16000, 3, S("\x80\x80\x80\0LIST\4\0\0\0abcd"));
    assert_ok(decode(buf_str(&file), 1, &samples, &rate));
    assert_int_equal(samples.n, 6);
    assert_memory_equal(samples.p, "\0\0\0\0\0\0", 6);
}

static void test_cut_short(void **)
{
    autobuf file = BUF(1 << 16), samples = BUF(1 << 16);
    uint32_t rate;
    make_raw(&file, 1, 16, 2, 16000, 1000, S("\1\0\1\0\2\0\2\0\3"));
    assert_ok(decode(buf_str(&file), 3, &samples, &rate));
    assert_int_equal(samples.n, 4);
    assert_memory_equal(samples.p, "\1\0\2\0", 4);
}

static void test_wild_floats(void **)
{
    static const struct {
        float f;
        int16_t want;
    } rows[] = {
        {NAN, 0},      {INFINITY, 32767}, {-INFINITY, -32768}, {1e38f, 32767},
        {1.0f, 32767}, {-1.0f, -32768},   {1e-40f, 0},         {-0.0f, 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf file = BUF(1 << 16), samples = BUF(1 << 16);
        uint32_t rate;
        int16_t got;
        make_raw(&file, 3, 32, 1, 48000, 4, (struct str){(const char *)&rows[i].f, 4});
        assert_ok(decode(buf_str(&file), 1, &samples, &rate));
        assert_int_equal(samples.n, 2);
        memcpy(&got, samples.p, 2);
        assert_int_equal(got, rows[i].want);
    }
}

static void test_rates(void **)
{
    static const struct {
        uint32_t rate;
        enum err want;
    } rows[] = {{0, ERR_MEDIA}, {7999, ERR_MEDIA},   {8000, OK},
                {192000, OK},   {192001, ERR_MEDIA}, {UINT32_MAX, ERR_MEDIA}};
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf file = BUF(1 << 16), samples = BUF(1 << 16);
        uint32_t rate;
        make_raw(&file, 1, 16, 1, rows[i].rate, 2, S("\1\0"));
        assert_err(decode(buf_str(&file), 9, &samples, &rate), rows[i].want);
    }
}

/* Chunks without end, before the sound, must not keep the reader busy for ever. */
static void test_many_chunks(void **)
{
    autobuf file = BUF(1 << 20), samples = BUF(1 << 16);
    uint32_t rate;
    assert_ok(buf_add(&file, S("RIFF\0\0\0\0WAVE")));
    for (int i = 0; i < 2000; i++)
        assert_ok(buf_add(&file, S("junk\0\0\0\0")));
    assert_err(decode(buf_str(&file), 100, &samples, &rate), ERR_MEDIA);
}

static void test_too_much(void **)
{
    struct wav_reader *r;
    autobuf file = BUF(1 << 16), samples = BUF(100);
    assert_ok(wav_reader_create(&r));
    make(&file, 1, 8, 1, false, 200, 1);
    assert_err(wav_feed(r, buf_str(&file), &samples), ERR_TOOBIG);
    assert_err(wav_feed(r, S("\0"), &samples), ERR_TOOBIG); /* errors stick */
    assert_err(wav_end(r), ERR_TOOBIG);
    wav_reader_destroy(r);
    wav_reader_destroy(nullptr);
}

/* As a caller reads and resamples a file. */
static enum err hear(void *arg)
{
    struct str file = *(struct str *)arg;
    struct wav_reader *r = nullptr;
    struct resample *to = nullptr;
    autobuf samples = BUF(1 << 20), out = BUF(1 << 20);
    enum err err = wav_reader_create(&r);
    for (size_t at = 0; at < file.n && err == OK; at += 100)
        err = wav_feed(r, str_sub(file, at, at + 100), &samples);
    if (err == OK)
        err = wav_end(r);
    if (err == OK)
        err = resample_create(wav_rate(r), 22050, &to);
    if (err == OK)
        err = resample_run(to, (const int16_t *)samples.p, samples.n / 2, &out);
    if (err == OK)
        err = resample_flush(to, &out);
    resample_destroy(to);
    wav_reader_destroy(r);
    return err;
}

static void test_without_memory(void **)
{
    autobuf file = BUF(1 << 16);
    make(&file, 1, 24, 2, false, 500, 1);
    struct str bytes = buf_str(&file);
    assert_true(torture(hear, &bytes) > 8);
}

static void test_hostile_files(void **)
{
    static const struct str files[] = {
        S(""),
        S("RIFF"),
        S("RIFX\0\0\0\0WAVE"),
        S("ID3\3\0\0\0\0\0\0\0\0\0"),
        S("RIFF\0\0\0\0WAVEdata\4\0\0\0abcd"),
        S("RIFF\0\0\0\0WAVEfmt \4\0\0\0abcd"),
        S("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\0\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"),
        S("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\xff\xff\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"),
        S("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\0\0\0\0\0\x7d\0\0\2\0\x10\0"),
        S("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x11\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x04\0"),
        S("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\3\0\x10\0"),
        S("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"),
    };
    for (size_t i = 0; i < countof(files); i++)
        for (size_t step = 1; step < 40; step += 13) {
            autobuf samples = BUF(1 << 16);
            uint32_t rate;
            assert_err(decode(files[i], step, &samples, &rate), ERR_MEDIA);
        }
}

static void test_header_is_read_back(void **)
{
    uint8_t header[WAV_HEADER_BYTES];
    autobuf file = BUF(1 << 16), samples = BUF(1 << 16);
    uint32_t rate;
    wav_header(header, 22050, 3);
    assert_ok(buf_add(&file, (struct str){(const char *)header, sizeof header}));
    assert_ok(buf_add(&file, S("\1\0\2\0\3\0LIST")));
    assert_ok(decode(buf_str(&file), 5, &samples, &rate));
    assert_int_equal(rate, 22050);
    assert_int_equal(samples.n, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_telephone_codings),
        cmocka_unit_test(test_every_telephone_code),
        cmocka_unit_test(test_odd_chunks),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_wild_floats),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_many_chunks),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_hostile_files),
        cmocka_unit_test(test_header_is_read_back),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
