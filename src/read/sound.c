// SPDX-License-Identifier: Apache-2.0
#include "read/sound.h"

#include <stdio.h>
#include <time.h>

#include "audio/recording.h"
#include "audio/resample.h"

/* What one step may make, by audio/recording.h. */
enum { STEP_BYTES = 4 * 1024, DECODED_MAX = RECORDING_STEP_BYTES };

struct reading {
    struct recording *file;
    struct resample *resample; /* NULL until the rate is known */
    struct buf decoded;        /* at the file's rate */
    struct buf out;            /* at 16 kHz, not yet handed on */
    uint64_t handed;           /* bytes */
    clock_t began, longest;
    sound_piece_fn piece;
    void *to;
    char *why;
};

static enum err hand_on(struct reading *r, bool all)
{
    size_t at = 0;
    while (r->out.n - at >= (all ? 1 : SOUND_PIECE_BYTES)) {
        struct str piece = str_sub(buf_str(&r->out), at, at + SOUND_PIECE_BYTES);
        r->handed += piece.n;
        if (r->handed > SOUND_PCM_MAX) {
            snprintf(r->why, SOUND_WHY_BYTES, "the recording is longer than an hour");
            return ERR_TOOBIG;
        }
        try(r->piece(r->to, piece));
        at += piece.n;
    }
    buf_eat(&r->out, at);
    return OK;
}

static enum err convert(struct reading *r)
{
    uint32_t rate = recording_rate(r->file);
    if (r->resample == nullptr && rate != 0) {
        enum err err = resample_create(rate, PCM_RATE_RECOGNISE, &r->resample);
        if (err == ERR_INVALID) {
            snprintf(r->why, SOUND_WHY_BYTES,
                     "a sample rate of %u Hz is not supported; 8000 to 192000 Hz are", rate);
            return ERR_MEDIA;
        }
        try(err);
    }
    if (r->decoded.n == 0)
        return OK;
    try(resample_run(r->resample, (const int16_t *)r->decoded.p, r->decoded.n / sizeof(int16_t),
                     &r->out));
    buf_clear(&r->decoded);
    return hand_on(r, false);
}

static enum err mind_time(struct reading *r)
{
    if (clock() - r->began < r->longest)
        return OK;
    snprintf(
        r->why, SOUND_WHY_BYTES,
        "the recording takes too much computing; send it shorter, or with a lower sample rate");
    return ERR_TOOBIG;
}

static enum err read_all(struct reading *r)
{
    do {
        try(recording_read(r->file, STEP_BYTES, &r->decoded));
        try(convert(r));
        try(mind_time(r));
    } while (!recording_ended(r->file));
    if (r->resample != nullptr)
        try(resample_flush(r->resample, &r->out));
    return hand_on(r, true);
}

enum err sound_read(struct str bytes, uint32_t cpu_ms, sound_piece_fn piece, void *to,
                    char why[SOUND_WHY_BYTES])
{
    struct reading r = {.decoded = BUF(DECODED_MAX),
                        .out = BUF(DECODED_MAX * 2),
                        .began = clock(),
                        .longest = (clock_t)cpu_ms * (CLOCKS_PER_SEC / 1000),
                        .piece = piece,
                        .to = to,
                        .why = why};
    enum err err = recording_create(bytes, &r.file);
    if (err == OK)
        err = read_all(&r);
    if (err == ERR_MEDIA && why[0] == '\0')
        snprintf(why, SOUND_WHY_BYTES, "%s", recording_errmsg(r.file));
    recording_destroy(r.file);
    resample_destroy(r.resample);
    buf_finish(&r.decoded);
    buf_finish(&r.out);
    return err;
}
