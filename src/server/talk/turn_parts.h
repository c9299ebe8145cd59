// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of a turn, shared by the four files that make it: turn.c (its life), listen.c (sound to
 * words), answer.c (words to passages to tokens), speak.c (tokens to sound). Nobody else includes it.
 *
 * A part may end the turn from any of its callbacks (turn_move, turn_end_with). The memory stays
 * until the loop's next round, so after calling anything that may do so a part looks at `state`
 * and, if it is TURN_ENDED, returns at once.
 */
#pragma once

#include "server/loop/loop.h"
#include "server/talk/clause.h"
#include "server/talk/heard.h"
#include "server/talk/pace.h"
#include "server/talk/turn.h"
#include "server/talk/turn_table.h"

struct job;
struct rag_hits;
struct rag_query;

enum { TURN_LANGUAGE_BYTES = 16 };

struct turn {
    struct talk *talk;
    struct session *session;
    const struct turn_sink *sink; /* NULL once abandoned */
    void *arg;
    uint64_t id;
    struct turn *next, **link; /* talk->live */

    enum turn_state state;
    bool entered;         /* the first state's work has begun */
    uint64_t deadline_ms; /* of the whole answer, from the end of the user's words; 0: not yet */
    struct timer timer;   /* the state's limit; when ended: frees the turn */
    struct waterfall waterfall;

    bool use_rag, speak, out_opus;
    uint32_t max_tokens, in_rate_hz, out_rate_hz;
    char *voice;                        /* owned */
    struct buf question;                /* the user's words, final */
    char language[TURN_LANGUAGE_BYTES]; /* that were heard in this one; "": not known */

    struct job *stt;

    struct rag_query *query;
    const struct rag_hits *hits; /* of the query; NULL without one */
    struct job *llm;
    bool answering; /* the question is in the history */
    struct turn_usage usage;

    struct clause_splitter clauses; /* holds the whole answer */
    struct job *tts;
    struct heard heard;
    struct pace pace;
    struct buf
        sound; /* synthesised, not sent yet: s16le; or packets, each behind a length of 2 bytes */
    struct timer pacer;
    bool sound_begun, sound_complete;
    bool held;          /* the listener is away */
    uint64_t held_ms;   /* since when, or was last */
    uint64_t spoken_us; /* when the last sound had been sent; 0: not yet */
};

enum { TURN_SOUND_MAX = 4 * 1024 * 1024 }; /* bounded below that by the engine's credit */

/* The machine. An illegal move stops the program. */
void turn_move(struct turn *t, enum turn_move move);
/* Ends it by `move` (fail, cancel, timeout) with what the user is told. */
void turn_end_with(struct turn *t, enum turn_move move, enum err err, const char *message);

enum err listen_begin(struct turn *t);
void listen_stop(struct turn *t);
void listen_drop(struct turn *t);

void retrieve_begin(struct turn *t);
void answer_begin(struct turn *t);
void answer_drop(struct turn *t);

void speak_init(struct turn *t);
/* A piece of the answer, in order; then the end of it. */
enum err speak_text(struct turn *t, struct str text);
enum err speak_end(struct turn *t);
/* Ends the turn once the listener has heard all that was sent. */
void speak_play_out(struct turn *t);
void speak_hold(struct turn *t); /* t->held has changed */
uint64_t speak_heard_bytes(const struct turn *t);
void speak_drop(struct turn *t);
