// SPDX-License-Identifier: Apache-2.0
#include "audio/mp3_out.h"

#include <lame/lame.h>

#include "base/mem.h"

enum {
    KBIT_PER_SECOND = 64,
    QUALITY = 5,                 /* of 0 (slow) to 9 */
    PIECE = 2048,                /* samples at once */
    ROOM = PIECE * 5 / 4 + 7200, /* as LAME wants it */
};

struct mp3_out {
    lame_global_flags *lame;
};

static bool has_rate(uint32_t hz)
{
    static const uint32_t rates[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (rates[i] == hz)
            return true;
    return false;
}

/* LAME would write to stderr. */
static void say_nothing(const char *, va_list) {}

static enum err begin(struct mp3_out *o, uint32_t rate_hz)
{
    o->lame = lame_init();
    if (o->lame == nullptr)
        return ERR_NOMEM;
    (void)lame_set_errorf(o->lame, say_nothing);
    (void)lame_set_debugf(o->lame, say_nothing);
    (void)lame_set_msgf(o->lame, say_nothing);
    (void)lame_set_in_samplerate(o->lame, (int)rate_hz);
    (void)lame_set_out_samplerate(o->lame, (int)rate_hz);
    (void)lame_set_num_channels(o->lame, 1);
    (void)lame_set_mode(o->lame, MONO);
    (void)lame_set_brate(o->lame, KBIT_PER_SECOND);
    (void)lame_set_quality(o->lame, QUALITY);
    (void)lame_set_bWriteVbrTag(o->lame, 0);
    lame_set_write_id3tag_automatic(o->lame, 0);
    return lame_init_params(o->lame) == 0 ? OK : ERR_NOMEM;
}

enum err mp3_out_create(uint32_t rate_hz, struct mp3_out **ret_o)
{
    if (!has_rate(rate_hz))
        return ERR_INVALID;
    struct mp3_out *o = mem_zero(1, sizeof *o);
    if (o == nullptr)
        return ERR_NOMEM;
    enum err err = begin(o, rate_hz);
    if (err == OK)
        *ret_o = o;
    else
        mp3_out_destroy(o);
    return err;
}

void mp3_out_destroy(struct mp3_out *o)
{
    if (o != nullptr && o->lame != nullptr)
        (void)lame_close(o->lame);
    free(o);
}

/* `n` bytes were written to the room that was reserved. */
static enum err take(struct buf *into, int n)
{
    if (n < 0)
        return n == -2 ? ERR_NOMEM : ERR_INTERNAL;
    into->n += (size_t)n;
    return OK;
}

enum err mp3_out_run(struct mp3_out *o, const int16_t *samples, size_t count, struct buf *into)
{
    for (size_t n; count > 0; samples += n, count -= n) {
        n = count < PIECE ? count : PIECE;
        try(buf_reserve(into, ROOM));
        unsigned char *to = (unsigned char *)into->p + into->n;
        try(take(into, lame_encode_buffer(o->lame, samples, samples, (int)n, to, ROOM)));
    }
    return OK;
}

enum err mp3_out_end(struct mp3_out *o, struct buf *into)
{
    try(buf_reserve(into, ROOM));
    return take(into, lame_encode_flush(o->lame, (unsigned char *)into->p + into->n, ROOM));
}
