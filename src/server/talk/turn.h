// SPDX-License-Identifier: Apache-2.0
/*
 * One turn: from the user's words, spoken or typed, to the end of the answer. A turn owns its jobs at
 * the engines and its query at the store; whatever ends it (the answer is out, an engine died, the
 * user cancelled, a limit passed) ends through one move to ENDED, where everything is let go and
 * `ended` fires exactly once. See turn_table.h for the machine. Loop thread only.
 *
 *     try(turn_begin(&talk, session, &request, &sink, self, &self->turn));
 *     turn_audio(self->turn, samples); … turn_stop(self->turn);
 *     … sink.partial … sink.final … sink.token … sink.audio … sink.ended → self->turn = nullptr
 *
 * No callback fires from inside turn_begin; callbacks may end the turn (turn_cancel, turn_fail,
 * turn_abandon) and ask about it, nothing else, and not begin one in the same session before `ended` has
 * returned.
 */
#pragma once

#include "audio/pcm.h"
#include "server/talk/session.h"
#include "server/talk/turn_table.h"
#include "server/talk/waterfall.h"

struct conf;
struct engine;
struct keep;
struct loop;
struct rag;
struct rag_hit;
struct turn;

/* What all turns share. Filled by main; const but for the counters. */
struct talk {
    struct loop *loop;
    const struct conf *conf;
    struct engine *stt, *llm, *tts; /* llm: NULL when the quote answerer answers */
    struct engine *ears; /* who finds speech and decodes: stt, but where that is elsewhere */
    uint32_t reply_ms;   /* for which a recogniser elsewhere is waited for; 0: it is here */
    struct rag *rag;
    struct keep *keep;   /* NULL: conversations are not kept on the disk */
    struct turn *live;   /* list of running turns */
    uint32_t live_count; /* at most limit.live */
    uint64_t next_id;
    bool draining;   /* no new turns */
    bool changing;   /* the same, while one language model goes before another one can answer */
    bool unanswered; /* and turns that have begun get no answer either: it has gone */
};

/* Counted over the server's life, for /metrics. */
extern struct counter turns_begun, turns_failed, turns_canceled;
extern struct counter tokens_generated;
/* What was done while somebody still spoke: questions to the store, those whose passages were used, prompts read. */
extern struct counter ahead_looked, ahead_used, ahead_read;
/* Answers that were begun before it was sure that they would be wanted, and those that were. */
extern struct counter wagers_made, wagers_won;

struct turn_request {
    bool spoken; /* words come as sound (turn_audio); otherwise `text` */
    bool use_rag;
    bool speak;           /* the answer is also synthesised */
    struct str text;      /* typed turns: at most TURN_TEXT_MAX bytes, valid UTF-8 */
    struct str before;    /* spoken turns: the words that they go on from, or nothing */
    uint32_t in_rate_hz;  /* spoken turns */
    uint32_t out_rate_hz; /* with speak */
    bool out_opus;        /* with speak: in packets of 20 ms, one an `audio`; else samples */
    struct str voice;     /* with speak; empty: the configured one */
    uint32_t max_tokens;  /* 0: the configured number */
};
enum { TURN_TEXT_MAX = 16 * 1024 };

struct turn_usage {
    uint32_t prompt_tokens, cached_tokens, completion_tokens;
};

struct turn_end {
    enum err err;        /* OK; ERR_CANCELED: interrupted; anything else failed */
    const char *message; /* with a failure: a sentence for the user */
    bool spoken;         /* some sound of the answer was sent */
    struct str answer;   /* all that was generated */
    struct str heard; /* the prefix of it that was played, for spoken answers: all of it with OK */
    struct turn_usage usage;
    const struct waterfall *waterfall;
    uint64_t now_us; /* when it ended, or its last sound had been sent */
};

struct turn_sink {
    /* Spoken turns. `stable` bytes of the text will not change any more. */
    void (*partial)(void *arg, struct turn *t, struct str text, size_t stable);
    void (*final)(void *arg, struct turn *t, struct str text);
    void (*citation)(void *arg, struct turn *t, uint32_t index, const struct rag_hit *hit);
    void (*token)(void *arg, struct turn *t, struct str text);
    void (*audio_start)(void *arg, struct turn *t, uint32_t rate_hz);
    void (*audio)(void *arg, struct turn *t, struct str sound); /* s16le, or a packet */
    void (*audio_end)(void *arg, struct turn *t);
    /* The last call; the turn is gone when it returns. */
    void (*ended)(void *arg, struct turn *t, const struct turn_end *end);
};

/* ERR_BUSY: too many turns; ERR_CONFLICT: the session has a live turn; ERR_ENGINE; ERR_NOMEM;
 * ERR_INVALID for a text that is empty; ERR_NOTFOUND: the session has ended; ERR_CHANGING: no language model answers
 * at the moment; ERR_DRAINING. The session is held until the turn ends. */
enum err turn_begin(struct talk *talk, struct session *session, const struct turn_request *request,
                    const struct turn_sink *sink, void *arg, struct turn **ret_turn);
/* Turns are under way that have not come to their answer yet. */
bool talk_has_questions(const struct talk *talk);
uint64_t turn_id(const struct turn *t);
enum turn_state turn_state(const struct turn *t);
/* Sound of the utterance, native int16 samples; ignored after turn_stop. ERR_BUSY: the recogniser is
 * too far behind; the turn goes on without these samples. */
enum err turn_audio(struct turn *t, const int16_t *samples, size_t count);
/* How many bytes of sound wait for the recogniser: above 256 KiB stop reading from the client. */
size_t turn_backlog(const struct turn *t);
/* The utterance is over. Ignored when it is already. */
void turn_stop(struct turn *t);
/* It is probably over: the answer to the words so far is begun, but held until turn_stop has brought the same words.
 * May be said again and again. The second: it is not. */
void turn_expect_stop(struct turn *t);
void turn_goes_on(struct turn *t);
/* The client's speaker has played `ms` of the answer. */
void turn_played(struct turn *t, uint64_t ms);
/* The listener is away, and hears nothing: no sound is sent, and none counts as played, until he is back. */
void turn_hold(struct turn *t, bool held);
/* Some sound of the answer was sent. */
bool turn_sounds(const struct turn *t);
/* What the listener hears about now: the words from `before_ms` before the speaker's position to
 * `after_ms` after it. Good until the turn's next event. */
struct str turn_heard_now(const struct turn *t, uint32_t before_ms, uint32_t after_ms);
/* The question as far as it is final. */
struct str turn_question(const struct turn *t);
/* So much of its sound the last partial is of. */
uint32_t turn_decoded_ms(const struct turn *t);
/* Ends the turn as interrupted (ERR_CANCELED), or with the given failure; `ended` fires. */
void turn_cancel(struct turn *t);
void turn_fail(struct turn *t, enum err err, const char *message);
/* The sink is going away: ends the turn without calling it. Takes NULL. */
void turn_abandon(struct turn *t);
