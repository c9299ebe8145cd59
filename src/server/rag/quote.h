// SPDX-License-Identifier: Apache-2.0
/*
 * The answerer that needs no model: the best sentences of the best passages, word for word, with a
 * mark [n] for the passage they come from; or plainly that nothing fits. It never makes anything up.
 * Pure.
 */
#pragma once

#include "server/rag/rag.h"

enum { QUOTE_SENTENCES = 3, QUOTE_MAX = 480 };

struct quote {
    struct buf text;                 /* the answer, ready to read out */
    uint32_t cited[QUOTE_SENTENCES]; /* positions in hits, in the order of their marks */
    size_t cited_count;
};
void quote_init(struct quote *q);
void quote_finish(struct quote *q);
enum err quote_answer(struct quote *q, const struct rag_hits *hits);
