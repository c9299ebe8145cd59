// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-read as a program: files come as descriptors, text or samples go out, and hostile files
 * end in text or in one clean failure, within the limits. $PROGRAM is its path.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audio/flac_out.h"
#include "audio/mp3_out.h"
#include "audio/wav.h"
#include "engine_peer.h"
#include "read/sound.h"
#include "unit.h"
#include "webm_write.h"

enum { STREAM = 5, ROOM = 80 << 20 };

struct reading {
    struct buf text, samples, title, notes;
    uint64_t bytes;
    enum err err; /* of a fail */
    char why[240];
    bool answered; /* read_done or fail came */
    int status;
};

static int file_of(struct str bytes)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t at = 0; at < bytes.n;) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    return fd; /* its position is at the end, as after an upload */
}

static void hear(struct peer *p, struct reading *r)
{
    while (!r->answered && peer_next(p)) {
        assert_int_equal(p->frame.stream, STREAM);
        if (p->frame.type == MSG_read_text) {
            assert_ok(buf_add(&r->text, p->msg.read_text.text));
        } else if (p->frame.type == MSG_audio) {
            assert_ok(buf_add(&r->samples, p->msg.audio.samples));
        } else if (p->frame.type == MSG_fail) {
            r->err = (enum err)p->msg.fail.err;
            memcpy(r->why, p->msg.fail.text.p, utf8_prefix(p->msg.fail.text, sizeof r->why - 1));
            r->answered = true;
        } else {
            assert_int_equal(p->frame.type, MSG_read_done);
            assert_ok(buf_add(&r->title, p->msg.read_done.title));
            assert_ok(buf_add(&r->notes, p->msg.read_done.notes));
            r->bytes = p->msg.read_done.bytes;
            r->answered = true;
        }
    }
}

static struct reading read_file(const char *kind, const char *name, int file, uint64_t size)
{
    struct reading r = {
        .text = BUF(ROOM), .samples = BUF(2 * ROOM), .title = BUF(4096), .notes = BUF(4096)};
    struct peer *p = peer_start(getenv("PROGRAM"));
    assert_str(p->msg.hello.role, "read");
    p->stingy = true; /* one job: the socket's own buffer holds it up */
    struct msg_read_open open = {str_of(kind), str_of(name), size};
    peer_send_file(p, MSG_read_open, STREAM, &open, file);
    close(file);
    hear(p, &r);
    r.status = peer_stop(p);
    return r;
}

static struct reading read_bytes(const char *kind, const char *name, struct str bytes)
{
    return read_file(kind, name, file_of(bytes), bytes.n);
}

static void reading_finish(struct reading *r)
{
    buf_finish(&r->text);
    buf_finish(&r->samples);
    buf_finish(&r->title);
    buf_finish(&r->notes);
}

static void test_documents(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *name, *in, *text, *title, *notes;
    } rows[] = {
        {"markdown", "m.md", "# Title\n\nSome *text*.", "# Title\n\nSome text.", "Title", ""},
        {"html", "h.html", "<title>T</title><p>x<p hidden>y", "x", "T", "1 hidden part left out"},
        {"text", "a/plain notes.txt", "one\r\ntwo\n", "one\ntwo", "plain notes", ""},
        {"", "auto.md", "*x*", "x", "auto", ""},
        {"text", "empty.txt", "", "", "empty", ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct reading r = read_bytes(rows[i].kind, rows[i].name, str_of(rows[i].in));
        assert_int_equal(r.err, OK);
        assert_str(buf_str(&r.text), rows[i].text);
        assert_str(buf_str(&r.title), rows[i].title);
        assert_str(buf_str(&r.notes), rows[i].notes);
        assert_int_equal(r.bytes, r.text.n);
        assert_int_equal(r.status, 0);
        reading_finish(&r);
    }
}

/* More than one frame, cut between code points. */
static void test_long_text(void **state)
{
    (void)state;
    autobuf in = BUF(ROOM);
    while (in.n < 1 << 20)
        assert_ok(buf_add(&in, S("wörter zählen ")));
    struct reading r = read_bytes("text", "long.txt", buf_str(&in));
    assert_int_equal(r.err, OK);
    assert_true(str_eq(buf_str(&r.text), str_trim(buf_str(&in))));
    reading_finish(&r);
}

/* Of a tone, and so many samples more at most, which a coder may add. */
static void assert_is_second(const struct reading *r, size_t more, double loud)
{
    assert_int_equal(r->err, OK);
    assert_int_equal(r->bytes, r->samples.n);
    assert_int_in_range(r->samples.n / 2, 16000 - 2, 16000 + more);
    double rms = pcm_rms((const int16_t *)r->samples.p, r->samples.n / 2);
    assert_true(rms > loud && rms < 9000);
}

static void test_sound(void **state)
{
    (void)state;
    enum { RATE = 44100 };
    autobuf in = BUF(ROOM);
    assert_ok(buf_reserve(&in, WAV_HEADER_BYTES + 2 * RATE));
    wav_header((uint8_t *)in.p, RATE, RATE);
    in.n = WAV_HEADER_BYTES;
    for (int i = 0; i < RATE; i++) {
        int16_t sample = (int16_t)(i % 100 < 50 ? 8000 : -8000);
        assert_ok(buf_add(&in, (struct str){(const char *)&sample, 2}));
    }
    struct reading r = read_bytes("sound", "s.wav", buf_str(&in));
    assert_is_second(&r, 2, 7000);
    reading_finish(&r);

    r = read_bytes("sound", "s.wav", S("no sound at all"));
    assert_int_equal(r.err, ERR_MEDIA);
    reading_finish(&r);
}

/* A second of a low tone, by the coders of audio/. */
static void test_coded_sound(void **state)
{
    (void)state;
    enum { RATE = 24000 };
    int16_t tone[RATE];
    for (int i = 0; i < RATE; i++)
        tone[i] = (int16_t)(i % 100 < 50 ? 8000 : -8000);
    struct flac_out *f;
    struct mp3_out *m;
    struct buf files[] = {BUF(ROOM), BUF(ROOM)};
    assert_ok(flac_out_create(RATE, &f));
    assert_ok(flac_out_run(f, tone, RATE, &files[0]));
    assert_ok(flac_out_end(f, &files[0]));
    flac_out_destroy(f);
    assert_ok(mp3_out_create(RATE, &m));
    assert_ok(mp3_out_run(m, tone, RATE, &files[1]));
    assert_ok(mp3_out_end(m, &files[1]));
    mp3_out_destroy(m);
    for (size_t i = 0; i < countof(files); i++) {
        struct reading r = read_bytes("sound", "coded", buf_str(&files[i]));
        assert_is_second(&r, 2000, 6500);
        reading_finish(&r);
        buf_finish(&files[i]);
    }
}

/* A third of a megabyte that stands for more than an hour of silence. */
static void test_bomb_of_sound(void **state)
{
    (void)state;
    enum { PACKETS = 4300 * 1000 / 120 };
    autobuf file = BUF(ROOM), head = BUF(64);
    opus_put_head(&head, 1, 0, 0);
    webm_put_start(&file, EBML_WRITE_UNKNOWN);
    webm_put_tracks(&file, S("A_OPUS"), 2, buf_str(&head));
    ebml_put_head(&file, 0x1F43B675, EBML_WRITE_UNKNOWN, 0);
    for (int i = 0; i < PACKETS; i++)
        webm_put_block(&file, 0xA3, 1, 0, S("\x5b\2"));
    struct reading r = read_bytes("sound", "bomb", buf_str(&file));
    assert_int_equal(r.err, ERR_TOOBIG);
    assert_true(r.samples.n <= SOUND_PCM_MAX);
    reading_finish(&r);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *in;
        enum err err;
    } rows[] = {
        {"pdf", "x", ERR_MEDIA},
        {"text", "%PDF-1.7", ERR_MEDIA},
        {"text", "\x89PNG\r\n", ERR_MEDIA},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct reading r = read_bytes(rows[i].kind, "x", str_of(rows[i].in));
        assert_int_equal(r.err, rows[i].err);
        assert_true(r.why[0] != '\0');
        reading_finish(&r);
    }
    struct reading r = read_file("text", "x", file_of(S("x")), 1ull << 40);
    assert_int_equal(r.err, ERR_TOOBIG);
    reading_finish(&r);
    int pipes[2]; /* no file at all */
    assert_int_equal(pipe(pipes), 0);
    close(pipes[1]);
    r = read_file("text", "x", pipes[0], 0);
    assert_true(r.answered && r.err != OK);
    reading_finish(&r);
    int sparse = memfd_create("sparse", MFD_CLOEXEC); /* says it is small, is not */
    assert_int_equal(ftruncate(sparse, 100 << 20), 0);
    r = read_file("text", "x", sparse, 10);
    assert_int_equal(r.err, ERR_TOOBIG);
    reading_finish(&r);
}

struct hostile {
    const char *kind, *unit;
    size_t bytes; /* how far the unit is repeated; more is slow under AddressSanitizer */
    const char *end;
};

/* Each ends in text or in one failure with a sentence, never in a crash, a hang or silence. */
static void test_hostile(void **state)
{
    (void)state;
    static const struct hostile rows[] = {
        {"html", "<div>", 500000, "deep"},
        {"html", "<div><b><i>", 200000, "deep"},
        {"html", "<table><tr><td>", 1500000, "deep"},
        {"html", "<p>open", 200000, ""},
        {"html", "<a href=x>", 200000, ""},
        {"html", "<font><p>", 200000, ""},
        {"html", "</p>", 200000, ""},
        {"html", "<!--", 200000, ""},
        {"html", "&amp", 200000, ""},
        {"html", "<x a=", 200000, ""},
        {"html", "<svg><foreignObject>", 200000, ""},
        {"html", "<p style='/*", 200000, ""},
        {"html", "word ", 1000000, ""},
        {"markdown", "> ", 200000, "deep"},
        {"markdown", "- ", 50000, "deep"},
        {"markdown", "[", 200000, "]"},
        {"markdown", "![x](", 500000, ""},
        {"markdown", "*a _b ", 200000, ""},
        {"markdown", "`", 200000, ""},
        {"markdown", "|a", 200000, "\n|-|-\n"},
        {"markdown", "<div>\n\n", 500000, ""},
        {"markdown", "[a]: /", 200000, "\n[a]"},
        {"markdown", "\"", 1000000, ""},
        {"markdown", "word ", 1000000, ""},
        {"text", "one line ", 20000000, ""},
        {"text", "\xff", 1000000, ""},
        {"text", "\xc3\x28\xe2\x82 ", 1000000, ""},
        {"text", "\xe2\x80\x8b", 3000000, ""},
        {"text", "\n", 20000000, ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf in = BUF(ROOM);
        while (in.n < rows[i].bytes)
            assert_ok(buf_add(&in, str_of(rows[i].unit)));
        assert_ok(buf_add(&in, str_of(rows[i].end)));
        struct reading r = read_bytes(rows[i].kind, "hostile", buf_str(&in));
        if (!r.answered || (r.err != OK && r.why[0] == '\0'))
            fail_msg("%s of \"%s\": status %d, \"%s\"", rows[i].kind, rows[i].unit, r.status,
                     r.why);
        assert_true(utf8_valid(buf_str(&r.text)));
        assert_int_equal(r.status, 0);
        reading_finish(&r);
    }
}

static void test_zeros(void **state)
{
    (void)state;
    static const char *const kinds[] = {"text", "markdown", "html", "sound"};
    autobuf in = BUF(ROOM);
    assert_ok(buf_reserve(&in, 20 << 20));
    memset(in.p, 0, 20 << 20);
    in.n = 20 << 20;
    for (size_t i = 0; i < countof(kinds); i++) {
        struct reading r = read_bytes(kinds[i], "zeros", buf_str(&in));
        assert_int_equal(r.err, ERR_MEDIA);
        reading_finish(&r);
    }
    /* Here and there a zero is no reason to refuse. */
    struct reading r = read_bytes("text", "few", S("a text with\0 one zero in it"));
    assert_int_equal(r.err, OK);
    assert_str(buf_str(&r.text), "a text with one zero in it");
    reading_finish(&r);
    r = read_bytes("html", "halves", S("\xff\xfe<\0p\0>\0x\0\x3d\xd8y\0\x00\xde"));
    assert_int_equal(r.err, OK);
    assert_str(buf_str(&r.text), "x\uFFFDy\uFFFD");
    assert_str(buf_str(&r.notes), "converted from UTF-16; 2 malformed places");
    reading_finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),     cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_sound),         cmocka_unit_test(test_coded_sound),
        cmocka_unit_test(test_bomb_of_sound), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hostile),       cmocka_unit_test(test_zeros),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
