// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/sound.h"

#include <stdio.h>

#include "audio/wav.h"
#include "base/clock.h"
#include "wire/msg.h"

enum {
    FIELDS_MAX = 64 * 1024, /* with a prompt */
    PIECE_MAX = 1 << 20,    /* of one message, at our rate */
    LOUD = 64,              /* of 32768: what is below it a microphone that is off may send, too */
    BOUNDARY_RANDOM = 16,
};

enum err remote_sound_init(struct remote_sound *s, uint32_t rate_hz)
{
    char random[2 * BOUNDARY_RANDOM + 1];
    *s = (struct remote_sound){.body = BUF(REMOTE_SOUND_MAX + 2 * FIELDS_MAX),
                               .in = BUF(WIRE_PAYLOAD_MAX + sizeof(int16_t)),
                               .piece = BUF(PIECE_MAX)};
    random_hex(random, BOUNDARY_RANDOM);
    snprintf(s->boundary, sizeof s->boundary, "part-%s", random);
    snprintf(s->type, sizeof s->type, "multipart/form-data; boundary=%s", s->boundary);
    if (rate_hz < PCM_RATE_MIN || rate_hz > PCM_RATE_MAX)
        return ERR_INVALID;
    try(resample_create(rate_hz, PCM_RATE_RECOGNISE, &s->resample));
    try(buf_addf(
        &s->body,
        "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"speech.wav\"\r\n"
        "Content-Type: audio/wav\r\n\r\n",
        s->boundary));
    char head[WAV_HEADER_BYTES] = {}; /* its numbers come when it is asked about */
    try(buf_add(&s->body, (struct str){head, sizeof head}));
    s->samples_at = s->samples_end = s->body.n;
    return OK;
}

void remote_sound_finish(struct remote_sound *s)
{
    resample_destroy(s->resample);
    s->resample = nullptr;
    buf_finish(&s->body);
    buf_finish(&s->in);
    buf_finish(&s->piece);
}

struct str remote_sound_samples(const struct remote_sound *s)
{
    return str_sub(buf_str(&s->body), s->samples_at, s->samples_end);
}

static uint32_t samples_of(const struct remote_sound *s)
{
    return (uint32_t)((s->samples_end - s->samples_at) / sizeof(int16_t));
}

uint32_t remote_sound_ms(const struct remote_sound *s)
{
    return (uint32_t)pcm_samples_to_ms(samples_of(s), PCM_RATE_RECOGNISE);
}

static bool is_loud(const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (samples[i] > LOUD || samples[i] < -LOUD)
            return true;
    return false;
}

static enum err keep_piece(struct remote_sound *s)
{
    struct str piece = buf_str(&s->piece);
    if (piece.n > REMOTE_SOUND_MAX - (s->samples_end - s->samples_at))
        return ERR_TOOBIG;
    s->is_loud = s->is_loud || is_loud((const int16_t *)s->piece.p, piece.n / sizeof(int16_t));
    try(buf_add(&s->body, piece));
    s->samples_end = s->body.n;
    buf_clear(&s->piece);
    return OK;
}

enum err remote_sound_add(struct remote_sound *s, struct str s16le)
{
    buf_clear(&s->in);
    try(pcm_feed(&s->carry, s16le, &s->in));
    try(resample_run(s->resample, (const int16_t *)s->in.p, s->in.n / sizeof(int16_t), &s->piece));
    return keep_piece(s);
}

enum err remote_sound_end(struct remote_sound *s)
{
    try(resample_flush(s->resample, &s->piece));
    return keep_piece(s);
}

/* --- what is asked --- */

static enum err put_field(struct buf *into, const char *boundary, const char *name,
                          struct str value)
{
    if (!value.n)
        return OK;
    try(buf_addf(into, "\r\n--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n", boundary,
                 name));
    return buf_add(into, value);
}

static enum err put_fields(struct buf *into, const char *boundary,
                           const struct remote_sound_ask *ask)
{
    char temperature[32] = "";
    if (ask->temperature > 0)
        snprintf(temperature, sizeof temperature, "%.2f", (double)ask->temperature);
    const struct {
        const char *name;
        struct str value;
    } fields[] = {
        {"model", ask->model},
        {"language", ask->language},
        {"prompt", ask->prompt},
        {"temperature", str_of(temperature)},
        {"response_format", ask->verbose ? S("verbose_json") : S("json")},
        {"timestamp_granularities[]", ask->times_words ? S("word") : S("")},
        {"timestamp_granularities[]", ask->times_words ? S("segment") : S("")},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        try(put_field(into, boundary, fields[i].name, fields[i].value));
    return buf_addf(into, "\r\n--%s--\r\n", boundary);
}

static enum err put_question(const struct remote_sound *s, const struct remote_sound_ask *ask,
                             struct buf *into)
{
    uint8_t head[WAV_HEADER_BYTES];
    wav_header(head, PCM_RATE_RECOGNISE, samples_of(s));
    memcpy(into->p + s->samples_at - sizeof head, head, sizeof head);
    return put_fields(into, s->boundary, ask);
}

enum err remote_sound_ask(struct remote_sound *s, const struct remote_sound_ask *ask)
{
    s->body.n = s->samples_end; /* without what was asked before */
    return put_question(s, ask, &s->body);
}

enum err remote_sound_copy(const struct remote_sound *s, const struct remote_sound_ask *ask,
                           struct buf *into)
{
    buf_clear(into);
    into->cap = s->body.cap;
    try(buf_add(into, str_sub(buf_str(&s->body), 0, s->samples_end)));
    return put_question(s, ask, into);
}
