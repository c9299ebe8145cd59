// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of a turn, shared by the files that make it: turn.c (its life), listen.c (sound to words), ahead.c and wager.c (what
 * is done before the words are complete), answer.c (words to passages to tokens), speak.c (tokens to sound). Nobody else
 * includes it.
 *
 * A part may end the turn from any of its callbacks (turn_move, turn_end_with). The memory stays
 * until the loop's next round, so after calling anything that may do so a part looks at `state`
 * and, if it is TURN_ENDED, returns at once.
 */
#pragma once

#include "server/loop/loop.h"
#include "server/rag/quote.h"
#include "server/talk/clause.h"
#include "server/talk/heard.h"
#include "server/talk/pace.h"
#include "server/talk/turn.h"
#include "server/talk/turn_table.h"

struct job;

/* What is done while the user still speaks (ahead.c). */
enum { PASSAGES_MAX = 50 }; /* as rag.k */
struct passages {
    struct passage {
        char doc_id[RAG_ID_CHARS + 1];
        uint32_t chunk_id;
    } of[PASSAGES_MAX];
    size_t count;
};
struct ahead {
    struct buf heard;            /* the words so far */
    struct buf words;            /* those that passages were looked for with last */
    struct rag_query *looking;   /* for passages; NULL: not now */
    struct rag_query *found;     /* has `hits`; NULL: none yet */
    const struct rag_hits *hits; /* NULL: none yet, or none are wanted */
    size_t settled;              /* of them, in front: they were found before, too */
    struct job *reading;         /* the prompt, as far as it is known; NULL: not now */
    struct buf read_words;       /* the words that were given to the model last */
    struct passages read,
        last;       /* the passages that were, in this order; those of the last search */
    bool has_read;  /* all of that */
    bool is_failed; /* the store, for the words so far: they are not looked for again */
};

/* The answer to words that may not be the last (wager.c). */
struct wager {
    bool is_wanted;   /* they may be the last; it waits for passages */
    bool is_on;       /* the jobs of model and voice are for it, and nothing of them leaves */
    bool is_answered; /* its last token has come */
    bool is_mute;     /* the voice is needed by others */
    bool is_quote;    /* no model answers */
    uint32_t count;   /* of this turn */
    uint64_t begun_us;
    struct buf words;
    struct quote quote;                    /* is_quote */
    char language[SESSION_LANGUAGE_BYTES]; /* that was asked for */
};

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
    char *voice;         /* owned */
    struct buf question; /* the user's words, final */
    char language
        [SESSION_LANGUAGE_BYTES]; /* of a spoken one: that it was heard in, or at first the last one; "": not known */

    struct job *stt;
    struct buf partial; /* the words that were told last */
    uint32_t partial_stable;
    struct ahead ahead;
    struct wager wager;
    uint32_t decoded_ms; /* of the sound that it got: its last words are of so much */

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

/* The words so far. Nothing of what is done with them can fail a turn. */
void ahead_hear(struct turn *t, struct str words);
/* Passages for just these words are there already: t->query and t->hits are set. */
bool ahead_take(struct turn *t, struct str words);
/* Those passages that the model has read come first, in the order in which it did. */
void ahead_arrange(const struct turn *t, const struct rag_hits *hits);
/* The passages for the words so far are there, t->ahead.hits; or, first, they are looked for, and wager_go_on is called. */
bool ahead_is_found(struct turn *t);
void ahead_stop_reading(struct turn *t); /* the model keeps what it has read */
void ahead_drop(struct turn *t);
/* But for their case and a mark at their end. */
bool words_are_alike(struct str a, struct str b);

/* What it has waited for is there. */
void wager_go_on(struct turn *t);
/* It is on, and for these words. */
bool wager_holds(const struct turn *t, struct str words);
/* They are the turn's: what it has brought leaves, and the answer goes on. */
void wager_cash(struct turn *t);
void wager_drop(struct turn *t);

void retrieve_begin(struct turn *t);
/* The prompt, but for its last message, to a job of the language model. */
enum err answer_send_prompt(struct turn *t, struct job *j, const struct history *before,
                            const struct rag_hits *hits, struct str question);
/* That the model is asked to answer in; "": it may choose. */
const char *answer_language(const struct turn *t);
void answer_begin(struct turn *t);
/* The parts of it, for a wager. The model is asked on a spare job; or the sentences are chosen. */
enum err answer_ask_ahead(struct turn *t, struct str question);
enum err answer_quote(const struct turn *t, struct quote *ret_q);
/* The listener is told of the passages, all or those that were quoted, and of a piece of the answer. False: the turn has
 * ended. */
bool answer_cite_all(struct turn *t);
bool answer_cite_quoted(struct turn *t, const struct quote *q);
bool answer_show(struct turn *t, struct str text, uint32_t tokens);
/* The last token has come. */
void answer_is_complete(struct turn *t);
void answer_drop(struct turn *t);

void speak_init(struct turn *t);
/* A piece of the answer, in order; then the end of it. */
enum err speak_text(struct turn *t, struct str text);
enum err speak_no_more(struct turn *t);
/* The same, and when that has been said the turn goes on. */
enum err speak_end(struct turn *t);
/* A wager is won: its sound leaves, and its other clauses are spoken. It is lost: there has been no answer. */
void speak_on(struct turn *t);
void speak_forget(struct turn *t);
/* Ends the turn once the listener has heard all that was sent. */
void speak_play_out(struct turn *t);
void speak_hold(struct turn *t); /* t->held has changed */
uint64_t speak_heard_bytes(const struct turn *t);
void speak_drop(struct turn *t);
