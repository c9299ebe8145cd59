// SPDX-License-Identifier: Apache-2.0
/*
 * An utterance as the body of a request: multipart/form-data with a WAV in it, at PCM_RATE_RECOGNISE, and what is
 * wanted of it behind, so that the sound is kept once and asked about often. Between the parts stands a boundary that
 * nobody else can know, so that no sound and no prompt can hold it. Pure but for the random bytes.
 *
 *     try(remote_sound_init(&s, rate_hz));
 *     try(remote_sound_add(&s, samples)); …     // s16le, however it is cut
 *     try(remote_sound_end(&s));
 *     try(remote_sound_ask(&s, &ask));          // s.body is the request, until the next one
 *     remote_sound_finish(&s);                  // also of one that is zeroed
 */
#pragma once

#include "audio/resample.h"

/* OpenAI takes 25 MiB: 13 minutes. */
enum { REMOTE_SOUND_MAX = 25 * 1024 * 1024 - 64 * 1024, REMOTE_SOUND_TYPE_BYTES = 96 };

struct remote_sound {
    struct buf body;
    struct resample *resample;
    struct pcm_carry carry;
    struct buf in, piece;               /* one message: as it came, at our rate */
    size_t samples_at, samples_end;     /* in body */
    char boundary[40];                  /* with its NUL */
    char type[REMOTE_SOUND_TYPE_BYTES]; /* of the content */
    bool is_loud;                       /* something of it can be heard */
};

/* What is asked about it. Texts are borrowed for the call; empty: the server's own choice. */
struct remote_sound_ask {
    struct str model, language, prompt;
    float temperature;
    bool verbose, times_words;
};

enum err remote_sound_init(struct remote_sound *s,
                           uint32_t rate_hz);                        /* ERR_INVALID: no such rate */
enum err remote_sound_add(struct remote_sound *s, struct str s16le); /* ERR_TOOBIG */
enum err remote_sound_end(struct remote_sound *s);
/* So far, at PCM_RATE_RECOGNISE, in this machine's order of bytes; good until there are more. */
struct str remote_sound_samples(const struct remote_sound *s);
uint32_t remote_sound_ms(const struct remote_sound *s);
/* What `body` is then. */
enum err remote_sound_ask(struct remote_sound *s, const struct remote_sound_ask *ask);
/* The same into a body of its own, while more sound comes. */
enum err remote_sound_copy(const struct remote_sound *s, const struct remote_sound_ask *ask,
                           struct buf *into);
void remote_sound_finish(struct remote_sound *s);
