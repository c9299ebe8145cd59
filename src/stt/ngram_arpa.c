// SPDX-License-Identifier: Apache-2.0
/*
 * Counting and writing. An n-gram is one number, 20 bits a word, the first word highest: sorted, all
 * n-grams of a history stand side by side.
 */
#include <math.h>

#include "base/check.h"
#include "base/mem.h"
#include "stt/ngram_parts.h"

enum { WORD_BITS = 20, WORD_MASK = (1 << WORD_BITS) - 1, LINE_MAX_BYTES = 200 };

struct gram {
    uint64_t key;
    uint32_t count;
    double log_p, log_back_off; /* base 10 */
};

/* All n-grams of one length, sorted by key. */
struct grams {
    struct gram *gram;
    size_t n, room;
};

struct counts {
    const struct ngram *text;
    struct grams of[3]; /* of length 1, 2, 3 */
};

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct gram *)a)->key, y = ((const struct gram *)b)->key;
    return x < y ? -1 : x > y;
}

static enum err add(struct grams *g, uint64_t key)
{
    try(mem_grow((void **)&g->gram, &g->room, g->n + 1, sizeof *g->gram));
    g->gram[g->n++] = (struct gram){.key = key, .count = 1};
    return OK;
}

/* Equal ones become one. */
static void tally(struct grams *g)
{
    if (g->n == 0)
        return;
    qsort(g->gram, g->n, sizeof *g->gram, by_key);
    size_t kept = 0;
    for (size_t i = 1; i < g->n; i++) {
        if (g->gram[i].key == g->gram[kept].key)
            g->gram[kept].count++;
        else
            g->gram[++kept] = g->gram[i];
    }
    g->n = kept + 1;
}

static struct gram *find(const struct grams *g, uint64_t key)
{
    const struct gram wanted = {.key = key};
    return g->n == 0 ? nullptr : bsearch(&wanted, g->gram, g->n, sizeof *g->gram, by_key);
}

/* Every n-gram that ends in `w`; a sentence's start is a history, never a word. */
static enum err count_word(struct counts *c, uint32_t before, uint32_t last, uint32_t w)
{
    uint64_t key = w;
    try(add(&c->of[0], key));
    if (last == TOKEN_GAP)
        return OK;
    key |= (uint64_t)last << WORD_BITS;
    try(add(&c->of[1], key));
    if (before == TOKEN_GAP)
        return OK;
    key |= (uint64_t)before << (2 * WORD_BITS);
    return add(&c->of[2], key);
}

static enum err count_text(struct counts *c)
{
    const struct ngram *n = c->text;
    uint32_t before = TOKEN_GAP, last = TOKEN_START;
    for (size_t i = 0; i < n->tokens; i++) {
        uint32_t w = n->token[i];
        if (w >= TOKEN_FIRST)
            w = n->word[w - TOKEN_FIRST].id;
        bool empty = w == TOKEN_END && last == TOKEN_START;
        if (w != TOKEN_GAP && !empty)
            try(count_word(c, before, last, w));
        before = w == TOKEN_GAP || w == TOKEN_END ? TOKEN_GAP : last;
        last = w == TOKEN_END ? TOKEN_START : w;
    }
    /* The start has no probability of its own but needs a line: histories begin with it. */
    try(add(&c->of[0], TOKEN_START));
    for (int i = 0; i < 3; i++)
        tally(&c->of[i]);
    return OK;
}

/* The probability of the last word of `key` after the shorter history, already known. */
static double shorter(const struct counts *c, int length, uint64_t key)
{
    if (length == 1)
        return 0;
    const struct gram *g =
        find(&c->of[length - 2], key & ((1ull << (WORD_BITS * (length - 1))) - 1));
    check(g != nullptr);
    return pow(10, g->log_p);
}

/* Probabilities of the n-grams [from, to) of one history, and the back-off weight of that history. */
static void estimate_history(struct counts *c, int length, size_t from, size_t to, bool cut)
{
    struct grams *g = &c->of[length - 1];
    double seen = 0, kept = 0, kinds = (double)(to - from);
    for (size_t i = from; i < to; i++) {
        seen += g->gram[i].count;
        kept += !cut || g->gram[i].count > 1 ? g->gram[i].count : 0;
    }
    /* With everything kept this is the estimate of the header. What is cut adds to the weight of the
     * shorter history, here and in the back-off weight alike, so that the sum stays one. */
    double share = (seen - kept + kinds) / (seen + kinds);
    for (size_t i = from; i < to; i++) {
        struct gram *x = &g->gram[i];
        if (!cut || x->count > 1)
            x->log_p = log10(x->count / (seen + kinds) + share * shorter(c, length, x->key));
    }
    if (length > 1) {
        struct gram *history = find(&c->of[length - 2], g->gram[from].key >> WORD_BITS);
        check(history != nullptr);
        history->log_back_off = log10(share);
    }
}

/* Unigrams: the share of the unseen is spread evenly over the vocabulary. */
static void estimate_words(struct counts *c)
{
    struct grams *g = &c->of[0];
    double seen = 0, kinds = (double)(g->n - 1); /* without the start */
    for (size_t i = 0; i < g->n; i++)
        if (g->gram[i].key != TOKEN_START)
            seen += g->gram[i].count;
    for (size_t i = 0; i < g->n; i++)
        g->gram[i].log_p =
            g->gram[i].key == TOKEN_START ? -99 : log10((g->gram[i].count + 1.0) / (seen + kinds));
}

static void estimate(struct counts *c, int length, bool cut)
{
    struct grams *g = &c->of[length - 1];
    for (size_t from = 0, to; from < g->n; from = to) {
        for (to = from + 1; to < g->n; to++)
            if (g->gram[to].key >> WORD_BITS != g->gram[from].key >> WORD_BITS)
                break;
        estimate_history(c, length, from, to, cut);
    }
}

static void drop_single(struct grams *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->gram[i].count > 1)
            g->gram[kept++] = g->gram[i];
    g->n = kept;
}

static struct str name_of(const struct counts *c, uint64_t word)
{
    if (word == TOKEN_START)
        return S("<s>");
    if (word == TOKEN_END)
        return S("</s>");
    return ngram_word_at(c->text, (size_t)word - TOKEN_FIRST).text;
}

static enum err write_grams(const struct counts *c, int length, struct buf *into)
{
    const struct grams *g = &c->of[length - 1];
    try(buf_addf(into, "\n\\%d-grams:\n", length));
    for (size_t i = 0; i < g->n; i++) {
        const struct gram *x = &g->gram[i];
        try(buf_reserve(into, LINE_MAX_BYTES));
        try(buf_addf(into, "%.5f", x->log_p));
        for (int at = length - 1; at >= 0; at--) {
            struct str name = name_of(c, x->key >> (WORD_BITS * at) & WORD_MASK);
            try(buf_addf(into, " %.*s", STR_FMT(name)));
        }
        try(length < 3 ? buf_addf(into, " %.5f\n", x->log_back_off) : buf_add_byte(into, '\n'));
    }
    return OK;
}

static enum err build(struct counts *c, struct buf *into)
{
    bool cut = c->text->tokens > NGRAM_CUT_TOKENS;
    try(count_text(c));
    if (c->of[0].n < 3) /* the two marks of a sentence and a word */
        return ERR_INVALID;
    estimate_words(c);
    estimate(c, 2, false);
    estimate(c, 3, cut);
    if (cut)
        drop_single(&c->of[2]);
    try(buf_add(into, S("\\data\\\n")));
    for (int length = 1; length <= 3; length++)
        try(buf_addf(into, "ngram %d=%zu\n", length, c->of[length - 1].n));
    for (int length = 1; length <= 3; length++)
        try(write_grams(c, length, into));
    return buf_add(into, S("\n\\end\\\n"));
}

enum err ngram_arpa(struct ngram *n, struct buf *into)
{
    check(n->closed);
    struct counts c = {.text = n};
    enum err err = build(&c, into);
    for (int i = 0; i < 3; i++)
        free(c.of[i].gram);
    return err;
}
