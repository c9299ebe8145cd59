// SPDX-License-Identifier: Apache-2.0
/*
 * How much of a growing transcript is settled: the words on which the last few hypotheses agree from
 * the start on (local agreement: Liu, Niehues, 2020; Macháček, Dabre, Bojar, 2023). Settled words stay: a later hypothesis
 * that has others in their place has them replaced, and is shown from there on. Only the final may know better. Pure.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { AGREE_HYPOTHESES_MAX = 3 };

struct agree {
    struct buf before[AGREE_HYPOTHESES_MAX - 1]; /* the latest ones as they were shown, in turn */
    struct buf shown;                            /* begins with all that is settled */
    size_t settled;                              /* bytes of it */
    unsigned kept, seen;
};

/* hypotheses: how many have to agree, 2 … AGREE_HYPOTHESES_MAX. */
void agree_init(struct agree *a, unsigned hypotheses, size_t text_max);
void agree_finish(struct agree *a);
/* Takes the next hypothesis, words between single blanks; one that is not sure settles nothing. *ret_text: what is to be
 * shown, until the next call. *ret_stable: bytes of it that are settled; never less than before, and they never change.
 * Ends at the end of a word. */
enum err agree_next(struct agree *a, struct str hypothesis, bool sure, struct str *ret_text,
                    size_t *ret_stable);
