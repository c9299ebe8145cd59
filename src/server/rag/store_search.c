// SPDX-License-Identifier: Apache-2.0
/*
 * Finding passages. FTS5 gives candidates by BM25; then each is judged by how much of what the
 * question is about it covers, each word weighted by how rare it is (inverse document frequency).
 * BM25 alone cannot say "nothing fits"; coverage can.
 */
#include <math.h>
#include <stdlib.h>

#include "server/rag/sql.h"

enum { CANDIDATES = 60 };
/* Below this share of its subject a passage is not about the question. */
static const double FITS = 0.5;

struct candidate {
    sqlite3_int64 row;
    double rank; /* of BM25: 0 is best, in steps of 1 */
    double cover, heading_cover, score;
};

/* "word" with quotes inside doubled: a string to FTS5, whatever it holds. */
static enum err put_quoted(struct buf *into, struct str word)
{
    try(buf_add_byte(into, '"'));
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '"')
            try(buf_add_byte(into, '"'));
        try(buf_add_byte(into, word.p[i]));
    }
    return buf_add_byte(into, '"');
}

static enum err weigh(struct store *s, struct terms *terms)
{
    autostmt *count = nullptr, *q = nullptr;
    try(sql_prepare(s, "SELECT count(*) FROM chunks", &count));
    try(sql_step(count));
    double all = sqlite3_column_double(count, 0);
    try(sql_prepare(s, "SELECT count(*) FROM words WHERE words MATCH ?", &q));
    for (size_t i = 0; i < terms->count; i++) {
        autobuf word = BUF(1024);
        try(put_quoted(&word, terms->term[i].text));
        sqlite3_reset(q);
        try(sql_bind(q, 1, buf_str(&word)));
        try(sql_step(q));
        double in = sqlite3_column_double(q, 0);
        /* A word that no document has weighs like a rare one: it may be the point of the question,
         * or a mishearing. */
        terms->term[i].weight = log(1 + all / (in + 1));
    }
    return OK;
}

static enum err find_candidates(struct store *s, struct str owner, const struct terms *terms,
                                struct candidate *candidates, size_t *ret_count)
{
    autobuf match = BUF(16 * 1024);
    for (size_t i = 0; i < terms->count; i++) {
        if (i)
            try(buf_add(&match, S(" OR ")));
        try(put_quoted(&match, terms->term[i].text));
    }
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT c.id, c.heading, c.text FROM words JOIN chunks c ON c.id = words.rowid"
                    " WHERE words MATCH ? AND c.owner IN (?, '')"
                    " ORDER BY bm25(words, 3.0, 1.0) LIMIT 60",
                    &q));
    try(sql_bind(q, 1, buf_str(&match)));
    try(sql_bind(q, 2, owner));
    enum err err;
    size_t n = 0;
    while (n < CANDIDATES && (err = sql_step(q)) == OK) {
        autobuf both = BUF(1024 * 1024);
        struct candidate *c = &candidates[n];
        *c = (struct candidate){.row = sqlite3_column_int64(q, 0), .rank = (double)n};
        try(buf_add(&both, sql_text(q, 1)));
        try(buf_add_byte(&both, ' '));
        try(buf_add(&both, sql_text(q, 2)));
        c->cover = terms_cover(terms, buf_str(&both));
        c->heading_cover = terms_cover(terms, sql_text(q, 1));
        c->score = 0.70 * c->cover + 0.20 * c->heading_cover + 0.10 / (1 + 0.25 * c->rank);
        n++;
    }
    *ret_count = n;
    return n == CANDIDATES || err == ERR_NOTFOUND ? OK : err;
}

static int by_score(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->rank < y->rank ? -1 : 1;
}

static enum err read_hit(sqlite3_stmt *q, const struct candidate *c, struct arena *arena,
                         struct rag_hit *hit)
{
    sqlite3_reset(q);
    try(sql_err(nullptr, sqlite3_bind_int64(q, 1, c->row)));
    try(sql_step(q));
    autobuf title = BUF(64 * 1024);
    struct str doc = sql_text(q, 2), heading = sql_text(q, 3);
    if (!str_starts(heading, doc)) {
        try(buf_add(&title, doc));
        if (heading.n)
            try(buf_add(&title, S(" › ")));
    }
    try(buf_add(&title, heading));
    try(arena_str(arena, sql_text(q, 0), &hit->doc_id));
    try(arena_str(arena, buf_str(&title), &hit->title));
    try(arena_str(arena, sql_text(q, 4), &hit->text));
    try(arena_str(arena, sql_text(q, 5), &hit->source));
    hit->chunk_id = (uint32_t)sqlite3_column_int64(q, 1);
    hit->score = c->score;
    return OK;
}

/* Neighbouring passages overlap: one that shares most of its words with a better one adds nothing. */
static bool is_repeat(const struct rag_hit *hits, size_t count, const struct rag_hit *hit)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(hits[i].text, hit->text))
            return true;
    return false;
}

enum err store_search(struct store *s, struct str owner, struct terms *terms, uint32_t k,
                      struct arena *arena, struct rag_hits *ret_hits)
{
    struct rag_hits hits = {};
    struct candidate candidates[CANDIDATES];
    size_t count = 0;
    if (terms->count) {
        try(weigh(s, terms));
        try(find_candidates(s, owner, terms, candidates, &count));
    }
    qsort(candidates, count, sizeof *candidates, by_score);
    hits.hit = arena_alloc(arena, (k ? k : 1) * sizeof *hits.hit);
    if (!hits.hit)
        return ERR_NOMEM;
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT c.document, c.number, d.title, c.heading, c.text, d.source"
                    " FROM chunks c JOIN documents d ON d.id = c.document WHERE c.id = ?",
                    &q));
    for (size_t i = 0; i < count && hits.count < k; i++) {
        struct rag_hit *hit = &hits.hit[hits.count];
        try(read_hit(q, &candidates[i], arena, hit));
        if (!is_repeat(hits.hit, hits.count, hit))
            hits.count++;
    }
    hits.fits = count && candidates[0].cover >= FITS;
    hits.terms = *terms;
    *ret_hits = hits;
    return OK;
}
