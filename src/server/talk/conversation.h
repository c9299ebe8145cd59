// SPDX-License-Identifier: Apache-2.0
/*
 * A conversation by voice: one microphone, one answer at a time. Held in one of two ways. Push to talk:
 * `start` begins a turn, `stop` ends what is said. Hands free: `start` opens the microphone, and turns
 * follow one another as somebody speaks (talk/floor.h); who speaks while the answer is spoken is
 * listened to, and interrupts it if he means to (talk/barge.h). Loop thread.
 *
 *     try(conversation_create(&talk, session, &wishes, &events, self, &self->conversation));
 *     conversation_start(c); conversation_sound(c, bytes)… conversation_stop(c);
 *     … events.turn.partial … events.turn.ended …
 *
 * Callbacks may come from inside all calls but create and destroy; they must not destroy.
 */
#pragma once

#include "server/talk/inlet.h"
#include "server/talk/turn.h"

struct conversation;

struct conversation_wishes {
    bool hands_free;
    enum inlet_format in;
    uint32_t in_rate_hz; /* of PCM; otherwise 16 kHz */
    uint32_t
        patience_percent; /* hands free: of vad.silence_ms and its like; 0: as configured (eagerness.h) */
    struct turn_request answer; /* how to answer; voice is copied */
};

/* Of hands free. */
enum conversation_news : uint8_t {
    CONVERSATION_SPEECH_STARTED, /* the turn listens to somebody */
    CONVERSATION_SPEECH_STOPPED, /* who has finished */
    CONVERSATION_DUCK,           /* a voice over the answer: speak softly */
    CONVERSATION_RESUMED,        /* it was nothing */
};

struct conversation_events {
    struct turn_sink turn; /* all of them */
    /* at_ms: of the microphone's sound, since `start`. */
    void (*news)(void *arg, struct turn *t, enum conversation_news what, uint64_t at_ms);
    /* Before a turn begins. Not OK: it does not, and the user has been told. */
    enum err (*may_begin)(void *arg);
    /* Something failed that is no turn's. */
    void (*failed)(void *arg, enum err err, const char *sentence);
};

/* The session must outlive it. */
enum err conversation_create(struct talk *talk, struct session *session,
                             const struct conversation_wishes *wishes,
                             const struct conversation_events *events, void *arg,
                             struct conversation **ret_c);
/* Ends the turn without a word. Takes NULL. */
void conversation_destroy(struct conversation *c);

void conversation_start(struct conversation *c);
void conversation_stop(struct conversation *c);
/* A typed question, answered aloud. */
void conversation_text(struct conversation *c, struct str text);
void conversation_cancel(struct conversation *c);
/* So much of the turn's answer was played; of another turn it is moot. */
void conversation_played(struct conversation *c, uint64_t turn, uint64_t ms);
/* Sound of the microphone, ignored while it is not open. */
void conversation_sound(struct conversation *c, struct str bytes);
/* More than `backlog` bytes of it wait for an engine: stop reading. */
bool conversation_is_behind(const struct conversation *c, size_t backlog);
/* A turn is live. */
bool conversation_is_busy(const struct conversation *c);
/* The user's connection is lost, or is there again. */
void conversation_hold(struct conversation *c, bool away);
