// SPDX-License-Identifier: Apache-2.0
#include "audio/ogg_out.h"

#include <ogg/ogg.h>

#include "base/mem.h"

enum { FILE_HZ = 48000, HEAD_BYTES = 19 };

struct ogg_out {
    ogg_stream_state stream;
    uint32_t rate_hz, delay;
    ogg_int64_t packets, granule; /* so far; granule: samples at 48 kHz */
};

/* libogg keeps its own copy, the bytes stay the caller's. */
static enum err put(struct ogg_out *o, struct str bytes, bool last)
{
    ogg_packet p = {.packet = (unsigned char *)bytes.p,
                    .bytes = (long)bytes.n,
                    .b_o_s = o->packets == 0,
                    .e_o_s = last,
                    .granulepos = o->granule,
                    .packetno = o->packets};
    if (ogg_stream_packetin(&o->stream, &p) != 0)
        return ERR_NOMEM;
    o->packets++;
    return OK;
}

static enum err flush(struct ogg_out *o, struct buf *into)
{
    ogg_page page;
    while (ogg_stream_flush(&o->stream, &page) != 0) {
        try(buf_add(into, (struct str){(const char *)page.header, (size_t)page.header_len}));
        try(buf_add(into, (struct str){(const char *)page.body, (size_t)page.body_len}));
    }
    return OK;
}

static void put_le(uint8_t *p, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

enum err ogg_out_create(uint32_t rate_hz, uint32_t delay, uint32_t serial, struct ogg_out **ret_o)
{
    struct ogg_out *o = mem_zero(1, sizeof *o);
    if (o == nullptr)
        return ERR_NOMEM;
    if (ogg_stream_init(&o->stream, (int)serial) != 0) {
        free(o);
        return ERR_NOMEM;
    }
    o->rate_hz = rate_hz;
    o->delay = delay;
    *ret_o = o;
    return OK;
}

void ogg_out_destroy(struct ogg_out *o)
{
    if (o != nullptr)
        ogg_stream_clear(&o->stream);
    free(o);
}

enum err ogg_out_begin(struct ogg_out *o, struct buf *into)
{
    uint8_t head[HEAD_BYTES] = "OpusHead";
    head[8] = head[9] = 1; /* the version, one channel; gain and channel mapping stay 0 */
    put_le(head + 10, o->delay, 2);
    put_le(head + 12, o->rate_hz, 4);
    try(put(o, (struct str){(const char *)head, sizeof head}, false));
    try(flush(o, into));
    /* The maker's name with its length, and no comments. */
    try(put(o, S("OpusTags\x08\0\0\0repartee\0\0\0\0"), false));
    return flush(o, into);
}

enum err ogg_out_packet(struct ogg_out *o, struct str packet, uint32_t ms)
{
    o->granule += (ogg_int64_t)pcm_ms_to_samples(ms, FILE_HZ);
    return put(o, packet, false);
}

enum err ogg_out_page(struct ogg_out *o, struct buf *into)
{
    return flush(o, into);
}

enum err ogg_out_end(struct ogg_out *o, struct str packet, uint64_t samples, struct buf *into)
{
    o->granule = (ogg_int64_t)(o->delay + samples * (FILE_HZ / o->rate_hz));
    try(put(o, packet, true));
    return flush(o, into);
}
