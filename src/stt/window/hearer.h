// SPDX-License-Identifier: Apache-2.0
/*
 * What hears windows: a model, which all share, and lanes of it, each of which hears one window of sound at a time. A
 * lane keeps nothing from one window to the next, so as few are needed as windows are heard at once, however many
 * people speak. One `const struct hearer` a kind of model; the rest of a driver (ear.h) is the same for all.
 *
 * Opening, closing and languages: as the driver's load and open. A lane is made, used and destroyed on any thread, one at a
 * time; it hears on the thread of its own (lane.h), but for the first window.
 */
#pragma once

#include "stt/window/heard.h"
#include "wire/guard.h"

enum {
    HEARER_RATE_HZ = 16000,
    HEARER_SAMPLES_MIN = HEARER_RATE_HZ / 10,
    HEARER_WHY_BYTES = 240,
};
enum { HEARER_LANGUAGE_AUTO = -1, HEARER_LANGUAGE_UNKNOWN = -2 };

/* A window that is to be heard. What a kind of model has no use for it leaves alone. */
struct hearing {
    const int16_t *samples; /* from HEARER_SAMPLES_MIN on; no more than a window holds (window.h) */
    size_t count;
    bool whole;            /* with all the context there is: slower, and less easily led astray */
    int language;          /* as `language` gave it */
    bool translate;        /* into English, where the model knows other languages */
    float temperature;     /* 0: the likeliest words */
    const int32_t *before; /* tokens of what was said before */
    size_t before_n;
    uint32_t threads;
    bool (*stopped)(void *arg); /* may be NULL */
    void *arg;
};

struct hearer_facts {
    const char *type;      /* of the weights, such as "q5_1" */
    const char *languages; /* "en", "de,en,fr", or "auto": all that Whisper knows */
    const char *knows;     /* the same for people, such as "English only" */
};

struct hearer_lane; /* each kind's own */

struct hearer {
    const char *wanted; /* behind "stt.model must name": a model that it takes */
    /* The whole file, mapped, before its library sees it. ERR_INVALID with a sentence, here and below. */
    enum err (*check)(struct str file, struct hearer_facts *ret_facts, char why[HEARER_WHY_BYTES]);
    enum err (*open)(const char *path, char why[HEARER_WHY_BYTES]);
    void (*close)(void);

    enum err (*lane_create)(struct hearer_lane **ret_lane, char why[HEARER_WHY_BYTES]);
    void (*lane_destroy)(struct hearer_lane *lane); /* takes NULL */
    /* Optional, once the model is open: bytes that a lane asks for and never touches. */
    uint64_t (*vain_bytes)(void);
    /* Optional: tries whether there is the memory that the longest window needs, where lane_create does not. It may be gone
     * when such a window comes. */
    enum err (*try_longest)(struct hearer_lane *lane, char why[HEARER_WHY_BYTES]);
    /* *heard is cleared first. ERR_CANCELED; ERR_NOMEM: not now, and the next window may be heard; ERR_INTERNAL: the
     * library cannot go on. */
    enum err (*hear)(struct hearer_lane *lane, const struct hearing *hearing, struct heard *heard,
                     char why[HEARER_WHY_BYTES]);

    /* "de", "pt-BR", "auto"; HEARER_LANGUAGE_UNKNOWN: the model does not hear it, or cannot translate it. */
    int (*language)(struct str tag, bool translate);
    const char *(*language_name)(int language); /* "": it is not known. Static */
    /* `whole` makes no difference to a window of this length. */
    bool (*sees_whole)(size_t samples);
    /* The last tokens of a text, at most `max`; returns how many. NULL: nothing can be told to the model. */
    size_t (*tokens)(struct str text, int32_t *into, size_t max);

    /* The first reason not to take the words as they are; GUARD_NONE: there is none. */
    enum guard (*doubt)(const struct heard *h);
    /* The same once nothing better can be had: doubts with which the words stand are none. */
    enum guard (*doubt_for_good)(const struct heard *h);
};
