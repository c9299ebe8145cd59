// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of an utterance that a server elsewhere hears. hearing.c is its life, whatever that server speaks: its sound is
 * kept until it ends, it is asked about, perhaps again, and ends in one way. How it is asked is a way: hearing_http.c with
 * partial.c, one request at a time, of which the final one ends that of a partial; or hearing_wyoming.c, one connection
 * by which the sound leaves while somebody speaks.
 */
#pragma once

#include "server/engine/remote/parts.h"
#include "server/engine/remote/sound.h"
#include "server/engine/remote/transcript.h"
#include "server/engine/remote/wyoming_words.h"
#include "wire/agree.h"
#include "wire/partials.h"

enum hearing_phase : uint8_t {
    COLLECTING, /* and perhaps asking for a partial */
    ASKING,
    PAUSING,
    FAILED,  /* the job hears of it at the end of the step */
    UNHEARD, /* so it does that there was nothing to hear */
    CANCELED,
};

enum { SEGMENTS_NONE, SEGMENTS_WANTED, SEGMENTS_TIMED }; /* the same */

struct remote_hearing {
    struct remote_work work;
    struct remote *remote;
    const struct hearing_way *way;
    enum hearing_phase phase;
    uint8_t tries;
    struct msg_stt_open wish; /* without its texts, which are those below */
    struct buf language, prompt;
    struct remote_sound sound;
    uint64_t ended_us;
    struct agree agree;
    struct buf shown; /* the last partial */
    size_t stable;
    struct timer timer; /* of the phase */
    struct deferred say;
    enum err err; /* FAILED */
    const char *sentence;

    /* hearing_http.c, partial.c */
    struct buf copy;     /* a partial's request */
    struct fetch *fetch; /* NULL: nothing is under way */
    struct buf reply;
    bool asked_verbose, asks_text_alone;
    uint64_t asked_us;
    uint32_t asked_ms; /* of sound, by the last partial */
    bool gives_up;     /* on partials */

    /* hearing_wyoming.c */
    struct wyoming_line line;
    struct wyoming_words words;
    size_t sent;       /* bytes of the samples, on this line */
    bool has_begun;    /* to send them */
    bool has_stopped;  /* all are sent, and their end */
    bool was_answered; /* something has come since */
    bool has_news;     /* words to be shown */
    bool has_shown;    /* some of them */
    uint32_t told_ms;  /* of sound that there was when words came last */
    uint32_t shown_ms; /* the same, when words were shown last */
    uint32_t heard_ms; /* that had been sent then */
};

/* How a server is asked; each may be called from inside of a write. */
struct hearing_way {
    uint8_t tries_max;
    void (*begin)(struct remote_hearing *h);   /* somebody begins to speak */
    void (*more)(struct remote_hearing *h);    /* more of the sound is there */
    void (*end)(struct remote_hearing *h);     /* nobody waits for partials any more */
    void (*ask)(struct remote_hearing *h);     /* for the final, of all that is there now */
    void (*late)(struct remote_hearing *h);    /* it has not come in time */
    void (*hang_up)(struct remote_hearing *h); /* also where nothing is under way */
};
extern const struct hearing_way hearing_http, hearing_wyoming;

/* Also from inside a write. */
void remote_hearing_fail_later(struct remote_hearing *h, enum err err, const char *sentence);
/* Of a try that has failed: once more, after a pause, or h is gone. */
void remote_hearing_try_again(struct remote_hearing *h, struct verdict v, uint32_t retry_after_s);
void remote_hearing_ask(struct remote_hearing *h);
/* Until the words are late. */
uint64_t remote_hearing_left_ms(const struct remote_hearing *h);
/* As many segments as there are, then the final; with that h is gone. ERR_CANCELED: its owner has had enough. */
enum err remote_hearing_tell_segment(void *h, const struct msg_stt_segment *segment);
void remote_hearing_answer(struct remote_hearing *h, struct str text, struct str language,
                           uint64_t took_us);
/* A code, or empty: it is to be found out. */
struct str remote_hearing_language(const struct remote_hearing *h);

/* hearing_http.c: the request of `body`, which is borrowed until it is over. */
enum err remote_hearing_start(struct remote_hearing *h, struct str body);
/* For the text alone. */
struct remote_sound_ask remote_hearing_question(const struct remote_hearing *h);

enum { REMOTE_PARTIAL_STEP_MS = 400 }; /* of sound between two partials, at least */
extern const char remote_partial_too_slow[];
/* partial.c: more sound has come; a partial's request is over. */
void remote_partial_ask(struct remote_hearing *h);
void remote_partial_end(struct remote_hearing *h); /* no more of them */
void remote_partial_hear(struct remote_hearing *h, const struct fetch_result *result);
/* Does anybody want words that may still change? What only ever grows (3 in stt_open) no server elsewhere tells. */
bool remote_partial_is_wanted(const struct remote_hearing *h);
/* What was said in so much of the sound, where it is wanted. */
enum err remote_partial_show(struct remote_hearing *h, struct str words, uint32_t audio_ms);
