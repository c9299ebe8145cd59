// SPDX-License-Identifier: Apache-2.0
/*
 * Between a model's pieces and what is sent on: whole code points only, what is malformed replaced by
 * U+FFFD, and nothing of a stop string, however the pieces cut it. What could still become either is
 * held back. One thread at a time.
 *
 *     try(answer_init(&a, S("[\"\\nUser:\"]"), why));
 *     try(answer_add(&a, piece, &ready));        // as often as pieces come, until answer_over(&a)
 *     try(answer_end(&a, &ready));
 *     answer_finish(&a);
 */
#pragma once

#include "base/json.h"
#include "llm/driver.h"

enum { ANSWER_STOPS_MAX = 16, ANSWER_STOP_BYTES = 256 };

struct answer {
    struct json_doc *doc; /* holds the stop strings */
    struct str stop[ANSWER_STOPS_MAX];
    size_t stop_count;
    struct buf held, out;
    bool over; /* a stop string was met */
};

/* stop_json: an array of at most ANSWER_STOPS_MAX texts of 1..ANSWER_STOP_BYTES bytes, or "" for none.
 * ERR_INVALID with a sentence in `why`, and nothing to finish. */
enum err answer_init(struct answer *a, struct str stop_json, char why[LLM_WHY_BYTES]);
void answer_finish(struct answer *a);
/* *ret_ready may be empty; it is good until the next call. Pieces are at most LLM_PIECE_MAX bytes. */
enum err answer_add(struct answer *a, struct str piece, struct str *ret_ready);
/* No more pieces: what was held back, unless a stop string was met. */
enum err answer_end(struct answer *a, struct str *ret_ready);
static inline bool answer_over(const struct answer *a)
{
    return a->over;
}
