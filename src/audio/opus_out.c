// SPDX-License-Identifier: Apache-2.0
#include "audio/opus_out.h"

#include <opus/opus.h>

#include "base/mem.h"

/* Wideband speech without audible loss. */
enum { BITS_PER_SECOND = 24000, COMPLEXITY = 5, FILE_HZ = 48000 };

struct opus_out {
    OpusEncoder *opus;
    uint32_t rate_hz;
};

enum err opus_out_create(uint32_t rate_hz, struct opus_out **ret_o)
{
    if (!opus_out_has_rate(rate_hz))
        return ERR_INVALID;
    struct opus_out *o = mem_zero(1, sizeof *o);
    if (o == nullptr)
        return ERR_NOMEM;
    int failure;
    o->rate_hz = rate_hz;
    o->opus = opus_encoder_create((opus_int32)rate_hz, 1, OPUS_APPLICATION_VOIP, &failure);
    if (o->opus == nullptr) {
        free(o);
        return ERR_NOMEM;
    }
    (void)opus_encoder_ctl(o->opus, OPUS_SET_BITRATE(BITS_PER_SECOND));
    (void)opus_encoder_ctl(o->opus, OPUS_SET_COMPLEXITY(COMPLEXITY));
    (void)opus_encoder_ctl(o->opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    *ret_o = o;
    return OK;
}

void opus_out_destroy(struct opus_out *o)
{
    if (o != nullptr)
        opus_encoder_destroy(o->opus);
    free(o);
}

uint32_t opus_out_frame_samples(const struct opus_out *o)
{
    return (uint32_t)pcm_ms_to_samples(OPUS_OUT_FRAME_MS, o->rate_hz);
}

uint32_t opus_out_delay(const struct opus_out *o)
{
    opus_int32 lookahead = 0;
    (void)opus_encoder_ctl(o->opus, OPUS_GET_LOOKAHEAD(&lookahead));
    return (uint32_t)lookahead * (FILE_HZ / o->rate_hz);
}

enum err opus_out_frame(struct opus_out *o, const int16_t *samples,
                        uint8_t packet[static OPUS_OUT_PACKET_MAX], size_t *ret_bytes)
{
    int n =
        opus_encode(o->opus, samples, (int)opus_out_frame_samples(o), packet, OPUS_OUT_PACKET_MAX);
    if (n == OPUS_ALLOC_FAIL)
        return ERR_NOMEM;
    if (n <= 0)
        return ERR_INTERNAL;
    *ret_bytes = (size_t)n;
    return OK;
}
