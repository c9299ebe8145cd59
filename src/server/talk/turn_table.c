// SPDX-License-Identifier: Apache-2.0
#include "server/talk/turn_table.h"

/* Everything that is not named here is illegal: 1 + the next state, so that 0 means "no". */
#define TO(state) (1 + (state))
#define ALWAYS [MOVE_FAIL] = TO(TURN_ENDED), [MOVE_CANCEL] = TO(TURN_ENDED)

static const uint8_t table[TURN_STATES][TURN_MOVES] = {
    [TURN_LISTENING] =
        {ALWAYS, [MOVE_STOP] = TO(TURN_FINALISING), [MOVE_TIMEOUT] = TO(TURN_FINALISING)},
    [TURN_FINALISING] = {ALWAYS, [MOVE_TIMEOUT] = TO(TURN_ENDED),
                         [MOVE_WORDS] = TO(TURN_RETRIEVING), [MOVE_SILENCE] = TO(TURN_ENDED)},
    [TURN_RETRIEVING] =
        {ALWAYS, [MOVE_TIMEOUT] = TO(TURN_ENDED), [MOVE_PASSAGES] = TO(TURN_ANSWERING)},
    [TURN_ANSWERING] =
        {ALWAYS, [MOVE_TIMEOUT] = TO(TURN_ENDED), [MOVE_ANSWERED] = TO(TURN_SPEAKING)},
    [TURN_SPEAKING] = {ALWAYS, [MOVE_TIMEOUT] = TO(TURN_ENDED), [MOVE_SPOKEN] = TO(TURN_PLAYING)},
    [TURN_PLAYING] = {ALWAYS, [MOVE_TIMEOUT] = TO(TURN_ENDED), [MOVE_PLAYED] = TO(TURN_ENDED)},
};

enum turn_state turn_next(enum turn_state from, enum turn_move move)
{
    uint8_t to = table[from][move];
    return to ? (enum turn_state)(to - 1) : TURN_STATES;
}

uint32_t turn_limit_ms(enum turn_state state, uint32_t utterance_ms, uint32_t turn_ms,
                       uint32_t reply_ms)
{
    switch (state) {
    case TURN_LISTENING:
        return utterance_ms;
    case TURN_FINALISING:
        return reply_ms ? reply_ms + utterance_ms + 1000 /* its own limit is told first */
                        : 15000; /* the slowest recogniser that is still worth waiting for */
    case TURN_RETRIEVING:
        return 5000;
    case TURN_PLAYING:
        return 10000; /* of at most PACE_LEAD_MS: for speakers that stutter */
    default:
        return turn_ms;
    }
}

const char *turn_state_name(enum turn_state state)
{
    static const char *const name[TURN_STATES] = {
        "listening", "finalising", "retrieving", "answering", "speaking", "playing", "ended",
    };
    return name[state];
}
