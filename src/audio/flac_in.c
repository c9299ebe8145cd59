// SPDX-License-Identifier: Apache-2.0
#include "audio/flac_in.h"

#include <FLAC/stream_decoder.h>
#include <stdio.h>

#include "audio/resample.h"
#include "base/mem.h"

/* Damage here and there is passed over; beyond so much, and one for so many frames, it is noise. libFLAC writes a line
 * to stderr for some. */
enum { LOST_MAX = 20, FRAMES_PER_LOST = 50, PIECE = 1024 };
enum { MAGIC_BYTES = 4, BLOCK_HEAD_BYTES = 4, STREAMINFO_BYTES = 34 };
enum { BLOCK_STREAMINFO = 0, BLOCK_INVALID = 127 };

struct flac_in {
    FLAC__StreamDecoder *flac;
    char head_bytes[MAGIC_BYTES + BLOCK_HEAD_BYTES + STREAMINFO_BYTES];
    struct str head, left; /* what is still to be read, the head first */
    uint32_t rate_hz;
    bool ended;
    uint64_t frames, lost;
    struct buf *into; /* during a step */
    size_t made;      /* samples, in this step */
    enum err err;     /* sticks */
    char errmsg[120];
};

static enum err refuse(struct flac_in *f, const char *sentence)
{
    snprintf(f->errmsg, sizeof f->errmsg, "%s", sentence);
    return ERR_MEDIA;
}

static bool is_noise(const struct flac_in *f)
{
    return f->lost > LOST_MAX + f->frames / FRAMES_PER_LOST;
}

/* --- what libFLAC calls --------------------------------------------------------------------------- */

/* libFLAC looks for its next frame as far as it is given bytes. */
static FLAC__StreamDecoderReadStatus on_read(const FLAC__StreamDecoder *, FLAC__byte *into,
                                             size_t *n, void *arg)
{
    struct flac_in *f = arg;
    struct str *from = f->head.n > 0 ? &f->head : &f->left;
    if (is_noise(f))
        return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
    if (*n > from->n)
        *n = from->n;
    if (*n == 0)
        return FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
    memcpy(into, from->p, *n);
    *from = str_sub(*from, *n, from->n);
    return FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
}

static enum err set_rate(struct flac_in *f, uint32_t hz)
{
    if (hz < PCM_RATE_MIN || hz > RESAMPLE_FROM_MAX)
        return refuse(f, "the FLAC file's sample rate must be 8,000 to 192,000 Hz");
    if (f->rate_hz != 0 && f->rate_hz != hz)
        return refuse(f, "the FLAC file changes its sample rate");
    f->rate_hz = hz;
    return OK;
}

static void on_metadata(const FLAC__StreamDecoder *, const FLAC__StreamMetadata *data, void *arg)
{
    struct flac_in *f = arg;
    if (f->err == OK && data->type == FLAC__METADATA_TYPE_STREAMINFO)
        f->err = set_rate(f, data->data.stream_info.sample_rate);
}

static int16_t to_s16(double x)
{
    return x > 32767 ? 32767 : x < -32768 ? -32768 : (int16_t)(x < 0 ? x - 0.5 : x + 0.5);
}

static enum err add_frame(struct buf *into, const FLAC__FrameHeader *head,
                          const FLAC__int32 *const *channels)
{
    const double scale =
        32768.0 / head->channels / (double)(UINT64_C(1) << (head->bits_per_sample - 1));
    int16_t piece[PIECE];
    for (size_t at = 0; at < head->blocksize; at += PIECE) {
        size_t n = head->blocksize - at < PIECE ? head->blocksize - at : PIECE;
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (uint32_t c = 0; c < head->channels; c++)
                sum += channels[c][at + i];
            piece[i] = to_s16(sum * scale);
        }
        try(buf_add(into, (struct str){(const char *)piece, n * sizeof *piece}));
    }
    return OK;
}

/* Also called with silence for frames that are missing, of which a file may claim any number. */
static FLAC__StreamDecoderWriteStatus on_write(const FLAC__StreamDecoder *,
                                               const FLAC__Frame *frame,
                                               const FLAC__int32 *const *channels, void *arg)
{
    struct flac_in *f = arg;
    f->made += frame->header.blocksize;
    if (f->err == OK && f->made > FLAC_IN_STEP_SAMPLES)
        f->err = refuse(f, "the FLAC file's sound is damaged");
    if (f->err == OK)
        f->err = set_rate(f, frame->header.sample_rate);
    if (f->err == OK)
        f->err = add_frame(f->into, &frame->header, channels);
    return f->err == OK ? FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE
                        : FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
}

/* What is missing between good frames was already told where it was damaged. */
static void on_error(const FLAC__StreamDecoder *, FLAC__StreamDecoderErrorStatus what, void *arg)
{
    struct flac_in *f = arg;
    f->lost += what != FLAC__STREAM_DECODER_ERROR_STATUS_MISSING_FRAME;
}

/* --- the face ------------------------------------------------------------------------------------- */

/* libFLAC is shown the one block of metadata that it needs, and neither tables nor pictures, whose sizes may lie. */
static enum err take_metadata(struct flac_in *f)
{
    bool last = false;
    f->left = str_sub(f->left, MAGIC_BYTES, f->left.n);
    while (!last && f->left.n >= BLOCK_HEAD_BYTES) {
        const uint8_t *p = (const uint8_t *)f->left.p;
        unsigned kind = p[0] & 0x7f;
        size_t n = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        struct str block = str_sub(f->left, BLOCK_HEAD_BYTES, BLOCK_HEAD_BYTES + n);
        bool first = f->head.n == 0;
        last = p[0] & 0x80;
        f->left = str_sub(f->left, BLOCK_HEAD_BYTES + n, f->left.n);
        if (kind == BLOCK_INVALID || first != (kind == BLOCK_STREAMINFO) ||
            (first && n < STREAMINFO_BYTES))
            return refuse(f, "the FLAC file's head is damaged");
        if (block.n < n)
            break;
        if (!first)
            continue;
        memcpy(f->head_bytes, "fLaC\x80\0\0\x22", MAGIC_BYTES + BLOCK_HEAD_BYTES);
        memcpy(f->head_bytes + MAGIC_BYTES + BLOCK_HEAD_BYTES, block.p, STREAMINFO_BYTES);
        f->head = (struct str){f->head_bytes, sizeof f->head_bytes};
    }
    return last ? OK : refuse(f, "the FLAC file ends before its sound begins");
}

static enum err open_file(struct flac_in *f, bool in_ogg)
{
    typeof(FLAC__stream_decoder_init_stream) *init =
        in_ogg ? FLAC__stream_decoder_init_ogg_stream : FLAC__stream_decoder_init_stream;
    f->flac = FLAC__stream_decoder_new();
    if (f->flac == nullptr)
        return ERR_NOMEM;
    switch (init(f->flac, on_read, nullptr, nullptr, nullptr, nullptr, on_write, on_metadata,
                 on_error, f)) {
    case FLAC__STREAM_DECODER_INIT_STATUS_OK:
        return OK;
    case FLAC__STREAM_DECODER_INIT_STATUS_MEMORY_ALLOCATION_ERROR:
        return ERR_NOMEM;
    default: /* built without Ogg, perhaps */
        return ERR_INTERNAL;
    }
}

enum err flac_in_create(struct str file, bool in_ogg, struct flac_in **ret_f)
{
    struct flac_in *f = mem_zero(1, sizeof *f);
    if (f == nullptr)
        return ERR_NOMEM;
    f->left = file;
    enum err err = open_file(f, in_ogg);
    if (err != OK) {
        flac_in_destroy(f);
        return err;
    }
    if (!in_ogg)
        f->err = take_metadata(f);
    *ret_f = f;
    return OK;
}

void flac_in_destroy(struct flac_in *f)
{
    if (f != nullptr && f->flac != nullptr)
        FLAC__stream_decoder_delete(f->flac);
    free(f);
}

static enum err at_end(struct flac_in *f)
{
    f->ended = true;
    if (f->rate_hz == 0)
        return refuse(f, f->lost > 0 ? "the FLAC file's head is damaged"
                                     : "the FLAC file ends before its sound begins");
    return f->frames == 0 && f->lost > 0 ? refuse(f, "the FLAC file's sound is damaged") : OK;
}

static enum err step(struct flac_in *f)
{
    bool good = FLAC__stream_decoder_process_single(f->flac);
    FLAC__StreamDecoderState state = FLAC__stream_decoder_get_state(f->flac);
    try(f->err);              /* of what it called */
    f->frames += f->made > 0; /* with the silence before it, whatever of that a file claims */
    if (state == FLAC__STREAM_DECODER_MEMORY_ALLOCATION_ERROR)
        return ERR_NOMEM;
    if (is_noise(f))
        return refuse(f, "the FLAC file's sound is damaged");
    if (state == FLAC__STREAM_DECODER_END_OF_STREAM)
        return at_end(f);
    return good ? OK : refuse(f, "the FLAC file is damaged");
}

enum err flac_in_read(struct flac_in *f, struct buf *into)
{
    if (f->err != OK || f->ended)
        return f->err;
    f->into = into;
    f->made = 0;
    f->err = step(f);
    f->into = nullptr;
    return f->err;
}

bool flac_in_ended(const struct flac_in *f)
{
    return f->ended;
}

uint32_t flac_in_rate(const struct flac_in *f)
{
    return f->rate_hz;
}

const char *flac_in_errmsg(const struct flac_in *f)
{
    return f->errmsg;
}
