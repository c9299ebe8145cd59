// SPDX-License-Identifier: Apache-2.0
/*
 * What a synthesiser has to offer so that repartee-tts can speak with it. One `const struct
 * tts_driver` a file; the engine knows nothing of phonemes, graphs or rules.
 *
 * Threads. load, start, warm_up and unload run alone, on the main thread. All else may run on several
 * compute threads at once, also on one voice; a library that cannot do that is locked inside its
 * driver. No lock may be held while a piece is handed over: handing over waits for the listener, who
 * may be slow, and one slow listener must not silence the others.
 *
 * Voices. A voice belongs to its driver; voice_open of the same name may give the same one again.
 * Its rate never changes. What a voice needs to read after `load` lies below `read_dir`, because the
 * process is locked in after that; what makes threads of its own waits for `start`, which comes then.
 *
 * Text. A phrase has gone through tts/normalise: valid UTF-8 in NFC, at most TTS_PHRASE_MAX bytes,
 * one line, no control characters, no word over 64 bytes, no run over 8, at least one letter or
 * digit. A driver for a model folds what its model does not know.
 *
 * Sound. Mono s16 at the voice's rate, in pieces of at most 50 ms or so, the first one as soon as it
 * exists; a piece of no samples asks whether more are wanted. Silence at both ends is welcome; the
 * stream trims it. When the piece function answers
 * false the driver stops as soon as it can and answers ERR_CANCELED; one that computes for long between two pieces has itself
 * stopped by `watch`. Numbers of speed: 1 is the voice's own, 2 twice as fast.
 *
 * Mandatory: everything but load, start, unload, warm_up and notes; their absence is NULL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    TTS_WHY_BYTES = 240,  /* room for a sentence about a failure, with its NUL */
    TTS_PHRASE_MAX = 240, /* bytes of one phrase */
};
constexpr float TTS_SPEED_MIN = 0.25f;
constexpr float TTS_SPEED_MAX = 4.0f;

struct tts_driver;

struct tts_voice {
    const struct tts_driver *driver; /* whose synthesise speaks it */
    const char *name;
    const char *language; /* "en", "de-at"… decides how numbers and signs are read out */
    uint32_t rate_hz;     /* 8000..48000 */
};

/* What `load` gets from the server (wire: load). Slices are borrowed. */
struct tts_load {
    struct str model_dir, model, options;
    struct str sha256;        /* of the model's file; empty: not known */
    struct str sha256_beside; /* of the second file of a voice of Piper; the same */
    uint32_t threads;         /* compute threads that it may use at start */
};

/* Takes `count` samples of a voice. False: nobody wants more. */
typedef bool (*tts_piece_fn)(void *to, const int16_t *samples, size_t count);
/* Once nobody wants more, `stop` is called, once, by another thread; at once where that is so already. It may not wait. NULL
 * takes it back: it does not run any more when this has returned. */
typedef void (*tts_watch_fn)(void *to, void (*stop)(void *arg), void *arg);

struct tts_listener {
    tts_piece_fn piece;
    tts_watch_fn watch; /* NULL: nobody goes away */
    void *to;
};

struct tts_driver {
    const char *name;
    /* Nothing of a phrase sounds before all of it has been computed, so its phrases are short. */
    bool speaks_at_once;
    /* The folder that synthesis reads, known after load; NULL when everything is in memory. */
    const char *(*read_dir)(void);

    /* On failure `why` holds a sentence for the operator. */
    enum err (*load)(const struct tts_load *load, char why[TTS_WHY_BYTES]);
    enum err (*start)(char why[TTS_WHY_BYTES]);
    void (*unload)(void);
    /* Makes the first real synthesis as fast as the later ones; its failure is not one. */
    void (*warm_up)(void);

    /* What is worth knowing of it after start, for the operator; NUL-terminated, the driver's own. */
    const char *(*notes)(void);

    /* Names that voice_open takes, separated by ", ". */
    enum err (*voices)(struct buf *into);
    /* Codes of languages spoken, separated by ",". */
    enum err (*languages)(struct buf *into);
    /* ERR_NOTFOUND for a name it does not know; "" is its standard voice. Each success is matched by
     * one voice_close. */
    enum err (*voice_open)(struct str name, struct tts_voice **ret_voice);
    void (*voice_close)(struct tts_voice *voice);
    /* Speaks one phrase. ERR_CANCELED after a refused piece; otherwise `why` tells what went wrong. */
    enum err (*synthesise)(struct tts_voice *voice, struct str phrase, float speed,
                           const struct tts_listener *listener, char why[TTS_WHY_BYTES]);
};

extern const struct tts_driver tts_flite, tts_espeak, tts_builtin, tts_piper, tts_kokoro,
    tts_scripted;
