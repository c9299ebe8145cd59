// SPDX-License-Identifier: Apache-2.0
/*
 * Which part of an answer the user has really heard: the clauses' texts against the samples they
 * became, and the samples against what the speaker has played. On an interruption the history keeps
 * just that part. Pure; the turn owns one.
 */
#pragma once

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct heard_clause {
    size_t text_end;      /* offset into the whole answer */
    uint64_t samples_end; /* from the answer's first sample; 0 until the clause is synthesised */
};

struct heard {
    uint32_t rate_hz;
    struct heard_clause *clause; /* owned */
    size_t count, room, done;    /* `done` clauses know their samples */
};

void heard_init(struct heard *h, uint32_t rate_hz);
void heard_finish(struct heard *h);
/* A clause was handed to the synthesiser: it ends at `text_end` of the answer. */
enum err heard_clause_sent(struct heard *h, size_t text_end);
/* The oldest clause not yet accounted for became `samples`. */
void heard_clause_done(struct heard *h, uint64_t samples);
/* Length in bytes of the prefix of `answer` that `played_ms` of sound cover, cut after a word. Within
 * a clause the words are taken to be spread evenly over its samples; of one that is played while it is
 * still being synthesised the pace is guessed. */
size_t heard_prefix(const struct heard *h, struct str answer, uint64_t played_ms);
