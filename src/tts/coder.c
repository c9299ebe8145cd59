// SPDX-License-Identifier: Apache-2.0
#include "tts/coder.h"

#include "audio/ogg_out.h"
#include "audio/opus_out.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

enum { PAGE_MAX = 128 * 1024 };

struct coder {
    coder_out_fn out;
    void *to;
    struct opus_out *opus; /* NULL: samples go out as they are */
    struct ogg_out *ogg;   /* NULL: bare packets */
    struct buf page;
    uint64_t samples; /* so far */
};

static enum err create_opus(struct coder *c, bool file, uint32_t rate_hz)
{
    try(opus_out_create(rate_hz, &c->opus));
    /* The clock tells streams apart that somebody puts behind one another. */
    return file ? ogg_out_create(rate_hz, opus_out_delay(c->opus), (uint32_t)clock_us(), &c->ogg)
                : OK;
}

enum err coder_create(struct str format, uint32_t rate_hz, coder_out_fn out, void *to,
                      struct coder **ret_c)
{
    bool pcm = format.n == 0 || str_eq(format, S("pcm")), ogg = str_eq(format, S("ogg"));
    if (!pcm && !ogg && !str_eq(format, S("opus")))
        return ERR_UNSUPPORTED;
    struct coder *c = mem_zero(1, sizeof *c);
    if (c == nullptr)
        return ERR_NOMEM;
    c->out = out;
    c->to = to;
    c->page = BUF(PAGE_MAX);
    enum err err = pcm ? OK : create_opus(c, ogg, rate_hz);
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
    buf_finish(&c->page);
    free(c);
}

uint32_t coder_grain(const struct coder *c)
{
    return c->opus != nullptr ? opus_out_frame_samples(c->opus) : 1;
}

static enum err send_page(struct coder *c)
{
    try(c->out(c->to, buf_str(&c->page)));
    buf_clear(&c->page);
    return OK;
}

/* The heads go with the first sound: before it nobody knows whether there will be any. */
static enum err begin_file(struct coder *c)
{
    return c->ogg != nullptr && c->samples == 0 ? ogg_out_begin(c->ogg, &c->page) : OK;
}

static enum err code_frame(struct coder *c, const int16_t *samples)
{
    uint8_t bytes[OPUS_OUT_PACKET_MAX];
    size_t n;
    try(opus_out_frame(c->opus, samples, bytes, &n));
    struct str packet = {(const char *)bytes, n};
    return c->ogg != nullptr ? ogg_out_packet(c->ogg, packet, OPUS_OUT_FRAME_MS)
                             : c->out(c->to, packet);
}

enum err coder_run(struct coder *c, const int16_t *samples, size_t count)
{
    uint32_t grain = coder_grain(c);
    check(count % grain == 0);
    try(begin_file(c));
    c->samples += count;
    if (c->opus == nullptr)
        return c->out(c->to, (struct str){(const char *)samples, count * sizeof *samples});
    for (size_t at = 0; at < count; at += grain)
        try(code_frame(c, samples + at));
    if (c->ogg == nullptr)
        return OK;
    try(ogg_out_page(c->ogg, &c->page));
    return send_page(c);
}

enum err coder_end(struct coder *c)
{
    if (c->opus == nullptr || (c->ogg == nullptr && c->samples == 0))
        return OK;
    try(begin_file(c));
    static const int16_t silence[PCM_RATE_MAX * OPUS_OUT_FRAME_MS / 1000];
    if (c->ogg == nullptr)
        return code_frame(c, silence);
    uint8_t bytes[OPUS_OUT_PACKET_MAX];
    size_t n;
    try(opus_out_frame(c->opus, silence, bytes, &n));
    try(ogg_out_end(c->ogg, (struct str){(const char *)bytes, n}, c->samples, &c->page));
    return send_page(c);
}
