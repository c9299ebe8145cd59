// SPDX-License-Identifier: Apache-2.0
/*
 * libwhisper's only caller: a model, which all share, and lanes, each of which hears one window of sound at a time.
 * A lane keeps nothing from one window to the next, so as few are needed as windows are heard at once, however many
 * people speak; each takes some 25 MB with a tiny model and half a gigabyte with the largest. Any thread, a lane one at a
 * time; opening and closing the model alone. Its OpenMP threads belong to the thread that calls (lane.h).
 *
 * A window costs what it is long: the encoder looks at as many frames of 20 ms as there are, in steps of 256, where by
 * itself it would look at 1500 whatever is said.
 * Nothing stops a graph in the middle: `stopped` is asked behind the encoder and before each token. Where the language is
 * to be found out the encoder runs twice, and is stopped in between, too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    MODEL_RATE_HZ = 16000,
    MODEL_FRAME = MODEL_RATE_HZ / 50,
    MODEL_FRAMES_MAX = 1280, /* the encoder's; see frames_of */
    MODEL_FRAMES_SPARE = 64, /* of silence behind the sound: the model wants to hear the end */
    MODEL_SAMPLES_MIN = MODEL_RATE_HZ / 10,
    MODEL_SAMPLES_MAX = (MODEL_FRAMES_MAX - MODEL_FRAMES_SPARE) * MODEL_FRAME,
    MODEL_TOKENS_MAX = 200,
    MODEL_WHY_BYTES = 240,
};

struct model_window {
    const int16_t *samples; /* MODEL_SAMPLES_MIN … MAX */
    size_t count;
    bool whole;            /* the encoder looks at 25 s: slower, and less easily led astray */
    int language;          /* of model_language */
    bool translate;        /* into English, where the model knows other languages */
    float temperature;     /* 0: the likeliest words */
    const int32_t *before; /* tokens of what was said before */
    size_t before_n;
    uint32_t threads;
    bool (*stopped)(void *arg);
    void *arg;
};

struct model_word {
    uint32_t at, length; /* in the text */
    float confidence;    /* 0 … 1 */
};

/* What was heard; the caller's memory. The text is well-formed, its words stand between single blanks. */
struct model_heard {
    struct buf text;
    struct model_word *words; /* mem_grow'n */
    size_t words_n, words_room;
    int32_t tokens[MODEL_TOKENS_MAX];
    size_t tokens_n;
    float logprob;   /* mean of the tokens' */
    float no_speech; /* 0 … 1; looked at only where the model is not sure of its words */
    int language;
};

void model_heard_finish(struct model_heard *h);

/* Loads ggml's back ends and the file, which has been checked (whisper_check.h). `why` holds a sentence, here and below. */
enum err model_open(const char *path, char why[MODEL_WHY_BYTES]);
void model_close(void);

enum { MODEL_LANGUAGE_AUTO = -1, MODEL_LANGUAGE_UNKNOWN = -2 };
/* "de", "pt-BR", "auto"; a model for English knows "en" alone. */
int model_language(struct str tag);
/* "" for none. */
const char *model_language_name(int language);

/* The encoder looks at all there is of a window of this length anyway. */
bool model_sees_whole(size_t samples);
/* The last tokens of a text, at most `max`; returns how many. None: there is no memory for them, too. */
size_t model_tokens(struct str text, int32_t *into, size_t max);

struct model_lane;
enum err model_lane_create(struct model_lane **ret_lane, char why[MODEL_WHY_BYTES]);
void model_lane_destroy(struct model_lane *lane); /* takes NULL */
/* *heard is cleared first. ERR_CANCELED; ERR_INTERNAL: libwhisper cannot go on. */
enum err model_hear(struct model_lane *lane, const struct model_window *window,
                    struct model_heard *heard, char why[MODEL_WHY_BYTES]);
