// SPDX-License-Identifier: Apache-2.0
/*
 * Who has the floor in a conversation without a button. Pure; the conversation keeps one.
 *
 *            ┌────────────over──────────────────────────────┐
 *            ▼                                              │
 *   FREE ──voice──▶ USER ──quiet──▶ ANSWER ──voice──▶ DUCKED ──doubt──▶ DOUBTED
 *            ▲        ▲               ▲  │              │ │               │ │
 *            │        │               │  └────doubt─────│─│──────────────▶│ │
 *            │        └───interrupt───│─────────────────┘ │               │ │
 *            │        └───interrupt───│───────────────────│───────────────┘ │
 *            │                        └──────resume───────┘                 │
 *            │                        └──────quiet──────────────────────────┘
 *
 * FREE     nobody speaks; the ear waits
 * USER     somebody speaks, and a turn listens to him
 * ANSWER   the answer is thought out or spoken
 * DUCKED   there is a voice over the answer: it is spoken softly until it is clear what the voice wants
 * DOUBTED  it wants nothing (echo, noise, a murmur), but goes on: the answer too, and we keep an ear on it
 *
 * A question that is typed or begun otherwise takes the floor in any state (asked), and the end of the
 * turn frees it (over).
 */
#pragma once

#include <stdint.h>

enum floor : uint8_t {
    FLOOR_FREE,
    FLOOR_USER,
    FLOOR_ANSWER,
    FLOOR_DUCKED,
    FLOOR_DOUBTED,
    FLOOR_STATES
};

enum floor_move : uint8_t {
    FLOOR_VOICE,     /* the ear: somebody has begun to speak */
    FLOOR_QUIET,     /* the ear: he has finished */
    FLOOR_INTERRUPT, /* he means us to stop */
    FLOOR_RESUME,    /* he does not, and has finished */
    FLOOR_DOUBT,     /* he does not, and goes on */
    FLOOR_ASKED,     /* a question without a voice */
    FLOOR_OVER,      /* the turn has ended */
    FLOOR_MOVES
};

/* Where the move leads, or FLOOR_STATES when it is not legal in this state. */
enum floor floor_next(enum floor from, enum floor_move move);
const char *floor_name(enum floor f);
