// SPDX-License-Identifier: Apache-2.0
#include "server/engine/mouth/sound.h"

#include <stdio.h>

enum {
    LOUD = 64, /* of 32768: what is below it is heard by nobody */
    WAV_TIMES =
        64, /* bytes of a file for one of ours: eight channels of doubles, and what else it tells */
    HEADS = 1 << 20,
};

/* What some servers send whatever they were asked for. Nothing here decodes it. */
static const struct {
    const char *type, *name;
} codings[] = {
    {"audio/mpeg", "MP3"},  {"audio/mp3", "MP3"},   {"audio/ogg", "Ogg"},
    {"audio/opus", "Opus"}, {"audio/flac", "FLAC"}, {"audio/x-flac", "FLAC"},
    {"audio/aac", "AAC"},   {"audio/mp4", "MP4"},   {"audio/webm", "WebM"},
};
static const struct {
    struct str magic;
    const char *name;
} magics[] = {
    {S("OggS"), "Ogg"},  {S("fLaC"), "FLAC"}, {S("ID3"), "MP3"},    {S("{\""), "JSON"},
    {S("{ \""), "JSON"}, {S("<!"), "HTML"},   {S("<html"), "HTML"},
};

static enum err refuse(struct mouth_sound *s, const char *what)
{
    snprintf(s->why, sizeof s->why, "it sends %s where WAV or bare samples were asked for", what);
    return ERR_MEDIA;
}

static struct str bare_type(struct str type)
{
    return str_trim(str_sub(type, 0, str_find_byte(type, ';')));
}

/* "audio/pcm; rate=22050": some have another rate than OpenAI, and say so. */
static uint32_t rate_of(struct str type)
{
    struct str piece;
    int64_t rate;
    while (str_cut(&type, ';', &piece)) {
        piece = str_trim(piece);
        if (str_starts(piece, S("rate=")) && str_to_i64(str_sub(piece, 5, piece.n), &rate) == OK &&
            rate >= PCM_RATE_MIN && rate <= PCM_RATE_MAX)
            return (uint32_t)rate;
    }
    return MOUTH_RATE;
}

void mouth_sound_init(struct mouth_sound *s, struct str type, uint32_t ms_max)
{
    *s = (struct mouth_sound){.ms_max = ms_max, .rate_hz = rate_of(type)};
    struct str bare = bare_type(type);
    s->is_pcm_named = str_eq_nocase(bare, S("audio/pcm")) || str_eq_nocase(bare, S("audio/l16"));
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (str_eq_nocase(bare, str_of(codings[i].type)))
            s->named = codings[i].name;
    if (str_starts(bare, S("text/")) || str_ends(bare, S("json")))
        s->named = "text";
}

void mouth_sound_finish(struct mouth_sound *s)
{
    wav_reader_destroy(s->wav);
    s->wav = nullptr;
}

uint32_t mouth_sound_ms(const struct mouth_sound *s)
{
    return s->rate_hz ? (uint32_t)pcm_samples_to_ms(s->samples, s->rate_hz) : 0;
}

static bool is_mp3_frame(struct str head)
{
    return head.n >= 2 && (uint8_t)head.p[0] == 0xff && ((uint8_t)head.p[1] & 0xe6) == 0xe2;
}

/* By its first bytes, which say more than its type does. */
static enum err tell_coding(struct mouth_sound *s, struct str head)
{
    if (str_starts(head, S("RIFF")) && str_eq(str_sub(head, 8, 12), S("WAVE"))) {
        s->rate_hz = 0;
        s->coding = MOUTH_WAV;
        return wav_reader_create(&s->wav);
    }
    if (s->named)
        return refuse(s, s->named);
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (str_starts(head, magics[i].magic))
            return refuse(s, magics[i].name);
    if (!s->is_pcm_named && is_mp3_frame(head))
        return refuse(s, "MP3");
    s->coding = MOUTH_PCM;
    return OK;
}

static enum err read_wav(struct mouth_sound *s, struct str bytes, struct buf *into)
{
    enum err err = wav_feed(s->wav, bytes, into);
    s->rate_hz = wav_rate(s->wav);
    if (err == ERR_MEDIA)
        snprintf(s->why, sizeof s->why, "its WAV file is none: %.100s", wav_errmsg(s->wav));
    if (err == OK && s->rate_hz && (s->rate_hz < PCM_RATE_MIN || s->rate_hz > PCM_RATE_MAX)) {
        snprintf(s->why, sizeof s->why, "its sound has %u samples a second; %u to %u will do",
                 s->rate_hz, PCM_RATE_MIN, PCM_RATE_MAX);
        return ERR_MEDIA;
    }
    return err;
}

/* `from`: where in `into` the new samples begin. */
static enum err take_samples(struct mouth_sound *s, struct buf *into, size_t from)
{
    const int16_t *samples = (const int16_t *)(into->p + from);
    size_t count = (into->n - from) / sizeof *samples;
    for (size_t i = 0; i < count && !s->is_loud; i++)
        s->is_loud = samples[i] > LOUD || samples[i] < -LOUD;
    s->samples += count;
    uint64_t most = s->rate_hz ? pcm_ms_to_samples(s->ms_max, s->rate_hz) : 0;
    if (s->samples <= most)
        return OK;
    into->n -= (size_t)(s->samples - most) * sizeof *samples;
    s->samples = most;
    return ERR_TOOBIG;
}

static enum err read_some(struct mouth_sound *s, struct str bytes, struct buf *into)
{
    size_t from = into->n;
    if (bytes.n == 0)
        return OK;
    enum err err =
        s->coding == MOUTH_WAV ? read_wav(s, bytes, into) : pcm_feed(&s->carry, bytes, into);
    if (err == OK)
        return take_samples(s, into, from);
    into->n = from;
    return err;
}

static enum err read_head(struct mouth_sound *s, struct buf *into)
{
    struct str head = {s->head, s->head_n};
    try(tell_coding(s, head));
    return read_some(s, head, into);
}

/* A file that is all heads says nothing, for ever. */
static bool is_endless(const struct mouth_sound *s)
{
    uint64_t own = pcm_ms_to_samples(s->ms_max, PCM_RATE_MAX) * sizeof(int16_t);
    return s->bytes > own * (s->coding == MOUTH_WAV ? WAV_TIMES : 1) + HEADS;
}

enum err mouth_sound_feed(struct mouth_sound *s, struct str bytes, struct buf *into)
{
    s->bytes += bytes.n;
    if (is_endless(s))
        return ERR_TOOBIG;
    if (s->coding == MOUTH_UNKNOWN) {
        size_t n = sizeof s->head - s->head_n < bytes.n ? sizeof s->head - s->head_n : bytes.n;
        memcpy(s->head + s->head_n, bytes.p, n);
        s->head_n += n;
        bytes = str_sub(bytes, n, bytes.n);
        if (s->head_n < sizeof s->head)
            return OK;
        try(read_head(s, into));
    }
    return read_some(s, bytes, into);
}

enum err mouth_sound_end(struct mouth_sound *s, struct buf *into)
{
    if (s->coding == MOUTH_UNKNOWN && s->head_n)
        try(read_head(s, into));
    if (s->coding == MOUTH_WAV && wav_owed(s->wav) > 0) {
        snprintf(s->why, sizeof s->why, "its WAV file is shorter than it says");
        return ERR_CLOSED;
    }
    if (s->samples && s->is_loud)
        return OK;
    snprintf(s->why, sizeof s->why, s->samples ? "what it sends is silence" : "it sends no sound");
    return ERR_MEDIA;
}
