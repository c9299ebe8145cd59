// SPDX-License-Identifier: Apache-2.0
#include "audio/recording.h"

#include "audio/ogg_in.h"
#include "audio/wav.h"
#include "audio/webm.h"
#include "base/mem.h"

enum { MAGIC_BYTES = 4, M4A_BYTES = 8 };
enum kind : uint8_t { KIND_UNKNOWN, KIND_WAV, KIND_OGG, KIND_WEBM };

struct recording {
    enum kind kind;
    char magic[M4A_BYTES];
    uint8_t magic_n;
    bool foreign; /* of no kind that is read */
    bool is_m4a;
    union {
        struct wav_reader *wav;
        struct ogg_in *ogg;
        struct webm *webm;
    };
};

enum err recording_create(struct recording **ret_r)
{
    struct recording *r = mem_zero(1, sizeof *r);
    if (r == nullptr)
        return ERR_NOMEM;
    *ret_r = r;
    return OK;
}

void recording_destroy(struct recording *r)
{
    if (r != nullptr && r->kind == KIND_WAV)
        wav_reader_destroy(r->wav);
    else if (r != nullptr && r->kind == KIND_OGG)
        ogg_in_destroy(r->ogg);
    else if (r != nullptr && r->kind == KIND_WEBM)
        webm_destroy(r->webm);
    free(r);
}

static enum err create_reader(struct recording *r, enum kind kind)
{
    switch (kind) {
    case KIND_WAV:
        return wav_reader_create(&r->wav);
    case KIND_OGG:
        return ogg_in_create(&r->ogg);
    case KIND_WEBM:
        return webm_create(&r->webm);
    case KIND_UNKNOWN:
        break;
    }
    return ERR_MEDIA;
}

static enum err feed_reader(struct recording *r, struct str bytes, struct buf *into)
{
    switch (r->kind) {
    case KIND_WAV:
        return wav_feed(r->wav, bytes, into);
    case KIND_OGG:
        return ogg_in_feed(r->ogg, bytes, into);
    case KIND_WEBM:
        return webm_feed(r->webm, bytes, into);
    case KIND_UNKNOWN:
        break;
    }
    return ERR_MEDIA;
}

static enum kind kind_of(struct str magic)
{
    if (str_eq(magic, S("RIFF")) || str_eq(magic, S("RF64")))
        return KIND_WAV;
    if (str_eq(magic, S("OggS")))
        return KIND_OGG;
    return str_eq(magic, S("\x1a\x45\xdf\xa3")) ? KIND_WEBM : KIND_UNKNOWN;
}

/* ISO/IEC 14496-12: a first box of less than 16 MB, "ftyp". Nothing of it is read, but said what it is. */
static bool may_be_m4a(struct recording *r)
{
    struct str seen = {r->magic, r->magic_n};
    r->is_m4a = str_eq(str_sub(seen, MAGIC_BYTES, seen.n), S("ftyp"));
    return r->magic[0] == '\0' && r->magic_n < M4A_BYTES;
}

enum err recording_feed(struct recording *r, struct str bytes, struct buf *into)
{
    while (r->kind == KIND_UNKNOWN && !r->foreign && bytes.n > 0) {
        r->magic[r->magic_n++] = bytes.p[0];
        bytes = str_sub(bytes, 1, bytes.n);
        struct str magic = {r->magic, MAGIC_BYTES};
        if (r->magic_n < MAGIC_BYTES || may_be_m4a(r))
            continue;
        enum kind kind = kind_of(magic);
        r->foreign = kind == KIND_UNKNOWN;
        try(create_reader(r, kind));
        r->kind = kind;
        try(feed_reader(r, magic, into));
    }
    if (r->foreign)
        return ERR_MEDIA;
    return bytes.n > 0 ? feed_reader(r, bytes, into) : OK;
}

enum err recording_end(struct recording *r)
{
    switch (r->kind) {
    case KIND_WAV:
        return wav_end(r->wav);
    case KIND_OGG:
        return ogg_in_end(r->ogg);
    case KIND_WEBM:
        return webm_end(r->webm);
    case KIND_UNKNOWN:
        break;
    }
    r->foreign = true;
    return ERR_MEDIA;
}

uint32_t recording_rate(const struct recording *r)
{
    if (r->kind == KIND_WAV)
        return wav_rate(r->wav);
    return r->kind == KIND_UNKNOWN ? 0 : PCM_RATE_RECOGNISE;
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
    case KIND_UNKNOWN:
        break;
    }
    if (r->is_m4a)
        return "this is an M4A or MP4 file, whose AAC is not read here; send WAV, Ogg/Opus or WebM/Opus";
    return r->foreign ? "this is not a WAV, Ogg/Opus or WebM/Opus file" : "";
}
