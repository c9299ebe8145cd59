// SPDX-License-Identifier: Apache-2.0
/*
 * The last sound of a microphone. When it is clear that somebody speaks, he has spoken for a while: the
 * first sound of his first word lies here. Samples are numbered from the first one ever added. Pure.
 */
#pragma once

#include "audio/pcm.h"

struct recent {
    struct buf samples;
    uint64_t begin; /* number of the first one kept */
    size_t max;     /* samples that are kept at most */
};

void recent_init(struct recent *r, size_t max_samples);
void recent_finish(struct recent *r);
/* ERR_NOMEM: nothing is kept any more; the numbers go on. */
enum err recent_add(struct recent *r, const int16_t *samples, size_t count);
uint64_t recent_end(const struct recent *r);
/* What lies before `from` is not needed any more. */
void recent_forget(struct recent *r, uint64_t from);
/* All from `from` on, as far as it is kept; good until the next call. */
const int16_t *recent_since(const struct recent *r, uint64_t from, size_t *ret_count);
