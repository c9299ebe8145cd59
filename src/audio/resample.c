// SPDX-License-Identifier: Apache-2.0
#include "audio/resample.h"

#include <speex/speex_resampler.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { QUALITY = 5, STEP = 1024 /* input samples a call */, RATIO_MAX = 8 };

struct resample {
    SpeexResamplerState *speex; /* NULL: equal rates */
    uint32_t from_hz, to_hz;
    uint64_t in, out; /* samples of this stream */
};

static bool is_rate(uint32_t hz, uint32_t max_hz)
{
    return hz >= PCM_RATE_MIN && hz <= max_hz;
}

/* speexdsp begins with silence, half a filter long; without it the stream has the length it should. */
static void begin(struct resample *r)
{
    r->in = r->out = 0;
    if (!r->speex)
        return;
    speex_resampler_reset_mem(r->speex);
    speex_resampler_skip_zeros(r->speex);
}

enum err resample_create(uint32_t from_hz, uint32_t to_hz, struct resample **ret_r)
{
    if (!is_rate(from_hz, RESAMPLE_FROM_MAX) || !is_rate(to_hz, PCM_RATE_MAX))
        return ERR_INVALID;
    struct resample *r = mem_zero(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->from_hz = from_hz;
    r->to_hz = to_hz;
    if (from_hz != to_hz) {
        int failure;
        r->speex = speex_resampler_init(1, from_hz, to_hz, QUALITY, &failure);
        if (!r->speex) {
            free(r);
            return ERR_NOMEM;
        }
    }
    begin(r);
    *ret_r = r;
    return OK;
}

void resample_destroy(struct resample *r)
{
    if (r && r->speex)
        speex_resampler_destroy(r->speex);
    free(r);
}

static enum err run(struct resample *r, const int16_t *samples, size_t count, struct buf *into)
{
    while (count) {
        int16_t piece[STEP * RATIO_MAX];
        spx_uint32_t in = (spx_uint32_t)(count < STEP ? count : STEP), out = STEP * RATIO_MAX;
        speex_resampler_process_int(r->speex, 0, samples, &in, piece, &out);
        check(in > 0); /* the output has room for all of it */
        try(buf_add(into, (struct str){(const char *)piece, out * sizeof *piece}));
        r->out += out;
        samples += in;
        count -= in;
    }
    return OK;
}

enum err resample_run(struct resample *r, const int16_t *samples, size_t count, struct buf *into)
{
    r->in += count;
    if (!r->speex)
        return buf_add(into, (struct str){(const char *)samples, count * sizeof *samples});
    return run(r, samples, count, into);
}

enum err resample_flush(struct resample *r, struct buf *into)
{
    static const int16_t silence[256];
    uint64_t whole = (r->in * r->to_hz + r->from_hz / 2) / r->from_hz;
    enum err err = OK;
    while (r->speex && r->out < whole && err == OK)
        err = run(r, silence, sizeof silence / sizeof *silence, into);
    if (r->out > whole) { /* the last step gave more than was missing */
        size_t extra = (size_t)(r->out - whole) * sizeof(int16_t);
        into->n -= extra < into->n ? extra : into->n;
    }
    begin(r);
    return err;
}
