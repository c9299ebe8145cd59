// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of a synthesiser elsewhere: mouth.c (is it there?), speech.c (one request) and clauses.c (the jobs:
 * who speaks which clause, and when it is too late for the server to).
 */
#pragma once

#include "audio/kept.h"
#include "server/engine/engine_parts.h"
#include "server/engine/mouth/mouth.h"
#include "server/engine/mouth/sound.h"
#include "server/net/fetch.h"

/* --- speech.c --- */

enum { SPEECH_WHY_BYTES = 320 };
enum speech_state : uint8_t { SPEECH_COMING, SPEECH_WHOLE, SPEECH_FAILED };
/* To whom a failure may be owed. What is the server's for sure is told to mouth_is_broken at once; the owner judges the others. */
enum speech_fault : uint8_t {
    SPEECH_SERVER,
    SPEECH_TEXT,  /* another one might be spoken */
    SPEECH_CROWD, /* fewer at once might be */
};

/* What is asked for once. Its owner hears of news in `on_news` and may end it there; not from inside speech_begin. */
struct speech {
    struct mouth *mouth;
    enum speech_state state;
    enum mouth_reason reason; /* FAILED; and these three */
    enum speech_fault fault;
    uint32_t retry_after_s;
    char why[SPEECH_WHY_BYTES];
    struct buf url, body;
    struct fetch *fetch; /* NULL: it is over */
    struct mouth_sound sound;
    struct buf
        samples; /* that have come and were not yet passed on, but for the first `taken` bytes */
    size_t taken;
    struct buf
        copy;    /* of all samples, to be kept, where its owner gives it a cap after speech_begin */
    size_t held; /* bytes of these two, as m->held counts them */
    struct buf refusal;          /* what came with another status than 200 */
    struct timer timer;          /* the end of patience with all of it */
    uint64_t asked_ms, first_ms; /* when it was asked; after how long it began to speak */
    uint32_t ms_max;
    void (*on_news)(void *arg);
    void *arg;
};
/* text: as mouth_ask_words left it, and borrowed until this returns. The speech is finished also after a failure. */
enum err speech_begin(struct speech *s, struct mouth *m, struct str text, float speed,
                      void (*on_news)(void *arg), void *arg);
/* One whose sound is here already. */
enum err speech_again(struct speech *s, struct mouth *m, const struct buf *samples,
                      uint32_t rate_hz);
void speech_finish(struct speech *s); /* hangs up */
/* Its owner cannot wait any longer: it fails, is hung up, and the server is left alone. */
void speech_give_up(struct speech *s);

/* --- mouth.c --- */

struct mouth {
    struct engine *engine;
    struct fetcher *fetcher;
    enum mouth_api api;
    char *url, *key, *model, *voice, *language, *local_voice; /* owned */
    uint32_t connect_ms, first_sound_ms, reply_ms;

    bool is_up, is_judged;
    char notes[512];
    struct speech *probe; /* NULL: none under way */
    struct timer timer;   /* of the next probe */
    uint64_t backoff_ms;  /* 0: all is well */
    uint32_t live;        /* requests under way */
    size_t held;          /* bytes of sound that jobs keep */
    double ms_per_byte;   /* of text, as this voice speaks it at speed 1; 0: not known yet */
    struct loudness loudness;
    struct kept_sounds kept;
    struct timer purge; /* of `kept` */
    uint64_t jobs;      /* that have been asked for anything */
    bool is_single;     /* it has refused a second request while a first one lived */
    bool is_doubted;    /* it has not spoken the text with this hash, nor any after it */
    uint64_t doubted;
    uint64_t again; /* clauses whose sound was kept */
    uint64_t clauses, fallbacks[MOUTH_REASON_COUNT];
};
/* Under which a client may ask for it: the server's voice, or "remote" where that has no name, or one that the local program has,
 * too. The program's names may change with each of its starts. */
const char *mouth_name(const struct mouth *m);
/* A request has ended well, or has not: the sentence is of the server, for the log. by: whose it was, the probe's or a
 * clause's. retry_after_s: as the server says, or 0. */
void mouth_is_there(struct mouth *m);
void mouth_is_broken(struct mouth *m, const struct speech *by, enum mouth_reason reason,
                     uint32_t retry_after_s, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* It has failed with SPEECH_TEXT: with a second text in a row it is broken. */
void mouth_doubts(struct mouth *m, const struct speech *by, struct str text);
/* It has spoken a clause that it was asked for. */
void mouth_is_well(struct mouth *m);
/* Is the sound of this text to be kept, of which a job asks? Its hash is, in any case, for a while. */
bool mouth_wants_kept(struct mouth *m, struct str text, float speed, uint64_t job);
/* So much sound a text of so many bytes had. */
void mouth_learn_speed(struct mouth *m, uint64_t ms, size_t bytes, float speed);
