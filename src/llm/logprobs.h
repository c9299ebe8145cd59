// SPDX-License-Identifier: Apache-2.0
/*
 * How likely a token is by what the model thinks of each, before anything is added, left out or chosen: the
 * logarithm of the softmax. Pure.
 */
#pragma once

#include "llm/driver.h"

struct likely {
    int32_t token;
    float logprob; /* 0 at most, LOGPROB_NEVER at least */
};

/* Of `token` first, then of the `top` likeliest of all in their order, of equals the lower number first. Returns how
 * many there are: 1 + top, or fewer in a small vocabulary. */
size_t logprobs_measure(const float *logit, size_t count, int32_t token, uint32_t top,
                        struct likely ret_likely[1 + LOGPROBS_TOP_MAX]);
