// SPDX-License-Identifier: Apache-2.0
#include "audio/mp3_in.h"

#include <mpg123.h>
#include <stdio.h>

#include "base/mem.h"

enum {
    HEAD_BYTES = 4,
    SEARCH_BYTES = 4096, /* what may lie before the first frame: the rest of one, zeros */
    JUNK_MAX = 1 << 20,  /* what may lie between two frames, without tags */
    TAG_HEAD_BYTES = 10, /* and as many at its end */
    APE_HEAD_BYTES = 32,
    CHANGED = 3, /* frames of another rate in a row, behind which the file is another one */
};

struct mp3_in {
    mpg123_handle *mpg;
    struct str frame, left; /* what is to be decoded now, and what of the file is behind it */
    uint32_t same;          /* of the first frame's head */
    uint32_t rate_hz;
    bool ended;
    enum err err; /* sticks */
    char errmsg[120];
};

/* --- frames by their heads ------------------------------------------------------------------------- */

struct head {
    uint32_t same;   /* what all frames of a file have in common: version, layer and rate */
    uint32_t length; /* bytes; 0: free format */
};

static bool read_head(struct str bytes, struct head *ret_h)
{
    /* kbit/s: layer II and III of MPEG 1, both of MPEG 2 */
    static const uint16_t kbits[3][15] = {
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
        {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
    };
    static const uint16_t rates[] = {44100, 48000, 32000};
    if (bytes.n < HEAD_BYTES)
        return false;
    const uint8_t *p = (const uint8_t *)bytes.p;
    unsigned version = p[1] >> 3 & 3, layer = p[1] >> 1 & 3, kbit = p[2] >> 4, rate = p[2] >> 2 & 3;
    bool sync = p[0] == 0xff && p[1] >= 0xe0, mpeg1 = version == 3, layer2 = layer == 2;
    if (!sync || version == 1 || layer == 0 || layer == 3 || kbit == 15 || rate == 3)
        return false;
    uint32_t hz = rates[rate] >> (mpeg1 ? 0 : version == 2 ? 1 : 2);
    uint32_t bits_per_second = kbits[!mpeg1 ? 2 : layer2 ? 0 : 1][kbit] * 1000u;
    uint32_t eighths = mpeg1 || layer2 ? 144 : 72; /* of the samples of a frame */
    *ret_h = (struct head){
        .same = (p[1] & 0xfeu) << 8 | (p[2] & 0x0cu),
        .length = bits_per_second == 0 ? 0 : eighths * bits_per_second / hz + (p[2] >> 1 & 1)};
    return true;
}

static bool find_first(struct str file, size_t *ret_at)
{
    struct head h, next;
    for (size_t at = 0; at < SEARCH_BYTES && at < file.n; at++) {
        struct str rest = str_sub(file, at, file.n);
        *ret_at = at;
        if (!read_head(rest, &h))
            continue;
        if (h.length == 0 && at == 0)
            return true; /* free format, whose length only the next head tells */
        if (h.length > 0 && read_head(str_sub(rest, h.length, rest.n), &next) &&
            next.same == h.same)
            return true;
    }
    return false;
}

bool mp3_in_seems(struct str file)
{
    size_t at;
    return find_first(file, &at);
}

size_t mp3_in_tag(struct str file)
{
    const uint8_t *p = (const uint8_t *)file.p;
    if (file.n < TAG_HEAD_BYTES || !str_starts(file, S("ID3")))
        return 0;
    for (int i = 6; i < TAG_HEAD_BYTES; i++)
        if (p[i] >= 0x80)
            return 0;
    size_t size = (size_t)p[6] << 21 | (size_t)p[7] << 14 | (size_t)p[8] << 7 | p[9];
    bool has_foot = p[5] & 0x10;
    return TAG_HEAD_BYTES + size + (has_foot ? TAG_HEAD_BYTES : 0);
}

/* As music shops put it behind the sound, with a picture; its length is behind the version. */
static size_t ape_tag(struct str file)
{
    const uint8_t *p = (const uint8_t *)file.p;
    if (file.n < APE_HEAD_BYTES || !str_starts(file, S("APETAGEX")) || !(p[23] & 0x20))
        return 0; /* none, or its foot */
    return APE_HEAD_BYTES +
           ((size_t)p[15] << 24 | (size_t)p[14] << 16 | (size_t)p[13] << 8 | p[12]);
}

/* --- what is decoded: the frames that fit the first ------------------------------------------------- */

static enum err refuse(struct mp3_in *m, const char *sentence)
{
    snprintf(m->errmsg, sizeof m->errmsg, "%s", sentence);
    return ERR_MEDIA;
}

/* How many frames of a kind follow one another, the last of which may be cut short; no more than `most`. */
static unsigned count_frames(struct str from, unsigned most, struct head *ret_first)
{
    struct head h;
    unsigned n = 0;
    while (n < most && read_head(from, &h) && h.length > 0 &&
           (n == 0 || h.same == ret_first->same)) {
        if (n++ == 0)
            *ret_first = h;
        from = str_sub(from, h.length, from.n);
    }
    return n;
}

/* Damage may hold anything that looks like a frame: one is taken that another follows, or with which the file ends. */
static enum err find_next(struct mp3_in *m, struct head *ret_h)
{
    for (size_t junk = 0; junk < JUNK_MAX; junk++) {
        size_t tag = mp3_in_tag(m->left) + ape_tag(m->left);
        unsigned n = count_frames(m->left, CHANGED, ret_h);
        if (m->left.n == 0 ||
            (n > 0 && ret_h->same == m->same && (n > 1 || ret_h->length == m->left.n)))
            return OK;
        if (n == CHANGED && ret_h->same != m->same)
            return refuse(m, "the MP3 file changes its sample rate or its layer");
        m->left = str_sub(m->left, tag > 0 ? tag : 1, m->left.n);
    }
    return refuse(m, "the MP3 file's sound is damaged");
}

static enum err take_frame(struct mp3_in *m)
{
    struct head h = {};
    if (!read_head(m->left, &h) || h.length == 0 || h.same != m->same)
        try(find_next(m, &h));
    if (m->left.n > 0) {
        m->frame = str_sub(m->left, 0, h.length);
        m->left = str_sub(m->left, h.length, m->left.n);
    }
    return OK;
}

/* libmpg123 would take the first head that it finds in junk, and with it another rate. */
static int on_read(void *arg, void *into, size_t n, size_t *ret_n)
{
    struct mp3_in *m = arg;
    if (m->frame.n == 0 && m->err == OK)
        m->err = take_frame(m);
    if (m->err != OK)
        return -1;
    if (n > m->frame.n)
        n = m->frame.n;
    if (n > 0)
        memcpy(into, m->frame.p, n);
    m->frame = str_sub(m->frame, n, m->frame.n);
    *ret_n = n;
    return 0;
}

/* --- the sound -------------------------------------------------------------------------------------- */

static enum err err_of(int code)
{
    bool no_memory =
        code == MPG123_OUT_OF_MEM || code == MPG123_NO_BUFFERS || code == MPG123_INDEX_FAIL;
    return no_memory ? ERR_NOMEM : ERR_INTERNAL;
}

static enum err open_file(struct mp3_in *m)
{
    const long flags =
        MPG123_QUIET | MPG123_MONO_MIX | MPG123_GAPLESS | MPG123_SKIP_ID3V2 | MPG123_NO_PEEK_END;
    int code = MPG123_OK;
    m->mpg = mpg123_new(nullptr, &code);
    if (m->mpg == nullptr)
        return err_of(code);
    bool good = mpg123_param(m->mpg, MPG123_FLAGS, flags, 0) == MPG123_OK &&
                mpg123_param(m->mpg, MPG123_RESYNC_LIMIT, JUNK_MAX, 0) == MPG123_OK &&
                mpg123_param(m->mpg, MPG123_INDEX_SIZE, 0, 0) == MPG123_OK &&
                mpg123_format_none(m->mpg) == MPG123_OK &&
                mpg123_format2(m->mpg, 0, MPG123_MONO, MPG123_ENC_SIGNED_16) == MPG123_OK &&
                mpg123_reader64(m->mpg, on_read, nullptr, nullptr) == MPG123_OK &&
                mpg123_open_handle64(m->mpg, m) == MPG123_OK;
    return good ? OK : err_of(mpg123_errcode(m->mpg));
}

static enum err find_start(struct mp3_in *m, struct str file)
{
    size_t at;
    struct head h;
    if (!find_first(file, &at))
        return refuse(m, "this is not an MP3 file");
    m->left = str_sub(file, at, file.n);
    if (!read_head(m->left, &h) || h.length == 0)
        return refuse(m, "the MP3 file is of free format, which is not read here");
    m->same = h.same;
    return OK;
}

enum err mp3_in_create(struct str file, struct mp3_in **ret_m)
{
    struct mp3_in *m = mem_zero(1, sizeof *m);
    if (m == nullptr)
        return ERR_NOMEM;
    enum err err = open_file(m);
    if (err != OK) {
        mp3_in_destroy(m);
        return err;
    }
    m->err = find_start(m, file);
    *ret_m = m;
    return OK;
}

void mp3_in_destroy(struct mp3_in *m)
{
    if (m != nullptr && m->mpg != nullptr)
        mpg123_delete(m->mpg);
    free(m);
}

static enum err on_format(struct mp3_in *m)
{
    long hz;
    int channels, coding;
    if (mpg123_getformat(m->mpg, &hz, &channels, &coding) != MPG123_OK || hz <= 0 || channels != 1)
        return refuse(m, "the MP3 file's sound is damaged");
    if (m->rate_hz != 0 && m->rate_hz != (uint32_t)hz) /* it read a head where none is */
        return refuse(m, "the MP3 file's sound is damaged");
    m->rate_hz = (uint32_t)hz;
    return OK;
}

static enum err at_end(struct mp3_in *m)
{
    m->ended = true;
    return m->rate_hz == 0 ? refuse(m, "the MP3 file ends before its sound begins") : OK;
}

static enum err step(struct mp3_in *m, struct buf *into)
{
    enum { BYTES = MP3_IN_STEP_SAMPLES * sizeof(int16_t) };
    size_t n = 0;
    try(buf_reserve(into, BYTES));
    int got = mpg123_read(m->mpg, into->p + into->n, BYTES, &n);
    into->n += n;
    try(m->err); /* of what it called */
    if (got == MPG123_OK)
        return OK;
    if (got == MPG123_NEW_FORMAT)
        return on_format(m);
    if (got == MPG123_DONE)
        return at_end(m);
    if (err_of(mpg123_errcode(m->mpg)) == ERR_NOMEM)
        return ERR_NOMEM;
    if (m->left.n == 0 && m->frame.n == 0) /* the last frame was cut short */
        return at_end(m);
    return refuse(m, "the MP3 file's sound is damaged");
}

enum err mp3_in_read(struct mp3_in *m, struct buf *into)
{
    if (m->err == OK && !m->ended)
        m->err = step(m, into);
    return m->err;
}

bool mp3_in_ended(const struct mp3_in *m)
{
    return m->ended;
}

uint32_t mp3_in_rate(const struct mp3_in *m)
{
    return m->rate_hz;
}

const char *mp3_in_errmsg(const struct mp3_in *m)
{
    return m->errmsg;
}
