// SPDX-License-Identifier: Apache-2.0
/* The streams of repartee-stt that only decode, over the engine protocol. $PROGRAM is its path. */
#include <stdlib.h>

#include "audio/opus_in.h"
#include "engine_peer.h"
#include "unit.h"
#include "webm_write.h"

enum { ROOM = 1 << 20, TONE_MS = 2000 };

static struct peer *start(void)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load(p, "scripted", "");
    return p;
}

static void open_stream(struct peer *p, uint32_t stream, const char *format)
{
    peer_send(p, MSG_decode_open, stream, &(struct msg_decode_open){str_of(format)});
}

static void send_sound(struct peer *p, uint32_t stream, struct str bytes)
{
    peer_send(p, MSG_audio, stream, &(struct msg_audio){bytes});
}

static void finish(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_decode_finish, stream, &(struct msg_decode_finish){});
}

/* Reads to the end of the stream; returns the count of bytes that were decoded. */
static size_t collect(struct peer *p, uint32_t stream, struct buf *samples)
{
    size_t bytes = 0;
    while (peer_next(p) && p->frame.type != MSG_decode_done) {
        if (p->frame.type == MSG_credit)
            continue;
        assert_int_equal(p->frame.type, MSG_decoded);
        assert_int_equal(p->frame.stream, stream);
        bytes += p->msg.decoded.bytes;
        assert_ok(buf_add(samples, p->msg.decoded.samples));
    }
    assert_int_equal(p->msg.decode_done.samples, samples->n / 2);
    return bytes;
}

/* What comes back is what the decoder makes of the packets, sample for sample. */
static void test_packets(void **)
{
    struct peer *p = start();
    autobuf packets = BUF(ROOM), want = BUF(ROOM), got = BUF(ROOM);
    struct opus_in *o;
    tone_packets(&packets, TONE_MS);
    assert_ok(opus_in_create(&o));
    struct str rest = buf_str(&packets), packet;
    size_t bytes = 0;
    open_stream(p, 1, "opus");
    while (packet_next(&rest, &packet)) {
        assert_ok(opus_in_packet(o, packet, &want));
        send_sound(p, 1, packet);
        bytes += packet.n;
    }
    finish(p, 1);
    assert_int_equal(collect(p, 1, &got), bytes);
    assert_int_equal(got.n / 2, TONE_MS * 16);
    assert_memory_equal(got.p, want.p, got.n);
    opus_in_destroy(o);
    assert_int_equal(peer_stop(p), 0);
}

static void test_file_in_any_cut(void **)
{
    static const size_t cuts[] = {1, 33, 1024, 1025, 40000};
    struct peer *p = start();
    autobuf packets = BUF(ROOM), file = BUF(ROOM), first = BUF(ROOM);
    tone_packets(&packets, TONE_MS);
    webm_put_file(&file, buf_str(&packets), 10);
    for (uint32_t i = 0; i < countof(cuts); i++) {
        autobuf got = BUF(ROOM);
        open_stream(p, i + 1, "webm");
        for (size_t at = 0; at < file.n; at += cuts[i])
            send_sound(p, i + 1, str_sub(buf_str(&file), at, at + cuts[i]));
        finish(p, i + 1);
        assert_int_equal(collect(p, i + 1, &got), file.n);
        assert_int_equal(got.n / 2, TONE_MS * 16 - 104);
        if (i == 0)
            assert_ok(buf_add(&first, buf_str(&got)));
        assert_memory_equal(got.p, first.p, got.n);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* Two bytes stand for 120 ms: much comes of little, in pieces that fit a frame. */
static void test_much_of_little(void **)
{
    struct peer *p = start();
    autobuf file = BUF(ROOM), head = BUF(64), got = BUF(16 * ROOM);
    opus_put_head(&head, 1, 0, 0);
    webm_put_start(&file, EBML_WRITE_UNKNOWN);
    webm_put_tracks(&file, S("A_OPUS"), 2, buf_str(&head));
    ebml_put_head(&file, 0x1F43B675, EBML_WRITE_UNKNOWN, 0);
    for (int i = 0; i < 2000; i++)
        webm_put_block(&file, 0xA3, 1, 0, S("\x5b\2"));
    open_stream(p, 1, "webm");
    send_sound(p, 1, buf_str(&file));
    finish(p, 1);
    assert_int_equal(collect(p, 1, &got), file.n);
    assert_int_equal(got.n / 2, 2000 * 1920);
    assert_int_equal(peer_stop(p), 0);
}

static void test_refusals(void **)
{
    static const struct {
        const char *format;
        struct str sound;
        enum err err;
        const char *sentence;
    } rows[] = {
        {"mp3", S("x"), ERR_UNSUPPORTED, ""},
        {"", S("x"), ERR_UNSUPPORTED, ""},
        {"opus", S(""), ERR_MEDIA, "a message does not hold one Opus packet"},
        {"opus", S("\x4b"), ERR_MEDIA, "a message does not hold one Opus packet"},
        {"webm", S("OggS, or so it seems"), ERR_MEDIA, "this is not a WebM file"},
        {"webm", S("\x1a\x45\xdf\xa3\x80"), ERR_MEDIA, "this is not a WebM file"},
    };
    struct peer *p = start();
    for (uint32_t i = 0; i < countof(rows); i++) {
        open_stream(p, i + 1, rows[i].format);
        send_sound(p, i + 1, rows[i].sound);
        assert_true(peer_wait(p, MSG_fail));
        assert_int_equal(p->frame.stream, i + 1);
        assert_int_equal(p->msg.fail.err, rows[i].err);
        if (rows[i].sentence[0] != '\0')
            assert_str(p->msg.fail.text, rows[i].sentence);
    }
    open_stream(p, 100, "opus"); /* twice */
    open_stream(p, 100, "opus");
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_SYNTAX);
    open_stream(p, 101, "opus");
    peer_send(p, MSG_stt_finish, 101, &(struct msg_stt_finish){}); /* another stream's message */
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_SYNTAX);
    open_stream(p, 102, "webm"); /* who says nothing is no stranger */
    finish(p, 102);
    assert_true(peer_wait(p, MSG_decode_done));
    assert_int_equal(p->msg.decode_done.samples, 0);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets),
        cmocka_unit_test(test_file_in_any_cut),
        cmocka_unit_test(test_much_of_little),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
