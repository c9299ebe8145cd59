// SPDX-License-Identifier: Apache-2.0
/*
 * Which tokens the model's memory (its KV cache) holds for which sequence, and which sequence a new
 * prompt should take, so that as little as possible of it is computed again. A conversation's own
 * sequence stays warm until the room is needed; the least recently used goes first. A prompt may also
 * start from a copy of another sequence's beginning, but only as far as both hold nothing of
 * strangers: how long an answer takes must not tell one user what another has said.
 *
 * Pure: it only keeps the books. Whoever holds the memory does to it what a plan says. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { CACHE_SEQUENCES_MAX = 256 };

struct cache_sequence {
    struct str session; /* whose; owned. Empty: nobody's, only its open beginning is of use */
    int32_t *token;
    size_t count, room;
    size_t open;   /* the first so many tokens hold nothing of strangers */
    uint64_t used; /* when, in turns of the cache */
    bool live;     /* an answer works with it */
    bool away;     /* its tokens are not in the memory now, but kept elsewhere */
};

struct cache {
    struct cache_sequence *sequence;
    size_t count; /* of sequences */
    uint64_t turn;
};

struct prompt_tokens {
    int32_t *token;
    size_t count;
    size_t open; /* as above */
};

/* What to do to the memory before the rest of the prompt is computed, in this order. */
struct cache_plan {
    size_t sequence; /* it is the answer's from now on, until cache_release */
    size_t keep;     /* its tokens from here on are removed */
    size_t from;     /* when copied > 0: the first `copied` tokens are another one's */
    size_t copied;
};

/* 1 to CACHE_SEQUENCES_MAX sequences. */
enum err cache_init(struct cache *c, size_t sequences);
void cache_finish(struct cache *c);
/* At least the prompt's last token is left to compute. ERR_BUSY: every sequence is live. On success the
 * books say that the sequence holds keep + copied tokens of the prompt. */
enum err cache_take(struct cache *c, struct str session, const struct prompt_tokens *prompt,
                    struct cache_plan *ret_plan);
/* The memory could not keep so much: only the first `count` are there. */
void cache_cut(struct cache *c, size_t sequence, size_t count);
/* These tokens have been computed. open: whether they are of the prompt's open beginning. */
enum err cache_add(struct cache *c, size_t sequence, const int32_t *token, size_t count, bool open);
/* The answer is over; what the sequence holds stays until it is needed. */
void cache_release(struct cache *c, size_t sequence);
void cache_forget(struct cache *c, size_t sequence);
/* Of those that are not empty and that no answer works with the least recently used, in the memory or away. False:
 * there is none. */
bool cache_oldest_idle(const struct cache *c, bool away, size_t *ret_sequence);
/* How many of them are in the memory. */
size_t cache_idle(const struct cache *c);
