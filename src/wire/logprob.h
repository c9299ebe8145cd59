// SPDX-License-Identifier: Apache-2.0
/*
 * How likely a token was, and which ones might have stood in its place (wire: llm_logprob). A list of entries:
 * the natural logarithm of a probability as f32, a length as u16, and the token's bytes. The first entry is of the
 * token that was chosen, the others are the likeliest, in their order. Pure.
 *
 *     try(logprob_put(&list, one));
 *     while (rest.n) try(logprob_next(&rest, &one));
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum {
    LOGPROBS_TOP_MAX = 20,
    LOGPROB_TOKEN_MAX = 1024, /* bytes of one token */
    LOGPROB_ENTRY_MAX = 6 + LOGPROB_TOKEN_MAX,
    LOGPROBS_BYTES_MAX = (1 + LOGPROBS_TOP_MAX) * LOGPROB_ENTRY_MAX,
};

/* What is said of a token that has no chance at all; JSON knows no infinity. */
constexpr float LOGPROB_NEVER = -9999;

struct logprob {
    float logprob;
    struct str token; /* code points may be cut */
};

/* What a list counts against its stream's credit: as many bytes as it has about, when it is told to a client in JSON. */
static inline uint32_t logprobs_cost(size_t list_bytes)
{
    return 8 * (uint32_t)list_bytes + 256;
}

/* ERR_TOOBIG, ERR_NOMEM. */
enum err logprob_put(struct buf *list, struct logprob one);
/* Cuts the first entry off a list that is not empty. ERR_SYNTAX: it is no list of logprobs. */
enum err logprob_next(struct str *list, struct logprob *ret_one);
