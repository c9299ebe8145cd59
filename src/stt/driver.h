// SPDX-License-Identifier: Apache-2.0
/*
 * What a recogniser has to offer so that repartee-stt can listen with it. One `const struct stt_driver`
 * a file. The engine does the rest: conversion to the driver's rate, when to ask for a partial, how much
 * of it is stable, where speech ends.
 *
 * Model and utterance. `load` makes the model ready once; an utterance is the state of one stream, made
 * by `open` and freed by `close`. Drivers that keep state per decoder (PocketSphinx, a VAD) keep a pool of
 * at most `slots` of them and lend one to each utterance; `open` may wait for one for a short time, because
 * a cancelled stream gives its own back only when its thread gets there.
 *
 * Threads. load and unload run alone, on the main thread. `words` is called on the protocol thread and
 * returns at once: the work belongs on a thread of the driver's own, and running utterances go on with
 * what they began with. All else runs on compute threads, several utterances at once, the calls of one
 * utterance one after another but not always on the same thread.
 *
 * Sound. `feed` gets mono s16 at `rate_hz`, in pieces of any length that the driver cuts as it likes;
 * what it hears must not depend on the cuts. A streaming driver decodes as sound arrives, so that little
 * is left for `finish`. One that hears whole windows only (Whisper, Parakeet: window/ear.h) collects in
 * `feed`, and decodes in `partial`, in `finish`, and in `feed` where a window is full.
 *
 * Text. `partial` appends the best words so far, in lower case or as the model writes, separated by
 * single blanks, without markers of silence or noise. It may differ from the one before in every word:
 * what is stable the engine finds out by comparing, and keeps (wire/agree.h). It is asked for each `step_ms` of sound; a driver
 * with a pace of its own answers ERR_AGAIN when there is nothing to tell yet. `finish` ends the
 * utterance; its text is final and may differ from all partials. After `finish` only `close` follows.
 *
 * What is settled. `settled` gives the words that no further sound will change; they are the beginning of the final
 * text. Times of words are told only by drivers that measure them (`times_words`); those of the others count no more
 * than the first word's start and the last one's end of each part.
 *
 * Result. The same sound gives the same words, whatever the driver heard before it.
 *
 * Cancel. `close` may come at any time instead of `finish` and must be quick; in between a driver looks
 * at `stopped` before each step that takes over 50 ms or so and answers ERR_CANCELED once it is true.
 * A driver that cannot stop in the middle (ggml's graphs) keeps its steps short.
 *
 * Files. The process is locked in after `load`: what is read later lies below `read_dir`.
 *
 * Mandatory: load, open, feed, finish, close. Optional: read_dir, unload, words, partial (a driver
 * without it gives finals only), settled.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/guard.h"

enum {
    STT_WHY_BYTES = 240,          /* room for a sentence about a failure, with its NUL */
    STT_TEXT_MAX = 40 * 1024,     /* bytes of a transcript; longer ones are ERR_TOOBIG */
    STT_SEGMENTS_MAX = 16 * 1024, /* words of a transcript */
    STT_WORDS_MAX = 8 << 20,      /* bytes of the documents' text; the rest is not looked at */
};

/* What `load` gets from the server (wire: load). Slices are borrowed. */
struct stt_load {
    struct str model_dir, model;
    struct str options; /* name=value, separated by commas; unknown names are refused */
    struct str sha256;  /* of the model's file, or "" */
    uint32_t threads;   /* compute threads that it may use at start */
    /* To be called after each `words`, from any thread: see there. why: a sentence about a failure, or "". */
    void (*learnt)(uint32_t telling, enum err err, const char *why);
    /* To be called when something that was heard is not believed, from any thread. */
    void (*guarded)(enum guard guard);
};

/* What it answers. Texts live until unload. */
struct stt_loaded {
    const char *model, *languages, *notes;
    uint32_t rate_hz; /* what feed wants */
    uint32_t slots;   /* utterances at once */
};

/* How a stream wants to be heard; slices and pointers are good as long as the utterance. */
struct stt_request {
    bool adapt;          /* expect the words of the documents */
    struct str language; /* "" or a code such as "en" */
    struct str prompt;   /* what may have been said before: a hint, or "" */
    bool translate; /* into English; ERR_UNSUPPORTED where the language is another and it cannot */
    float temperature;          /* 0 … 1: how much chance is welcome, a hint */
    bool (*stopped)(void *arg); /* the stream is cancelled; any thread */
    void *arg;                  /* of the three functions */
    char *why; /* STT_WHY_BYTES of the stream's: a sentence for the client when a call fails */
    /* To be called around a wait for what other utterances hold, on the thread that waits: meanwhile it keeps no other
     * stream from its thread, and the time is not counted as computed. */
    void (*rest)(void *arg);
    void (*resume)(void *arg);
};

/* One word of the final transcript. */
struct stt_word {
    uint32_t at, length;       /* in the text, bytes */
    uint32_t start_ms, end_ms; /* from the first sample that was fed */
    float confidence;          /* 0..1 */
};

/* What was heard in one go. */
struct stt_part {
    size_t words_end,
        tokens_end;  /* of the result's words and tokens: one more than the part's last */
    float logprob;   /* mean of the tokens' */
    float no_speech; /* how likely nobody spoke; 0: there was no reason to ask */
};

/* The final transcript; the caller's memory, the driver fills it. */
struct stt_result {
    struct buf text;
    struct stt_word *words; /* mem_grow'n */
    size_t words_n, words_room;
    struct stt_part *parts; /* mem_grow'n; none: it is cut where the speaker pauses */
    size_t parts_n, parts_room;
    int32_t *tokens; /* mem_grow'n; of the model, with parts */
    size_t tokens_n, tokens_room;
    const char *language; /* that was heard, such as "en"; NULL: as was asked for. Static */
};
static inline void stt_result_finish(struct stt_result *r)
{
    buf_finish(&r->text);
    free(r->words);
    free(r->parts);
    free(r->tokens);
}

struct stt_utterance;

struct stt_driver {
    const char *name;
    uint32_t step_ms;  /* of sound between two partials, at least */
    uint32_t agreeing; /* so many hypotheses make a word settled (wire/agree.h) */
    bool times_words;  /* measures them */
    /* Known before load; NULL when there is none. */
    const char *(*read_dir)(void);
    /* On failure `why` holds a sentence for the operator. */
    enum err (*load)(const struct stt_load *load, struct stt_loaded *ret_loaded,
                     char why[STT_WHY_BYTES]);
    void (*unload)(void);
    /* The documents' text, of at most STT_WORDS_MAX bytes, replaces all that was known of them; the
     * driver owns the buffer from here on. Empty: no documents. Once utterances that begin are heard with
     * it, or it has failed, the driver calls `learnt` of `load` with the number of the telling; only the
     * last one's matters, and no utterance waits for it. */
    void (*words)(struct buf text, uint32_t telling);

    /* ERR_BUSY: no slot came free in time. ERR_UNSUPPORTED: not this language. */
    enum err (*open)(const struct stt_request *request, struct stt_utterance **ret_u);
    enum err (*feed)(struct stt_utterance *u, const int16_t *samples, size_t count);
    /* *ret_sure: true before; false: the words may be shown, and settle nothing. */
    enum err (*partial)(struct stt_utterance *u, struct buf *into, bool *ret_sure);
    struct str (*settled)(const struct stt_utterance *u); /* until the next call */
    enum err (*finish)(struct stt_utterance *u, struct stt_result *result);
    void (*close)(struct stt_utterance *u);
};

extern const struct stt_driver stt_sphinx, stt_whisper, stt_parakeet, stt_scripted;
