// SPDX-License-Identifier: Apache-2.0
#include "audio/flac_out.h"

#include <FLAC/stream_encoder.h>

#include "base/mem.h"

enum { BLOCK_MS = 40, LEVEL = 5, PIECE = 1024 };

struct flac_out {
    FLAC__StreamEncoder *flac;
    bool begun;
    struct buf *into; /* during a call */
    enum err err;     /* of it */
};

static FLAC__StreamEncoderWriteStatus on_write(const FLAC__StreamEncoder *, const FLAC__byte *bytes,
                                               size_t n, uint32_t, uint32_t, void *arg)
{
    struct flac_out *o = arg;
    if (o->into != nullptr)
        o->err = buf_add(o->into, (struct str){(const char *)bytes, n});
    return o->err == OK ? FLAC__STREAM_ENCODER_WRITE_STATUS_OK
                        : FLAC__STREAM_ENCODER_WRITE_STATUS_FATAL_ERROR;
}

enum err flac_out_create(uint32_t rate_hz, struct flac_out **ret_o)
{
    if (rate_hz < PCM_RATE_MIN || rate_hz > PCM_RATE_MAX)
        return ERR_INVALID;
    struct flac_out *o = mem_zero(1, sizeof *o);
    if (o == nullptr)
        return ERR_NOMEM;
    o->flac = FLAC__stream_encoder_new();
    if (o->flac == nullptr) {
        free(o);
        return ERR_NOMEM;
    }
    /* These fail only once it has begun. */
    (void)FLAC__stream_encoder_set_compression_level(o->flac, LEVEL);
    (void)FLAC__stream_encoder_set_channels(o->flac, 1);
    (void)FLAC__stream_encoder_set_bits_per_sample(o->flac, 16);
    (void)FLAC__stream_encoder_set_sample_rate(o->flac, rate_hz);
    (void)FLAC__stream_encoder_set_blocksize(o->flac,
                                             (uint32_t)pcm_ms_to_samples(BLOCK_MS, rate_hz));
    *ret_o = o;
    return OK;
}

void flac_out_destroy(struct flac_out *o)
{
    if (o != nullptr)
        FLAC__stream_encoder_delete(o->flac);
    free(o);
}

static enum err failure(const struct flac_out *o)
{
    if (o->err != OK)
        return o->err;
    return FLAC__stream_encoder_get_state(o->flac) == FLAC__STREAM_ENCODER_MEMORY_ALLOCATION_ERROR
               ? ERR_NOMEM
               : ERR_INTERNAL;
}

static enum err begin(struct flac_out *o)
{
    if (o->begun)
        return OK;
    o->begun = true;
    return FLAC__stream_encoder_init_stream(o->flac, on_write, nullptr, nullptr, nullptr, o) ==
                   FLAC__STREAM_ENCODER_INIT_STATUS_OK
               ? OK
               : failure(o);
}

static enum err run(struct flac_out *o, const int16_t *samples, size_t count)
{
    FLAC__int32 wide[PIECE];
    try(begin(o));
    for (size_t n; count > 0; samples += n, count -= n) {
        n = count < PIECE ? count : PIECE;
        for (size_t i = 0; i < n; i++)
            wide[i] = samples[i];
        if (!FLAC__stream_encoder_process_interleaved(o->flac, wide, (uint32_t)n))
            return failure(o);
    }
    return OK;
}

enum err flac_out_run(struct flac_out *o, const int16_t *samples, size_t count, struct buf *into)
{
    o->into = into;
    enum err err = run(o, samples, count);
    o->into = nullptr;
    return err;
}

static enum err end(struct flac_out *o)
{
    try(begin(o));
    return FLAC__stream_encoder_finish(o->flac) ? OK : failure(o);
}

enum err flac_out_end(struct flac_out *o, struct buf *into)
{
    o->into = into;
    enum err err = end(o);
    o->into = nullptr;
    return err;
}
