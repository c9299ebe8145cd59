// SPDX-License-Identifier: Apache-2.0
/*
 * The change from one language model to another as a state machine: what may follow what, and how long anything
 * may last. Pure.
 *
 *     ┌── fail, timeout ───────┬──────────────────────┐
 *     ▼                        │                      │
 *   NONE ──beside──▶ LOADING ──┴──loaded──▶ WARMING ──┴──warm──▶ NONE (the new one)
 *     │
 *     ├──apart──▶ WAITING ──quiet, timeout──▶ ALONE ──loaded──▶ WARMING_ALONE ──warm──▶ NONE (the new one)
 *     │                                         │                    │
 *     │                                         └───fail, timeout────┴──▶ RESTORING ──any──▶ NONE (the old one)
 *     │                                                                       ▲
 *     └──chosen──▶ STARTING ──loaded──▶ NONE (the chosen one)                 │
 *                     └──────────────────fail, timeout────────────────────────┘
 *
 * NONE           one model answers, or the quote answerer
 * LOADING        the new one is loaded beside the one that answers
 * WARMING        it writes a first token, so that the first to ask need not wait for that
 * WAITING        memory is there for one only: no new question is taken, the last answers of the old one are awaited,
 *                those that turns under way have not asked for yet among them
 * ALONE          the old one has left, the new one is loaded; nobody answers
 * WARMING_ALONE  it writes a first token
 * RESTORING      it failed: the old one is loaded again
 * STARTING       the server has just been started, and loads the model that was chosen while it ran before
 *
 * The end of the server (drain) ends a change in any state. Who takes the place of one that answers is warm.
 */
#pragma once

#include <stdint.h>

enum change : uint8_t {
    CHANGE_NONE,
    CHANGE_LOADING,
    CHANGE_WARMING,
    CHANGE_WAITING,
    CHANGE_ALONE,
    CHANGE_WARMING_ALONE,
    CHANGE_RESTORING,
    CHANGE_STARTING,
    CHANGE_STATES
};

enum change_move : uint8_t {
    CHANGE_BESIDE, /* there is memory for both */
    CHANGE_APART,  /* there is not */
    CHANGE_CHOSEN, /* the server starts, with a choice that was kept */
    CHANGE_QUIET, /* the old one has no job left, no earlier one either, and no turn under way will ask */
    CHANGE_LOADED,  /* the engine that is being loaded is ready */
    CHANGE_WARM,    /* it has written a token */
    CHANGE_FAIL,    /* it refuses, has died, or could not be started */
    CHANGE_TIMEOUT, /* the state's time is over */
    CHANGE_DRAIN,   /* the server leaves */
    CHANGE_MOVES
};

/* Where the move leads, or CHANGE_STATES when it is not legal in this state. */
enum change change_next(enum change from, enum change_move move);
/* The longest stay in a state, ms; 0: for ever. */
uint32_t change_limit_ms(enum change state, uint32_t turn_ms);
/* As clients are told. */
const char *change_name(enum change state);
