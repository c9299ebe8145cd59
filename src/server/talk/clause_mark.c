// SPDX-License-Identifier: Apache-2.0
#include "server/talk/clause_mark.h"

#include "base/abbreviation.h"

enum {
    CLOSERS_MAX = 8,  /* closing marks in a row that belong to the clause */
    BLANKS_MAX = 64,  /* how far the next word is looked for */
    WORD_MAX = 16,    /* of the next word, this much is read */
    CITATION_MAX = 8, /* "[12]" behind a full stop */
    RUN_MAX = 32,     /* "....", "?!?!" */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* Unicode's white space beyond ASCII; no-break spaces too, since who writes one behind a full stop
 * means no more than a blank. */
static bool is_wide_space(uint32_t cp)
{
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

static size_t space_at(struct str text, size_t at)
{
    uint32_t cp;
    if (at < text.n && (text.p[at] == ' ' || (text.p[at] >= '\t' && text.p[at] <= '\r')))
        return 1;
    size_t n = utf8_next(str_sub(text, at, text.n), &cp);
    return n > 1 && is_wide_space(cp) ? n : 0;
}

size_t cut_space(struct str text)
{
    size_t n = 0, one;
    while ((one = space_at(text, n)) > 0)
        n += one;
    return n;
}

/* At `at` the text ends, or ends in a code point that has not arrived whole. */
static bool is_unknown(struct str text, size_t at)
{
    uint32_t cp;
    return at >= text.n || (text.n - at < 4 && (unsigned char)text.p[at] >= 0xC2 &&
                            utf8_next(str_sub(text, at, text.n), &cp) == 0);
}

enum mark { MARK_NONE, MARK_PAUSE, MARK_STOP, MARK_WIDE_PAUSE, MARK_WIDE_STOP };

/* By what a mark ends, and whether white space must follow it: not in writing without blanks. */
static enum mark mark_of(uint32_t cp)
{
    switch (cp) {
    case '.':
    case '!':
    case '?':
    case 0x0589: /* Armenian full stop */
    case 0x061F: /* Arabic question mark */
    case 0x06D4: /* Urdu full stop */
    case 0x0964: /* danda */
    case 0x0965: /* double danda */
    case 0x104B: /* Burmese full stop */
    case 0x1362: /* Ethiopic full stop */
    case 0x17D4: /* Khmer full stop */
    case 0x203C: /* !! */
    case 0x2026: /* ellipsis */
    case 0x2047: /* ?? */
    case 0x2048: /* ?! */
    case 0x2049: /* !? */
        return MARK_STOP;
    case ',':
    case ';':
    case ':':
    case 0x060C: /* Arabic comma */
    case 0x061B: /* Arabic semicolon */
    case 0x2013: /* en dash */
        return MARK_PAUSE;
    case 0x3002: /* ideographic full stop */
    case 0xFF01: /* fullwidth ! */
    case 0xFF0E: /* fullwidth full stop */
    case 0xFF1F: /* fullwidth ? */
    case 0xFF61: /* halfwidth ideographic full stop */
        return MARK_WIDE_STOP;
    case 0x2014: /* em dash */
    case 0x3001: /* ideographic comma */
    case 0xFF0C: /* fullwidth comma */
    case 0xFF1A: /* fullwidth : */
    case 0xFF1B: /* fullwidth ; */
    case 0xFF64: /* halfwidth ideographic comma */
        return MARK_WIDE_PAUSE;
    default:
        return MARK_NONE;
    }
}

static bool is_closer(uint32_t cp, bool *ret_goes_on)
{
    switch (cp) {
    case 0x300D: /* what was said in 「」 is followed by who said it */
    case 0x300F:
        *ret_goes_on = true;
        return true;
    case '"':
    case '\'':
    case ')':
    case ']':
    case '}':
    case '*':
    case '_':
    case '~':
    case 0xBB:
    case 0x2019:
    case 0x201C: /* closes in German */
    case 0x201D:
    case 0x203A:
    case 0x3011:
    case 0x300B:
    case 0xFF09:
        return true;
    default:
        return false;
    }
}

/* What stands between the mark and the next word. */
struct behind {
    size_t closed; /* behind closing quotes, brackets and citations */
    size_t next;   /* the next word */
    bool has_closers, goes_on, has_space, has_line_end;
    bool is_unknown;
};

/* Length of "[12]" or "[^note]" at `at`, or 0; what could still become one is unknown. */
static size_t citation_at(struct str text, size_t at, bool *ret_unknown)
{
    if (at >= text.n || text.p[at] != '[')
        return 0;
    for (size_t n = 1; n < CITATION_MAX; n++) {
        if (at + n >= text.n) {
            *ret_unknown = true;
            return 0;
        }
        char c = text.p[at + n];
        if (c == ']')
            return n > 1 ? n + 1 : 0;
        if (!is_digit(c) && (n > 1 || c != '^') && text.p[at + 1] != '^')
            return 0;
    }
    return 0;
}

static struct behind look_behind(struct str text, size_t at)
{
    struct behind b = {.closed = at};
    for (size_t i = 0; i < CLOSERS_MAX && !is_unknown(text, b.closed); i++) {
        uint32_t cp;
        size_t n = utf8_next(str_sub(text, b.closed, text.n), &cp);
        if (n == 0 || !is_closer(cp, &b.goes_on))
            n = citation_at(text, b.closed, &b.is_unknown);
        if (n == 0)
            break;
        b.closed += n;
        b.has_closers = true;
    }
    b.next = b.closed;
    size_t n;
    while (b.next - b.closed < BLANKS_MAX && (n = space_at(text, b.next)) > 0) {
        b.has_space = true;
        b.has_line_end |= text.p[b.next] == '\n';
        b.next += n;
    }
    b.is_unknown |= is_unknown(text, b.closed);
    return b;
}

/* Only marks of structure stand before `at` on its line: what is there is the number of an item. */
static bool begins_line(struct str text, size_t line, size_t at)
{
    for (size_t i = line; i < at; i++)
        if (strchr(" \t>*-+#", text.p[i]) == nullptr || text.p[i] == '\0')
            return false;
    return true;
}

static bool is_number(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (!is_digit(word.p[i]) && (word.p[i] != '.' || i == 0))
            return false;
    return word.n > 0;
}

/* Months of languages whose ordinals are written with a full stop ("am 3. Mai"). */
static bool is_month(struct str word)
{
    static const char *const months[] = {"Januar",   "Februar",  "März",   "April",     "Mai",
                                         "Juni",     "Juli",     "August", "September", "Oktober",
                                         "Dezember", "November", "May"};
    for (size_t i = 0; i < sizeof months / sizeof *months; i++)
        if (str_eq(word, str_of(months[i])))
            return true;
    return false;
}

/* The full stop at `dot` behind a number: an item's, an ordinal's, or the sentence's. */
static enum cut after_number(struct str text, size_t line, size_t start, size_t dot, size_t next,
                             bool grows)
{
    if (dot - start <= 3 && begins_line(text, line, start))
        return CUT_NONE;
    if (is_unknown(text, next))
        return grows ? CUT_WAIT : CUT_HARD;
    if (is_lower(text.p[next]))
        return CUT_NONE;
    size_t n = 0;
    while (n < WORD_MAX && next + n < text.n &&
           ((unsigned char)text.p[next + n] >= 0x80 || is_lower((char)(text.p[next + n] | 0x20))))
        n++;
    if (dot - start > 2)
        return CUT_HARD;
    if (next + n == text.n && grows)
        return CUT_WAIT;
    return is_month(str_sub(text, next, next + n)) ? CUT_NONE : CUT_HARD;
}

/* The full stop at `dot` with white space behind it, and `next` behind that. */
static enum cut after_stop(struct str text, size_t from, size_t line, size_t dot, size_t next,
                           bool grows)
{
    size_t start = dot;
    while (start > from && space_at(text, start - 1) == 0 &&
           strchr("(\"[*", text.p[start - 1]) == nullptr)
        start--;
    struct str word = str_sub(text, start, dot);
    if (word.n == 0 && (start == from || text.p[start - 1] == ' '))
        return CUT_NONE; /* ". . ." */
    if (is_number(word))
        return after_number(text, line, start, dot, next, grows);
    switch (abbreviation_at(word, str_sub(text, dot + 1, dot + 1 + BLANKS_MAX + WORD_MAX), grows)) {
    case ABBREVIATION_UNCLEAR:
        return CUT_WAIT;
    case ABBREVIATION_YES:
        return CUT_NONE;
    default:
        return CUT_HARD;
    }
}

/* A comma or a dash between numbers parts a date, groups of digits or a range: "May 5, 2026". */
static enum cut after_pause(struct str text, size_t at, const struct behind *b, bool grows)
{
    size_t before = at;
    while (before > 0 && at - before < 2 && text.p[before - 1] == ' ')
        before--;
    if (text.p[at] == ':' || text.p[at] == ';' || before == 0 || !is_digit(text.p[before - 1]))
        return CUT_SOFT;
    if (is_unknown(text, b->next))
        return grows ? CUT_WAIT : CUT_SOFT;
    return is_digit(text.p[b->next]) ? CUT_NONE : CUT_SOFT;
}

/* A quotation or an ellipsis, with which a sentence may go on: in a small letter, it does. */
static enum cut unless_small(struct str text, const struct behind *b, bool grows)
{
    if (b->has_line_end)
        return CUT_HARD;
    if (is_unknown(text, b->next))
        return grows ? CUT_WAIT : CUT_HARD;
    return is_lower(text.p[b->next]) ? CUT_SOFT : CUT_HARD;
}

/* Behind marks in a row: "?!", "...". */
static size_t run_end(struct str text, size_t at, enum mark *ret_mark)
{
    uint32_t cp;
    size_t end = at;
    for (size_t i = 0; i < RUN_MAX; i++) {
        size_t n = utf8_next(str_sub(text, end, text.n), &cp);
        enum mark mark = n > 0 ? mark_of(cp) : MARK_NONE;
        if (mark != MARK_STOP && mark != MARK_WIDE_STOP)
            break;
        *ret_mark = mark;
        end += n;
    }
    return end;
}

enum cut cut_at(struct str text, size_t from, size_t line, size_t at, bool grows, size_t *ret_len)
{
    uint32_t cp;
    if (is_unknown(text, at) && grows)
        return CUT_WAIT;
    size_t len = utf8_next(str_sub(text, at, text.n), &cp);
    *ret_len = len > 0 ? len : 1; /* a stray byte */
    enum mark mark = len > 0 ? mark_of(cp) : MARK_NONE;
    if (mark == MARK_NONE)
        return CUT_NONE;
    size_t end = at + len;
    if (mark == MARK_STOP || mark == MARK_WIDE_STOP)
        end = run_end(text, at, &mark);
    bool is_single = end - at == 1, is_ellipsis = cp == 0x2026 || (cp == '.' && !is_single);
    struct behind b = look_behind(text, end);
    if (b.is_unknown)
        return grows ? CUT_WAIT : CUT_NONE;
    *ret_len = b.closed - at;
    if (mark == MARK_WIDE_STOP)
        return b.goes_on ? CUT_NONE : CUT_HARD;
    if (mark == MARK_WIDE_PAUSE)
        return CUT_SOFT;
    if (!b.has_space)
        return CUT_NONE;
    if (mark == MARK_PAUSE)
        return after_pause(text, at, &b, grows);
    if (cp == '.' && is_single && !b.has_closers)
        return after_stop(text, from, line, at, b.next, grows);
    if (!is_ellipsis && !b.has_closers)
        return CUT_HARD;
    if (cp == '.' && is_single) {
        enum cut cut = after_stop(text, from, line, at, b.next, grows);
        if (cut != CUT_HARD)
            return cut;
    }
    return unless_small(text, &b, grows);
}
