// SPDX-License-Identifier: Apache-2.0
#include "read/html_css.h"

enum { PRELUDE_MAX = 2048, DEPTH_MAX = 64, EM = 16 /* pixels */ };

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool has(struct str text, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= text.n; i++)
        if (str_eq_nocase(str_sub(text, i, i + n), (struct str){what, n}))
            return true;
    return false;
}

/* --- media queries --- */

/* A length in pixels, at the end of `text` or at its beginning; 0 for any other. */
static double pixels(struct str text)
{
    text = str_trim(text);
    size_t n = 0;
    while (n < text.n && (is_digit(text.p[n]) || text.p[n] == '.'))
        n++;
    double x;
    if (n == 0 || str_to_f64(str_sub(text, 0, n), &x) != OK)
        return 0;
    return has(str_sub(text, n, n + 3), "em") ? x * EM : x;
}

/* "min-width: 600px", "width <= 600px", "400px < width"; what is not about the size holds. */
static bool feature_holds(struct str feature)
{
    bool wide = has(feature, "width");
    if (!wide && !has(feature, "height"))
        return !has(feature, "dark") && !has(feature, "portrait") && !has(feature, "hover: none");
    double size = wide ? CSS_SCREEN_WIDTH : CSS_SCREEN_HEIGHT;
    size_t colon = str_find_byte(feature, ':');
    if (colon < feature.n) {
        double limit = pixels(str_sub(feature, colon + 1, feature.n));
        return has(feature, "min-")   ? size >= limit
               : has(feature, "max-") ? size <= limit
                                      : size == limit;
    }
    size_t name = str_find(feature, wide ? S("width") : S("height"));
    for (size_t i = 0; i < feature.n; i++) {
        if (feature.p[i] != '<' && feature.p[i] != '>')
            continue;
        bool behind = i > name, less = feature.p[i] == '<';
        struct str number = behind ? str_sub(feature, i + 1, feature.n) : str_sub(feature, 0, i);
        if (number.n > 0 && number.p[0] == '=')
            number = str_sub(number, 1, number.n);
        double limit = pixels(number);
        if (behind == less ? size > limit : size < limit)
            return false;
    }
    return true;
}

static bool query_holds(struct str query)
{
    query = str_trim(query);
    bool no = str_eq_nocase(str_sub(query, 0, 4), S("not ")), holds = true;
    if (no || str_eq_nocase(str_sub(query, 0, 5), S("only ")))
        query = str_trim(str_sub(query, no ? 4 : 5, query.n));
    size_t n = 0;
    while (n < query.n && is_name(query.p[n]))
        n++;
    struct str type = str_sub(query, 0, n);
    if (n > 0 && !str_eq_nocase(type, S("all")) && !str_eq_nocase(type, S("screen")))
        holds = false;
    struct str rest = str_sub(query, n, query.n), piece;
    while (holds && str_cut(&rest, '(', &piece)) {
        struct str feature = str_sub(rest, 0, str_find_byte(rest, ')'));
        holds = feature.n == 0 || feature_holds(feature);
    }
    return holds != no;
}

bool css_media_holds(struct str queries)
{
    if (str_trim(queries).n == 0)
        return true;
    struct str query;
    while (str_cut(&queries, ',', &query))
        if (query_holds(query))
            return true;
    return false;
}

/* --- sheets --- */

struct order {
    struct str css;
    struct buf *into;
    size_t from;           /* what begins here is not copied yet */
    bool freed[DEPTH_MAX]; /* open braces: its at-rule is left out */
    size_t depth;
    char quote;
    bool awaits_value; /* behind a colon */
};

/* Copies up to `at`, puts `instead` there and goes on behind `to`. */
static enum err replace(struct order *o, size_t at, struct str instead, size_t to)
{
    try(buf_add(o->into, str_sub(o->css, o->from, at)));
    o->from = to;
    return buf_add(o->into, instead);
}

/* The at-rule at i is one whose rules hold: *ret_body is where they begin, behind the brace. */
static bool is_transparent(struct str css, size_t i, size_t *ret_body)
{
    size_t name = i + 1, end = name, brace = 0;
    while (end < css.n && is_name(css.p[end]))
        end++;
    struct str what = str_sub(css, name, end), prelude = str_sub(css, end, end + PRELUDE_MAX);
    while (brace < prelude.n && str_find_byte(S("{};@"), prelude.p[brace]) == 4)
        brace++;
    if (brace == prelude.n || prelude.p[brace] != '{')
        return false;
    prelude.n = brace;
    *ret_body = end + brace + 1;
    if (str_eq_nocase(what, S("media")) || str_eq_nocase(what, S("container")))
        return css_media_holds(prelude);
    if (str_eq_nocase(what, S("supports")))
        return !str_eq_nocase(str_sub(str_trim(prelude), 0, 4), S("not "));
    return str_eq_nocase(what, S("layer")) || str_eq_nocase(what, S("scope"));
}

/* A brace, which may be that of an at-rule. Beyond DEPTH_MAX nothing is freed. */
static enum err brace(struct order *o, size_t i)
{
    if (o->css.p[i] == '{') {
        if (o->depth < DEPTH_MAX)
            o->freed[o->depth] = false;
        o->depth++;
    } else if (o->depth > 0) {
        o->depth--;
        if (o->depth < DEPTH_MAX && o->freed[o->depth])
            return replace(o, i, S(" "), i + 1);
    }
    return OK;
}

/* Looks at what stands at i, and returns the last place of it. */
static enum err look_at(struct order *o, size_t i, size_t *ret_last)
{
    struct str css = o->css;
    char c = css.p[i];
    *ret_last = i;
    if (o->quote != '\0') {
        *ret_last += c == '\\';
        if (c == o->quote || c == '\n')
            o->quote = '\0';
        return OK;
    }
    if (c == '/' && str_starts(str_sub(css, i, css.n), S("/*"))) {
        size_t end = i + 2 + str_find(str_sub(css, i + 2, css.n), S("*/")) + 2;
        *ret_last = end - 1;
        return replace(o, i, S(" "), end);
    }
    /* An empty value becomes a wrong one: in lexbor 3.0 "color:;*zoom:1" is a loop without end. */
    enum err err = c == ';' && o->awaits_value ? replace(o, i, S("x"), i) : OK;
    size_t body;
    if (c == '\\')
        *ret_last = i + 1;
    else if (c == '"' || c == '\'')
        o->quote = c;
    else if (c == '@' && o->depth < DEPTH_MAX && is_transparent(css, i, &body)) {
        o->freed[o->depth++] = true;
        *ret_last = body - 1;
        err = replace(o, i, S(" "), body);
    } else if (c == '{' || c == '}')
        err = brace(o, i);
    if ((unsigned char)c > ' ')
        o->awaits_value = c == ':';
    return err;
}

/* lexbor drops a declaration with a comment before its colon, and takes the rest behind one that never ends
 * for a broken value. */
enum err css_put_in_order(struct str css, struct buf *into)
{
    struct order o = {.css = css, .into = into};
    for (size_t i = 0, last; i < css.n; i = last + 1)
        try(look_at(&o, i, &last));
    return o.from < css.n ? buf_add(into, str_sub(css, o.from, css.n)) : OK;
}
