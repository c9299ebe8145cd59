// SPDX-License-Identifier: Apache-2.0
/*
 * Cuts a stream of answer text into clauses to speak. The first clause is kept short, because the
 * first sound waits for it; later ones are whole sentences, because they sound better. A cut never
 * falls inside a number, an abbreviation, an address, a span of code, a table's row or a code point.
 * The clauses are the same wherever the tokens' borders are, and joined they are the text. Pure; the
 * turn owns one.
 *
 *     try(clause_feed(&c, token));
 *     while (clause_next(&c, &text)) speak(text);
 *     …
 *     clause_finish(&c); // what is left comes out as the last clause
 */
#pragma once

#include "base/fence.h"

enum {
    CLAUSE_FIRST_MIN = 24,  /* bytes before a comma may end the first clause */
    CLAUSE_LATER_MIN = 120, /* the same for later ones */
    CLAUSE_MAX = 280,       /* a cut at white space is forced here */
    CLAUSE_ANSWER_MAX = 256 * 1024,
};

struct clause_splitter {
    struct buf text;   /* all of the answer so far */
    size_t from;       /* start of the clause that is growing */
    size_t seen;       /* bytes looked at: [from, seen) holds no cut but a forced one */
    size_t line;       /* start of the line that `seen` is in */
    size_t span;       /* start of a span of code, or of what is in brackets */
    unsigned ticks;    /* how many opened the span of code; 0: there is none */
    struct fence code; /* the block of code that is open */
    bool bracketed, finished, any;
};

void clause_init(struct clause_splitter *c);
void clause_free(struct clause_splitter *c);
enum err clause_feed(struct clause_splitter *c, struct str text); /* ERR_NOMEM, ERR_TOOBIG */
void clause_finish(struct clause_splitter *c);
/* The next whole clause, white space trimmed, never empty; *ret_end is its end as an offset into the
 * whole answer. The slice is good until the next clause_feed. */
bool clause_next(struct clause_splitter *c, struct str *ret_clause, size_t *ret_end);
