// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "llm/schema_parts.h"

static int compare(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = memcmp(x->p, y->p, n);
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Bytes that all of them have in common from `at` on, whole code points: the first and the last of them tell. */
static size_t common(const struct str *literal, size_t count, size_t at)
{
    struct str a = literal[0], b = literal[count - 1];
    size_t n = at;
    while (n < a.n && n < b.n && a.p[n] == b.p[n])
        n++;
    return at + utf8_prefix(str_sub(a, at, a.n), n - at);
}

static size_t point_bytes(struct str s)
{
    uint32_t cp;
    size_t n = utf8_next(s, &cp);
    return n ? n : 1;
}

enum { NESTED_MAX = 24 }; /* libllama reads brackets by recursion */

static enum err put_branches(const struct visit *v, const struct str *literal, size_t count,
                             size_t at, unsigned nested);

/* Those of a sorted run that share `at` bytes: what they share beyond, then what they do not. */
static enum err put_run(const struct visit *v, const struct str *literal, size_t count, size_t at,
                        unsigned nested)
{
    size_t end = count == 1 ? literal->n : common(literal, count, at);
    if (end > at)
        try(grammar_add_literal(v->g, str_sub(*literal, at, end)));
    return count == 1 ? OK : put_branches(v, literal, count, end, nested + 1);
}

static enum err put_branches(const struct visit *v, const struct str *literal, size_t count,
                             size_t at, unsigned nested)
{
    bool one_ends = literal->n == at;
    const char *before = "( ";
    for (size_t i = one_ends; i < count; before = "| ") {
        struct str rest = str_sub(literal[i], at, literal[i].n);
        struct str point = str_sub(rest, 0, point_bytes(rest));
        size_t from = i;
        i++;
        while (nested < NESTED_MAX && i < count &&
               str_starts(str_sub(literal[i], at, literal[i].n), point))
            i++;
        try(schema_put(v, before));
        try(put_run(v, literal + from, i - from, at, nested));
    }
    return schema_put(v, one_ends ? ")? " : ") ");
}

/* Without those that are there twice. */
static size_t unique(struct str *literal, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (n == 0 || !str_eq(literal[n - 1], literal[i]))
            literal[n++] = literal[i];
    return n;
}

enum err schema_put_literals(const struct visit *v, struct str *literal, size_t count)
{
    qsort(literal, count, sizeof *literal, compare);
    return put_run(v, literal, unique(literal, count), 0, 0);
}
