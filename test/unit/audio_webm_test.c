// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "alloc_fault.h"
#include "audio/webm.h"
#include "webm_write.h"

#include "unit.h"

enum { ROOM = 1 << 20, TONE_MS = 400, SKIPPED = 312 / 3 /* of the file's head, at 16 kHz */ };

static enum err decode(struct str file, size_t step, struct buf *samples, const char *sentence)
{
    struct webm *w;
    assert_ok(webm_create(&w));
    enum err err = OK;
    for (size_t at = 0; at < file.n && err == OK; at += step)
        err = webm_feed(w, str_sub(file, at, at + step), samples);
    enum err end = webm_end(w);
    assert_true(err == OK || err == end); /* errors stick */
    if (sentence != nullptr)
        assert_string_equal(webm_errmsg(w), sentence);
    webm_destroy(w);
    return end;
}

/* How much of the sound is the tone of webm_write: the correlation at the best shift, 0..1. */
static double likeness(struct str sound, uint32_t ms)
{
    autobuf tone = BUF(ROOM);
    tone_samples(&tone, ms);
    const int16_t *a = (const int16_t *)sound.p, *b = (const int16_t *)tone.p;
    double best = 0;
    for (size_t shift = 0; shift < 40; shift++) { /* a period is 36 samples */
        double ab = 0, aa = 0, bb = 0;
        for (size_t i = 800; i + shift + 800 < sound.n / 2 && i + shift < tone.n / 2; i++) {
            ab += (double)a[i] * b[i + shift];
            aa += (double)a[i] * a[i];
            bb += (double)b[i + shift] * b[i + shift];
        }
        best = fmax(best, ab / sqrt(aa * bb + 1));
    }
    return best;
}

static void test_as_a_browser_records(void **)
{
    static const size_t steps[] = {1, 2, 7, 100, 4096, ROOM};
    static const unsigned per_cluster[] = {1, 3, 1000};
    autobuf packets = BUF(ROOM);
    tone_packets(&packets, TONE_MS);
    for (size_t c = 0; c < countof(per_cluster); c++)
        for (size_t s = 0; s < countof(steps); s++) {
            autobuf file = BUF(ROOM), samples = BUF(ROOM);
            webm_put_file(&file, buf_str(&packets), per_cluster[c]);
            assert_err(decode(buf_str(&file), steps[s], &samples, ""), OK);
            assert_int_equal(samples.n / 2, TONE_MS * 16 - SKIPPED);
            assert_true(likeness(buf_str(&samples), TONE_MS) > 0.95);
        }
}

/*
 * Ways in which a file may be written otherwise, or wrongly: parts by letter, bytes, parts again.
 *   E head of the file   S Segment without size   T Tracks   C Cluster without size   B SimpleBlock
 *   G BlockGroup with its Block   K Block alone   L, l laced block (Xiph, EBML)   X EncryptedBlock
 *   V Void   P a large block of another track
 */
struct variant {
    const char *name, *before;
    struct str bytes;
    const char *after;
    unsigned packets; /* heard */
    const char *sentence;
};

enum { CLUSTER = 0x1F43B675, SIMPLE = 0xA3, GROUP = 0xA0, BLOCK = 0xA1, PICTURE_BYTES = 200000 };

static void put_group(struct buf *b, struct str packet)
{
    autobuf group = BUF(ROOM);
    webm_put_block(&group, BLOCK, 1, 0, packet);
    ebml_put_uint(&group, 0x9B, 20);   /* BlockDuration */
    ebml_put(&group, 0x75A2, S("\0")); /* DiscardPadding */
    ebml_put(b, GROUP, buf_str(&group));
}

static void put_picture(struct buf *b)
{
    ebml_put_head(b, SIMPLE, PICTURE_BYTES, 0);
    for (int i = 0; i < PICTURE_BYTES; i++)
        assert_ok(buf_add_byte(b, (char)0x82));
}

static void put_part(struct buf *b, char part, struct str packet, struct str head)
{
    switch (part) {
    case 'E':
        ebml_put(b, 0x1A45DFA3, S("\x42\x82\x84webm"));
        break;
    case 'S':
        ebml_put_head(b, 0x18538067, EBML_WRITE_UNKNOWN, 0);
        break;
    case 'T':
        webm_put_tracks(b, S("A_OPUS"), 2, head);
        break;
    case 'C':
        ebml_put_head(b, CLUSTER, EBML_WRITE_UNKNOWN, 0);
        break;
    case 'V':
        ebml_put(b, 0xEC, S("nothing at all"));
        break;
    case 'G':
        put_group(b, packet);
        break;
    case 'P':
        put_picture(b);
        break;
    case 'B':
    case 'L':
    case 'l':
        webm_put_block(b, SIMPLE, 1, part == 'B' ? 0x80 : part == 'L' ? 0x82 : 0x86, packet);
        break;
    case 'K':
    case 'X':
        webm_put_block(b, part == 'K' ? BLOCK : 0xAF, 1, 0, packet);
        break;
    default:
        fail_msg("there is no part %c", part);
    }
}

#define DAMAGED "the WebM file is damaged"
#define FOREIGN "this is not a WebM file"
#define CUT "the WebM file ends before its sound begins"
#define NO_OPUS "the WebM file holds no Opus sound"
#define DESCRIBED "the WebM file's sound is described wrongly, or has more than two channels"
#define BAD_SOUND "the WebM file's sound is damaged"
#define LACED "the WebM file has laced blocks, which are not supported"
#define TRACKS "\x16\x54\xae\x6b"
#define TRACK(head) TRACKS "\xa6\xae\xa4\xd7\x81\1\x83\x81\2\x86\x86" "A_OPUS\x63\xa2\x93" head
#define REST "\0\0\x80\x3e\0\0\0\0"

static const struct variant variants[] = {
    {"groups of blocks", "ESTCGG", S(""), "", 2, ""},
    {"void everywhere", "EVSVTVCVB",
     S("\xbf\x84"
       "1234"),
     "B", 2, ""},
    {"cues, then more", "ESTCB", S("\x1c\x53\xbb\x6b\x82\xbb\x80\x12\x54\xc3\x67\x80"), "CB", 2,
     ""},
    {"another track", "ESTC",
     S("\xa3\x8d\x82\0\0\x80"
       "a picture"),
     "B", 1, ""},
    {"a large picture", "ESTCPB", S(""), "", 1, ""},
    {"a second file", "ESTCB", S(""), "ESTCB", 1, ""},
    {"Matroska", "", S("\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska"), "STCB", 1, ""},
    {"mono by hand", "ES", S(TRACK("OpusHead\1\1\x38\1\x80\x3e\0\0\0\0\0")), "CB", 1, ""},
    {"stereo", "ES", S(TRACK("OpusHead\1\2\x38\1\x80\x3e\0\0\0\0\0")), "CB", 1, ""},
    {"no sound", "EST", S(""), "", 0, ""},
    {"cut in a block", "ESTCB", S("\xa3\x84\x81\0\0"), "", 1, ""},
    {"cut in a head", "ESTCB", S("\x1f\x43"), "", 1, ""},

    {"nothing", "", S(""), "", 0, FOREIGN},
    {"zeros", "", S("\0\0\0\0\0\0\0\0"), "", 0, FOREIGN},
    {"text", "", S("this is no film"), "", 0, FOREIGN},
    {"Segment first", "ST", S(""), "", 0, FOREIGN},
    {"Void first", "V", S(""), "ESTCB", 0, FOREIGN},
    {"another type", "", S("\x1a\x45\xdf\xa3\x87\x42\x82\x84mp4a"), "", 0, FOREIGN},
    {"no type", "", S("\x1a\x45\xdf\xa3\x84\x42\x86\x81\1"), "", 0, FOREIGN},
    {"empty head", "", S("\x1a\x45\xdf\xa3\x80"), "S", 0, FOREIGN},
    {"type overruns", "", S("\x1a\x45\xdf\xa3\x87\x42\x82\x90webm"), "", 0, FOREIGN},
    {"head without size", "", S("\x1a\x45\xdf\xa3\xff"), "S", 0, FOREIGN},
    {"huge head", "", S("\x1a\x45\xdf\xa3\x10\x20\0\0"), "", 0, FOREIGN},

    {"only a head", "E", S(""), "", 0, CUT},
    {"no Tracks", "ES", S(""), "", 0, CUT},
    {"empty Segment", "E", S("\x18\x53\x80\x67\x80"), "TCB", 0, CUT},
    {"empty Tracks", "ES", S(TRACKS "\x80"), "", 0, NO_OPUS},
    {"video only", "ES", S(TRACKS "\x8f\xae\x8d\xd7\x81\1\x83\x81\1\x86\x85V_VP8"), "", 0, NO_OPUS},
    {"Vorbis", "ES",
     S(TRACKS "\x92\xae\x90\xd7\x81\1\x83\x81\2\x86\x88"
              "A_VORBIS"),
     "", 0, NO_OPUS},
    {"Opus as video", "ES",
     S(TRACKS "\x90\xae\x8e\xd7\x81\1\x83\x81\1\x86\x86"
              "A_OPUS"),
     "", 0, NO_OPUS},
    {"no OpusHead", "ES",
     S(TRACKS "\x90\xae\x8e\xd7\x81\1\x83\x81\2\x86\x86"
              "A_OPUS"),
     "", 0, DESCRIBED},
    {"wrong OpusHead", "ES", S(TRACK("OpusTags\1\1\0" REST)), "", 0, DESCRIBED},
    {"no channel", "ES", S(TRACK("OpusHead\1\0\0" REST)), "", 0, DESCRIBED},
    {"three channels", "ES", S(TRACK("OpusHead\1\3\0" REST)), "", 0, DESCRIBED},
    {"a version to come", "ES", S(TRACK("OpusHead\x10\1\0" REST)), "", 0, DESCRIBED},
    {"several streams", "ES", S(TRACK("OpusHead\1\2\0\0\x80\x3e\0\0\0\0\1")), "", 0, DESCRIBED},
    {"Tracks twice", "ESTT", S(""), "", 0, DAMAGED},
    {"track 0", "ES",
     S(TRACKS "\x90\xae\x8e\xd7\x81\0\x83\x81\2\x86\x86"
              "A_OPUS"),
     "", 0, DAMAGED},
    {"long number", "ES",
     S(TRACKS "\x8d\xae\x8b\xd7\x89"
              "123456789"),
     "", 0, DAMAGED},
    {"entry overruns", "ES", S(TRACKS "\x85\xae\x90\xd7\x81\1"), "", 0, DAMAGED},
    {"its child overruns", "ES", S(TRACKS "\x85\xae\x83\xd7\x84\1"), "", 0, DAMAGED},
    {"half a head in it", "ES", S(TRACKS "\x81\x42"), "", 0, DAMAGED},
    {"Tracks without size", "ES", S(TRACKS "\xff"), "", 0, DAMAGED},
    {"huge Tracks", "ES", S(TRACKS "\x10\x20\0\0"), "", 0, DAMAGED},
    {"compressed", "ES",
     S(TRACKS "\x93\xae\x91\xd7\x81\1\x83\x81\2\x86\x86"
              "A_OPUS\x6d\x80\x80"),
     "", 0, "the WebM file is compressed or encrypted, which is not supported"},

    {"block before Tracks", "ESCB", S(""), "", 0, "the WebM file has sound before its description"},
    {"block outside a Cluster", "ESTB", S(""), "", 0, DAMAGED},
    {"group outside a Cluster", "ESTG", S(""), "", 0, DAMAGED},
    {"Block outside a group", "ESTCK", S(""), "", 0, DAMAGED},
    {"laced", "ESTCL", S(""), "", 0, LACED},
    {"laced by EBML", "ESTCl", S(""), "", 0, LACED},
    {"encrypted", "ESTCX", S(""), "", 0, "the WebM file is encrypted, which is not supported"},
    {"empty block", "ESTC", S("\xa3\x80"), "", 0, DAMAGED},
    {"short block", "ESTC", S("\xa3\x83\x81\0\0"), "", 0, DAMAGED},
    {"block without a packet", "ESTC", S("\xa3\x84\x81\0\0\x80"), "", 0, BAD_SOUND},
    {"bad track number", "ESTC", S("\xa3\x86\0\0\0\0\0\0"), "", 0, DAMAGED},
    {"too many frames", "ESTC", S("\xa3\x86\x81\0\0\x80\xff\xff"), "", 0, BAD_SOUND},
    {"no frames", "ESTC", S("\xa3\x86\x81\0\0\x80\x0b\0"), "", 0, BAD_SOUND},
    {"frame overruns", "ESTC", S("\xa3\x86\x81\0\0\x80\x0a\x50"), "", 0, BAD_SOUND},
    {"block without size", "ESTC", S("\xa3\xff"), "", 0, DAMAGED},
    {"group without size", "ESTC", S("\xa0\xff"), "K", 0, DAMAGED},
    {"Void without size", "EST", S("\xec\xff"), "C", 0, DAMAGED},
    {"block overruns", "EST", S("\x1f\x43\xb6\x75\x86"), "B", 0, DAMAGED},
    {"block's head overruns", "EST", S("\x1f\x43\xb6\x75\x81\xa3\x80"), "", 0, DAMAGED},
    {"Block overruns", "ESTC", S("\xa0\x85"), "K", 0, DAMAGED},
    {"Tracks overrun", "E", S("\x18\x53\x80\x67\x8a"), "T", 0, DAMAGED},
    {"Cluster in a Cluster", "EST", S("\x1f\x43\xb6\x75\x90"), "C", 0, DAMAGED},
    {"Segment in a Segment", "E", S("\x18\x53\x80\x67\x41\0"), "TS", 0, DAMAGED},
    {"bad identifier", "ESTC", S("\x08\1\2\3\4\x80"), "", 0, DAMAGED},
    {"bad size", "ESTC", S("\xa3\0\0\0\0\0\0\0\0\0"), "", 0, DAMAGED},
};

static void test_variants(void **)
{
    autobuf packets = BUF(ROOM), head = BUF(64);
    tone_packets(&packets, 20);
    opus_put_head(&head, 1, 312, 0);
    struct str rest = buf_str(&packets), packet;
    assert_true(packet_next(&rest, &packet));
    for (size_t i = 0; i < countof(variants); i++)
        for (size_t step = 1; step < 500; step += 166) {
            const struct variant *v = &variants[i];
            autobuf file = BUF(ROOM), samples = BUF(ROOM);
            for (const char *p = v->before; *p; p++)
                put_part(&file, *p, packet, buf_str(&head));
            assert_ok(buf_add(&file, v->bytes));
            for (const char *p = v->after; *p; p++)
                put_part(&file, *p, packet, buf_str(&head));
            size_t want = v->packets > 0 ? v->packets * 320 - SKIPPED : 0;
            print_message("# %s\n", v->name);
            assert_err(decode(buf_str(&file), step, &samples, v->sentence),
                       v->sentence[0] ? ERR_MEDIA : OK);
            assert_int_equal(samples.n / 2, want);
        }
}

static void test_known_sizes(void **)
{
    autobuf packets = BUF(ROOM), head = BUF(64), segment = BUF(ROOM), cluster = BUF(ROOM);
    autobuf file = BUF(ROOM), samples = BUF(ROOM);
    tone_packets(&packets, TONE_MS);
    opus_put_head(&head, 1, 312, 0);
    webm_put_tracks(&segment, S("A_OPUS"), 2, buf_str(&head));
    struct str rest = buf_str(&packets), packet;
    for (unsigned i = 0; packet_next(&rest, &packet); i++) {
        put_part(&cluster, i % 2 ? 'B' : 'G', packet, S(""));
        if (i % 7 == 0 || rest.n == 0) {
            ebml_put(&segment, CLUSTER, buf_str(&cluster));
            buf_clear(&cluster);
        }
    }
    webm_put_start(&file, segment.n);
    assert_ok(buf_add(&file, buf_str(&segment)));
    assert_ok(buf_add(&file, S("what follows is not looked at")));
    assert_ok(decode(buf_str(&file), 50, &samples, ""));
    assert_int_equal(samples.n / 2, TONE_MS * 16 - SKIPPED);
    assert_true(likeness(buf_str(&samples), TONE_MS) > 0.95);
}

static enum err hear(void *arg)
{
    struct str file = *(struct str *)arg;
    struct webm *w = nullptr;
    autobuf samples = BUF(ROOM);
    enum err err = webm_create(&w);
    for (size_t at = 0; at < file.n && err == OK; at += 100)
        err = webm_feed(w, str_sub(file, at, at + 100), &samples);
    webm_destroy(w);
    return err;
}

static void test_without_memory(void **)
{
    autobuf file = BUF(ROOM), packets = BUF(ROOM);
    tone_packets(&packets, 100);
    webm_put_file(&file, buf_str(&packets), 2);
    struct str bytes = buf_str(&file);
    assert_true(torture(hear, &bytes) >= 4);
}

static void test_too_much(void **)
{
    struct webm *w;
    autobuf file = BUF(ROOM), packets = BUF(ROOM), samples = BUF(700);
    tone_packets(&packets, 100);
    webm_put_file(&file, buf_str(&packets), 2);
    assert_ok(webm_create(&w));
    assert_err(webm_feed(w, buf_str(&file), &samples), ERR_TOOBIG);
    assert_err(webm_end(w), ERR_TOOBIG); /* errors stick */
    webm_destroy(w);
    webm_destroy(nullptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_a_browser_records),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_known_sizes),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_too_much),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
