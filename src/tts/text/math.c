// SPDX-License-Identifier: Apache-2.0
#include "tts/text/inline.h"

enum { COMMAND_MAX = 24, DEPTH_MAX = 16 };

/* Commands that are not said by their own name, as "alpha" is. */
static const struct {
    const char *name, *text;
} commands[] = {
    {"times", "×"},   {"cdot", "×"},       {"ast", "×"},        {"div", "÷"},
    {"pm", "±"},      {"leq", "≤"},        {"le", "≤"},         {"geq", "≥"},
    {"ge", "≥"},      {"neq", "≠"},        {"ne", "≠"},         {"approx", "≈"},
    {"to", "→"},      {"rightarrow", "→"}, {"Rightarrow", "→"}, {"sqrt", "√"},
    {"infty", "∞"},   {"sum", "∑"},        {"int", "∫"},        {"in", "∈"},
    {"ldots", "..."}, {"dots", "..."},     {"cdots", "..."},    {"left", ""},
    {"right", ""},    {"text", ""},        {"mathrm", ""},      {"mathbf", ""},
    {"mathit", ""},   {"quad", ""},        {"qquad", ""},       {"displaystyle", ""},
    {"frac", ""},     {"dfrac", ""},       {"tfrac", ""},       {"degree", "°"},
    {"circ", "°"},    {"percent", "%"},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* An open brace: of a fraction the first has a stroke behind it. */
enum brace : uint8_t { BRACE_PLAIN, BRACE_TOP, BRACE_BOTTOM };

struct tex {
    struct str rest;
    struct buf *into;
    enum brace open[DEPTH_MAX], next;
    size_t depth;
};

static enum err add(struct tex *t, const char *text)
{
    try(buf_add_byte(t->into, ' '));
    return buf_add(t->into, str_of(text));
}

static enum err add_command(struct tex *t)
{
    size_t n = 1;
    while (n < t->rest.n && n < COMMAND_MAX && is_letter(t->rest.p[n]))
        n++;
    struct str name = str_sub(t->rest, 1, n);
    if (name.n == 0) { /* a thin blank, an escaped sign */
        char c = t->rest.n > 1 ? t->rest.p[1] : ' ';
        t->rest = str_sub(t->rest, 2, t->rest.n);
        return buf_add_byte(t->into, c == '%' || c == '$' || c == '#' ? c : ' ');
    }
    t->rest = str_sub(t->rest, n, t->rest.n);
    if (str_ends(name, S("frac")))
        t->next = BRACE_TOP;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (str_eq(name, str_of(commands[i].name)))
            return add(t, commands[i].text);
    try(buf_add_byte(t->into, ' '));
    try(buf_add(t->into, name));
    return buf_add_byte(t->into, ' ');
}

static enum err close_brace(struct tex *t)
{
    if (t->depth == 0)
        return OK;
    t->depth--;
    if (t->depth >= DEPTH_MAX || t->open[t->depth] != BRACE_TOP)
        return buf_add_byte(t->into, ' ');
    t->next = BRACE_BOTTOM;
    return add(t, "\u2215 "); /* a fraction's stroke */
}

enum err math_strip(struct str tex, struct buf *into)
{
    struct tex t = {.rest = tex, .into = into};
    while (t.rest.n > 0) {
        char c = t.rest.p[0];
        if (c == '\\') {
            try(add_command(&t));
            continue;
        }
        t.rest = str_sub(t.rest, 1, t.rest.n);
        if (c == '{') {
            if (t.depth < DEPTH_MAX)
                t.open[t.depth] = t.next;
            t.depth++;
            t.next = BRACE_PLAIN;
        } else if (c == '}') {
            try(close_brace(&t));
        } else if (c == '_') {
            try(add(&t, "\u02CD ")); /* a low line that is none of Markdown's */
        } else if (c == '&' || c == '~' || (unsigned char)c < ' ') {
            try(buf_add_byte(into, ' '));
        } else {
            try(buf_add_byte(into, c));
        }
    }
    return OK;
}
