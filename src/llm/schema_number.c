// SPDX-License-Identifier: Apache-2.0
/* Numbers and their bounds. A grammar knows digits, not sizes: what is between two bounds is listed. */
#include <math.h>
#include <stdio.h>

#include "llm/schema_parts.h"

enum { LISTED_MAX = 1000, DIGITS_MAX = 15 };
constexpr double BEYOND = 1e15; /* what an integer of that many digits never reaches */

/* NaN: there is none. */
struct bounds {
    double min, max;
};

static enum err read_bound(const struct visit *v, const struct json_val *s, const char *keyword,
                           double *ret_x)
{
    const struct json_val *val = json_get(s, keyword);
    *ret_x = json_num(val, NAN);
    return val && isnan(*ret_x) ? schema_refuse_keyword(v, str_of(keyword)) : OK;
}

static enum err read_bounds(const struct visit *v, const struct json_val *s, bool whole,
                            struct bounds *b)
{
    double above, below;
    try(read_bound(v, s, "minimum", &b->min));
    try(read_bound(v, s, "maximum", &b->max));
    try(read_bound(v, s, "exclusiveMinimum", &above));
    try(read_bound(v, s, "exclusiveMaximum", &below));
    /* fmin and fmax take the other one of a NaN. */
    b->min = fmax(b->min, whole ? floor(above) + 1 : nextafter(above, INFINITY));
    b->max = fmin(b->max, whole ? ceil(below) - 1 : nextafter(below, -INFINITY));
    if (whole)
        *b = (struct bounds){ceil(b->min), floor(b->max)};
    if (b->min >= BEYOND || b->max <= -BEYOND)
        return schema_refuse(v, "numbers of more than fifteen digits");
    if (b->min <= -BEYOND)
        b->min = NAN;
    if (b->max >= BEYOND)
        b->max = NAN;
    return OK;
}

static enum err put_listed(const struct visit *v, int64_t from, int64_t to)
{
    enum { DIGITS = 24 };
    if (from > to)
        return schema_refuse(v, "no number lies between its bounds");
    size_t count = (size_t)(to - from) + 1;
    autofree char (*text)[DIGITS] = mem_zero(count, sizeof *text);
    autofree struct str *literal = mem_zero(count, sizeof *literal);
    if (!text || !literal)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        snprintf(text[i], DIGITS, "%lld", (long long)from + (long long)i);
        literal[i] = str_of(text[i]);
    }
    return schema_put_literals(v, literal, count);
}

/* From `min` on, without an end: its own length by heart, then whatever is longer. */
static enum err put_from(const struct visit *v, int64_t min)
{
    int digits = 1;
    int64_t longer = 10;
    for (; longer <= min; longer *= 10)
        digits++;
    try(put_listed(v, min, longer - 1));
    return buf_addf(&v->g->text, "| [1-9] [0-9]{%d,%d} ", digits, DIGITS_MAX - 1);
}

enum err schema_put_integer(const struct visit *v, const struct json_val *s)
{
    struct bounds b;
    try(read_bounds(v, s, true, &b));
    if (isnan(b.min) && isnan(b.max))
        return schema_put(v, "integer ");
    if (!isnan(b.min) && !isnan(b.max) && b.max - b.min < LISTED_MAX) {
        try(schema_put(v, "( "));
        try(put_listed(v, (int64_t)b.min, (int64_t)b.max));
        return schema_put(v, ") ");
    }
    if (isnan(b.max) && b.min >= 0 && b.min < LISTED_MAX) {
        try(schema_put(v, "( "));
        try(put_from(v, (int64_t)b.min));
        return schema_put(v, ") ");
    }
    return schema_refuse(v, "integers with wide bounds (a thousand can be listed)");
}

enum err schema_put_number(const struct visit *v, const struct json_val *s)
{
    struct bounds b;
    try(read_bounds(v, s, false, &b));
    if (isnan(b.min) && isnan(b.max))
        return schema_put(v, "number ");
    if (b.min == 0 && isnan(b.max))
        return schema_put(v, "positive ");
    return schema_refuse(v, "numbers with bounds other than a minimum of 0");
}
