// SPDX-License-Identifier: Apache-2.0
/*
 * The answerer that needs no model: the best sentences of the best passage, word for word, ready to be
 * read out; or plainly that nothing fits. It never makes anything up.
 *
 * Sentences are chosen by the words of the question, their place and the heading above them
 * (A. Tombros and M. Sanderson, Advantages of query biased summaries, 1998): the headings have said their
 * words already, what is left of the question chooses the sentence, and when nothing is left the section
 * answers from its beginning on. A sentence that leans on the one before ("It …") brings it along, the
 * row of a table is read with the names of its columns, and where a figure is asked for ("how long") a
 * sentence that has one is the better. Pure.
 */
#pragma once

#include "server/rag/rag.h"

enum {
    QUOTE_SENTENCES = 3,
    QUOTE_MAX = 320 /* bytes; whole sentences unless one alone is longer */
};

struct quote {
    struct buf text;                 /* the answer */
    uint32_t cited[QUOTE_SENTENCES]; /* positions in hits: where its sentences come from */
    size_t cited_count;
};
void quote_init(struct quote *q);
void quote_finish(struct quote *q);
/* `hits` as store_search gives them. */
enum err quote_answer(struct quote *q, const struct rag_hits *hits);
