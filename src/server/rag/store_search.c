// SPDX-License-Identifier: Apache-2.0
/*
 * Finding passages. FTS5 gives candidates by BM25 (S. Robertson, H. Zaragoza, The Probabilistic
 * Relevance Framework, 2009), among the passages of this owner only; then each is judged by how much
 * of what the question is about it covers, each word weighted by how rare it is (inverse document
 * frequency; K. Spärck Jones, 1972). BM25 alone cannot say "nothing fits"; coverage can.
 */
#include <math.h>
#include <stdbit.h>
#include <stdlib.h>

#include "server/rag/chunk.h"
#include "server/rag/sql.h"

enum {
    CANDIDATES = 60,
    /* Words are looked for from the rarest on, until so many passages have one: further words are too
     * common to find any that is better, and ranking tens of thousands takes long. */
    ENOUGH = 2000,
    LOOK_FURTHER =
        5, /* hits, for they may change places with the best when their headings are read */
};

/* Of a passage's score, what comes from the words it covers anywhere, in its heading, and from BM25.
 * Little depends on them: half and twice as much changed the count of right pages by 1 in 68. */
static const double BY_COVER = 0.7, BY_HEADING = 0.2, BY_RANK = 0.1;
/* So much less counts a word that means the same, where the question's own does not stand. */
static const double SYNONYM_LESS = 0.2;
/* So much comes off for a heading that is about other things, too. */
static const double BY_REST = 0.05;
/* A passage is about the question if it covers so much of it, headings counted with their share. */
static const double FITS = 0.41, FITS_HEADING = 0.3;
/* Common words say less; and where no document has one, it was filler. */
static const double COMMON = 0.5, FILLER = 0.5;
/* What the asker says of his own affairs and no document has. */
static const double ASIDE = 1;
/* So much of the question in one sentence, by two words or more, makes its passage fit. */
static const double SAID = 0.5;
/* Or so much of it in a heading that says nothing else. */
static const double HEADING_ASKED = 0.33;

struct search {
    struct str owner;
    bool alone; /* all passages are his to read */
    struct terms *terms;
    uint32_t found[TERMS_MAX]; /* passages with each term, ENOUGH when there are more */
    uint32_t k;
    struct arena *arena;
    struct rag_hits hits;
};

struct candidate {
    sqlite3_int64 row;
    double rank; /* of BM25: 0 is best, in steps of 1 */
    double score;
    bool fits;
};

void owner_token(struct str owner, char into[OWNER_TOKEN_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    into[n++] = 'o';
    for (size_t i = 0; i < owner.n && i < RAG_OWNER_MAX; i++) {
        into[n++] = digits[(unsigned char)owner.p[i] >> 4];
        into[n++] = digits[(unsigned char)owner.p[i] & 15];
    }
    into[n] = 0;
}

static enum err find_out_alone(struct store *s, struct search *f)
{
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT EXISTS(SELECT 1 FROM documents WHERE owner > '' AND owner < ?1)"
                  " OR EXISTS(SELECT 1 FROM documents WHERE owner > ?1)",
                  SQL_ARGS(SQL_T(f->owner)), &q));
    try(sql_step(q));
    f->alone = !sqlite3_column_int(q, 0);
    return OK;
}

/* A query of FTS5: passages with one of a set of terms that the owner may read. Stems hold no quotes. */
static enum err put_match(struct buf *into, const struct search *f, uint32_t set)
{
    try(buf_add(into, S("{heading text} : (")));
    for (size_t i = 0, n = 0; i < f->terms->count; i++)
        for (size_t m = 0; set >> i & 1 && m < MEANINGS_MAX && f->terms->term[i].stem[m][0]; m++)
            try(buf_addf(into, "%s\"%s\"", n++ ? " OR " : "", f->terms->term[i].stem[m]));
    try(buf_add_byte(into, ')'));
    char token[OWNER_TOKEN_MAX];
    owner_token(f->owner, token);
    return f->alone ? OK : buf_addf(into, " AND owner : (\"%s\" OR \"o\")", token);
}

static enum err count_passages(struct store *s, struct str owner, double *ret_count)
{
    autostmt *q = nullptr;
    try(sql_query(s, "SELECT coalesce(sum(chunks), 0) FROM documents WHERE owner IN (?, '')",
                  SQL_ARGS(SQL_T(owner)), &q));
    try(sql_step(q));
    *ret_count = sqlite3_column_double(q, 0);
    return OK;
}

/* A word that no document has weighs most: it is the point of a question that has no answer here, or a
 * mishearing. */
static double weight_of(const struct term *term, uint32_t found, double all)
{
    if (found == 0 && (term->common || term->aside))
        return term->common ? FILLER : ASIDE;
    return (term->common ? COMMON : 1) * log(1 + all / (found + 1.0));
}

static enum err weigh(struct store *s, struct search *f)
{
    double all;
    try(count_passages(s, f->owner, &all));
    autostmt *q = nullptr;
    try(sql_query(s, "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)",
                  nullptr, 0, &q));
    for (size_t i = 0; i < f->terms->count; i++) {
        struct term *term = &f->terms->term[i];
        autobuf match = BUF(2048);
        try(put_match(&match, f, UINT32_C(1) << i));
        try(sql_again(q, SQL_ARGS(SQL_T(buf_str(&match)), SQL_I(ENOUGH))));
        try(sql_step(q));
        f->found[i] = (uint32_t)sqlite3_column_int(q, 0);
        term->weight = weight_of(term, f->found[i], all);
    }
    return OK;
}

/* The terms to look for. */
static uint32_t choose_terms(const struct search *f)
{
    uint32_t set = 0, sum = 0;
    while (sum < ENOUGH) {
        size_t rarest = TERMS_MAX;
        for (size_t i = 0; i < f->terms->count; i++)
            if (!(set >> i & 1) && (rarest == TERMS_MAX || f->found[i] < f->found[rarest]))
                rarest = i;
        if (rarest == TERMS_MAX)
            break;
        set |= UINT32_C(1) << rarest;
        sum += f->found[rarest];
    }
    return set;
}

static uint32_t common_terms(const struct terms *terms)
{
    uint32_t set = 0;
    for (size_t i = 0; i < terms->count; i++)
        set |= (uint32_t)terms->term[i].common << i;
    return set;
}

/* Common words alone make a fit only where they are the subject. */
static bool is_about(const struct terms *terms, uint32_t in, uint32_t in_place)
{
    if ((in & ~common_terms(terms)) == 0)
        in = in_place;
    if (terms
            ->glue_only) /* "what is this thing?" is about nothing but a heading of just these words */
        in = in_place &= terms_share(terms, in_place) > 0.99 ? UINT32_MAX : 0;
    return (1 - FITS_HEADING) * terms_share(terms, in) +
               FITS_HEADING * terms_share(terms, in_place) >=
           FITS;
}

static double cover(const struct terms *terms, uint32_t in, uint32_t own)
{
    return terms_share(terms, in) - SYNONYM_LESS * terms_share(terms, in & ~own);
}

static void judge(sqlite3_stmt *q, const struct terms *terms, double rank, struct candidate *c)
{
    uint32_t in_place = terms_in_stems(terms, sql_text(q, 1));
    uint32_t in = in_place | terms_in_stems(terms, sql_text(q, 2));
    uint32_t own_in_place = terms_own_in_stems(terms, sql_text(q, 1));
    uint32_t own = own_in_place | terms_own_in_stems(terms, sql_text(q, 2));
    c->row = sqlite3_column_int64(q, 0);
    c->rank = rank;
    c->score = BY_COVER * cover(terms, in, own) +
               BY_HEADING * cover(terms, in_place, own_in_place) + BY_RANK / (1 + 0.25 * rank);
    c->fits = is_about(terms, in, in_place);
}

static enum err find_candidates(struct store *s, const struct search *f,
                                struct candidate *candidates, size_t *ret_count)
{
    autobuf match = BUF(16 * 1024);
    try(put_match(&match, f, choose_terms(f)));
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT rowid, heading, text FROM words WHERE words MATCH ?"
                  " ORDER BY bm25(words, 0.0, 3.0, 1.0) LIMIT ?",
                  SQL_ARGS(SQL_T(buf_str(&match)), SQL_I(CANDIDATES)), &q));
    enum err err;
    size_t n = 0;
    for (; (err = sql_step(q)) == OK && n < CANDIDATES; n++)
        judge(q, f->terms, (double)n, &candidates[n]);
    *ret_count = n;
    return err == ERR_NOTFOUND ? OK : err;
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
    try(sql_again(q, SQL_ARGS(SQL_I(c->row))));
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

/* The same passage again, from a copy of the document under another name. */
static bool is_repeat(const struct rag_hit *hits, size_t count, const struct rag_hit *hit)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(hits[i].text, hit->text))
            return true;
    return false;
}

/* The best first; of equals the order stays. */
static void sort_hits(struct rag_hit *hits, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct rag_hit hit = hits[i];
        size_t at = i;
        for (; at > 0 && hits[at - 1].score < hit.score; at--)
            hits[at] = hits[at - 1];
        hits[at] = hit;
    }
}

/* Is all that the heading says asked for, whatever else the question tells? */
static bool is_heading_asked(const struct terms *terms, const struct rag_hit *hit)
{
    struct str heading = title_last(hit->title);
    uint32_t in = terms_in(terms, heading);
    return stdc_count_ones(in) >= 2 && (in & ~common_terms(terms)) &&
           terms_fill(terms, heading) > 0.99 && terms_share(terms, in) >= HEADING_ASKED;
}

/* Does one sentence, under its headings, say much of what is asked? */
static bool says_it(const struct terms *terms, const struct rag_hit *hit)
{
    if (terms->glue_only)
        return false;
    if (is_heading_asked(terms, hit))
        return true;
    uint32_t common = common_terms(terms), place = terms_in(terms, hit->title), columns = 0;
    struct sentences all = {.text = hit->text};
    struct sentence s;
    while (sentence_next(&all, &s)) {
        uint32_t in = terms_said(terms, &s, &columns), said = in | place;
        if (stdc_count_ones(said & ~common) >= 2 && (in & ~common) &&
            terms_share(terms, said) >= SAID)
            return true;
    }
    return false;
}

static enum err search(struct store *s, void *arg)
{
    struct search *f = arg;
    struct candidate candidates[CANDIDATES];
    size_t count = 0;
    if (f->terms->count) {
        try(find_out_alone(s, f));
        try(weigh(s, f));
        try(find_candidates(s, f, candidates, &count));
    }
    qsort(candidates, count, sizeof *candidates, by_score);
    size_t k = f->k < CANDIDATES ? f->k : CANDIDATES;
    size_t room = k + LOOK_FURTHER;
    f->hits.hit = arena_alloc(f->arena, room * sizeof *f->hits.hit);
    if (!f->hits.hit)
        return ERR_NOMEM;
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT d.id, c.number, d.title, c.heading, c.text, d.source"
                  " FROM chunks c JOIN documents d ON d.number = c.document WHERE c.id = ?"
                  " AND d.state <> 'leaving'",
                  nullptr, 0, &q));
    for (size_t i = 0; i < count && f->hits.count < room; i++) {
        struct rag_hit *hit = &f->hits.hit[f->hits.count];
        enum err err = read_hit(q, &candidates[i], f->arena, hit);
        if (err == ERR_NOTFOUND)
            continue;
        try(err);
        hit->score =
            fmax(0, hit->score - BY_REST * (1 - terms_fill(f->terms, title_last(hit->title))));
        if (!is_repeat(f->hits.hit, f->hits.count, hit))
            f->hits.count++;
    }
    sort_hits(f->hits.hit, f->hits.count);
    f->hits.count = f->hits.count < k ? f->hits.count : k;
    f->hits.fits = count && candidates[0].fits;
    for (size_t i = 0; i < f->hits.count && !f->hits.fits; i++)
        f->hits.fits = says_it(f->terms, &f->hits.hit[i]);
    f->hits.terms = *f->terms;
    return OK;
}

enum err store_search(struct store *s, struct str owner, struct terms *terms, uint32_t k,
                      struct arena *arena, struct rag_hits *ret_hits)
{
    struct search f = {.owner = owner, .terms = terms, .k = k, .arena = arena};
    try(sql_transaction(s, search, &f)); /* one state of the documents for all statements */
    *ret_hits = f.hits;
    return OK;
}
