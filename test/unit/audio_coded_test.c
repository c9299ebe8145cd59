// SPDX-License-Identifier: Apache-2.0
/* MP3 and FLAC, out: frames by their own heads, whatever the pieces. Players read them in test/api/speech.test.js. */
#include <math.h>

#include "alloc_fault.h"
#include "audio/flac_out.h"
#include "audio/mp3_out.h"
#include "unit.h"

enum { ROOM = 1 << 20, RATE = 24000, SAMPLES = 5 * RATE / 2 };

static int16_t tone[SAMPLES];

static int make_tone(void **)
{
    for (size_t i = 0; i < SAMPLES; i++)
        tone[i] = (int16_t)lround(8000 * sin(2 * 3.14159265358979 * 440 * (double)i / RATE));
    return 0;
}

struct codec {
    enum err (*create)(uint32_t rate_hz, void **ret);
    void (*destroy)(void *o);
    enum err (*run)(void *o, const int16_t *samples, size_t count, struct buf *into);
    enum err (*end)(void *o, struct buf *into);
};

static enum err mp3_create(uint32_t rate_hz, void **ret)
{
    struct mp3_out *o;
    try(mp3_out_create(rate_hz, &o));
    *ret = o;
    return OK;
}
static void mp3_destroy(void *o)
{
    mp3_out_destroy(o);
}
static enum err mp3_run(void *o, const int16_t *samples, size_t count, struct buf *into)
{
    return mp3_out_run(o, samples, count, into);
}
static enum err mp3_end(void *o, struct buf *into)
{
    return mp3_out_end(o, into);
}
static const struct codec mp3 = {mp3_create, mp3_destroy, mp3_run, mp3_end};

static enum err flac_create(uint32_t rate_hz, void **ret)
{
    struct flac_out *o;
    try(flac_out_create(rate_hz, &o));
    *ret = o;
    return OK;
}
static void flac_destroy(void *o)
{
    flac_out_destroy(o);
}
static enum err flac_run(void *o, const int16_t *samples, size_t count, struct buf *into)
{
    return flac_out_run(o, samples, count, into);
}
static enum err flac_end(void *o, struct buf *into)
{
    return flac_out_end(o, into);
}
static const struct codec flac = {flac_create, flac_destroy, flac_run, flac_end};

static enum err code(const struct codec *c, size_t count, size_t piece, struct buf *into)
{
    void *o = nullptr;
    try(c->create(RATE, &o));
    enum err err = OK;
    for (size_t at = 0; err == OK && at < count; at += piece)
        err = c->run(o, tone + at, count - at < piece ? count - at : piece, into);
    if (err == OK)
        err = c->end(o, into);
    c->destroy(o);
    return err;
}

static void assert_pieces_do_not_matter(const struct codec *c)
{
    static const size_t pieces[] = {1, 479, 576, 1025, 30000};
    autobuf whole = BUF(ROOM);
    assert_ok(code(c, SAMPLES, SAMPLES, &whole));
    for (size_t i = 0; i < countof(pieces); i++) {
        autobuf again = BUF(ROOM);
        assert_ok(code(c, SAMPLES, pieces[i], &again));
        assert_true(str_eq(buf_str(&whole), buf_str(&again)));
    }
}

/* Some leave before the end, or sound would wait for it. */
static void assert_leaves_early(const struct codec *c, size_t at_most)
{
    void *o = nullptr;
    size_t fed = 0;
    autobuf out = BUF(ROOM);
    assert_ok(c->create(RATE, &o));
    assert_ok(c->run(o, tone, 1, &out));
    size_t heads = out.n;
    for (; out.n == heads && fed < SAMPLES; fed += 240)
        assert_ok(c->run(o, tone + fed, 240, &out));
    assert_true(fed <= at_most);
    c->destroy(o); /* in the middle */
}

/* A frame of 64 kbit/s at 24 kHz has 576 samples and 192 bytes (ISO/IEC 13818-3). */
static void test_mp3_frames(void **)
{
    enum { FRAME = 576, BYTES = 64000 / 8 * FRAME / RATE };
    autobuf out = BUF(ROOM);
    assert_ok(code(&mp3, SAMPLES, SAMPLES, &out));
    assert_int_equal(out.n % BYTES, 0);
    assert_true(out.n / BYTES * FRAME >= SAMPLES && out.n / BYTES * FRAME <= SAMPLES + 5 * FRAME);
    for (size_t at = 0; at < out.n; at += BYTES) {
        const uint8_t *head = (const uint8_t *)out.p + at;
        assert_int_equal(head[0], 0xff);
        assert_int_equal(head[1] & 0xfe, 0xf2); /* MPEG-2, layer III */
        assert_int_equal(head[2] & 0xfc, 0x84); /* 64 kbit/s, 24 kHz */
        assert_int_equal(head[3] >> 6, 3);      /* mono */
    }
}

/* RFC 9639, 8.2: the length and the checksum are not known. */
static void test_flac_head(void **)
{
    autobuf out = BUF(ROOM);
    assert_ok(code(&flac, SAMPLES, SAMPLES, &out));
    const uint8_t *p = (const uint8_t *)out.p;
    assert_memory_equal(p, "fLaC", 4);
    assert_int_equal(p[4] & 0x7f, 0); /* STREAMINFO */
    assert_int_equal(p[18] << 12 | p[19] << 4 | p[20] >> 4, RATE);
    for (size_t i = 22; i < 42; i++)
        assert_int_equal(p[i], 0);
    assert_true(out.n < sizeof tone / 2);
}

static void test_pieces(void **)
{
    assert_pieces_do_not_matter(&mp3);
    assert_pieces_do_not_matter(&flac);
}

static void test_early(void **)
{
    assert_leaves_early(&mp3, 4 * 576);
    assert_leaves_early(&flac, 2 * 960);
}

static void test_rates(void **)
{
    static const uint32_t rates[] = {0,     7999,  8000,  11025, 12000, 16000, 22050,
                                     22051, 24000, 32000, 44100, 48000, 48001};
    for (size_t i = 0; i < countof(rates); i++) {
        void *o = nullptr;
        bool ok = rates[i] >= 8000 && rates[i] <= 48000;
        assert_int_equal(flac.create(rates[i], &o), ok ? OK : ERR_INVALID);
        if (ok)
            flac.destroy(o);
        ok = ok && rates[i] != 22051;
        assert_int_equal(mp3.create(rates[i], &o), ok ? OK : ERR_INVALID);
        if (ok)
            mp3.destroy(o);
    }
    mp3.destroy(nullptr);
    flac.destroy(nullptr);
}

static void test_no_sound(void **)
{
    autobuf out = BUF(ROOM);
    assert_ok(code(&flac, 0, 1, &out));
    assert_true(str_starts(buf_str(&out), S("fLaC")));
    buf_clear(&out);
    assert_ok(code(&mp3, 0, 1, &out)); /* a frame or two of silence, or nothing */
}

/* The room of who takes it, once it is used up. */
static void test_no_room(void **)
{
    autobuf little = BUF(8000);
    assert_err(code(&mp3, SAMPLES, SAMPLES, &little), ERR_TOOBIG);
    buf_clear(&little);
    assert_err(code(&flac, SAMPLES, SAMPLES, &little), ERR_TOOBIG);
}

/* Whatever cannot be had: it says so, or codes the same. */
static void assert_survives(const struct codec *c)
{
    autobuf whole = BUF(ROOM);
    assert_ok(code(c, 3000, 500, &whole));
    for (unsigned n = 0;; n++) {
        autobuf again = BUF(ROOM);
        alloc_fault_arm(n);
        enum err err = code(c, 3000, 500, &again);
        bool failed = alloc_fault_disarm();
        if (err == OK)
            assert_true(str_eq(buf_str(&whole), buf_str(&again)));
        else
            assert_err(err, ERR_NOMEM);
        if (!failed)
            break;
    }
}

/* LAME does not: of mp3 only what is ours. */
static void test_memory(void **)
{
    assert_survives(&flac);
    void *o = nullptr;
    for (unsigned n = 0; n < 2; n++) {
        alloc_fault_arm(n);
        enum err err = mp3_create(RATE, &o);
        assert_true(alloc_fault_disarm());
        assert_err(err, ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mp3_frames), cmocka_unit_test(test_flac_head),
        cmocka_unit_test(test_pieces),     cmocka_unit_test(test_early),
        cmocka_unit_test(test_rates),      cmocka_unit_test(test_no_sound),
        cmocka_unit_test(test_no_room),    cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, make_tone, nullptr);
}
