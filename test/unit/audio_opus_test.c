// SPDX-License-Identifier: Apache-2.0
/* Opus packets and Ogg/Opus files, in both directions. */
#include <math.h>
#include <ogg/ogg.h>

#include "alloc_fault.h"
#include "audio/ogg_in.h"
#include "audio/ogg_out.h"
#include "audio/opus_in.h"
#include "audio/opus_out.h"
#include "audio/recording.h"
#include "webm_write.h"

#include "unit.h"

enum { ROOM = 1 << 20 };

static void put_tone(struct buf *into, uint32_t rate_hz, size_t samples)
{
    for (size_t i = 0; i < samples; i++) {
        int16_t s = (int16_t)lround(8000 * sin(2 * 3.14159265358979 * 440 * (double)i / rate_hz));
        assert_ok(buf_add(into, (struct str){(const char *)&s, sizeof s}));
    }
}

/* The loudness of 16 kHz sound at 440 Hz, relative to the tone that went in. */
static double tone_level(struct str sound)
{
    double re = 0, im = 0;
    size_t n = 0;
    const int16_t *s = (const int16_t *)sound.p;
    for (size_t i = 400; i + 400 < sound.n / 2; i++, n++) {
        re += s[i] * cos(2 * 3.14159265358979 * 440 * (double)i / 16000);
        im += s[i] * sin(2 * 3.14159265358979 * 440 * (double)i / 16000);
    }
    return 2 * sqrt(re * re + im * im) / (double)n / 8000;
}

static void test_every_rate_and_back(void **)
{
    static const uint32_t rates[] = {8000, 12000, 16000, 24000, 48000};
    for (size_t r = 0; r < countof(rates); r++) {
        struct opus_out *out;
        struct opus_in *in;
        autobuf tone = BUF(ROOM), sound = BUF(ROOM);
        put_tone(&tone, rates[r], rates[r] / 2);
        assert_ok(opus_out_create(rates[r], &out));
        assert_ok(opus_in_create(&in));
        uint32_t frame = opus_out_frame_samples(out), frames = 0;
        assert_int_equal(frame, rates[r] / 50);
        assert_int_in_range(opus_out_delay(out), 100, 960);
        size_t bytes = 0;
        for (size_t at = 0; at + frame * 2 <= tone.n; at += (size_t)frame * 2, frames++) {
            uint8_t packet[OPUS_OUT_PACKET_MAX];
            size_t n;
            assert_ok(opus_out_frame(out, (const int16_t *)(tone.p + at), packet, &n));
            assert_ok(opus_in_packet(in, (struct str){(const char *)packet, n}, &sound));
            bytes += n;
        }
        assert_int_equal(frames, 25);
        assert_int_equal(sound.n / 2, 8000);
        assert_true(tone_level(buf_str(&sound)) > 0.8 && tone_level(buf_str(&sound)) < 1.2);
        assert_true(bytes < 4000); /* half a second at 64 kbit/s; it is told to use 24 */
        opus_out_destroy(out);
        opus_in_destroy(in);
    }
    struct opus_out *none = nullptr;
    static const uint32_t wrong[] = {0, 7999, 11025, 22050, 32000, 44100, 96000, UINT32_MAX};
    for (size_t i = 0; i < countof(wrong); i++) {
        assert_false(opus_out_has_rate(wrong[i]));
        assert_err(opus_out_create(wrong[i], &none), ERR_INVALID);
    }
}

static void test_packets(void **)
{
    static const struct {
        struct str packet;
        int samples; /* at 16 kHz; -1: refused */
    } rows[] = {
        {S(""), -1},
        {S("\x48"), 320},             /* SILK, 20 ms, nothing in it */
        {S("\x58"), 960},             /* 60 ms */
        {S("\xe0"), 40},              /* CELT, 2.5 ms */
        {S("\x4b\x02"), 640},         /* two frames without bytes */
        {S("\x5b\x02"), 1920},        /* 120 ms, the most there is */
        {S("\x5b\x03"), -1},          /* 180 ms */
        {S("\x4b\x00"), -1},          /* no frame */
        {S("\x4b\x07"), -1},          /* 140 ms */
        {S("\x4b"), -1},              /* the number of frames is missing */
        {S("\x49\x01"), -1},          /* two frames of the same length in one byte */
        {S("\x4a"), -1},              /* the first frame's length is missing */
        {S("\x4a\x05\x01"), -1},      /* it is longer than the packet */
        {S("\x4a\xfc"), -1},          /* half a length */
        {S("\x4b\x82\xff\x01"), -1},  /* lengths that overrun */
        {S("\x4b\x41\xff\xff"), -1},  /* padding that overruns */
        {S("\x4b\x41\x01\x00"), 320}, /* padding */
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct opus_in *o;
        autobuf sound = BUF(ROOM);
        assert_ok(opus_in_create(&o));
        print_message("# row %zu\n", i);
        assert_err(opus_in_packet(o, rows[i].packet, &sound), rows[i].samples < 0 ? ERR_MEDIA : OK);
        assert_int_equal(sound.n / 2, rows[i].samples < 0 ? 0 : rows[i].samples);
        opus_in_destroy(o);
    }
    struct opus_in *o;
    autobuf huge = BUF(ROOM), sound = BUF(ROOM);
    assert_ok(opus_in_create(&o));
    for (int i = 0; i <= OPUS_PACKET_MAX; i++)
        assert_ok(buf_add_byte(&huge, 0x48));
    assert_err(opus_in_packet(o, buf_str(&huge), &sound), ERR_MEDIA);
    opus_in_destroy(o);
}

static void test_head(void **)
{
    autobuf packets = BUF(ROOM);
    tone_packets(&packets, 200);
    static const struct {
        uint16_t skip;
        int16_t gain_q8;
        size_t samples;
        double level;
    } rows[] = {{0, 0, 3200, 1},
                {312, 0, 3096, 1},
                {960, -6 * 256, 2880, 0.5},
                {0, 3 * 256, 3200, 1.41},
                {65535, 0, 0, 0}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct opus_in *o;
        autobuf head = BUF(64), sound = BUF(ROOM);
        assert_ok(opus_in_create(&o));
        opus_put_head(&head, 1, rows[i].skip, rows[i].gain_q8);
        assert_ok(opus_in_head(o, buf_str(&head)));
        struct str rest = buf_str(&packets), packet;
        while (packet_next(&rest, &packet))
            assert_ok(opus_in_packet(o, packet, &sound));
        assert_int_equal(sound.n / 2, rows[i].samples);
        if (rows[i].samples > 0)
            assert_true(fabs(tone_level(buf_str(&sound)) / rows[i].level - 1) < 0.2);
        opus_in_destroy(o);
    }
}

/* --- Ogg --- */

static enum err decode(struct str file, size_t step, struct buf *sound, const char *sentence)
{
    struct ogg_in *o;
    assert_ok(ogg_in_create(&o));
    enum err err = OK;
    for (size_t at = 0; at < file.n && err == OK; at += step)
        err = ogg_in_feed(o, str_sub(file, at, at + step), sound);
    enum err end = ogg_in_end(o);
    assert_true(err == OK || err == end);
    assert_string_equal(ogg_in_errmsg(o), sentence);
    ogg_in_destroy(o);
    return end;
}

/* 400 ms and a bit at 24 kHz, as repartee-tts writes it: a page every `per_page` packets. */
static void write_ogg(struct buf *file, unsigned per_page, uint64_t samples)
{
    enum { RATE = 24000 };
    struct opus_out *out;
    struct ogg_out *ogg;
    autobuf tone = BUF(ROOM);
    uint8_t packet[OPUS_OUT_PACKET_MAX];
    size_t n;
    assert_ok(opus_out_create(RATE, &out));
    assert_ok(ogg_out_create(RATE, opus_out_delay(out), 7, &ogg));
    assert_ok(ogg_out_begin(ogg, file));
    put_tone(&tone, RATE, samples + 2 * 480);
    for (size_t at = 0, i = 1; at / 2 < samples; at += 960, i++) {
        assert_ok(opus_out_frame(out, (const int16_t *)(tone.p + at), packet, &n));
        assert_ok(ogg_out_packet(ogg, (struct str){(const char *)packet, n}, OPUS_OUT_FRAME_MS));
        if (i % per_page == 0)
            assert_ok(ogg_out_page(ogg, file));
    }
    assert_ok(opus_out_frame(out, (const int16_t *)tone.p, packet, &n));
    assert_ok(ogg_out_end(ogg, (struct str){(const char *)packet, n}, samples, file));
    ogg_out_destroy(ogg);
    opus_out_destroy(out);
}

static void test_ogg_and_back(void **)
{
    static const size_t steps[] = {1, 5, 100, ROOM};
    static const unsigned per_page[] = {1, 4, 300};
    for (size_t p = 0; p < countof(per_page); p++)
        for (size_t s = 0; s < countof(steps); s++) {
            autobuf file = BUF(ROOM), sound = BUF(ROOM);
            write_ogg(&file, per_page[p], 9600);
            assert_ok(decode(buf_str(&file), steps[s], &sound, ""));
            /* The end is exact where the last page does not also hold the beginning. */
            assert_int_in_range(sound.n / 2, 9600 * 2 / 3 - 1, 9600 * 2 / 3 + (p == 2 ? 640 : 1));
            assert_true(tone_level(buf_str(&sound)) > 0.8);
        }
}

/* A page with one packet (or none) and a right checksum. */
static void put_page(struct buf *into, int flags, int serial, int number, ogg_int64_t granule,
                     struct str packet)
{
    unsigned char header[27 + 255] = "OggS";
    header[5] = (unsigned char)flags;
    for (int i = 0; i < 8; i++)
        header[6 + i] = (unsigned char)((uint64_t)granule >> 8 * i);
    header[14] = (unsigned char)serial;
    header[18] = (unsigned char)number;
    size_t segments = packet.n / 255 + 1;
    header[26] = (unsigned char)segments;
    for (size_t i = 0; i < segments; i++)
        header[27 + i] = (unsigned char)(i + 1 < segments ? 255 : packet.n % 255);
    ogg_page page = {.header = header,
                     .header_len = (long)(27 + segments),
                     .body = (unsigned char *)packet.p,
                     .body_len = (long)packet.n};
    ogg_page_checksum_set(&page);
    assert_ok(buf_add(into, (struct str){(const char *)header, 27 + segments}));
    assert_ok(buf_add(into, packet));
}

#define HEAD "OpusHead\1\1\0\0\x80\x3e\0\0\0\0\0"
#define TAGS "OpusTags\0\0\0\0\0\0\0\0"
#define SILENCE "\x48" /* 20 ms */
#define FOREIGN "this is not an Ogg file"
#define NO_OPUS "the Ogg file holds no Opus sound"
#define VORBIS "the Ogg file holds Vorbis, which is not read here; send Ogg/Opus, FLAC or MP3"
#define BAD_HEAD "the Ogg file's head is damaged, or has more than two channels"
#define BAD_SOUND "the Ogg file's sound is damaged"
#define CUT "the Ogg file ends before its sound begins"

enum { FIRST = 2, LAST = 4 };
static const struct {
    const char *name;
    struct {
        int flags, serial;
        ogg_int64_t granule;
        struct str packet;
    } page[6]; /* up to the first with serial 0 */
    struct str behind;
    int samples;
    const char *sentence;
} files[] = {
    {"plain",
     {{FIRST, 1, 0, S(HEAD)}, {0, 1, 0, S(TAGS)}, {LAST, 1, 960, S(SILENCE)}},
     S(""),
     320,
     ""},
    {"cut tail",
     {{FIRST, 1, 0, S(HEAD)},
      {0, 1, 0, S(TAGS)},
      {0, 1, 960, S(SILENCE)},
      {LAST, 1, 1200, S(SILENCE)}},
     S(""),
     400,
     ""},
    {"tail says more",
     {{FIRST, 1, 0, S(HEAD)},
      {0, 1, 0, S(TAGS)},
      {0, 1, 960, S(SILENCE)},
      {LAST, 1, 99999, S(SILENCE)}},
     S(""),
     640,
     ""},
    {"tail runs back",
     {{FIRST, 1, 0, S(HEAD)},
      {0, 1, 0, S(TAGS)},
      {0, 1, 960, S(SILENCE)},
      {LAST, 1, 3, S(SILENCE)}},
     S(""),
     640,
     ""},
    {"tail unknown",
     {{FIRST, 1, 0, S(HEAD)},
      {0, 1, 0, S(TAGS)},
      {0, 1, -1, S(SILENCE)},
      {LAST, 1, -1, S(SILENCE)}},
     S(""),
     640,
     ""},
    {"granule far out",
     {{FIRST, 1, 0, S(HEAD)},
      {0, 1, 0, S(TAGS)},
      {0, 1, INT64_MIN, S(SILENCE)},
      {LAST, 1, INT64_MAX, S(SILENCE)}},
     S(""),
     640,
     ""},
    {"what follows",
     {{FIRST, 1, 0, S(HEAD)},
      {0, 1, 0, S(TAGS)},
      {LAST, 1, 960, S(SILENCE)},
      {FIRST, 2, 0, S("x")}},
     S("junk"),
     320,
     ""},
    {"beside another stream",
     {{FIRST, 2, 0, S("\x80theora")},
      {FIRST, 1, 0, S(HEAD)},
      {0, 2, 0, S("x")},
      {0, 1, 0, S(TAGS)},
      {0, 2, 0, S("y")},
      {LAST, 1, 960, S(SILENCE)}},
     S(""),
     320,
     ""},
    {"no end",
     {{FIRST, 1, 0, S(HEAD)}, {0, 1, 0, S(TAGS)}, {0, 1, 960, S(SILENCE)}},
     S("OggS\0\0"),
     320,
     ""},
    {"junk between",
     {{FIRST, 1, 0, S(HEAD)}, {0, 1, 0, S(TAGS)}, {0, 1, 960, S(SILENCE)}},
     S("0123456789"),
     320,
     ""},
    {"no sound", {{FIRST, 1, 0, S(HEAD)}, {0, 1, 0, S(TAGS)}}, S(""), 0, ""},
    {"nothing", {}, S(""), 0, FOREIGN},
    {"text", {}, S("no sound at all"), 0, FOREIGN},
    {"half a magic", {}, S("Og"), 0, FOREIGN},
    {"only a magic", {}, S("OggS"), 0, CUT},
    {"head alone", {{FIRST, 1, 0, S(HEAD)}}, S(""), 0, CUT},
    {"not a first page", {{0, 1, 0, S(HEAD)}}, S(""), 0, NO_OPUS},
    {"Vorbis", {{FIRST, 1, 0, S("\1vorbis")}, {0, 1, 0, S("\3vorbis")}}, S(""), 0, VORBIS},
    {"empty first packet", {{FIRST, 1, 0, S("")}, {0, 1, 0, S("x")}}, S(""), 0, NO_OPUS},
    {"short head", {{FIRST, 1, 0, S("OpusHead\1\1")}}, S(""), 0, BAD_HEAD},
    {"no channels", {{FIRST, 1, 0, S("OpusHead\1\0\0\0\x80\x3e\0\0\0\0\0")}}, S(""), 0, BAD_HEAD},
    {"many channels",
     {{FIRST, 1, 0, S("OpusHead\1\6\0\0\x80\x3e\0\0\0\0\1\4\2\0\4\1\2\3\5")}},
     S(""),
     0,
     BAD_HEAD},
    {"a version to come",
     {{FIRST, 1, 0, S("OpusHead\x10\1\0\0\x80\x3e\0\0\0\0\0")}},
     S(""),
     0,
     BAD_HEAD},
    {"no tags", {{FIRST, 1, 0, S(HEAD)}, {0, 1, 0, S(SILENCE)}}, S(""), 0, BAD_HEAD},
    {"bad packet",
     {{FIRST, 1, 0, S(HEAD)}, {0, 1, 0, S(TAGS)}, {0, 1, 960, S("\x4b")}},
     S(""),
     0,
     BAD_SOUND},
    {"empty packet",
     {{FIRST, 1, 0, S(HEAD)}, {0, 1, 0, S(TAGS)}, {0, 1, 960, S("")}},
     S(""),
     0,
     BAD_SOUND},
};

static void test_ogg_files(void **)
{
    for (size_t i = 0; i < countof(files); i++)
        for (size_t step = 1; step < 200; step += 66) {
            autobuf file = BUF(ROOM), sound = BUF(ROOM);
            int numbers[3] = {};
            for (size_t p = 0; p < countof(files[i].page) && files[i].page[p].serial > 0; p++) {
                int serial = files[i].page[p].serial;
                put_page(&file, files[i].page[p].flags, serial, numbers[serial]++,
                         files[i].page[p].granule, files[i].page[p].packet);
            }
            assert_ok(buf_add(&file, files[i].behind));
            print_message("# %s\n", files[i].name);
            assert_err(decode(buf_str(&file), step, &sound, files[i].sentence),
                       files[i].sentence[0] ? ERR_MEDIA : OK);
            assert_int_equal(sound.n / 2, files[i].samples);
        }
}

/* Whatever single byte is wrong: a page is missing, or the file is refused, and nothing more. */
static void test_ogg_with_a_byte_changed(void **)
{
    autobuf file = BUF(ROOM);
    write_ogg(&file, 2, 4800);
    for (size_t at = 0; at < file.n; at += 3) {
        autobuf sound = BUF(ROOM);
        struct ogg_in *o;
        file.p[at] = (char)(file.p[at] ^ 0x10);
        assert_ok(ogg_in_create(&o));
        enum err err = ogg_in_feed(o, buf_str(&file), &sound);
        if (err == OK)
            err = ogg_in_end(o);
        assert_true(err == OK || err == ERR_MEDIA);
        assert_true(sound.n / 2 <= 3200 + 640);
        ogg_in_destroy(o);
        file.p[at] = (char)(file.p[at] ^ 0x10);
    }
}

/* --- any recording --- */

static void test_kind_by_content(void **)
{
    autobuf ogg = BUF(ROOM), webm = BUF(ROOM), packets = BUF(ROOM);
    tone_packets(&packets, 200);
    webm_put_file(&webm, buf_str(&packets), 3);
    write_ogg(&ogg, 2, 4800);
    const struct {
        struct str file;
        enum err want;
        uint32_t rate;
        size_t samples;
    } rows[] = {
        {buf_str(&webm), OK, 16000, 3096},
        {buf_str(&ogg), OK, 16000, 3200},
        {S("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\2\0\0\0\1\0"),
         OK, 8000, 1},
        {S("fLaC\0\0\0\x22"), ERR_MEDIA, 0, 0},
        {S("ID3\4"), ERR_MEDIA, 0, 0},
        {S("RI"), ERR_MEDIA, 0, 0},
        {S(""), ERR_MEDIA, 0, 0},
        {S("RIFFxxxxAVI "), ERR_MEDIA, 0, 0},
    };
    for (size_t i = 0; i < countof(rows); i++)
        for (size_t step = 1; step < 8; step += 3) {
            struct recording *r;
            autobuf sound = BUF(ROOM);
            assert_ok(recording_create(rows[i].file, &r));
            enum err err;
            do
                err = recording_read(r, step, &sound);
            while (err == OK && !recording_ended(r));
            assert_err(err, rows[i].want);
            assert_true((recording_errmsg(r)[0] != 0) == (err != OK));
            assert_int_equal(recording_rate(r), rows[i].rate);
            assert_int_in_range(sound.n / 2, rows[i].samples,
                                rows[i].samples + (rows[i].samples > 0));
            recording_destroy(r);
        }
    recording_destroy(nullptr);
}

static enum err hear(void *arg)
{
    struct str file = *(struct str *)arg;
    struct recording *r = nullptr;
    autobuf sound = BUF(ROOM);
    enum err err = recording_create(file, &r);
    while (err == OK && !recording_ended(r))
        err = recording_read(r, 100, &sound);
    recording_destroy(r);
    return err;
}

static enum err speak(void *)
{
    static const int16_t silence[480];
    struct opus_out *out = nullptr;
    struct ogg_out *ogg = nullptr;
    uint8_t packet[OPUS_OUT_PACKET_MAX];
    size_t n = 0;
    autobuf file = BUF(ROOM);
    enum err err = opus_out_create(24000, &out);
    if (err == OK)
        err = ogg_out_create(24000, opus_out_delay(out), 1, &ogg);
    if (err == OK)
        err = ogg_out_begin(ogg, &file);
    for (int i = 0; i < 300 && err == OK; i++) {
        err = opus_out_frame(out, silence, packet, &n);
        if (err == OK)
            err = ogg_out_packet(ogg, (struct str){(const char *)packet, n}, OPUS_OUT_FRAME_MS);
    }
    if (err == OK)
        err = ogg_out_end(ogg, (struct str){(const char *)packet, n}, 300 * 480ull, &file);
    opus_out_destroy(out);
    ogg_out_destroy(ogg);
    return err;
}

static void test_without_memory(void **)
{
    assert_true(torture(speak, nullptr) > 6);
    autobuf ogg = BUF(ROOM), webm = BUF(ROOM), packets = BUF(ROOM);
    tone_packets(&packets, 100);
    webm_put_file(&webm, buf_str(&packets), 2);
    write_ogg(&ogg, 4, 2400);
    struct str bytes = buf_str(&webm);
    assert_true(torture(hear, &bytes) > 4);
    bytes = buf_str(&ogg);
    assert_true(torture(hear, &bytes) > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rate_and_back),
        cmocka_unit_test(test_packets),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_ogg_and_back),
        cmocka_unit_test(test_ogg_files),
        cmocka_unit_test(test_ogg_with_a_byte_changed),
        cmocka_unit_test(test_kind_by_content),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
