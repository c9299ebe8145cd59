// SPDX-License-Identifier: Apache-2.0
#include "server/talk/clause.h"

#include "server/talk/clause_mark.h"

enum {
    SPAN_MAX =
        160, /* what opens a span of code or a link and is not closed by then was no opening */
    TICKS_MAX = 16,
};

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

/* Where the line that is being looked at begins in earnest. */
static struct str line_before(const struct clause_splitter *c, size_t end)
{
    return str_trim(str_sub(buf_str(&c->text), c->line, end));
}

/* A fence and a table's row are read as a whole or not at all. */
static bool is_whole_line(const struct clause_splitter *c, size_t end)
{
    struct str line = line_before(c, end);
    return c->code.mark != '\0' || fence_opens(line).mark != '\0' || str_starts(line, S("|"));
}

static void end_line(struct clause_splitter *c, size_t end)
{
    (void)fence_pass(&c->code, line_before(c, end));
    c->line = end + 1;
    c->ticks = 0;
    c->bracketed = false;
}

/* Passes ticks in a row, which open a span of code or close the one they opened. */
static enum cut take_ticks(struct clause_splitter *c, struct str text, size_t at, size_t *ret_len)
{
    size_t n = 0;
    while (at + n < text.n && n < TICKS_MAX && text.p[at + n] == '`')
        n++;
    if (at + n == text.n && n < TICKS_MAX && !c->finished)
        return CUT_WAIT;
    if (c->ticks == 0)
        c->ticks = (unsigned)n, c->span = at;
    else if (c->ticks == n)
        c->ticks = 0;
    *ret_len = n;
    return CUT_NONE;
}

/* What the character at i is to the clause. */
static enum cut look_at(struct clause_splitter *c, struct str text, size_t i, size_t *ret_len)
{
    *ret_len = 1;
    if (text.p[i] == '\n') {
        end_line(c, i);
        return CUT_HARD;
    }
    if (text.p[i] == '`')
        return take_ticks(c, text, i, ret_len);
    if (i - c->span > SPAN_MAX)
        c->ticks = 0, c->bracketed = false;
    if (c->ticks > 0)
        return CUT_NONE;
    if (text.p[i] == '[' || text.p[i] == ']') {
        c->bracketed = text.p[i] == '[';
        c->span = i;
        return CUT_NONE;
    }
    enum cut cut = cut_at(text, c->from, c->line, i, !c->finished, ret_len);
    if (cut == CUT_NONE || cut == CUT_WAIT)
        return cut;
    if (c->bracketed && memchr(text.p + i, ']', *ret_len) == nullptr)
        cut = CUT_NONE;
    else
        c->bracketed = false;
    return is_whole_line(c, i) ? CUT_NONE : cut;
}

static bool is_number_part(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '%';
}

/* Where a clause that has grown too long is cut: at the last blank that parts no number from its unit
 * or name, else at the last one, else between code points. */
static size_t forced_cut(struct str text, size_t from, size_t i)
{
    size_t any = 0;
    for (size_t at = i; at > from; at--) {
        if (cut_space(str_sub(text, at - 1, at)) == 0)
            continue;
        any = any > 0 ? any : at;
        bool is_number = at - 1 > from && is_number_part(text.p[at - 2]);
        if (!is_number && (at == text.n || !is_number_part(text.p[at])))
            return at;
        if (at - from < CLAUSE_MAX / 2)
            break;
    }
    if (any > from)
        return any;
    size_t at = from + utf8_prefix(str_sub(text, from, i), CLAUSE_MAX);
    return at > from ? at : i;
}

/* Where the growing clause ends, or 0. */
static size_t find_cut(struct clause_splitter *c)
{
    struct str text = buf_str(&c->text);
    size_t soft_min = c->any ? CLAUSE_LATER_MIN : CLAUSE_FIRST_MIN;
    size_t i = c->seen;
    while (i < text.n) {
        /* Only with a byte behind, which says whether a blank parts what belongs together. */
        if (i - c->from > CLAUSE_MAX) {
            c->seen = i;
            return forced_cut(text, c->from, i);
        }
        size_t len;
        enum cut cut = look_at(c, text, i, &len);
        if (cut == CUT_WAIT)
            break;
        i += len;
        if (cut == CUT_HARD || (cut == CUT_SOFT && i - c->from >= soft_min))
            return c->seen = i;
    }
    c->seen = i;
    return c->finished ? text.n : 0;
}

static struct str trim(struct str text)
{
    text = str_sub(text, cut_space(text), text.n);
    for (size_t n = text.n; n > 0; n--)
        if (cut_space(str_sub(text, n - 1, text.n)) == text.n - n + 1)
            text.n = n - 1;
        else if (((unsigned char)text.p[n - 1] & 0xC0) != 0x80)
            break;
    return text;
}

bool clause_next(struct clause_splitter *c, struct str *ret_clause, size_t *ret_end)
{
    for (;;) {
        size_t end = find_cut(c);
        if (end <= c->from)
            return false;
        struct str clause = trim(str_sub(buf_str(&c->text), c->from, end));
        c->from = end;
        if (clause.n == 0)
            continue;
        c->any = true;
        *ret_clause = clause;
        *ret_end = end;
        return true;
    }
}
