// SPDX-License-Identifier: Apache-2.0
#include "server/talk/floor.h"

/* Everything that is not named here is illegal: 1 + the next state, so that 0 means "no". */
#define TO(state) (1 + (state))
#define ALWAYS [FLOOR_ASKED] = TO(FLOOR_ANSWER), [FLOOR_OVER] = TO(FLOOR_FREE)

static const uint8_t table[FLOOR_STATES][FLOOR_MOVES] = {
    [FLOOR_FREE] = {ALWAYS, [FLOOR_VOICE] = TO(FLOOR_USER), [FLOOR_QUIET] = TO(FLOOR_FREE)},
    [FLOOR_USER] = {ALWAYS, [FLOOR_QUIET] = TO(FLOOR_ANSWER)},
    /* quiet: whose question was typed may still have spoken, or gone on beyond the longest utterance */
    [FLOOR_ANSWER] = {ALWAYS, [FLOOR_VOICE] = TO(FLOOR_DUCKED), [FLOOR_DOUBT] = TO(FLOOR_DOUBTED),
                      [FLOOR_QUIET] = TO(FLOOR_ANSWER)},
    [FLOOR_DUCKED] = {ALWAYS, [FLOOR_INTERRUPT] = TO(FLOOR_USER), [FLOOR_RESUME] = TO(FLOOR_ANSWER),
                      [FLOOR_DOUBT] = TO(FLOOR_DOUBTED)},
    [FLOOR_DOUBTED] =
        {ALWAYS, [FLOOR_INTERRUPT] = TO(FLOOR_USER), [FLOOR_QUIET] = TO(FLOOR_ANSWER)},
};

enum floor floor_next(enum floor from, enum floor_move move)
{
    uint8_t to = table[from][move];
    return to ? (enum floor)(to - 1) : FLOOR_STATES;
}

const char *floor_name(enum floor f)
{
    static const char *const name[FLOOR_STATES] = {"free", "user", "answer", "ducked", "doubted"};
    return name[f];
}
