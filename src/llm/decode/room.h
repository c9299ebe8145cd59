// SPDX-License-Identifier: Apache-2.0
/*
 * How many answers of how many tokens the machine has memory for, where nobody has said. What the model remembers of
 * its tokens is reserved whole at the start, and may be larger than the model: 8192 tokens of a model of 8B are 1 GiB,
 * for each answer at once. A kernel grants what it does not have, and later kills somebody; so it is counted here.
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    ROOM_CONTEXT_GOOD = 4096, /* tokens: rather than have less, fewer answers are written at once */
    ROOM_CONTEXT_MIN = 1024,  /* with less there is no conversation */
};

struct room {
    uint64_t bytes;       /* that the engine may have */
    uint64_t model_bytes; /* weights */
    uint64_t token_bytes; /* remembered of each token */
};

/* Lowers *slots and *context to what there is room for. False: not even for one answer of ROOM_CONTEXT_MIN tokens. */
bool room_fit(const struct room *room, uint32_t *slots, uint32_t *context);
/* What that would need. */
uint64_t room_least_bytes(const struct room *room);
