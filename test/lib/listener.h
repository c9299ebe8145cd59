// SPDX-License-Identifier: Apache-2.0
/* What tests of repartee-stt share: sound from files, and one utterance from beginning to end. */
#pragma once

#include "engine_peer.h"

/* Mono samples of a WAV file, or of bare s16le at 16 kHz where the name ends in ".raw". */
struct sound {
    struct buf bytes; /* int16_t */
    uint32_t rate_hz;
};
struct sound sound_read(const char *path);
struct sound sound_silence(uint32_t rate_hz, uint32_t ms);
void sound_append(struct sound *s, const struct sound *more); /* of the same rate */
void sound_free(struct sound *s);
size_t sound_samples(const struct sound *s);

/* One utterance under way, and what came back. Several may be at once: whatever is read meanwhile goes
 * to the one that it belongs to. */
struct listener {
    struct peer *peer;
    uint32_t stream;
    int64_t credit; /* bytes that the engine takes now */
    bool over;      /* the final or a failure is there */
    enum err err;   /* of the failure */
    struct buf text, segments, partial;
    uint32_t stable_bytes; /* of the partial */
    char language[16];
    uint32_t audio_ms, partials;
    uint32_t first_partial_ms;     /* of sound heard when the first words came */
    uint32_t started_ms, ended_ms; /* of speech, in endpoint mode */
    bool started, ended;
    uint64_t compute_us;
    uint64_t final_us; /* clock when the final came */
};

/* Starts the program with a driver. */
struct peer *listen_start(const char *program, const char *driver, const char *options);
void listen_open(struct listener *l, struct peer *p, uint32_t stream, uint32_t rate_hz, bool adapt,
                 bool endpoint);
/* As it says. */
void listen_open_with(struct listener *l, struct peer *p, uint32_t stream,
                      const struct msg_stt_open *open);
/* 16 kHz, in a language. */
void listen_open_in(struct listener *l, struct peer *p, uint32_t stream, const char *language);
/* In pieces of so many bytes; waits for credit. */
void listen_send(struct listener *l, struct str bytes, size_t piece);
void listen_finish(struct listener *l);
/* Reads until the stream is over. */
void listen_wait(struct listener *l);
/* Reads one message. */
void listen_read(struct listener *l);
void listen_cancel(struct listener *l);
/* Says the sound again and again in a stream of its own until two partials have come, which they do however slow the machine
 * is; what they say is `says`, over and over. */
void listen_for_partials(struct peer *p, const struct sound *sound, const char *says);
void listen_free(struct listener *l);
/* A whole sound from opening to final. */
void listen_to(struct listener *l, struct peer *p, uint32_t stream, const struct sound *sound,
               bool adapt, size_t piece);
/* The documents' text, as the server tells it. */
void listen_words(struct peer *p, struct str text);
/* Waits until it has learnt what was told last, or says why not. No listener may be under way. */
enum err listen_learnt(struct peer *p);
