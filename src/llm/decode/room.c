// SPDX-License-Identifier: Apache-2.0
#include "llm/decode/room.h"

enum { STEP = 256 }; /* tokens, by which a context is rounded */
/* What a step is computed in. */
constexpr uint64_t COMPUTE_BYTES = 256u << 20;

bool room_fit(const struct room *room, uint32_t *slots, uint32_t *context)
{
    uint64_t fixed = room->model_bytes + COMPUTE_BYTES;
    uint64_t bytes = room->bytes > fixed ? room->bytes - fixed : 0;
    uint64_t tokens = room->token_bytes ? bytes / room->token_bytes : UINT64_MAX;
    uint32_t good = *context < ROOM_CONTEXT_GOOD ? *context : ROOM_CONTEXT_GOOD;
    while (*slots > 1 && tokens / *slots < good)
        *slots /= 2;
    if (tokens / *slots < *context)
        *context = (uint32_t)(tokens / *slots) / STEP * STEP;
    return *context >= (good < ROOM_CONTEXT_MIN ? good : ROOM_CONTEXT_MIN);
}

uint64_t room_least_bytes(const struct room *room)
{
    return room->model_bytes + COMPUTE_BYTES + ROOM_CONTEXT_MIN * room->token_bytes;
}
