// SPDX-License-Identifier: Apache-2.0
#include "tts/speakable.h"

#include "tts/symbols.h"

enum { TARGET_MAX = 2048, TAG_MAX = 512, CITATION_MAX = 12, ENTITY_MAX = 8 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters of all languages count: every byte of a longer code point is one. */
static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static bool clings(char c)
{
    return c == '.' || c == ',' || c == ';' || c == ':' || c == '!' || c == '?' || c == ')';
}

struct scan {
    struct str line;
    size_t at;
    unsigned brackets; /* open ones: a "]" may end a link's text */
    bool english;
    struct buf *into;
    size_t begin; /* where this call's output begins in `into` */
};

static char peek(const struct scan *s, size_t ahead)
{
    return ahead < s->line.n - s->at ? s->line.p[s->at + ahead] : '\0';
}

static char before(const struct scan *s)
{
    return s->at > 0 ? s->line.p[s->at - 1] : '\0';
}

static char last_out(const struct scan *s)
{
    return s->into->n > s->begin ? s->into->p[s->into->n - 1] : '\0';
}

/* One byte of output: blanks and commas never double, nor stand before the punctuation that clings. */
static enum err put(struct scan *s, char c)
{
    char last = last_out(s);
    if (is_blank(c))
        return last == '\0' || last == ' ' ? OK : buf_add_byte(s->into, ' ');
    if (clings(c) && last == ' ')
        s->into->n--;
    if (c == ',' && (last_out(s) == '\0' || clings(last_out(s))))
        return OK;
    if (clings(c) && c != ')' && last_out(s) == ',')
        s->into->n--; /* what the comma was to part has gone */
    return buf_add_byte(s->into, c);
}

static enum err put_all(struct scan *s, struct str words)
{
    for (size_t i = 0; i < words.n; i++)
        try(put(s, words.p[i]));
    return OK;
}

/* Length of an address at the scanner, or 0. Its trailing punctuation is the sentence's. */
static size_t address_at(const struct scan *s)
{
    static const char *const schemes[] = {"https://", "http://", "ftp://", "www.", "mailto:"};
    struct str rest = str_sub(s->line, s->at, s->line.n);
    if (is_word(before(s)))
        return 0;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct str scheme = str_of(schemes[i]);
        if (!str_eq_nocase(str_sub(rest, 0, scheme.n), scheme) || !is_word(peek(s, scheme.n)))
            continue;
        size_t n = scheme.n;
        while (n < rest.n && !is_blank(rest.p[n]) && strchr("<>\"`|)]}*", rest.p[n]) == nullptr)
            n++;
        while (n > scheme.n && strchr(".,;:!?'_", rest.p[n - 1]) != nullptr)
            n--;
        return n;
    }
    return 0;
}

/* Length of "(target)" or "[reference]" after a link's text, or 0. */
static size_t target_at(const struct scan *s, size_t ahead)
{
    char close = peek(s, ahead) == '(' ? ')' : peek(s, ahead) == '[' ? ']' : '\0';
    for (size_t n = ahead + 1; close != '\0' && n < TARGET_MAX && s->at + n < s->line.n; n++)
        if (peek(s, n) == close)
            return n + 1 - ahead;
    return 0;
}

/* Length of a citation or footnote mark, "[3]", "[1, 2](source)" or "[^note]", or 0. A year in
 * brackets is none. */
static size_t citation_at(const struct scan *s)
{
    bool note = peek(s, 1) == '^';
    unsigned digits = 0;
    for (size_t n = 1; s->at + n < s->line.n && n < (note ? TAG_MAX : CITATION_MAX); n++) {
        char c = peek(s, n);
        if (c == ']')
            return n > 1 ? n + 1 + (peek(s, n + 1) == '(' ? target_at(s, n + 1) : 0) : 0;
        digits = is_digit(c) ? digits + 1 : 0;
        if (!note && (digits > 3 || (digits == 0 && c != ',' && c != ' ' && c != '-')))
            return 0;
    }
    return 0;
}

/* Length of an HTML tag or comment at the scanner, or 0. */
static size_t tag_at(const struct scan *s)
{
    char c = peek(s, 1);
    if (c != '/' && c != '!' && !(is_word(c) && !is_digit(c)))
        return 0;
    for (size_t n = 2; n < TAG_MAX && s->at + n < s->line.n; n++)
        if (peek(s, n) == '>')
            return n + 1;
    return 0;
}

/* Length of "&name;" at the scanner, or 0. */
static size_t entity_at(const struct scan *s, struct str *ret_text)
{
    struct str rest = str_sub(s->line, s->at + 1, s->at + 1 + ENTITY_MAX);
    size_t n = str_find_byte(rest, ';');
    if (n == rest.n)
        return 0;
    struct str text = symbol_entity(str_sub(rest, 0, n));
    if (text.n == 0)
        return 0;
    *ret_text = text;
    return n + 2;
}

/* Between numbers or alone it means something; at the edge of a word it is emphasis. */
static bool is_operator(const struct scan *s)
{
    return (is_blank(before(s)) && is_blank(peek(s, 1))) ||
           (is_digit(before(s)) && is_digit(peek(s, 1)));
}

static enum err put_symbol(struct scan *s, uint32_t cp, size_t n)
{
    struct str words = str_sub(s->line, s->at, s->at + n);
    char next = peek(s, n);
    if (cp == '*' && s->english && is_operator(s))
        words = S(" times ");
    else if (cp == '#' && s->english && is_digit(next))
        words = S(" number ");
    else if (cp == '#' && s->english && is_word(before(s)) && !is_word(next))
        words = S(" sharp ");
    else if (cp == '~' && s->english && is_digit(next))
        words = S(" about ");
    else if (cp == 0x2013 && is_word(before(s)) && is_word(next))
        words = S("-");
    else if (cp == '-' && (next == '-' || is_blank(next)) &&
             (is_blank(before(s)) || before(s) == '-'))
        words = S(", ");
    else if (cp < 0x20 || cp == 0x7F || (cp >= 0x80 && cp < 0xA0))
        words = S(" ");
    else if (!symbol_spoken(cp, s->english, &words) && symbol_silent(cp))
        words = S("");
    s->at += n;
    return put_all(s, words);
}

/* One step over what is at the scanner. */
static enum err scan_one(struct scan *s)
{
    char c = peek(s, 0);
    size_t n;
    struct str text;
    if ((n = address_at(s)) > 0) {
        s->at += n;
        return put_all(s, S("link"));
    }
    if (c == '[' && (n = citation_at(s)) > 0) {
        s->at += n;
        return OK;
    }
    if (c == '!' && peek(s, 1) == '[') {
        s->at++;
        return OK;
    }
    if (c == '[')
        s->brackets++;
    if (c == ']' && s->brackets > 0) {
        s->brackets--;
        s->at += 1 + target_at(s, 1);
        return OK;
    }
    if (c == '<' && (n = tag_at(s)) > 0) {
        bool link = memchr(s->line.p + s->at, ':', n) != nullptr &&
                    memchr(s->line.p + s->at, ' ', n) == nullptr;
        s->at += n;
        return put_all(s, link ? S("link") : S(" "));
    }
    if (c == '&' && (n = entity_at(s, &text)) > 0) {
        s->at += n;
        (void)symbol_spoken((unsigned char)text.p[0], s->english, &text);
        return put_all(s, text);
    }
    if (c == '\\' && peek(s, 1) > ' ' && !is_word(peek(s, 1))) {
        s->at += 2; /* an escaped mark is a mark of the text, and those are not read out */
        return put(s, ' ');
    }
    uint32_t cp;
    n = utf8_next(str_sub(s->line, s->at, s->line.n), &cp);
    if (n == 0) {
        s->at++;
        return OK;
    }
    return put_symbol(s, cp, n);
}

/* A line of nothing but these is a rule, a fence or the line under a table's head. */
static bool is_ornament(struct str line)
{
    size_t marks = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (strchr("-=_*~`|:+ \t", line.p[i]) == nullptr)
            return false;
        marks += line.p[i] != ' ' && line.p[i] != '\t';
    }
    return marks >= 3;
}

static bool is_fence(struct str line)
{
    return str_starts(line, S("```")) || str_starts(line, S("~~~"));
}

/* Takes quotation, heading, bullet and task marks off the front. True if there was a mark that
 * makes the line stand alone. */
static bool take_marks(struct str *line)
{
    static const char *const marks[] = {"- ",      "* ",      "+ ",     "\u2022 ",
                                        "\u2023 ", "\u25AA ", "\u25CF "};
    bool alone = false;
    for (;;) {
        struct str was = *line = str_trim(*line);
        if (str_starts(*line, S(">")))
            *line = str_sub(*line, 1, line->n);
        size_t hashes = 0;
        while (hashes < line->n && hashes < 6 && line->p[hashes] == '#')
            hashes++;
        if (hashes > 0 && (hashes == line->n || is_blank(line->p[hashes])))
            *line = str_sub(*line, hashes, line->n), alone = true;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (str_starts(*line, str_of(marks[i])))
                *line = str_sub(*line, strlen(marks[i]), line->n), alone = true;
        if (alone && (str_starts(*line, S("[ ] ")) || str_starts(*line, S("[x] "))))
            *line = str_sub(*line, 4, line->n);
        if (line->n == was.n)
            return alone;
    }
}

/* A line that stood alone, or is followed by one, must not run on into the next. */
static enum err end_line(struct scan *s, bool alone)
{
    char last = last_out(s);
    if (last == '\0' || last == ' ')
        return OK;
    if (alone && !clings(last))
        try(buf_add_byte(s->into, '.'));
    return put(s, ' ');
}

enum err speakable(struct str text, bool english, struct buf *into)
{
    struct scan s = {.english = english, .into = into, .begin = into->n};
    struct str line;
    while (str_cut(&text, '\n', &line)) {
        line = str_trim(line);
        if (is_ornament(line) || is_fence(line))
            continue;
        bool alone = take_marks(&line);
        if (alone)
            try(end_line(&s, true));
        s.line = line;
        s.at = 0;
        while (s.at < s.line.n)
            try(scan_one(&s));
        while (last_out(&s) == ' ')
            into->n--;
        try(end_line(&s, alone && text.n > 0));
    }
    while (last_out(&s) == ' ' || last_out(&s) == ',')
        into->n--;
    return OK;
}
