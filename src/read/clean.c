// SPDX-License-Identifier: Apache-2.0
#include "read/clean.h"

static const struct {
    uint32_t first, last;
} invisible[] = {
    {0xAD, 0xAD},       /* soft hyphen */
    {0x34F, 0x34F},     /* grapheme joiner */
    {0x61C, 0x61C},     /* Arabic letter mark */
    {0x115F, 0x1160},   /* Hangul fillers */
    {0x17B4, 0x17B5},   /* Khmer inherent vowels */
    {0x180B, 0x180F},   /* Mongolian selectors */
    {0x200B, 0x200F},   /* zero width, direction marks */
    {0x202A, 0x202E},   /* direction embedding and override */
    {0x2060, 0x206F},   /* word joiner, invisible operators, isolates */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xFE00, 0xFE0F},   /* variation selectors */
    {0xFEFF, 0xFEFF},   /* byte order mark */
    {0xFFA0, 0xFFA0},   /* Hangul filler, half width */
    {0xFFF0, 0xFFFC},   /* interlinear marks, object placeholder */
    {0x1BCA0, 0x1BCA3}, /* shorthand controls */
    {0x1D173, 0x1D17A}, /* musical controls */
    {0xE0000, 0xE0FFF}, /* tags, further variation selectors */
};

static bool is_invisible(uint32_t cp)
{
    for (size_t i = 0; i < sizeof invisible / sizeof *invisible && invisible[i].first <= cp; i++)
        if (cp <= invisible[i].last)
            return true;
    return false;
}

/* Scripts from Arabic to Khmer are misspelt without their joiners. */
static bool is_needed_joiner(uint32_t cp, uint32_t prev)
{
    return (cp == 0x200C || cp == 0x200D) && prev >= 0x600 && prev < 0x1800;
}

/* How many bytes of `rest` the next character has, and what it counts as: a code point, '\n' for any
 * line end, 0 for nothing. */
static size_t next_char(struct str rest, uint32_t prev, uint32_t *ret_cp, uint32_t *count)
{
    uint32_t cp;
    size_t n = utf8_next(rest, &cp);
    if (n == 0) {
        *ret_cp = 0;
        return 1;
    }
    if (cp == '\r') {
        cp = '\n';
        n += str_starts(str_sub(rest, 1, 2), S("\n"));
    } else if (cp == '\f' || cp == '\v' || cp == 0x85 || cp == 0x2028 || cp == 0x2029) {
        cp = '\n';
    } else if ((cp < 0x20 && cp != '\t' && cp != '\n') || (cp >= 0x7F && cp < 0xA0)) {
        cp = 0;
    } else if (is_invisible(cp) && !is_needed_joiner(cp, prev)) {
        *count += 1;
        cp = 0;
    }
    *ret_cp = cp;
    return n;
}

uint32_t clean_text(struct buf *text)
{
    struct str rest = buf_str(text);
    size_t out = 0, lines = 0; /* lines: line ends at the end of what is kept */
    uint32_t count = 0, prev = 0, cp;
    for (size_t n; rest.n > 0; rest = str_sub(rest, n, rest.n)) {
        n = next_char(rest, prev, &cp, &count);
        if (cp == 0)
            continue;
        prev = cp;
        if (cp == '\n') {
            while (out > 0 && (text->p[out - 1] == ' ' || text->p[out - 1] == '\t'))
                out--;
            if (out == 0 || lines == 2)
                continue;
            lines++;
            text->p[out++] = '\n';
            continue;
        }
        /* A blank at a line's start may yet turn out to be its end, so it does not end the run. */
        if (cp != ' ' && cp != '\t')
            lines = 0;
        if (n == 2 && cp == 0xA0) {
            text->p[out++] = ' ';
            continue;
        }
        memmove(text->p + out, rest.p, n);
        out += n;
    }
    while (out > 0 &&
           (text->p[out - 1] == ' ' || text->p[out - 1] == '\t' || text->p[out - 1] == '\n'))
        out--;
    text->n = out;
    return count;
}

uint32_t clean_line(struct buf *text, size_t max)
{
    uint32_t count = clean_text(text);
    size_t out = 0;
    for (size_t i = 0; i < text->n; i++) {
        char c = text->p[i];
        if (c != ' ' && c != '\t' && c != '\n')
            text->p[out++] = c;
        else if (out > 0 && text->p[out - 1] != ' ')
            text->p[out++] = ' ';
    }
    text->n = utf8_prefix((struct str){text->p, out}, max);
    while (text->n > 0 && text->p[text->n - 1] == ' ')
        text->n--;
    return count;
}
