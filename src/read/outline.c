// SPDX-License-Identifier: Apache-2.0
#include "read/outline.h"

#include <stdio.h>

static void put(struct outline *o, struct str s)
{
    if (o->err == OK)
        o->err = buf_add(o->into, s);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Pays what is owed, now that text is sure to follow. */
static void settle(struct outline *o)
{
    if (o->into->n > 0 && o->newlines > 0)
        put(o, str_sub(S("\n\n"), 0, o->newlines));
    else if (o->into->n > 0 && o->blank && o->mark_n == 0)
        put(o, S(" "));
    put(o, (struct str){o->mark, o->mark_n});
    o->newlines = 0;
    o->blank = false;
    o->mark_n = 0;
}

void outline_text(struct outline *o, struct str text)
{
    if (o->pre > 0 && o->rows == 0) {
        put(o, text);
        return;
    }
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        while (i < text.n && is_blank(text.p[i]))
            i++;
        o->blank |= i > from;
        from = i;
        while (i < text.n && !is_blank(text.p[i]))
            i++;
        if (i > from) {
            settle(o);
            put(o, str_sub(text, from, i));
        }
    }
}

static void owe(struct outline *o, uint8_t newlines)
{
    if (o->rows > 0 || (o->stay_at > 0 && o->stay_at == o->into->n)) {
        o->blank = true;
        return;
    }
    if (o->newlines < newlines)
        o->newlines = newlines;
    o->blank = false;
}

/* Adds to the owed mark. What does not fit is no loss. */
static void owe_mark(struct outline *o, struct str mark)
{
    if (mark.n > sizeof o->mark - o->mark_n)
        return;
    memcpy(o->mark + o->mark_n, mark.p, mark.n);
    o->mark_n += mark.n;
}

void outline_break(struct outline *o)
{
    if (o->pre > 0 && o->rows == 0)
        put(o, S("\n"));
    else
        owe(o, 1);
}

void outline_block(struct outline *o)
{
    owe(o, 1);
}

void outline_paragraph(struct outline *o)
{
    owe(o, o->lists > 0 ? 1 : 2);
}

void outline_heading(struct outline *o, unsigned level)
{
    o->stay_at = 0;
    owe(o, 2);
    if (o->rows > 0)
        return;
    owe_mark(o, str_sub(S("######"), 0, level));
    owe_mark(o, S(" "));
}

void outline_heading_end(struct outline *o)
{
    owe(o, 2);
    o->mark_n = 0;
}

void outline_list(struct outline *o, bool numbered, uint32_t first)
{
    o->stay_at = 0;
    outline_paragraph(o);
    if (o->lists < OUTLINE_DEPTH)
        o->numbers[o->lists] = numbered ? first : 0;
    o->lists++;
}

void outline_list_end(struct outline *o)
{
    if (o->lists > 0)
        o->lists--;
    outline_paragraph(o);
}

void outline_item(struct outline *o)
{
    o->stay_at = 0;
    owe(o, 1);
    if (o->rows > 0)
        return;
    o->mark_n = 0;
    unsigned depth = o->lists < OUTLINE_DEPTH ? o->lists : OUTLINE_DEPTH;
    for (unsigned i = 1; i < depth; i++)
        owe_mark(o, S("  "));
    uint32_t *number = depth > 0 ? &o->numbers[depth - 1] : nullptr;
    if (number == nullptr || *number == 0) {
        owe_mark(o, S("- "));
        return;
    }
    char text[16];
    int n = snprintf(text, sizeof text, "%u. ", *number);
    owe_mark(o, (struct str){text, (size_t)n});
    *number += *number < UINT32_MAX;
}

void outline_item_end(struct outline *o)
{
    owe(o, 1);
    o->mark_n = 0;
}

void outline_term(struct outline *o)
{
    o->stay_at = 0;
    owe(o, 1);
    o->term_from = o->into->n;
    if (o->rows > 0)
        return;
    o->mark_n = 0;
    unsigned depth = o->lists < OUTLINE_DEPTH ? o->lists : OUTLINE_DEPTH;
    for (unsigned i = 0; i < depth; i++)
        owe_mark(o, S("  "));
    owe_mark(o, S("- "));
}

void outline_term_end(struct outline *o)
{
    o->term_to = o->into->n > o->term_from ? o->into->n : 0;
    outline_item_end(o);
}

/* Behind its term on the same line, also when it begins with a paragraph. */
void outline_meaning(struct outline *o)
{
    bool follows = o->term_to > 0 && o->term_to == o->into->n && o->rows == 0 && o->pre == 0;
    o->term_to = 0;
    owe(o, 1);
    if (!follows)
        return;
    char last = o->into->p[o->into->n - 1];
    if (last != ':' && last != '?' && last != '!' && last != '.')
        put(o, S(":"));
    o->newlines = 0;
    o->blank = true;
    o->stay_at = o->into->n;
}

void outline_meaning_end(struct outline *o)
{
    o->stay_at = 0;
    owe(o, 1);
}

void outline_row(struct outline *o)
{
    o->stay_at = 0;
    owe(o, 1);
    o->rows++;
    o->row_used = false;
}

void outline_cell(struct outline *o)
{
    o->blank = true;
    if (o->row_used) {
        settle(o);
        put(o, S("|"));
        o->blank = true;
    }
    o->row_used = true;
}

void outline_row_end(struct outline *o)
{
    if (o->rows > 0)
        o->rows--;
    owe(o, 1);
}

void outline_pre(struct outline *o)
{
    o->pre++;
    if (o->pre > 1 || o->rows > 0)
        return;
    o->stay_at = 0;
    owe(o, 2);
    settle(o);
    put(o, S("```\n"));
}

void outline_pre_end(struct outline *o)
{
    if (o->pre > 0)
        o->pre--;
    if (o->pre > 0 || o->rows > 0)
        return;
    if (o->into->n > 0 && o->into->p[o->into->n - 1] != '\n')
        put(o, S("\n"));
    put(o, S("```"));
    owe(o, 2);
}
