// SPDX-License-Identifier: Apache-2.0
#include "server/answerer/change_table.h"

/* Everything that is not named here is illegal: 1 + the next state, so that 0 means "no". */
#define TO(state) (1 + (state))
#define ALWAYS [CHANGE_DRAIN] = TO(CHANGE_NONE)
#define OTHERWISE(state) [CHANGE_FAIL] = TO(state), [CHANGE_TIMEOUT] = TO(state)

static const uint8_t table[CHANGE_STATES][CHANGE_MOVES] = {
    [CHANGE_NONE] = {ALWAYS, [CHANGE_BESIDE] = TO(CHANGE_LOADING),
                     [CHANGE_APART] = TO(CHANGE_WAITING), [CHANGE_CHOSEN] = TO(CHANGE_STARTING)},
    [CHANGE_LOADING] = {ALWAYS, OTHERWISE(CHANGE_NONE), [CHANGE_LOADED] = TO(CHANGE_WARMING)},
    [CHANGE_WARMING] = {ALWAYS, OTHERWISE(CHANGE_NONE), [CHANGE_WARM] = TO(CHANGE_NONE)},
    [CHANGE_WAITING] =
        {ALWAYS, [CHANGE_QUIET] = TO(CHANGE_ALONE), [CHANGE_TIMEOUT] = TO(CHANGE_ALONE)},
    [CHANGE_ALONE] = {ALWAYS,
                      OTHERWISE(CHANGE_RESTORING), [CHANGE_LOADED] = TO(CHANGE_WARMING_ALONE)},
    [CHANGE_WARMING_ALONE] = {ALWAYS, OTHERWISE(CHANGE_RESTORING), [CHANGE_WARM] = TO(CHANGE_NONE)},
    /* Its supervisor goes on with an engine that does not come back; the change is over. */
    [CHANGE_RESTORING] = {ALWAYS, OTHERWISE(CHANGE_NONE), [CHANGE_LOADED] = TO(CHANGE_NONE)},
    [CHANGE_STARTING] = {ALWAYS, OTHERWISE(CHANGE_RESTORING), [CHANGE_LOADED] = TO(CHANGE_NONE)},
};

enum change change_next(enum change from, enum change_move move)
{
    uint8_t to = table[from][move];
    return to ? (enum change)(to - 1) : CHANGE_STATES;
}

uint32_t change_limit_ms(enum change state, uint32_t turn_ms)
{
    switch (state) {
    case CHANGE_NONE:
        return 0;
    case CHANGE_WAITING:
        return turn_ms;
    case CHANGE_WARMING:
    case CHANGE_WARMING_ALONE:
        return 5 * 60 * 1000; /* a large model whose pages come from a slow disk once more */
    default:
        return 14 * 60 * 1000; /* before its supervisor ends it and starts it once more */
    }
}

const char *change_name(enum change state)
{
    static const char *const name[CHANGE_STATES] = {
        [CHANGE_NONE] = "none",           [CHANGE_LOADING] = "loading",
        [CHANGE_WARMING] = "warming",     [CHANGE_WAITING] = "waiting",
        [CHANGE_ALONE] = "loading",       [CHANGE_WARMING_ALONE] = "warming",
        [CHANGE_RESTORING] = "restoring", [CHANGE_STARTING] = "loading",
    };
    return name[state];
}
