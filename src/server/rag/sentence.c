// SPDX-License-Identifier: Apache-2.0
#include "server/rag/sentence.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct str line_at(struct str text, size_t at)
{
    size_t end = at + str_find_byte(str_sub(text, at, text.n), '\n');
    return str_sub(text, at, end);
}

/* What a line is by how it begins. */
static enum sentence_kind line_kind(struct str line)
{
    size_t i = 0;
    while (i < line.n && is_blank(line.p[i]))
        i++;
    struct str rest = str_sub(line, i, line.n);
    if (str_starts(rest, S("#")))
        return SENTENCE_HEADING;
    if (i >= 4 || str_starts(rest, S("```")))
        return SENTENCE_CODE;
    if (str_starts(rest, S("- ")) || str_starts(rest, S("* ")) || str_starts(rest, S("| ")) ||
        str_starts(rest, S("• ")))
        return SENTENCE_ITEM;
    size_t digits = 0;
    while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9')
        digits++;
    if (digits && digits < 4 && digits + 1 < rest.n &&
        (rest.p[digits] == '.' || rest.p[digits] == ')') && rest.p[digits + 1] == ' ')
        return SENTENCE_ITEM;
    return SENTENCE_PLAIN;
}

static const char *const abbreviations[] = {"e.g",  "i.e", "etc", "dr",  "mr", "mrs",   "ms",
                                            "prof", "vs",  "no",  "fig", "cf", "approx"};

static bool ends_sentence(struct str text, size_t i)
{
    char c = text.p[i];
    if (c != '.' && c != '!' && c != '?')
        return false;
    size_t next = i + 1;
    while (next < text.n && (text.p[next] == '"' || text.p[next] == ')' || text.p[next] == '\'' ||
                             text.p[next] == '`' || text.p[next] == '*'))
        next++;
    if (next < text.n && text.p[next] != ' ' && text.p[next] != '\n')
        return false;
    if (c != '.')
        return true;
    size_t start = i;
    while (start > 0 && !is_blank(text.p[start - 1]) && text.p[start - 1] != '\n' &&
           text.p[start - 1] != '(')
        start--;
    struct str word = str_sub(text, start, i);
    for (size_t k = 0; k < sizeof abbreviations / sizeof *abbreviations; k++)
        if (str_eq_nocase(word, str_of(abbreviations[k])))
            return false;
    return !(word.n == 1 && word.p[0] >= 'A' && word.p[0] <= 'Z' && word.p[0] != 'I');
}

/* The end of a sentence that starts on a line of the given kind. */
static size_t find_end(struct str text, size_t from, enum sentence_kind kind)
{
    for (size_t i = from; i < text.n; i++) {
        if (text.p[i] == '\n') {
            struct str next = line_at(text, i + 1);
            if (kind != SENTENCE_PLAIN && kind != SENTENCE_ITEM)
                return i;
            if (str_trim(next).n == 0 || line_kind(next) != SENTENCE_PLAIN)
                return i;
        } else if (kind == SENTENCE_PLAIN || kind == SENTENCE_ITEM) {
            /* "1." of an item is no end. */
            bool item_number = kind == SENTENCE_ITEM && i - from < 4;
            if (!item_number && ends_sentence(text, i)) {
                while (i + 1 < text.n && text.p[i + 1] != ' ' && text.p[i + 1] != '\n')
                    i++;
                return i + 1;
            }
        }
    }
    return text.n;
}

bool sentence_next(struct str text, size_t at, struct sentence *ret_sentence)
{
    size_t line = at;
    while (at < text.n && (is_blank(text.p[at]) || text.p[at] == '\n')) {
        if (text.p[at] == '\n')
            line = at + 1;
        at++;
    }
    if (at >= text.n)
        return false;
    bool at_line_start = line == 0 || text.p[line - 1] == '\n';
    enum sentence_kind kind = at_line_start ? line_kind(line_at(text, line)) : SENTENCE_PLAIN;
    size_t end = find_end(text, at, kind);
    if (end <= at)
        end = at + 1;
    size_t to = end;
    while (to < text.n && (is_blank(text.p[to]) || text.p[to] == '\n'))
        to++;
    *ret_sentence = (struct sentence){
        .text = str_trim(str_sub(text, at, end)), .from = at, .to = to, .kind = kind};
    return true;
}
