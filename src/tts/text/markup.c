// SPDX-License-Identifier: Apache-2.0
#include "tts/text/markup.h"

#include "tts/text/inline.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A line of nothing but these is a rule, or the line under a title or a table's head. */
static bool is_ornament(struct str line)
{
    size_t marks = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\0' || strchr("-=_*~`|:+ \t", line.p[i]) == nullptr)
            return false;
        marks += line.p[i] != ' ' && line.p[i] != '\t';
    }
    return marks >= 3;
}

/* "[name]: https://…" says nothing, also with a title in quotes; what else stands there is text. */
static bool is_reference(struct str line)
{
    size_t close = str_find(line, S("]: "));
    if (close == line.n || !str_starts(line, S("[")) || str_starts(line, S("[^")))
        return false;
    struct str target = str_trim(str_sub(line, close + 3, line.n));
    size_t blank = str_find_byte(target, ' ');
    struct str title = str_trim(str_sub(target, blank, target.n));
    target = str_sub(target, 0, blank);
    bool quoted = title.n >= 2 && strchr("\"'(", title.p[0]) != nullptr &&
                  strchr("\"')", title.p[title.n - 1]) != nullptr;
    size_t dot = str_find_byte(target, '.');
    bool link = str_find_byte(target, '/') < target.n || dot + 1 < target.n ||
                str_starts(target, S("#")) || str_starts(target, S("<"));
    return link && (title.n == 0 || quoted);
}

/* The number of a list's item, with its full stop or bracket; 0: there is none. */
static size_t item_number(struct str line)
{
    size_t n = 0;
    while (n < line.n && n < 3 && is_digit(line.p[n]))
        n++;
    bool is_item = n > 0 && n + 1 < line.n && (line.p[n] == '.' || line.p[n] == ')') &&
                   is_blank(line.p[n + 1]);
    return is_item ? n : 0;
}

static bool take(struct str *line, struct str mark)
{
    if (!str_starts(*line, mark))
        return false;
    *line = str_trim(str_sub(*line, mark.n, line->n));
    return true;
}

static bool take_heading(struct str *line)
{
    size_t n = 0, end = line->n;
    while (n < line->n && n < 6 && line->p[n] == '#')
        n++;
    if (n == 0 || (n < line->n && !is_blank(line->p[n])))
        return false;
    while (end > n && line->p[end - 1] == '#')
        end--;
    bool closed = end > n && is_blank(line->p[end - 1]);
    *line = str_trim(str_sub(*line, n, closed ? end : line->n));
    return true;
}

/* Takes quotation, heading, bullet and task marks off the front. True if there was one that makes the
 * line stand alone. */
static bool take_marks(struct str *line)
{
    static const struct str bullets[] = {{"- ", 2},      {"* ", 2},      {"+ ", 2},
                                         {"\u2022 ", 4}, {"\u2023 ", 4}, {"\u25AA ", 4},
                                         {"\u25CF ", 4}};
    bool alone = false;
    for (;;) {
        size_t was = line->n;
        while (line->n < 2 || line->p[1] != '=' ? take(line, S(">")) : false)
            ;
        alone |= take_heading(line);
        for (size_t i = 0; i < sizeof bullets / sizeof *bullets; i++)
            alone |= take(line, bullets[i]);
        if (alone && !take(line, S("[ ] ")) && !take(line, S("[x] ")))
            (void)take(line, S("[X] "));
        if (line->n == was)
            return alone;
    }
}

static bool is_row(struct str line)
{
    return str_starts(line, S("|")) || str_find(line, S(" | ")) < line.n;
}

static enum err add_stop(struct buf *into)
{
    while (into->n > 0 && into->p[into->n - 1] == ' ')
        into->n--;
    bool has_one = into->n == 0 || into->p[into->n - 1] == MARKUP_STOP;
    return has_one ? OK : buf_add_byte(into, MARKUP_STOP);
}

static enum err add_line(struct str line, struct buf *into)
{
    bool alone = take_marks(&line);
    size_t number = item_number(line);
    bool row = is_row(line);
    if (alone || number > 0 || row)
        try(add_stop(into));
    if (number > 0) {
        try(buf_add(into, str_sub(line, 0, number)));
        try(buf_add_byte(into, MARKUP_PAUSE));
        line = str_sub(line, number + 1, line.n);
    }
    try(inline_strip(str_trim(line), row, into));
    return alone || number > 0 || row ? add_stop(into) : buf_add_byte(into, ' ');
}

enum err markup_strip(struct str text, struct str code, struct fence *in_code, struct buf *into)
{
    autobuf plain = BUF(text.n * MARKUP_GROWTH + code.n + 16);
    struct str line;
    while (str_cut(&text, '\n', &line)) {
        line = str_trim(line);
        if (fence_pass(in_code, line)) {
            if (in_code->mark != '\0' && code.n > 0 && plain.n + code.n + 2 <= plain.cap) {
                try(buf_add(&plain, code));
                try(buf_add_byte(&plain, ' '));
            }
            continue;
        }
        if (in_code->mark != '\0' || is_reference(line))
            continue;
        if (line.n == 0 || is_ornament(line))
            try(add_stop(&plain));
        else
            try(add_line(line, &plain));
    }
    return buf_add(into, buf_str(&plain));
}
