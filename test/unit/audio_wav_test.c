// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "audio/g711.h"
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
        {1, 16, 1, 0, false, UINT32_MAX}, {1, 16, 8, 1, false, 1},
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
        cmocka_unit_test(test_hostile_files),
        cmocka_unit_test(test_header_is_read_back),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
