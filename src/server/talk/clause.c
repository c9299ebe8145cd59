// SPDX-License-Identifier: Apache-2.0
#include "server/talk/clause.h"

#include "base/abbreviation.h"

void clause_init(struct clause_splitter *c)
{
    *c = (struct clause_splitter){.text = BUF(CLAUSE_ANSWER_MAX)};
}

void clause_free(struct clause_splitter *c)
{
    buf_finish(&c->text);
}

enum err clause_feed(struct clause_splitter *c, struct str text)
{
    return buf_add(&c->text, text);
}

void clause_finish(struct clause_splitter *c)
{
    c->finished = true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What the full stop at `dot` is to the word before it; also that of a list item's number. */
static enum abbreviation abbreviates(struct str text, size_t from, size_t dot)
{
    size_t start = dot;
    while (start > from && !is_space(text.p[start - 1]) && text.p[start - 1] != '(')
        start--;
    struct str word = str_sub(text, start, dot);
    /* "1." at the start of a line numbers a list item. */
    bool digits = word.n > 0 && word.n <= 3;
    for (size_t i = 0; i < word.n; i++)
        digits = digits && word.p[i] >= '0' && word.p[i] <= '9';
    if (digits && (start == from || text.p[start - 1] == '\n'))
        return ABBREVIATION_YES;
    return abbreviation_at(word, str_sub(text, dot + 1, text.n));
}

enum cut { CUT_NONE, CUT_SOFT, CUT_HARD, CUT_WAIT };

/* What the character at i means: no cut after it, a cut if the clause is long enough (comma), a cut
 * in any case (end of sentence), or that more text is needed to tell. */
static enum cut cut_after(struct str text, size_t from, size_t i, bool finished, size_t *ret_len)
{
    uint32_t cp;
    size_t len = utf8_next(str_sub(text, i, text.n), &cp);
    if (len == 0) { /* a code point that has not arrived whole, or a stray byte */
        *ret_len = 1;
        return text.n - i < 4 && !finished ? CUT_WAIT : CUT_NONE;
    }
    *ret_len = len;
    switch (cp) {
    case 0x3002: /* ideographic full stop */
    case 0xff01: /* fullwidth ! */
    case 0xff1f: /* fullwidth ? */
        return CUT_HARD;
    case 0x3001: /* ideographic comma */
    case 0xff0c: /* fullwidth comma */
    case 0xff1b: /* fullwidth ; */
        return CUT_SOFT;
    case '\n':
        return CUT_HARD;
    case '.':
    case '!':
    case '?':
    case ',':
    case ';':
    case ':':
    case 0x2014: /* em dash */
        break;
    default:
        return CUT_NONE;
    }
    /* Closing quotes and brackets belong to the clause; then white space must follow. */
    size_t next = i + len;
    while (next < text.n && (text.p[next] == '"' || text.p[next] == ')' || text.p[next] == '\''))
        next++;
    if (next >= text.n)
        return finished ? CUT_NONE : CUT_WAIT;
    if (!is_space(text.p[next]) && cp != 0x2014)
        return CUT_NONE;
    *ret_len = next - i;
    if (cp == '!' || cp == '?')
        return CUT_HARD;
    if (cp != '.')
        return CUT_SOFT;
    enum abbreviation what = abbreviates(text, from, i);
    if (what == ABBREVIATION_UNCLEAR && !finished)
        return CUT_WAIT;
    return what == ABBREVIATION_YES ? CUT_NONE : CUT_HARD;
}

/* Where the growing clause ends, or 0. */
static size_t find_cut(struct clause_splitter *c)
{
    struct str text = buf_str(&c->text);
    size_t soft_min = c->any ? CLAUSE_LATER_MIN : CLAUSE_FIRST_MIN;
    size_t i = c->seen;
    while (i < text.n) {
        size_t len;
        enum cut cut = cut_after(text, c->from, i, c->finished, &len);
        if (cut == CUT_WAIT)
            break;
        i += len;
        if (cut == CUT_HARD || (cut == CUT_SOFT && i - c->from >= soft_min))
            return i;
        if (i - c->from > CLAUSE_MAX) {
            size_t at = i;
            while (at > c->from && !is_space(text.p[at - 1]))
                at--;
            if (at == c->from) /* one endless word */
                at = c->from + utf8_prefix(str_sub(text, c->from, i), CLAUSE_MAX);
            return at > c->from ? at : i;
        }
    }
    c->seen = i;
    return c->finished ? text.n : 0;
}

bool clause_next(struct clause_splitter *c, struct str *ret_clause, size_t *ret_end)
{
    for (;;) {
        size_t end = find_cut(c);
        if (end <= c->from)
            return false;
        struct str clause = str_trim(str_sub(buf_str(&c->text), c->from, end));
        c->from = c->seen = end;
        if (clause.n == 0)
            continue;
        c->any = true;
        *ret_clause = clause;
        *ret_end = end;
        return true;
    }
}
