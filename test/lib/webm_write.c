// SPDX-License-Identifier: Apache-2.0
#include "webm_write.h"

#include <math.h>

#include "audio/opus_out.h"
#include "base/check.h"

enum { RATE_HZ = 16000, TRACK = 1, SKIP = 312 };

static void add(struct buf *into, struct str bytes)
{
    check(buf_add(into, bytes) == OK);
}

static void add_be(struct buf *into, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        check(buf_add_byte(into, (char)(value >> 8 * bytes)) == OK);
}

void ebml_put_head(struct buf *into, uint32_t id, uint64_t size, int size_bytes)
{
    add_be(into, id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
    if (size == EBML_WRITE_UNKNOWN) {
        add(into, S("\x01\xff\xff\xff\xff\xff\xff\xff"));
        return;
    }
    int n = size_bytes > 0 ? size_bytes : 1;
    while (size_bytes == 0 && size >= ((uint64_t)1 << 7 * n) - 1)
        n++;
    add_be(into, size | (uint64_t)1 << 7 * n, n);
}

void ebml_put(struct buf *into, uint32_t id, struct str content)
{
    ebml_put_head(into, id, content.n, 0);
    add(into, content);
}

void ebml_put_uint(struct buf *into, uint32_t id, uint64_t value)
{
    ebml_put_head(into, id, 8, 0);
    add_be(into, value, 8);
}

void opus_put_head(struct buf *into, uint8_t channels, uint16_t skip, int16_t gain_q8)
{
    const uint16_t gain = (uint16_t)gain_q8;
    const char head[] = {
        1,          (char)channels,    (char)skip, (char)(skip >> 8), (char)0x80, 0x3e, 0, 0,
        (char)gain, (char)(gain >> 8), 0};
    add(into, S("OpusHead"));
    add(into, (struct str){head, sizeof head});
}

void tone_samples(struct buf *into, uint32_t ms)
{
    for (uint32_t i = 0; i < ms * RATE_HZ / 1000; i++) {
        int16_t sample = (int16_t)lround(8000 * sin(2 * 3.14159265358979 * 440 * i / RATE_HZ));
        add(into, (struct str){(const char *)&sample, sizeof sample});
    }
}

void tone_packets(struct buf *into, uint32_t ms)
{
    autobuf samples = BUF((size_t)ms * RATE_HZ / 500);
    tone_samples(&samples, ms);
    struct opus_out *o;
    check(opus_out_create(RATE_HZ, &o) == OK);
    size_t frame = opus_out_frame_samples(o) * sizeof(int16_t);
    for (size_t at = 0; at + frame <= samples.n; at += frame) {
        uint8_t packet[OPUS_OUT_PACKET_MAX];
        size_t n;
        check(opus_out_frame(o, (const int16_t *)(samples.p + at), packet, &n) == OK);
        const char length[] = {(char)n, (char)(n >> 8)};
        add(into, (struct str){length, sizeof length});
        add(into, (struct str){(const char *)packet, n});
    }
    opus_out_destroy(o);
}

bool packet_next(struct str *rest, struct str *ret_packet)
{
    if (rest->n < 2)
        return false;
    size_t n = (uint8_t)rest->p[0] | (size_t)(uint8_t)rest->p[1] << 8;
    *ret_packet = str_sub(*rest, 2, 2 + n);
    *rest = str_sub(*rest, 2 + n, rest->n);
    return true;
}

void webm_put_start(struct buf *into, uint64_t segment_size)
{
    autobuf ebml = BUF(64);
    ebml_put_uint(&ebml, 0x4286, 1);
    ebml_put(&ebml, 0x4282, S("webm"));
    ebml_put(into, 0x1A45DFA3, buf_str(&ebml));
    ebml_put_head(into, 0x18538067, segment_size, 8);
}

void webm_put_tracks(struct buf *into, struct str codec, uint64_t type, struct str head)
{
    autobuf entry = BUF(256), tracks = BUF(256);
    ebml_put_uint(&entry, 0xD7, TRACK);
    ebml_put_uint(&entry, 0x73C5, 77);
    ebml_put_uint(&entry, 0x83, type);
    ebml_put(&entry, 0x86, codec);
    ebml_put(&entry, 0x63A2, head);
    ebml_put(&tracks, 0xAE, buf_str(&entry));
    ebml_put(into, 0x1654AE6B, buf_str(&tracks));
}

void webm_put_block(struct buf *into, uint32_t id, uint8_t track, uint8_t flags, struct str packet)
{
    const char front[] = {(char)(0x80 | track), 0, 0, (char)flags};
    ebml_put_head(into, id, packet.n + sizeof front, 0);
    add(into, (struct str){front, sizeof front});
    add(into, packet);
}

void webm_put_file(struct buf *into, struct str packets, unsigned per_cluster)
{
    autobuf head = BUF(64);
    opus_put_head(&head, 1, SKIP, 0);
    webm_put_start(into, EBML_WRITE_UNKNOWN);
    ebml_put(into, 0x1549A966, S("\x4d\x80\x81x")); /* Info with a MuxingApp */
    webm_put_tracks(into, S("A_OPUS"), 2, buf_str(&head));
    struct str packet;
    for (unsigned i = 0; packet_next(&packets, &packet); i++) {
        if (i % per_cluster == 0) {
            ebml_put_head(into, 0x1F43B675, EBML_WRITE_UNKNOWN, 0);
            ebml_put_uint(into, 0xE7, (uint64_t)i * 20);
        }
        webm_put_block(into, 0xA3, TRACK, 0x80, packet);
    }
}
