// SPDX-License-Identifier: Apache-2.0
/*
 * The first bytes are the lengths of the tokens, over and over; the rest is the answer. In those tokens
 * or in one, the clauses are the same, and joined they are the answer but for white space between.
 */
#include "fuzz.h"

#include "base/check.h"
#include "server/talk/clause.h"
#include "server/talk/clause_mark.h"

enum { TOKENS = 8, CLAUSES_MAX = 4096 };

struct cutting {
    size_t count, start[CLAUSES_MAX], end[CLAUSES_MAX];
};

static void take(struct clause_splitter *c, struct cutting *into)
{
    struct str clause;
    size_t end;
    while (clause_next(c, &clause, &end) && into->count < CLAUSES_MAX) {
        size_t from = into->count > 0 ? into->end[into->count - 1] : 0;
        check(end > from && end <= c->text.n && clause.n > 0);
        struct str piece = str_sub(buf_str(&c->text), from, end);
        size_t at = cut_space(piece);
        check(clause.p == piece.p + at && at + clause.n <= piece.n);
        struct str behind = str_sub(piece, at + clause.n, piece.n);
        check(cut_space(behind) == behind.n);
        into->start[into->count] = from + at;
        into->end[into->count++] = end;
    }
}

static void cut_up(struct str text, const uint8_t *tokens, struct cutting *into)
{
    struct clause_splitter c;
    clause_init(&c);
    into->count = 0;
    size_t at = 0;
    for (size_t i = 0; at < text.n; i++) {
        size_t n = tokens ? tokens[i % TOKENS] % 16 + 1u : text.n;
        check(clause_feed(&c, str_sub(text, at, at + n)) == OK);
        take(&c, into);
        at += n;
    }
    clause_finish(&c);
    take(&c, into);
    clause_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cutting whole, pieces;
    if (size < TOKENS || size > CLAUSES_MAX)
        return 0;
    struct str text = {(const char *)data + TOKENS, size - TOKENS};
    cut_up(text, nullptr, &whole);
    cut_up(text, data, &pieces);
    check(whole.count == pieces.count);
    for (size_t i = 0; i < whole.count; i++)
        check(whole.start[i] == pieces.start[i] && whole.end[i] == pieces.end[i]);
    return 0;
}
