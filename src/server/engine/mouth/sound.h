// SPDX-License-Identifier: Apache-2.0
/*
 * What a synthesiser elsewhere answers with, as hostile as anything from a network: the samples of a WAV file or
 * bare s16le, whichever it is that came when bare samples were asked for. Pure, incremental, bounded.
 *
 *     mouth_sound_init(&s, S("audio/pcm"), 20000);
 *     try(mouth_sound_feed(&s, bytes, &samples));   // as they come
 *     try(mouth_sound_end(&s));                     // the body is over
 *     mouth_sound_finish(&s);                       // also of one that is zeroed
 */
#pragma once

#include "audio/loudness.h"
#include "audio/wav.h"

enum {
    MOUTH_RATE = 24000, /* Hz, of bare samples whose type does not say otherwise */
    MOUTH_WHY_BYTES = 160,
};

struct mouth_sound {
    enum mouth_coding : uint8_t { MOUTH_UNKNOWN, MOUTH_PCM, MOUTH_WAV } coding;
    const char *named; /* what its type says it is, where that is no sound for us; NULL */
    bool is_pcm_named; /* its type says that it is bare samples */
    bool is_loud;      /* there was more than silence */
    uint32_t rate_hz;  /* 0: not known yet */
    uint32_t ms_max;
    uint64_t bytes, samples;
    struct wav_reader *wav;
    struct pcm_carry carry;
    char head[12]; /* the first bytes, until they tell what it is */
    size_t head_n;
    char why[MOUTH_WHY_BYTES]; /* of ERR_MEDIA, for the log */
};

/* type: as Content-Type has it, or "". ms_max: more sound than that is too much. */
void mouth_sound_init(struct mouth_sound *s, struct str type, uint32_t ms_max);
void mouth_sound_finish(struct mouth_sound *s);
/* Appends whole samples (int16_t) to `into`. ERR_MEDIA: this is no sound that is understood here; ERR_TOOBIG:
 * it is longer than ms_max, whose samples are in `into`; ERR_NOMEM. */
enum err mouth_sound_feed(struct mouth_sound *s, struct str bytes, struct buf *into);
/* ERR_MEDIA: there was nothing. ERR_CLOSED: there is to be more. Both with `why`. */
enum err mouth_sound_end(struct mouth_sound *s, struct buf *into);
uint32_t mouth_sound_ms(const struct mouth_sound *s);
