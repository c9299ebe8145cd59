// SPDX-License-Identifier: Apache-2.0
/*
 * What a Piper voice says of itself, the file NAME.onnx.json: its rate, its speakers, how text becomes phonemes and
 * phonemes numbers. All formats that have been published but the pinyin of two
 * Chinese voices; a stranger's file, so everything is bounded. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    VOICE_JSON_BYTES = 1 << 20, /* of the largest published voice, with 904 speakers, 30 KB */
    VOICE_WHY_BYTES = 240,
    VOICE_PHONEMES_MAX = 1024, /* code points with a number */
    VOICE_IDS_MAX = 4,         /* numbers of one phoneme */
    VOICE_SYMBOLS_MAX = 1024,  /* numbers that there are */
    VOICE_SPEAKERS_MAX = 4096,
    VOICE_NAME_BYTES = 64,
    VOICE_TAG_BYTES = 32,
};

enum voice_phonemes : uint8_t { PHONEMES_ESPEAK, PHONEMES_TEXT };

struct voice_phoneme {
    uint32_t cp;
    uint16_t count, id[VOICE_IDS_MAX];
};

struct voice_speaker {
    char name[VOICE_NAME_BYTES]; /* without commas; its number where it has no such name */
    uint32_t id;
};

/* The caller's memory; zero at first. */
struct voice_json {
    uint32_t rate_hz;
    char language[VOICE_TAG_BYTES]; /* "en", or "" */
    char espeak[VOICE_TAG_BYTES];   /* whose rules say the words, such as "en-us" */
    enum voice_phonemes kind;
    float noise_scale, length_scale, noise_w;
    uint32_t speakers_n;            /* 1 or more */
    struct voice_speaker *speakers; /* as many, by their numbers, where there are several */
    struct voice_phoneme *phonemes; /* by code point */
    size_t phonemes_n;
};

/* ERR_INVALID with a sentence in `why`, ERR_NOMEM. On failure *ret_v is untouched. */
enum err voice_json_read(struct str text, struct voice_json *ret_v, char why[VOICE_WHY_BYTES]);
void voice_json_finish(struct voice_json *v);
/* NULL: the voice does not know it. */
const struct voice_phoneme *voice_json_phoneme(const struct voice_json *v, uint32_t cp);
