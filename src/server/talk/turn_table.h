// SPDX-License-Identifier: Apache-2.0
/*
 * The turn as a state machine: what may follow what, and how long anything may last. Pure, so that a
 * million random event sequences can be driven through it with a fake clock.
 *
 *   typed ──────────────────────────┐
 *                                   ▼
 *   LISTENING ──stop──▶ FINALISING ──words──▶ RETRIEVING ──passages──▶ ANSWERING ──answered──▶ SPEAKING
 *       │                  │  └─silence─┐         │                       │                   spoken
 *       │                  │            │         │                       │                      ▼
 *       └──── fail, cancel, timeout ────┴─────────┴───────────────────────┴──────played─────── PLAYING
 *                     │
 *                     ▼
 *                   ENDED
 *
 * LISTENING   sound arrives and goes to the recogniser; partials come back
 * FINALISING  the utterance is over; the recogniser's last words are awaited
 * RETRIEVING  passages are looked up (at once "none" when the knowledge base is off)
 * ANSWERING   tokens come; their first clauses are spoken already
 * SPEAKING    the answer is complete; the rest of its sound is synthesised and sent
 * PLAYING     all sound has been sent; the listener's speaker has not come to its end
 * ENDED       the last event (end, interrupted or error) has left; nothing follows
 */
#pragma once

#include <stdint.h>

enum turn_state : uint8_t {
    TURN_LISTENING,
    TURN_FINALISING,
    TURN_RETRIEVING,
    TURN_ANSWERING,
    TURN_SPEAKING,
    TURN_PLAYING,
    TURN_ENDED,
    TURN_STATES
};

enum turn_move : uint8_t {
    MOVE_STOP,     /* the user has finished speaking, or has spoken long enough */
    MOVE_WORDS,    /* the final transcript, not empty */
    MOVE_SILENCE,  /* the final transcript is empty */
    MOVE_PASSAGES, /* retrieval is done */
    MOVE_ANSWERED, /* the last token has come */
    MOVE_SPOKEN,   /* the last sound has left, or there was nothing to speak */
    MOVE_PLAYED,   /* the listener has heard the last sound */
    MOVE_FAIL,     /* an engine or the store failed */
    MOVE_CANCEL,   /* the user cancelled, spoke again, or left */
    MOVE_TIMEOUT,  /* the state's time is over */
    TURN_MOVES
};

/* Where the move leads, or TURN_STATES when it is not legal in this state. */
enum turn_state turn_next(enum turn_state from, enum turn_move move);
/* The longest stay in a state, ms; the whole turn is bounded as well (turn.max_ms). reply_ms: what a recogniser elsewhere
 * may take besides the length of the utterance; 0: it is here. */
uint32_t turn_limit_ms(enum turn_state state, uint32_t utterance_ms, uint32_t turn_ms,
                       uint32_t reply_ms);
const char *turn_state_name(enum turn_state state);
