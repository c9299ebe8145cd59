// SPDX-License-Identifier: Apache-2.0
#include "server/rag/quote.h"

#include "server/rag/sentence.h"

enum { PICKS_MAX = 64, CODE_MAX = 100, SHORT = 60 /* bytes: says little on its own */ };

struct pick {
    struct str text;
    enum sentence_kind kind;
    bool starts; /* nothing of its section stands before it */
    double score;
};
struct picks {
    struct pick pick[PICKS_MAX];
    size_t count;
};

void quote_init(struct quote *q)
{
    *q = (struct quote){.text = BUF(4 * 1024)};
}

void quote_finish(struct quote *q)
{
    buf_finish(&q->text);
}

/* --- judging --- */

static struct str last_heading(struct str title)
{
    static const struct str mark = S(" › ");
    size_t at;
    while ((at = str_find(title, mark)) < title.n)
        title = str_sub(title, at + mark.n, title.n);
    return title;
}

static void collect(const struct rag_hits *hits, size_t h, struct picks *picks)
{
    static const double lead_bonus = 0.15;
    struct sentences all = {.text = hits->hit[h].text};
    struct sentence s;
    uint32_t above = terms_in(&hits->terms, last_heading(hits->hit[h].title));
    bool starts = true, leads = false;
    picks->count = 0;
    while (picks->count < PICKS_MAX && sentence_next(&all, &s)) {
        if (s.kind == SENTENCE_HEADING) {
            above = terms_in(&hits->terms, s.text);
            starts = leads = true;
            continue;
        }
        uint32_t in = terms_in(&hits->terms, s.text);
        double score = terms_share(&hits->terms, in & ~above) +
                       0.1 * terms_share(&hits->terms, in) +
                       (leads ? lead_bonus + terms_share(&hits->terms, above) * 0.5 : 0);
        picks->pick[picks->count++] = (struct pick){s.text, s.kind, starts, score};
        starts = leads = false;
    }
}

static bool best_of(const struct picks *picks, size_t *ret_best)
{
    bool any = false;
    for (size_t i = 0; i < picks->count; i++) {
        const struct pick *p = &picks->pick[i];
        if (p->kind != SENTENCE_CODE && (!any || p->score > picks->pick[*ret_best].score)) {
            *ret_best = i;
            any = true;
        }
    }
    return any;
}

/* --- what belongs together --- */

static bool is_one_of(struct word w, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(w.text, str_of(list[i])))
            return true;
    return false;
}
#define IS_ONE_OF(w, list) is_one_of(w, list, sizeof(list) / sizeof *(list))

/* It speaks of something that the sentence before has named. */
static bool leans_back(struct str text)
{
    static const char *const back[] = {
        "it",    "its",    "they",    "their",     "them",      "this",    "that",
        "these", "those",  "such",    "he",        "she",       "his",     "her",
        "but",   "so",     "then",    "also",      "otherwise", "however", "other",
        "both",  "others", "instead", "therefore", "neither"};
    static const char *const joints[] = {"if",    "when", "while", "after", "before",
                                         "until", "once", "since", "as",    "with",
                                         "for",   "in",   "from",  "and"};
    struct word first, second;
    if (!word_next(&text, &first))
        return false;
    if (IS_ONE_OF(first, back))
        return true;
    return IS_ONE_OF(first, joints) && word_next(&text, &second) && IS_ONE_OF(second, back);
}

static bool is_remark(struct str text) /* "Yes." */
{
    struct word w;
    size_t n = 0;
    while (n < 4 && word_next(&text, &w))
        n++;
    return n < 4;
}

static bool leads_on(struct str text)
{
    return str_ends(text, S(":"));
}

/* The line between the fences, if it is one short line. */
static struct str code_line(struct str code)
{
    struct str fence, line;
    bool whole = str_cut(&code, '\n', &fence) && str_cut(&code, '\n', &line);
    if (!whole || line.n > CODE_MAX || !str_starts(code, S("```")))
        return S("");
    return str_trim(line);
}

static bool joins_before(const struct picks *picks, size_t i)
{
    if (i == 0 || picks->pick[i].starts)
        return false;
    struct str before = picks->pick[i - 1].text;
    return picks->pick[i - 1].kind != SENTENCE_CODE &&
           (leads_on(before) || is_remark(before) || leans_back(picks->pick[i].text));
}

static bool joins_after(const struct picks *picks, size_t i)
{
    if (i + 1 == picks->count || picks->pick[i + 1].starts)
        return false;
    const struct pick *next = &picks->pick[i + 1];
    struct str text = picks->pick[i].text;
    if (next->kind == SENTENCE_CODE)
        return leads_on(text) && code_line(next->text).n;
    return leads_on(text) || is_remark(text) || (text.n < SHORT && leans_back(next->text));
}

/* Widens [from, to] around the best sentence by what belongs to it and has room. */
static void widen(const struct picks *picks, size_t *from, size_t *to)
{
    size_t size = picks->pick[*from].text.n;
    while (*to - *from + 1 < QUOTE_SENTENCES && joins_before(picks, *from) &&
           size + picks->pick[*from - 1].text.n < QUOTE_MAX)
        size += picks->pick[--*from].text.n;
    while (*to - *from + 1 < QUOTE_SENTENCES && joins_after(picks, *to) &&
           size + picks->pick[*to + 1].text.n < QUOTE_MAX)
        size += picks->pick[++*to].text.n;
}

/* --- writing --- */

static struct str without_mark(const struct pick *p)
{
    struct str text = p->kind == SENTENCE_CODE ? code_line(p->text) : p->text;
    static const char *const marks[] = {"- ", "* ", "• "};
    for (int i = 0; i < 3; i++)
        if (p->kind == SENTENCE_ITEM && str_starts(text, str_of(marks[i])))
            return str_sub(text, strlen(marks[i]), text.n);
    return text;
}

/* Not more than QUOTE_MAX, cut at a blank. */
static struct str shorten(struct str text)
{
    if (text.n <= QUOTE_MAX)
        return text;
    size_t n = utf8_prefix(text, QUOTE_MAX);
    for (size_t i = n; i > QUOTE_MAX / 2; i--)
        if (text.p[i] == ' ' || text.p[i] == '\n')
            return str_sub(text, 0, i);
    return str_sub(text, 0, n);
}

/* A sentence as one line; the cells of a row as words between commas. */
static enum err put_line(struct buf *into, struct str text)
{
    bool blank = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            blank = true;
        } else if (blank && c == '|' && str_starts(str_sub(text, i, text.n), S("| "))) {
            try(buf_add_byte(into, ','));
        } else {
            if (blank)
                try(buf_add_byte(into, ' '));
            try(buf_add_byte(into, c));
            blank = false;
        }
    }
    return OK;
}

static bool is_closed(struct str text)
{
    static const char *const marks[] = {".",  "!", "?",  ":",  ";", ".\"",
                                        ".)", "”", "。", "！", "？"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (str_ends(text, str_of(marks[i])))
            return true;
    return false;
}

static enum err put_sentence(struct buf *into, const struct pick *p)
{
    struct str whole = without_mark(p), text = shorten(whole);
    if (into->n)
        try(buf_add_byte(into, ' '));
    try(put_line(into, text));
    if (text.n < whole.n)
        return buf_add(into, S(" …"));
    return is_closed(text) ? OK : buf_add_byte(into, '.');
}

enum err quote_answer(struct quote *q, const struct rag_hits *hits)
{
    struct picks picks;
    for (size_t h = 0; hits->fits && h < hits->count; h++) {
        size_t from;
        collect(hits, h, &picks);
        if (!best_of(&picks, &from))
            continue; /* nothing but code */
        size_t to = from;
        widen(&picks, &from, &to);
        for (size_t i = from; i <= to; i++)
            try(put_sentence(&q->text, &picks.pick[i]));
        q->cited[q->cited_count++] = (uint32_t)h;
        return OK;
    }
    return buf_add(&q->text, S("I found nothing about that in the documents."));
}
