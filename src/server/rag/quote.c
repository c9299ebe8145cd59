// SPDX-License-Identifier: Apache-2.0
#include "server/rag/quote.h"

#include "base/check.h"
#include "server/rag/chunk.h"

/* Of a passage's worth, what its best sentence adds by its own score, and by all that it says under its
 * heading. */
static const double BY_SENTENCE = 0.25, BY_SAID = 0.2;
/* Of what a heading leaves open. */
static const double MOST = 0.5;
enum { PICKS_MAX = 64, CODE_MAX = 100, SHORT = 60 /* bytes: says little on its own */ };

struct pick {
    struct str text;
    enum sentence_kind kind;
    bool starts;     /* nothing of its section stands before it */
    bool row;        /* of a table */
    bool whole;      /* chosen for its heading alone: what follows it belongs to the answer */
    uint32_t beyond; /* the terms that it says and no heading has */
    double open;     /* the share (0..1) of the question that the headings leave open */
    double heading;  /* what it is worth as the beginning of its section */
    double said;     /* the share that it says under the heading right above */
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

static bool is_one_of(struct word w, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(w.text, str_of(list[i])))
            return true;
    return false;
}
#define IS_ONE_OF(w, list) is_one_of(w, list, sizeof(list) / sizeof *(list))

/* A figure, or a word for one. */
static bool has_number(struct str text)
{
    static const char *const numbers[] = {
        "one",  "two",    "three",  "four",  "five",   "six",    "seven",   "eight",   "nine",
        "ten",  "eleven", "twelve", "dozen", "twenty", "thirty", "forty",   "fifty",   "sixty",
        "half", "once",   "twice",  "every", "daily",  "weekly", "hundred", "thousand"};
    struct word w;
    while (word_next(&text, &w))
        if ((w.text.p[0] >= '0' && w.text.p[0] <= '9') || IS_ONE_OF(w, numbers))
            return true;
    return false;
}

/* `above`: what the heading right above says, `about`: what all of them and the title say. */
static struct pick judge(const struct terms *terms, const struct sentence *s, uint32_t above,
                         uint32_t about, bool leads, uint32_t *columns)
{
    static const double lead_bonus = 0.15, number_bonus = 0.1;
    uint32_t in = terms_said(terms, s, columns), beyond = in & ~(above | about);
    double score = terms_share(terms, beyond) + 0.1 * terms_share(terms, in);
    if (terms->wants_number && has_number(s->text))
        score += number_bonus;
    if (leads)
        score += lead_bonus;
    return (struct pick){.text = s->text,
                         .kind = s->kind,
                         .whole = leads && !beyond,
                         .beyond = beyond,
                         .open = 1 - terms_share(terms, above | about),
                         .heading = leads ? terms_share(terms, above) * 0.5 : 0,
                         .said = terms_share(terms, in | above),
                         .score = score};
}

/* Does a sentence of the section that begins at `first` say most of what the headings leave open? */
static bool says_the_rest(const struct terms *terms, const struct picks *picks, size_t first)
{
    double most = MOST * picks->pick[first].open;
    for (size_t i = first; i < picks->count && (i == first || !picks->pick[i].starts); i++)
        if (picks->pick[i].beyond && terms_share(terms, picks->pick[i].beyond) >= most)
            return true;
    return false;
}

/* A heading that the question names speaks for its section's beginning, unless a sentence says more. */
static void add_headings(const struct terms *terms, struct picks *picks)
{
    for (size_t i = 0; i < picks->count; i++)
        if (picks->pick[i].heading > 0 && !says_the_rest(terms, picks, i))
            picks->pick[i].score += picks->pick[i].heading;
}

static void collect(const struct rag_hits *hits, size_t h, struct picks *picks)
{
    struct sentences all = {.text = hits->hit[h].text};
    struct sentence s;
    uint32_t about = terms_in(&hits->terms, hits->hit[h].title);
    uint32_t above = terms_in(&hits->terms, title_last(hits->hit[h].title));
    bool starts = true, leads = false, in_table = false;
    uint32_t columns = 0;
    picks->count = 0;
    while (picks->count < PICKS_MAX && sentence_next(&all, &s)) {
        if (s.kind == SENTENCE_HEADING) {
            above = terms_in(&hits->terms, s.text);
            starts = leads = true;
            in_table = false;
            continue;
        }
        bool row = sentence_is_row(&s);
        struct pick p = judge(&hits->terms, &s, above, about, leads && !row, &columns);
        p.starts = starts;
        p.row = row;
        if (row && !in_table)
            p.score /= 2; /* most often it only names the columns */
        in_table = row;
        picks->pick[picks->count++] = p;
        starts = leads = false;
    }
    add_headings(&hits->terms, picks);
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
    static const char *const anywhere[] = {"it", "them", "there", "these", "those", "too"};
    bool is_short = text.n < SHORT;
    struct word first, second;
    if (!word_next(&text, &first))
        return false;
    if (IS_ONE_OF(first, back))
        return true;
    if (!word_next(&text, &second))
        return false;
    if (IS_ONE_OF(first, joints) && IS_ONE_OF(second, back))
        return true;
    struct word w = second;
    while (is_short && !IS_ONE_OF(w, anywhere))
        is_short = word_next(&text, &w);
    return is_short;
}

static bool is_remark(const struct pick *p) /* "Yes." */
{
    struct str text = p->text;
    struct word w;
    size_t n = 0;
    while (n < 4 && word_next(&text, &w))
        n++;
    return n < 4 && !p->row;
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
    const struct pick *before = &picks->pick[i - 1];
    return before->kind != SENTENCE_CODE && !picks->pick[i].row &&
           (leads_on(before->text) || is_remark(before) || leans_back(picks->pick[i].text));
}

static bool joins_after(const struct picks *picks, size_t i)
{
    if (i + 1 == picks->count || picks->pick[i + 1].starts)
        return false;
    const struct pick *next = &picks->pick[i + 1];
    struct str text = picks->pick[i].text;
    if (next->kind == SENTENCE_CODE)
        return leads_on(text) && code_line(next->text).n;
    return leads_on(text) || is_remark(&picks->pick[i]) ||
           (text.n < SHORT && leans_back(next->text));
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
    bool whole = picks->pick[*from].whole;
    while (whole && *to - *from + 1 < QUOTE_SENTENCES && *to + 1 < picks->count &&
           !picks->pick[*to + 1].starts && picks->pick[*to + 1].kind != SENTENCE_CODE &&
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

/* The passage that answers: the best, unless the best sentence of one that is hardly worse says more.
 * hits->count: none has a sentence. */
static size_t choose_hit(const struct rag_hits *hits)
{
    struct picks picks;
    size_t chosen = hits->count, from;
    double best = 0;
    for (size_t h = 0; h < hits->count; h++) {
        collect(hits, h, &picks);
        if (!best_of(&picks, &from))
            continue; /* nothing but code */
        const struct pick *p = &picks.pick[from];
        double score = hits->hit[h].score + BY_SENTENCE * p->score + BY_SAID * p->said;
        if (chosen == hits->count || score > best) {
            chosen = h;
            best = score;
        }
    }
    return chosen;
}

enum err quote_answer(struct quote *q, const struct rag_hits *hits)
{
    size_t h = hits->fits ? choose_hit(hits) : hits->count;
    struct picks picks;
    size_t from;
    if (h == hits->count)
        return buf_add(&q->text, S("I found nothing about that in the documents."));
    collect(hits, h, &picks);
    check(best_of(&picks, &from));
    size_t to = from;
    widen(&picks, &from, &to);
    for (size_t i = from; i <= to; i++)
        try(put_sentence(&q->text, &picks.pick[i]));
    q->cited[q->cited_count++] = (uint32_t)h;
    return OK;
}
