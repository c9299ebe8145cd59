// SPDX-License-Identifier: Apache-2.0
#include "audio/wav.h"

#include <stdio.h>
#include <stdlib.h>

#include "audio/g711.h"
#include "base/check.h"
#include "base/mem.h"

enum { CHANNELS_MAX = 8, CHUNKS_MAX = 1024, FORMAT_BYTES = 40 };
enum coding : uint8_t { CODING_NONE, CODING_INT, CODING_FLOAT, CODING_ALAW, CODING_MULAW };

enum { CLAIMED_MAX = 1 << 30 }; /* of what is still to come */

/* Where the reader is in the file. */
enum place : uint8_t { PLACE_RIFF, PLACE_CHUNK, PLACE_FORMAT, PLACE_SKIP, PLACE_DATA, PLACE_END };

struct wav_reader {
    enum place place;
    enum coding coding;
    uint16_t channels, bytes_per_sample;
    uint32_t rate_hz;
    uint32_t chunks;
    uint64_t left; /* bytes of the present chunk, padding included */
    bool seen_data;
    enum err err;     /* sticks */
    uint8_t part[64]; /* a header or a frame that has not arrived whole */
    uint8_t part_n;
    char errmsg[120];
};

enum err wav_reader_create(struct wav_reader **ret_r)
{
    struct wav_reader *r = mem_zero(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    *ret_r = r;
    return OK;
}

void wav_reader_destroy(struct wav_reader *r)
{
    free(r);
}

uint32_t wav_rate(const struct wav_reader *r)
{
    return r->rate_hz;
}

const char *wav_errmsg(const struct wav_reader *r)
{
    return r->errmsg;
}

static enum err refuse(struct wav_reader *r, const char *sentence)
{
    snprintf(r->errmsg, sizeof r->errmsg, "%s", sentence);
    return ERR_MEDIA;
}

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

/* Gathers `need` bytes in r->part; true when they are there. */
static bool gather(struct wav_reader *r, struct str *bytes, size_t need)
{
    size_t n = need - r->part_n;
    if (n > bytes->n)
        n = bytes->n;
    if (n)
        memcpy(r->part + r->part_n, bytes->p, n);
    r->part_n = (uint8_t)(r->part_n + n);
    *bytes = str_sub(*bytes, n, bytes->n);
    return r->part_n == need;
}

static enum err on_riff(struct wav_reader *r)
{
    bool riff = memcmp(r->part, "RIFF", 4) == 0 || memcmp(r->part, "RF64", 4) == 0;
    if (!riff || memcmp(r->part + 8, "WAVE", 4) != 0)
        return refuse(r, "this is not a WAV file");
    r->place = PLACE_CHUNK;
    return OK;
}

static enum err on_chunk(struct wav_reader *r)
{
    uint32_t size = u32(r->part + 4);
    if (++r->chunks > CHUNKS_MAX)
        return refuse(r, "the WAV file has too many parts");
    r->left = (uint64_t)size + (size & 1); /* chunks begin at even places */
    r->place = PLACE_SKIP;
    if (memcmp(r->part, "fmt ", 4) == 0) {
        if (size < 16 || r->rate_hz)
            return refuse(r, "the WAV file's format is damaged");
        r->place = PLACE_FORMAT;
    } else if (memcmp(r->part, "data", 4) == 0) {
        if (!r->rate_hz)
            return refuse(r, "the WAV file has sound before its format");
        r->seen_data = true;
        r->place = PLACE_DATA;
        /* Written while recording: the length was not known, the sound goes on to the end. */
        r->left = size == 0 || size >= UINT32_MAX - WAV_HEADER_BYTES ? UINT64_MAX : size;
    }
    return OK;
}

static size_t frame_bytes(const struct wav_reader *r)
{
    return (size_t)r->channels * r->bytes_per_sample;
}

static enum err on_format(struct wav_reader *r, size_t size)
{
    uint16_t tag = u16(r->part), bits = u16(r->part + 14), align = u16(r->part + 12);
    uint32_t rate = u32(r->part + 4);
    r->channels = u16(r->part + 2);
    if (tag == 0xfffe && size >= FORMAT_BYTES)
        tag = u16(r->part + 24); /* WAVE_FORMAT_EXTENSIBLE: the sub-format's first two bytes */
    r->bytes_per_sample = bits / 8;
    bool good = false;
    if (tag == 1)
        r->coding = CODING_INT, good = bits == 8 || bits == 16 || bits == 24 || bits == 32;
    else if (tag == 3)
        r->coding = CODING_FLOAT, good = bits == 32 || bits == 64;
    else if (tag == 6 || tag == 7)
        r->coding = tag == 6 ? CODING_ALAW : CODING_MULAW, good = bits == 8;
    if (!good)
        return refuse(r, "this WAV coding is not supported; use PCM, float, A-law or mu-law");
    if (r->channels == 0 || r->channels > CHANNELS_MAX)
        return refuse(r, "the WAV file must have 1 to 8 channels");
    if (align != frame_bytes(r))
        return refuse(r, "the WAV file's format is damaged");
    if (rate < PCM_RATE_MIN || rate > 192000)
        return refuse(r, "the WAV file's sample rate must be 8,000 to 192,000 Hz");
    r->rate_hz = rate;
    return OK;
}

/* One sample as -1..1. */
static double sample_at(const struct wav_reader *r, const uint8_t *p)
{
    switch (r->coding) {
    case CODING_ALAW:
        return g711_alaw(p[0]) / 32768.0;
    case CODING_MULAW:
        return g711_mulaw(p[0]) / 32768.0;
    case CODING_FLOAT: {
        float f;
        double d;
        if (r->bytes_per_sample == 8) {
            memcpy(&d, p, sizeof d);
            return d;
        }
        memcpy(&f, p, sizeof f);
        return f;
    }
    default:
        break;
    }
    switch (r->bytes_per_sample) {
    case 1:
        return (p[0] - 128) / 128.0;
    case 2:
        return (int16_t)u16(p) / 32768.0;
    case 3:
        return (int32_t)((uint32_t)p[0] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 24) /
               2147483648.0;
    default:
        return (int32_t)u32(p) / 2147483648.0;
    }
}

/* All channels of one moment, mixed. NaN and what lies outside becomes silence or full scale. */
static int16_t mix_frame(const struct wav_reader *r, const uint8_t *p)
{
    double sum = 0;
    for (int c = 0; c < r->channels; c++)
        sum += sample_at(r, p + (size_t)c * r->bytes_per_sample);
    double x = sum / r->channels * 32768.0;
    if (!(x == x))
        return 0;
    return x > 32767 ? 32767 : x < -32768 ? -32768 : (int16_t)(x < 0 ? x - 0.5 : x + 0.5);
}

static enum err put_frames(const struct wav_reader *r, const void *frames, size_t count,
                           struct buf *into)
{
    size_t frame = frame_bytes(r);
    const uint8_t *p = frames;
    bool as_wanted = r->coding == CODING_INT && r->bytes_per_sample == 2 && r->channels == 1;
    if (as_wanted)
        return buf_add(into, (struct str){frames, count * frame});
    while (count) {
        int16_t run[256];
        size_t n = count < sizeof run / sizeof *run ? count : sizeof run / sizeof *run;
        for (size_t i = 0; i < n; i++)
            run[i] = mix_frame(r, p + i * frame);
        try(buf_add(into, (struct str){(const char *)run, n * sizeof *run}));
        p += n * frame;
        count -= n;
    }
    return OK;
}

static enum err on_data(struct wav_reader *r, struct str *bytes, struct buf *into)
{
    size_t frame = frame_bytes(r), n = r->left < bytes->n ? (size_t)r->left : bytes->n;
    struct str now = str_sub(*bytes, 0, n);
    check(frame > 0); /* on_format let no other through */
    if (r->part_n && gather(r, &now, frame)) {
        try(put_frames(r, r->part, 1, into));
        r->part_n = 0;
    }
    if (now.n >= frame) {
        try(put_frames(r, now.p, now.n / frame, into));
        now = str_sub(now, now.n - now.n % frame, now.n);
    }
    if (now.n)
        gather(r, &now, frame); /* the beginning of a frame */
    if (r->left != UINT64_MAX)
        r->left -= n;
    *bytes = str_sub(*bytes, n, bytes->n);
    return OK;
}

static void skip(struct wav_reader *r, struct str *bytes)
{
    size_t n = r->left < bytes->n ? (size_t)r->left : bytes->n;
    r->left -= n;
    *bytes = str_sub(*bytes, n, bytes->n);
}

static enum err step(struct wav_reader *r, struct str *bytes, struct buf *into)
{
    switch (r->place) {
    case PLACE_RIFF:
        if (!gather(r, bytes, 12))
            return OK;
        r->part_n = 0;
        return on_riff(r);
    case PLACE_CHUNK:
        if (!gather(r, bytes, 8))
            return OK;
        r->part_n = 0;
        return on_chunk(r);
    case PLACE_FORMAT: {
        size_t size = r->left < FORMAT_BYTES ? (size_t)r->left : FORMAT_BYTES;
        if (!gather(r, bytes, size))
            return OK;
        r->part_n = 0;
        r->left -= size;
        r->place = PLACE_SKIP;
        return on_format(r, size);
    }
    case PLACE_DATA:
        try(on_data(r, bytes, into));
        if (r->left == 0)
            r->place = PLACE_END;
        return OK;
    case PLACE_SKIP:
        skip(r, bytes);
        if (r->left == 0)
            r->place = PLACE_CHUNK;
        return OK;
    case PLACE_END: /* what follows the sound is no sound */
        *bytes = (struct str){};
        return OK;
    }
    return ERR_INTERNAL;
}

enum err wav_feed(struct wav_reader *r, struct str bytes, struct buf *into)
{
    do {
        if (r->err == OK)
            r->err = step(r, &bytes, into);
    } while (r->err == OK && bytes.n);
    return r->err;
}

uint64_t wav_owed(const struct wav_reader *r)
{
    return r->place == PLACE_DATA && r->left < CLAIMED_MAX ? r->left : 0;
}

enum err wav_end(struct wav_reader *r)
{
    if (r->err == OK && !r->seen_data)
        r->err = refuse(r, r->place == PLACE_RIFF ? "this is not a WAV file"
                                                  : "the WAV file ends before its sound begins");
    return r->err;
}

static void put_tag(uint8_t *p, const char tag[static 4])
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)tag[i];
}

static void put32(uint8_t *p, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(n >> 8 * i);
}

void wav_header(uint8_t into[WAV_HEADER_BYTES], uint32_t rate_hz, uint32_t samples)
{
    bool known = samples <= (UINT32_MAX - 36) / 2;
    put_tag(into, "RIFF");
    put_tag(into + 8, "WAVE");
    put_tag(into + 12, "fmt ");
    put32(into + 4, known ? samples * 2 + 36 : UINT32_MAX);
    put32(into + 16, 16);
    put32(into + 20, 1 | 1 << 16); /* PCM, one channel */
    put32(into + 24, rate_hz);
    put32(into + 28, rate_hz * 2);
    put32(into + 32, 2 | 16 << 16); /* bytes a frame, bits a sample */
    put_tag(into + 36, "data");
    put32(into + 40, known ? samples * 2 : UINT32_MAX);
}
