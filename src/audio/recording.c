// SPDX-License-Identifier: Apache-2.0
#include "audio/recording.h"

#include <stdio.h>

#include "audio/flac_in.h"
#include "audio/mp3_in.h"
#include "audio/ogg_in.h"
#include "audio/wav.h"
#include "audio/webm.h"
#include "base/mem.h"

#define READ_KINDS "WAV, FLAC, MP3, Ogg/Opus or WebM/Opus"

enum kind : uint8_t { KIND_FOREIGN, KIND_WAV, KIND_OGG, KIND_WEBM, KIND_FLAC, KIND_MP3 };

struct recording {
    enum kind kind;
    struct str left; /* of the file, for readers that are fed */
    bool ended;
    enum err err; /* sticks */
    union {
        struct wav_reader *wav;
        struct ogg_in *ogg;
        struct webm *webm;
        struct flac_in *flac;
        struct mp3_in *mp3;
    };
    char errmsg[200]; /* of a kind that is not read */
};

/* --- what it is ------------------------------------------------------------------------------------ */

/* ID3 tags, which stand in front of MP3 and now and then of FLAC. */
static struct str behind_tags(struct str file)
{
    for (size_t n; (n = mp3_in_tag(file)) > 0;)
        file = str_sub(file, n, file.n);
    return file;
}

/* RFC 9639, 10.1: the first packet, behind a head with one segment. */
static bool is_ogg_flac(struct str file)
{
    enum { PACKET = 28 };
    return str_starts(file, S("OggS")) &&
           str_starts(str_sub(file, PACKET, file.n), S("\x7f\x46LAC"));
}

static enum kind kind_of(struct str file)
{
    struct str magic = str_sub(file, 0, 4);
    if (str_eq(magic, S("RIFF")) || str_eq(magic, S("RF64")))
        return KIND_WAV;
    if (str_eq(magic, S("\x1a\x45\xdf\xa3")))
        return KIND_WEBM;
    if (is_ogg_flac(file) || str_starts(behind_tags(file), S("fLaC")))
        return KIND_FLAC;
    if (str_eq(magic, S("OggS")))
        return KIND_OGG;
    return mp3_in_seems(behind_tags(file)) ? KIND_MP3 : KIND_FOREIGN;
}

/* Nothing of these is read, but it is said what they are: people know their recordings by what made them. */
static const struct {
    uint8_t at;
    const char *magic, *what;
} others[] = {
    {4, "ftyp", "an M4A or MP4 file, whose AAC is"},
    {0, "\xff\xf0", "a file of AAC, which is"},
    {0, "\xff\xf1", "a file of AAC, which is"},
    {0, "\xff\xf8", "a file of AAC, which is"},
    {0, "\xff\xf9", "a file of AAC, which is"},
    {0, "ADIF", "a file of AAC, which is"},
    {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMA file, which is"},
    {0, "#!AMR", "an AMR file, which is"},
    {0, "FORM", "an AIFF file, which is"},
    {0, "caff", "a CAF file, which is"},
    {0, ".snd", "an AU file, which is"},
    {0, ".RMF", "a RealAudio file, which is"},
    {0, "RIFX", "a big-endian WAV file, which is"},
    {0, "wvpk", "a WavPack file, which is"},
    {0, "MThd", "a MIDI file, which has notes and no voice, and is"},
    {0, "ID3", "an ID3 tag with neither MP3 nor FLAC behind it, which is"},
};

static void name_foreign(struct recording *r, struct str file)
{
    const char *what = nullptr;
    for (size_t i = 0; i < sizeof others / sizeof *others && what == nullptr; i++)
        if (str_starts(str_sub(file, others[i].at, file.n), str_of(others[i].magic)))
            what = others[i].what;
    if (what != nullptr)
        snprintf(r->errmsg, sizeof r->errmsg, "this is %s not read here; send " READ_KINDS, what);
    else
        snprintf(r->errmsg, sizeof r->errmsg, "this is not a " READ_KINDS " file");
}

/* --- its reader ------------------------------------------------------------------------------------ */

static enum err create_reader(struct recording *r, struct str file)
{
    switch (r->kind) {
    case KIND_WAV:
        return wav_reader_create(&r->wav);
    case KIND_OGG:
        return ogg_in_create(&r->ogg);
    case KIND_WEBM:
        return webm_create(&r->webm);
    case KIND_FLAC:
        return flac_in_create(behind_tags(file), is_ogg_flac(file), &r->flac);
    case KIND_MP3:
        return mp3_in_create(behind_tags(file), &r->mp3);
    case KIND_FOREIGN:
        name_foreign(r, file);
        r->err = ERR_MEDIA;
        return OK;
    }
    return ERR_INTERNAL;
}

enum err recording_create(struct str file, struct recording **ret_r)
{
    struct recording *r = mem_zero(1, sizeof *r);
    if (r == nullptr)
        return ERR_NOMEM;
    r->kind = kind_of(file);
    r->left = file;
    enum err err = create_reader(r, file);
    if (err == OK)
        *ret_r = r;
    else
        free(r);
    return err;
}

void recording_destroy(struct recording *r)
{
    if (r == nullptr)
        return;
    switch (r->kind) {
    case KIND_WAV:
        wav_reader_destroy(r->wav);
        break;
    case KIND_OGG:
        ogg_in_destroy(r->ogg);
        break;
    case KIND_WEBM:
        webm_destroy(r->webm);
        break;
    case KIND_FLAC:
        flac_in_destroy(r->flac);
        break;
    case KIND_MP3:
        mp3_in_destroy(r->mp3);
        break;
    case KIND_FOREIGN:
        break;
    }
    free(r);
}

static enum err feed(struct recording *r, struct str bytes, struct buf *into)
{
    if (r->kind == KIND_WAV)
        return wav_feed(r->wav, bytes, into);
    return r->kind == KIND_OGG ? ogg_in_feed(r->ogg, bytes, into) : webm_feed(r->webm, bytes, into);
}

static enum err end(struct recording *r)
{
    if (r->kind == KIND_WAV)
        return wav_end(r->wav);
    return r->kind == KIND_OGG ? ogg_in_end(r->ogg) : webm_end(r->webm);
}

static enum err feed_step(struct recording *r, size_t step_bytes, struct buf *into)
{
    try(feed(r, str_sub(r->left, 0, step_bytes), into));
    r->left = str_sub(r->left, step_bytes, r->left.n);
    r->ended = r->left.n == 0;
    return r->ended ? end(r) : OK;
}

static enum err step(struct recording *r, size_t step_bytes, struct buf *into)
{
    switch (r->kind) {
    case KIND_FLAC:
        try(flac_in_read(r->flac, into));
        r->ended = flac_in_ended(r->flac);
        return OK;
    case KIND_MP3:
        try(mp3_in_read(r->mp3, into));
        r->ended = mp3_in_ended(r->mp3);
        return OK;
    default:
        return feed_step(r, step_bytes, into);
    }
}

enum err recording_read(struct recording *r, size_t step_bytes, struct buf *into)
{
    if (r->err == OK && !r->ended)
        r->err = step(r, step_bytes, into);
    return r->err;
}

bool recording_ended(const struct recording *r)
{
    return r->ended;
}

uint32_t recording_rate(const struct recording *r)
{
    switch (r->kind) {
    case KIND_WAV:
        return wav_rate(r->wav);
    case KIND_FLAC:
        return flac_in_rate(r->flac);
    case KIND_MP3:
        return mp3_in_rate(r->mp3);
    case KIND_OGG:
    case KIND_WEBM:
        return PCM_RATE_RECOGNISE;
    case KIND_FOREIGN:
        break;
    }
    return 0;
}

const char *recording_errmsg(const struct recording *r)
{
    switch (r->kind) {
    case KIND_WAV:
        return wav_errmsg(r->wav);
    case KIND_OGG:
        return ogg_in_errmsg(r->ogg);
    case KIND_WEBM:
        return webm_errmsg(r->webm);
    case KIND_FLAC:
        return flac_in_errmsg(r->flac);
    case KIND_MP3:
        return mp3_in_errmsg(r->mp3);
    case KIND_FOREIGN:
        break;
    }
    return r->errmsg;
}
