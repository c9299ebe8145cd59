// SPDX-License-Identifier: Apache-2.0
/*
 * How much of a growing transcript is settled: the words on which the last few hypotheses agree from
 * the start on (local agreement: Liu, Niehues, 2020; Macháček, Dabre, Bojar, 2023). A guess that is seldom wrong: a
 * later hypothesis may still change a settled word, and then less is settled than before. Pure.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { AGREE_HYPOTHESES_MAX = 3 };

struct agree {
    struct buf before[AGREE_HYPOTHESES_MAX - 1]; /* the latest ones, in turn */
    unsigned kept, seen;
};

/* hypotheses: how many have to agree, 2 … AGREE_HYPOTHESES_MAX. */
void agree_init(struct agree *a, unsigned hypotheses, size_t text_max);
void agree_finish(struct agree *a);
/* Takes the next hypothesis, words between single blanks. *ret_stable: bytes of it that are settled;
 * ends at the end of a word. */
enum err agree_next(struct agree *a, struct str hypothesis, size_t *ret_stable);
