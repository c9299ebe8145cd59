// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of a conversation, shared by its two files: conversation.c (what both ways have in common)
 * and hands_free.c. Nobody else includes it.
 */
#pragma once

#include "server/loop/loop.h"
#include "server/talk/conversation.h"
#include "server/talk/ear.h"
#include "server/talk/floor.h"
#include "server/talk/overhear.h"
#include "server/talk/recent.h"
#include "server/talk/watcher.h"

struct hands_free {
    enum floor floor;
    struct ear ear;
    struct recent recent;
    struct watcher *watcher;     /* NULL: the microphone is closed, or the engine is gone */
    struct timer retry;          /* for an engine that is gone */
    bool lost;                   /* it has gone, and nothing has been heard since */
    bool outage;                 /* the user was told so */
    struct buf partial;          /* the words of who has the floor */
    uint64_t turn_from_ms;       /* where his sound begins */
    bool is_expected;            /* he has probably finished */
    uint32_t expected_voiced_ms; /* and so much of what he had said till then was voice */

    /* Of a voice over the answer. */
    struct overhear *overheard; /* NULL: none */
    uint64_t voice_from_ms;
    uint64_t overheard_from_ms,
        decoded_to_ms; /* of the microphone's sound, what the recogniser got and has decoded */
    struct buf words;  /* of it, so far */
    bool words_final, deaf;
    struct buf before; /* words that were not answered yet when their speaker went on */
    bool told;         /* the listener was told to duck */
    bool echo;         /* this turn's answer comes back from the loudspeaker */
    bool claim;        /* the answer ended by itself while somebody spoke: the floor is his */
};

struct conversation {
    struct talk *talk;
    struct session *session;
    struct conversation_wishes wishes;
    const struct conversation_events *events;
    void *arg;
    char *voice; /* owned */
    struct turn *turn;
    struct inlet *inlet; /* while the microphone is open */
    bool stopped;        /* by the user: what the inlet still has is the last of it */
    bool replacing;      /* one turn makes room for another */
    bool away;
    struct hands_free free;
};

/* Begins a turn in place of the one that is live, unless that is not allowed now: false, and the user
 * has been told. text: the question, or of a spoken one the words that it goes on from. */
bool conversation_ask(struct conversation *c, bool spoken, struct str text);
/* Opens the microphone. */
enum err conversation_listen(struct conversation *c);

void hands_free_init(struct conversation *c);
void hands_free_finish(struct conversation *c);
enum err hands_free_open(struct conversation *c);
/* Samples of the microphone. */
void hands_free_hear(struct conversation *c, const int16_t *samples, size_t count);
/* An engine behind the microphone is gone: what can be begun anew will be. */
void hands_free_mend(struct conversation *c);
/* The microphone is closed. */
void hands_free_close(struct conversation *c);
/* A question took the floor; a turn has ended. */
void hands_free_asked(struct conversation *c);
void hands_free_over(struct conversation *c, enum err err);
/* The answer begins to be heard. */
void hands_free_sounds(struct conversation *c);
void hands_free_partial(struct conversation *c, struct str text);
bool hands_free_is_behind(const struct conversation *c, size_t backlog);
