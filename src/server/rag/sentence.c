// SPDX-License-Identifier: Apache-2.0
#include "server/rag/sentence.h"

#include "base/abbreviation.h"

enum { CODE_MAX = 16 * 1024 /* a fence that is not closed within this is no fence */ };

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct str line_at(struct str text, size_t at)
{
    struct str rest = str_sub(text, at, at + SENTENCE_MAX); /* its beginning is enough to know it */
    return str_sub(rest, 0, str_find_byte(rest, '\n'));
}

static bool is_fence(struct str line)
{
    return fence_opens(str_trim(line)).mark != '\0';
}

static bool is_heading(struct str line)
{
    size_t marks = 0;
    while (marks < line.n && line.p[marks] == '#')
        marks++;
    return marks >= 1 && marks <= 6 && marks < line.n && line.p[marks] == ' ';
}

static bool is_item(struct str line)
{
    if (str_starts(line, S("- ")) || str_starts(line, S("* ")) || str_starts(line, S("• ")))
        return true;
    size_t digits = 0;
    while (digits < line.n && is_digit(line.p[digits]))
        digits++;
    if (digits >= 1 && digits <= 3 && digits + 1 < line.n && line.p[digits + 1] == ' ' &&
        (line.p[digits] == '.' || line.p[digits] == ')'))
        return true;
    return str_find(line, S(" | ")) < line.n;
}

/* What a line is, by how it looks. */
static enum sentence_kind line_kind(struct str line)
{
    line = str_trim(line);
    return is_fence(line)     ? SENTENCE_CODE
           : is_heading(line) ? SENTENCE_HEADING
           : is_item(line)    ? SENTENCE_ITEM
                              : SENTENCE_PLAIN;
}

/* The word before the full stop at i. */
static struct str word_before(struct str text, size_t from, size_t i)
{
    size_t start = i;
    while (start > from && !is_blank(text.p[start - 1]) && text.p[start - 1] != '(')
        start--;
    return str_sub(text, start, i);
}

static bool is_closer(char c)
{
    return c == '"' || c == '\'' || c == ')' || c == ']' || c == '`' || c == '*';
}

/* Where a sentence whose last mark stands at i ends, quotes and brackets included; 0: it goes on. */
static size_t end_at_mark(struct str text, size_t from, size_t i)
{
    static const char *const wide[] = {"。", "！", "？"};
    for (int k = 0; k < 3; k++)
        if (str_starts(str_sub(text, i, text.n), str_of(wide[k])))
            return i + strlen(wide[k]);
    char c = text.p[i];
    if (c != '.' && c != '!' && c != '?')
        return 0;
    size_t end = i + 1;
    while (end < text.n && end < i + 8 &&
           (is_closer(text.p[end]) || str_starts(str_sub(text, end, text.n), S("”"))))
        end += (unsigned char)text.p[end] < 0x80 ? 1 : strlen("”");
    if (end < text.n && !is_blank(text.p[end]))
        return 0;
    /* What follows must be seen a little way only. */
    struct str after = str_sub(text, end, end + 64);
    bool goes_on =
        c == '.' && abbreviation_at(word_before(text, from, i), after, false) == ABBREVIATION_YES;
    return goes_on ? 0 : end;
}

/* The best place to cut what has no end of its own: a line end for code, else a blank. */
static size_t cut(struct str text, size_t from, char at_best)
{
    struct str rest = str_sub(text, from, text.n);
    size_t n = utf8_prefix(rest, SENTENCE_MAX);
    for (size_t i = n; i > SENTENCE_MAX * 2 / 3; i--)
        if (rest.p[i - 1] == at_best)
            return from + i;
    return at_best == '\n' ? cut(text, from, ' ') : from + (n ? n : 1);
}

static size_t plain_end(struct str text, size_t from, enum sentence_kind kind)
{
    /* The number of an item is no sentence. */
    size_t i = from;
    while (kind == SENTENCE_ITEM && i < text.n && (is_digit(text.p[i]) || text.p[i] == '.'))
        i++;
    for (; i < text.n; i++) {
        if (i - from >= SENTENCE_MAX)
            return cut(text, from, ' ');
        if (text.p[i] == '\n') {
            struct str next = str_trim(line_at(text, i + 1));
            if (kind == SENTENCE_HEADING || next.n == 0 || line_kind(next) != SENTENCE_PLAIN)
                return i;
        } else if (kind != SENTENCE_HEADING) {
            size_t end = end_at_mark(text, from, i);
            if (end)
                return end;
        }
    }
    return text.n;
}

/* Behind the fence that closes `open`; 0: there is none near enough. */
static size_t closing_fence(struct str text, size_t at, struct fence open)
{
    size_t limit = at + CODE_MAX;
    while (at < text.n && at < limit) {
        struct str line = line_at(text, at);
        if (fence_pass(&open, str_trim(line)))
            return at + line.n;
        at += line.n + 1;
    }
    return 0;
}

static size_t code_end(struct sentences *all, size_t from)
{
    struct str text = all->text;
    struct fence open = all->open;
    bool goes_on = open.mark != '\0';
    size_t body = from;
    if (!goes_on) {
        struct str first = line_at(text, from);
        open = fence_opens(str_trim(first));
        body += first.n + 1;
    }
    size_t end = closing_fence(text, body, open);
    if (!end && !goes_on)
        return plain_end(text, from, SENTENCE_PLAIN);
    end = end ? end : text.n;
    bool is_cut = end - from > SENTENCE_MAX;
    all->open = is_cut ? open : (struct fence){};
    return is_cut ? cut(text, from, '\n') : end;
}

bool sentence_next(struct sentences *all, struct sentence *ret_sentence)
{
    struct str text = all->text;
    size_t at = all->at;
    while (at < text.n && is_blank(text.p[at]))
        at++;
    if (at >= text.n) {
        all->at = text.n;
        return false;
    }
    size_t line = at;
    while (line > all->at && text.p[line - 1] != '\n')
        line--;
    bool begins_line = line == 0 || text.p[line - 1] == '\n';
    enum sentence_kind kind = all->open.mark ? SENTENCE_CODE
                              : begins_line  ? line_kind(line_at(text, at))
                                             : SENTENCE_PLAIN;
    size_t end = kind == SENTENCE_CODE ? code_end(all, at) : plain_end(text, at, kind);
    all->at = end;
    *ret_sentence =
        (struct sentence){.text = str_trim(str_sub(text, at, end)), .from = at, .kind = kind};
    return true;
}

bool sentence_is_row(const struct sentence *s)
{
    return s->kind == SENTENCE_ITEM && str_find(s->text, S(" | ")) < s->text.n;
}
