// SPDX-License-Identifier: Apache-2.0
#include "llm/logprobs.h"

#include <math.h>

/* A run in order, the likeliest first, that holds the best of what it was offered. */
static size_t offer(struct likely *best, size_t n, uint32_t top, struct likely one)
{
    if (n == top && !(one.logprob > best[n - 1].logprob))
        return n;
    size_t at = n < top ? n : n - 1;
    for (; at > 0 && one.logprob > best[at - 1].logprob; at--)
        best[at] = best[at - 1];
    best[at] = one;
    return n < top ? n + 1 : n;
}

static float largest(const float *logit, size_t count)
{
    float most = -INFINITY;
    for (size_t i = 0; i < count; i++)
        if (logit[i] > most)
            most = logit[i];
    return most;
}

/* No number, or one that is too far down, has no chance. */
static float logprob_of(float logit, double sum)
{
    double x = (double)logit - sum;
    return x >= (double)LOGPROB_NEVER ? fminf((float)x, 0) : LOGPROB_NEVER;
}

size_t logprobs_measure(const float *logit, size_t count, int32_t token, uint32_t top,
                        struct likely ret_likely[1 + LOGPROBS_TOP_MAX])
{
    struct likely *best = ret_likely + 1;
    float most = largest(logit, count);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (logit[i] > -INFINITY) /* no number is not */
            sum += (double)expf(logit[i] - most);
    sum = log(sum) + (double)most;
    for (size_t i = 0; top > 0 && i < count; i++)
        if (!isnan(logit[i]))
            n = offer(best, n, top, (struct likely){(int32_t)i, logit[i]});
    for (size_t i = 0; i < n; i++)
        best[i].logprob = logprob_of(best[i].logprob, sum);
    ret_likely[0] = (struct likely){token, logprob_of(logit[token], sum)};
    return 1 + n;
}
