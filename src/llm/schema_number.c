// SPDX-License-Identifier: Apache-2.0
/* Numbers and their bounds. A grammar knows digits, not sizes: what is between two bounds is a tree of digits. */
#include <math.h>
#include <stdio.h>

#include "llm/schema_parts.h"

constexpr double MOST = 999999999999999; /* fifteen digits, which a double holds exactly */

struct bounds {
    double min, max;             /* NaN: there is none */
    bool is_above, is_below;     /* exclusive */
    const char *from_by, *to_by; /* the keywords that they come from */
};

static enum err read_bound(const struct visit *v, const struct json_val *s, const char *keyword,
                           double *ret_x)
{
    const struct json_val *val = json_get(s, keyword);
    *ret_x = json_num(val, NAN);
    return val && isnan(*ret_x) ? schema_refuse_keyword(v, str_of(keyword)) : OK;
}

static enum err read_bounds(const struct visit *v, const struct json_val *s, struct bounds *b)
{
    double above, below;
    try(read_bound(v, s, "minimum", &b->min));
    try(read_bound(v, s, "maximum", &b->max));
    try(read_bound(v, s, "exclusiveMinimum", &above));
    try(read_bound(v, s, "exclusiveMaximum", &below));
    b->is_above = !isnan(above) && !(above < b->min);
    b->is_below = !isnan(below) && !(below > b->max);
    b->from_by = b->is_above ? "exclusiveMinimum" : "minimum";
    b->to_by = b->is_below ? "exclusiveMaximum" : "maximum";
    b->min = b->is_above ? above : b->min;
    b->max = b->is_below ? below : b->max;
    return b->min > MOST || b->max < -MOST ? schema_refuse(v, "numbers of more than fifteen digits")
                                           : OK;
}

/* --- whole numbers without a sign --- */

/* From..to, 1 at least. */
struct range {
    int64_t from, to;
};

/* How many more digits may follow the digits of `prefix`, so that whatever they are, the number is in the range. */
static bool free_digits(struct range r, int64_t prefix, int *ret_least, int *ret_most)
{
    int digits = 0, least = -1, most = -1;
    for (int64_t low = prefix, high = prefix; low <= r.to;
         low *= 10, high = high * 10 + 9, digits++) {
        if (low < r.from || high > r.to)
            continue;
        least = least < 0 ? digits : least;
        most = digits;
    }
    *ret_least = least;
    *ret_most = most;
    return least >= 0;
}

/* Whether some digits may follow that depend on one another: numbers on both sides of a bound begin so. */
static bool is_on_edge(struct range r, int64_t prefix)
{
    for (int64_t low = prefix, high = prefix; low <= r.to; low *= 10, high = high * 10 + 9)
        if (high >= r.from && (low < r.from || high > r.to))
            return true;
    return false;
}

static bool is_beginning(struct range r, int64_t prefix)
{
    int least, most;
    return is_on_edge(r, prefix) || free_digits(r, prefix, &least, &most);
}

static enum err put_free(const struct visit *v, int least, int most)
{
    v->g->has_digits = true;
    if (least > 0)
        try(buf_addf(&v->g->text, "just-%d ", least));
    return most > least ? buf_addf(&v->g->text, "upto-%d ", most - least) : OK;
}

static bool are_alike(struct range r, int64_t a, int64_t b)
{
    int a_least, a_most, b_least, b_most;
    if (is_on_edge(r, a) || is_on_edge(r, b))
        return false;
    (void)free_digits(r, a, &a_least, &a_most);
    (void)free_digits(r, b, &b_least, &b_most);
    return a_least == b_least && a_most == b_most;
}

static enum err put_digit(const struct visit *v, int64_t from, int64_t to)
{
    return from == to ? buf_addf(&v->g->text, "\"%d\" ", (int)from)
                      : buf_addf(&v->g->text, "[%d-%d] ", (int)from, (int)to);
}

/* What may follow the digits of `prefix` (0: none yet): no two ways begin with the same digit. */
static enum err put_digits(const struct visit *v, struct range r, int64_t prefix)
{
    bool may_end = prefix >= r.from;
    const char *before = "( ";
    for (int64_t digit = prefix == 0, last; digit <= 9; digit = last + 1) {
        int64_t next = prefix * 10 + digit;
        int least, most;
        last = digit;
        if (!is_beginning(r, next))
            continue;
        while (last < 9 && is_beginning(r, next + last + 1 - digit) &&
               are_alike(r, next, next + last + 1 - digit))
            last++;
        try(schema_put(v, before));
        try(put_digit(v, digit, last));
        if (is_on_edge(r, next))
            try(put_digits(v, r, next));
        else if (free_digits(r, next, &least, &most))
            try(put_free(v, least, most));
        before = "| ";
    }
    return schema_put(v, may_end ? ")? " : ") ");
}

/* --- integers --- */

/* Of numbers without a sign, 0 among them. */
static enum err put_whole(const struct visit *v, int64_t from, int64_t to)
{
    if (from == 0)
        try(schema_put(v, to > 0 ? "( \"0\" | " : "\"0\" "));
    if (to > 0)
        try(put_digits(v, (struct range){from > 0 ? from : 1, to}, 0));
    return schema_put(v, from == 0 && to > 0 ? ") " : "");
}

static enum err put_nothing_between(const struct visit *v)
{
    return schema_refuse(v, "no number lies between its bounds");
}

enum err schema_put_integer(const struct visit *v, const struct json_val *s)
{
    struct bounds b;
    try(read_bounds(v, s, &b));
    double least = b.is_above ? floor(b.min) + 1 : ceil(b.min);
    double most = b.is_below ? ceil(b.max) - 1 : floor(b.max);
    if (!(least > -MOST) && !(most < MOST)) /* no number is neither */
        return schema_put(v, "integer ");
    int64_t from = (int64_t)fmax(least, -MOST), to = (int64_t)fmin(most, MOST);
    if (from > to)
        return put_nothing_between(v);
    try(schema_put(v, "( "));
    if (from < 0) {
        try(schema_put(v, "\"-\" "));
        try(put_whole(v, to < 0 ? -to : 1, -from));
    }
    if (to >= 0) {
        try(schema_put(v, from < 0 ? "| " : ""));
        try(put_whole(v, from > 0 ? from : 0, to));
    }
    return schema_put(v, ") ");
}

/* --- numbers with a fraction --- */

/* Without a sign, between whole bounds. */
struct stretch {
    int64_t from, to;
    bool is_above, is_below; /* exclusive */
};

static bool is_empty(struct stretch s)
{
    return s.from > s.to || (s.from == s.to && (s.is_above || s.is_below));
}

/* The bounds stand alone: of what follows them only some is allowed. */
static enum err put_stretch(const struct visit *v, struct stretch s)
{
    int64_t from = s.from + s.is_above;
    const char *before = "( ";
    v->g->has_digits = true;
    if (s.is_above) {
        try(buf_addf(&v->g->text, "%s\"%lld\" beyond ", before, (long long)s.from));
        before = "| ";
    }
    if (from < s.to) {
        try(schema_put(v, before));
        try(put_whole(v, from, s.to - 1));
        try(schema_put(v, "fraction? "));
        before = "| ";
    }
    if (!s.is_below)
        try(buf_addf(&v->g->text, "%s\"%lld\" nought? ", before, (long long)s.to));
    return schema_put(v, ") ");
}

static bool is_whole(double x)
{
    return isnan(x) || x == floor(x);
}

static enum err put_between(const struct visit *v, struct bounds b)
{
    double min = fmax(b.min, -MOST), max = fmin(b.max, MOST);
    const struct stretch below = {max < 0 ? (int64_t)-max : 0, (int64_t)-min,
                                  max < 0 ? b.is_below : true, b.is_above},
                         above = {min > 0 ? (int64_t)min : 0, (int64_t)max, min >= 0 && b.is_above,
                                  b.is_below};
    bool has_below = min < 0 && !is_empty(below), has_above = max >= 0 && !is_empty(above);
    if (!has_below && !has_above)
        return put_nothing_between(v);
    try(schema_put(v, "( "));
    if (has_below) {
        try(schema_put(v, "\"-\" "));
        try(put_stretch(v, below));
    }
    if (has_above) {
        try(schema_put(v, has_below ? "| " : ""));
        try(put_stretch(v, above));
    }
    return schema_put(v, ") ");
}

enum err schema_put_number(const struct visit *v, const struct json_val *s)
{
    struct bounds b;
    try(read_bounds(v, s, &b));
    if (!(b.min > -MOST) && !(b.max < MOST)) /* no number is neither */
        return schema_put(v, "number ");
    if (b.min == 0 && !b.is_above && !(b.max < MOST))
        return schema_put(v, "positive ");
    if (!is_whole(b.min) || !is_whole(b.max)) {
        char text[64];
        snprintf(text, sizeof text, "%s that is no whole number",
                 is_whole(b.min) ? b.to_by : b.from_by);
        return schema_refuse(v, text);
    }
    return put_between(v, b);
}

/* --- --- */

enum err schema_put_digit_rules(struct grammar *g)
{
    enum { MORE_MAX = 14 }; /* digits after the first one */
    if (!g->has_digits)
        return OK;
    try(buf_add(&g->text, S("just-1 ::= [0-9]\nupto-1 ::= [0-9]?\n")));
    for (int n = 2; n <= MORE_MAX; n++)
        try(buf_addf(&g->text, "just-%d ::= [0-9] just-%d\nupto-%d ::= ( [0-9] upto-%d )?\n", n,
                     n - 1, n, n - 1));
    return buf_add(&g->text, S("fraction ::= \".\" [0-9] upto-14\n"
                               "beyond ::= \".\" \"0\"{0,14} [1-9] upto-14\n"
                               "nought ::= \".\" \"0\"{1,15}\n"));
}
