// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of a synthesiser elsewhere: mouth.c (is it there?), speech.c (one request) and clauses.c (the jobs:
 * who speaks which clause, and when it is too late for the server to).
 */
#pragma once

#include "server/engine/engine_parts.h"
#include "server/engine/mouth/kept.h"
#include "server/engine/mouth/mouth.h"
#include "server/engine/mouth/sound.h"
#include "server/net/fetch.h"

/* --- speech.c --- */

enum speech_state : uint8_t { SPEECH_COMING, SPEECH_WHOLE, SPEECH_FAILED };

/* What is asked for once. Its owner hears of news in `on_news` and may end it there; not from inside speech_begin. */
struct speech {
    struct mouth *mouth;
    enum speech_state state;
    enum mouth_reason reason; /* FAILED */
    struct buf url, body;
    struct fetch *fetch; /* NULL: it is over */
    struct mouth_sound sound;
    struct buf samples;          /* that have come and were not yet passed on */
    struct buf copy;             /* of all samples, to be kept; where its cap is 0 they are not */
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
void speech_give_up(struct speech *s, enum mouth_reason reason);

/* --- mouth.c --- */

struct mouth {
    struct engine *engine;
    struct fetcher *fetcher;
    enum mouth_api api;
    char *url, *key, *model, *voice, *language, *local_voice, *name; /* owned */
    uint32_t connect_ms, first_sound_ms, reply_ms;

    bool is_up, is_judged;
    char notes[512];
    struct speech *probe; /* NULL: none under way */
    struct timer timer;   /* of the next probe */
    uint64_t backoff_ms;  /* 0: all is well */
    uint32_t live;        /* requests under way */
    double ms_per_byte;   /* of text, as this voice speaks it at speed 1; 0: not known yet */
    struct loudness loudness;
    struct mouth_kept kept;
    uint64_t again; /* clauses whose sound was kept */
    uint64_t clauses, fallbacks[MOUTH_REASON_COUNT];
};
/* A request has ended well, or has not: `why` is of the server, for the log. retry_after_s: as it says, or 0. */
void mouth_is_there(struct mouth *m);
void mouth_is_broken(struct mouth *m, enum mouth_reason reason, uint32_t retry_after_s,
                     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* So much sound a text of so many bytes had. */
void mouth_learn_speed(struct mouth *m, uint64_t ms, size_t bytes, float speed);
