// SPDX-License-Identifier: Apache-2.0
#include "tts/coder.h"

#include "audio/flac_out.h"
#include "audio/mp3_out.h"
#include "audio/ogg_out.h"
#include "audio/opus_out.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

enum { PAGE_MAX = 128 * 1024 };

enum kind : uint8_t { KIND_PCM, KIND_OPUS, KIND_OGG, KIND_MP3, KIND_FLAC, KINDS };
static const char *const names[KINDS] = {"pcm", "opus", "ogg", "mp3", "flac"};

struct coder {
    enum kind kind;
    coder_out_fn out;
    void *to;
    /* What the kind needs of these; the others are NULL. */
    struct opus_out *opus;
    struct ogg_out *ogg;
    struct mp3_out *mp3;
    struct flac_out *flac;
    struct buf page;  /* not sent yet */
    uint64_t samples; /* so far */
};

static enum kind kind_of(struct str format)
{
    for (int i = 0; i < KINDS; i++)
        if (str_eq(format, str_of(names[i])))
            return (enum kind)i;
    return format.n == 0 ? KIND_PCM : KINDS;
}

const char *coder_rates(struct str format)
{
    return kind_of(format) == KIND_MP3 ? MP3_OUT_RATES : OPUS_OUT_RATES;
}

static enum err create_opus(struct coder *c, uint32_t rate_hz)
{
    try(opus_out_create(rate_hz, &c->opus));
    /* The clock tells streams apart that somebody puts behind one another. */
    return c->kind == KIND_OGG
               ? ogg_out_create(rate_hz, opus_out_delay(c->opus), (uint32_t)clock_us(), &c->ogg)
               : OK;
}

static enum err create(struct coder *c, uint32_t rate_hz)
{
    switch (c->kind) {
    case KIND_PCM:
        return OK;
    case KIND_OPUS:
    case KIND_OGG:
        return create_opus(c, rate_hz);
    case KIND_MP3:
        return mp3_out_create(rate_hz, &c->mp3);
    case KIND_FLAC:
        return flac_out_create(rate_hz, &c->flac);
    case KINDS:
        break;
    }
    return ERR_UNSUPPORTED;
}

enum err coder_create(struct str format, uint32_t rate_hz, coder_out_fn out, void *to,
                      struct coder **ret_c)
{
    struct coder *c = mem_zero(1, sizeof *c);
    if (c == nullptr)
        return ERR_NOMEM;
    c->kind = kind_of(format);
    c->out = out;
    c->to = to;
    c->page = BUF(PAGE_MAX);
    enum err err = create(c, rate_hz);
    if (err != OK) {
        coder_destroy(c);
        return err;
    }
    *ret_c = c;
    return OK;
}

void coder_destroy(struct coder *c)
{
    if (c == nullptr)
        return;
    opus_out_destroy(c->opus);
    ogg_out_destroy(c->ogg);
    mp3_out_destroy(c->mp3);
    flac_out_destroy(c->flac);
    buf_finish(&c->page);
    free(c);
}

uint32_t coder_grain(const struct coder *c)
{
    return c->opus != nullptr ? opus_out_frame_samples(c->opus) : 1;
}

static enum err send_page(struct coder *c)
{
    if (c->page.n == 0)
        return OK;
    try(c->out(c->to, buf_str(&c->page)));
    buf_clear(&c->page);
    return OK;
}

/* --- Opus --- */

/* The heads go with the first sound: before it nobody knows whether there will be any. */
static enum err begin_ogg(struct coder *c)
{
    return c->kind == KIND_OGG && c->samples == 0 ? ogg_out_begin(c->ogg, &c->page) : OK;
}

static enum err code_frame(struct coder *c, const int16_t *samples)
{
    uint8_t bytes[OPUS_OUT_PACKET_MAX];
    size_t n;
    try(opus_out_frame(c->opus, samples, bytes, &n));
    struct str packet = {(const char *)bytes, n};
    return c->kind == KIND_OGG ? ogg_out_packet(c->ogg, packet, OPUS_OUT_FRAME_MS)
                               : c->out(c->to, packet);
}

static enum err run_opus(struct coder *c, const int16_t *samples, size_t count)
{
    uint32_t grain = coder_grain(c);
    check(count % grain == 0);
    try(begin_ogg(c));
    for (size_t at = 0; at < count; at += grain)
        try(code_frame(c, samples + at));
    return c->kind == KIND_OGG ? ogg_out_page(c->ogg, &c->page) : OK;
}

static enum err end_opus(struct coder *c)
{
    static const int16_t silence[PCM_RATE_MAX * OPUS_OUT_FRAME_MS / 1000];
    if (c->kind == KIND_OPUS)
        return c->samples ? code_frame(c, silence) : OK;
    try(begin_ogg(c));
    uint8_t bytes[OPUS_OUT_PACKET_MAX];
    size_t n;
    try(opus_out_frame(c->opus, silence, bytes, &n));
    return ogg_out_end(c->ogg, (struct str){(const char *)bytes, n}, c->samples, &c->page);
}

/* --- all --- */

static enum err run(struct coder *c, const int16_t *samples, size_t count)
{
    switch (c->kind) {
    case KIND_OPUS:
    case KIND_OGG:
        return run_opus(c, samples, count);
    case KIND_MP3:
        return mp3_out_run(c->mp3, samples, count, &c->page);
    case KIND_FLAC:
        return flac_out_run(c->flac, samples, count, &c->page);
    default:
        return c->out(c->to, (struct str){(const char *)samples, count * sizeof *samples});
    }
}

enum err coder_run(struct coder *c, const int16_t *samples, size_t count)
{
    try(run(c, samples, count));
    c->samples += count;
    return send_page(c);
}

static enum err end(struct coder *c)
{
    switch (c->kind) {
    case KIND_OPUS:
    case KIND_OGG:
        return end_opus(c);
    case KIND_MP3:
        return mp3_out_end(c->mp3, &c->page);
    case KIND_FLAC:
        return flac_out_end(c->flac, &c->page);
    default:
        return OK;
    }
}

enum err coder_end(struct coder *c)
{
    try(end(c));
    return send_page(c);
}
