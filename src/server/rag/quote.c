// SPDX-License-Identifier: Apache-2.0
#include "server/rag/quote.h"

#include "server/rag/sentence.h"

enum { LOOK_AT = 3 /* passages */, CANDIDATES = 64 };

struct pick {
    struct str text;
    size_t hit, from, to;
    double score;
    bool leads; /* ends with a colon: what follows belongs to it */
    bool taken;
};

void quote_init(struct quote *q)
{
    *q = (struct quote){.text = BUF(4 * 1024)};
}

void quote_finish(struct quote *q)
{
    buf_finish(&q->text);
}

static enum err say_nothing_fits(struct quote *q)
{
    return buf_add(&q->text, S("I found nothing about that in the documents."));
}

/* Sentences of the best passages, each judged by its words, its passage and its heading. */
static size_t collect(const struct rag_hits *hits, struct pick picks[CANDIDATES])
{
    size_t n = 0;
    for (size_t h = 0; h < hits->count && h < LOOK_AT; h++) {
        struct str text = hits->hit[h].text;
        struct sentence s;
        double under = 0; /* how well the heading above fits */
        bool first = false;
        for (size_t at = 0; n < CANDIDATES && sentence_next(text, at, &s); at = s.to) {
            if (s.kind == SENTENCE_HEADING) {
                under = terms_cover(&hits->terms, s.text);
                first = true;
                continue;
            }
            /* A passage's first sentence says what the section is about. */
            double score = terms_cover(&hits->terms, s.text) + 0.5 * under +
                           (first ? 0.3 * under + 0.05 : 0) + 0.6 * hits->hit[h].score -
                           0.25 * (double)h;
            if (s.kind == SENTENCE_CODE || s.text.n > QUOTE_MAX)
                score -= 1;
            first = false;
            picks[n++] = (struct pick){.text = s.text,
                                       .hit = h,
                                       .from = s.from,
                                       .to = s.to,
                                       .score = score,
                                       .leads = str_ends(s.text, S(":"))};
        }
    }
    return n;
}

static size_t best_of(const struct pick *picks, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (picks[i].score > picks[best].score)
            best = i;
    return best;
}

/* The best sentence, what it leads to, and the one after it when there is room: an answer in one
 * piece reads and sounds better than the three best sentences of three places. */
static void choose(struct pick *picks, size_t n)
{
    size_t best = best_of(picks, n), size = picks[best].text.n, count = 1;
    picks[best].taken = true;
    for (size_t i = best + 1; i < n && count < QUOTE_SENTENCES; i++) {
        bool follows = picks[i].hit == picks[best].hit && picks[i].from == picks[i - 1].to;
        bool wanted = picks[i - 1].leads || picks[i].score > 0.6 * picks[best].score;
        if (!follows || !wanted || size + picks[i].text.n > QUOTE_MAX)
            break;
        picks[i].taken = true;
        size += picks[i].text.n;
        count++;
    }
}

/* A sentence as one line, without the marks of its list. */
static enum err put_sentence(struct buf *into, struct str text)
{
    static const char *const marks[] = {"- ", "* ", "• "};
    for (int i = 0; i < 3; i++)
        if (str_starts(text, str_of(marks[i])))
            text = str_sub(text, strlen(marks[i]), text.n);
    bool space = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
            space = true;
            continue;
        }
        if (space)
            try(buf_add_byte(into, ' '));
        space = false;
        try(buf_add_byte(into, c));
    }
    return OK;
}

enum err quote_answer(struct quote *q, const struct rag_hits *hits)
{
    struct pick picks[CANDIDATES];
    size_t n = hits->fits ? collect(hits, picks) : 0;
    if (n == 0)
        return say_nothing_fits(q);
    choose(picks, n);
    for (size_t i = 0; i < n; i++) {
        if (!picks[i].taken)
            continue;
        if (q->text.n)
            try(buf_add_byte(&q->text, ' '));
        try(put_sentence(&q->text, picks[i].text));
        bool cited = q->cited_count && q->cited[q->cited_count - 1] == picks[i].hit;
        if (!cited)
            q->cited[q->cited_count++] = (uint32_t)picks[i].hit;
    }
    return OK;
}
