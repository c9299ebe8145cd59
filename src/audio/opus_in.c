// SPDX-License-Identifier: Apache-2.0
#include "audio/opus_in.h"

#include <opus/opus.h>

#include "base/mem.h"

enum {
    HEAD_BYTES = 19,
    FILE_HZ = 48000, /* what files count in */
    PACKET_SAMPLES = OPUS_PACKET_MS * (int)PCM_RATE_RECOGNISE / 1000,
};

struct opus_in {
    OpusDecoder *opus;
    uint32_t skip; /* samples at 16 kHz that are still to be left out */
};

enum err opus_in_create(struct opus_in **ret_o)
{
    struct opus_in *o = mem_zero(1, sizeof *o);
    if (o == nullptr)
        return ERR_NOMEM;
    int failure;
    o->opus = opus_decoder_create((opus_int32)PCM_RATE_RECOGNISE, 1, &failure);
    if (o->opus == nullptr) {
        free(o);
        return ERR_NOMEM;
    }
    *ret_o = o;
    return OK;
}

void opus_in_destroy(struct opus_in *o)
{
    if (o != nullptr)
        opus_decoder_destroy(o->opus);
    free(o);
}

static uint16_t u16(const char *p)
{
    return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8);
}

enum err opus_in_head(struct opus_in *o, struct str head)
{
    if (head.n < HEAD_BYTES || !str_starts(head, S("OpusHead")))
        return ERR_MEDIA;
    uint8_t version = (uint8_t)head.p[8], channels = (uint8_t)head.p[9],
            family = (uint8_t)head.p[18];
    /* Family 0 is mono or stereo in one Opus stream; all others are several streams in a packet. */
    if (version > 15 || channels < 1 || channels > 2 || family != 0)
        return ERR_MEDIA;
    o->skip = u16(head.p + 10) / (FILE_HZ / PCM_RATE_RECOGNISE);
    int gain_q8 = (int16_t)u16(head.p + 16);
    return opus_decoder_ctl(o->opus, OPUS_SET_GAIN(gain_q8)) == OPUS_OK ? OK : ERR_MEDIA;
}

enum err opus_in_packet(struct opus_in *o, struct str packet, struct buf *into)
{
    /* To libopus nothing at all would mean that a packet was lost. */
    if (packet.n == 0 || packet.n > OPUS_PACKET_MAX)
        return ERR_MEDIA;
    int16_t samples[PACKET_SAMPLES];
    int count = opus_decode(o->opus, (const unsigned char *)packet.p, (opus_int32)packet.n, samples,
                            PACKET_SAMPLES, 0);
    if (count == OPUS_ALLOC_FAIL)
        return ERR_NOMEM;
    if (count < 0)
        return ERR_MEDIA;
    uint32_t skip = o->skip < (uint32_t)count ? o->skip : (uint32_t)count;
    o->skip -= skip;
    return buf_add(into, (struct str){(const char *)(samples + skip),
                                      ((uint32_t)count - skip) * sizeof *samples});
}
