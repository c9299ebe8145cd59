// SPDX-License-Identifier: Apache-2.0
#include "tts/text/inline.h"

#include "tts/text/markup.h"
#include "tts/text/symbols.h"

enum {
    TARGET_MAX = 2048,
    TAG_MAX = 512,
    CITATION_MAX = 12,
    NOTE_MAX = 64,
    MATH_MAX = 256,
    ENTITY_MAX = 10
};

struct line {
    struct str text;
    size_t at;
    unsigned brackets; /* open ones: a "]" may end a link's text */
    bool row;
    struct buf *into;
};

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

static char peek(const struct line *l, size_t ahead)
{
    return l->at + ahead < l->text.n ? l->text.p[l->at + ahead] : '\0';
}

static char before(const struct line *l)
{
    return l->at > 0 ? l->text.p[l->at - 1] : '\0';
}

static bool is_blank(char c)
{
    return c == '\0' || c == ' ' || c == '\t';
}

static enum err add_blank(struct buf *into)
{
    char last = into->n > 0 ? into->p[into->n - 1] : ' ';
    return last == ' ' || last == MARKUP_STOP ? OK : buf_add_byte(into, ' ');
}

/* Length of "(target)" or "[reference]" after a link's text, or 0. Brackets within it are in pairs. */
static size_t target_ahead(const struct line *l, size_t from)
{
    char open = peek(l, from), close = open == '(' ? ')' : open == '[' ? ']' : '\0';
    unsigned depth = 0;
    for (size_t n = from; close != '\0' && n < TARGET_MAX && l->at + n < l->text.n; n++) {
        depth += peek(l, n) == open;
        depth -= peek(l, n) == close;
        if (depth == 0)
            return n + 1 - from;
    }
    return 0;
}

/* Length of a citation or footnote mark, "[3]", "[1, 2](source)" or "[^note]", or 0. A year in
 * brackets is none. */
static size_t citation_ahead(const struct line *l)
{
    bool note = peek(l, 1) == '^';
    unsigned digits = 0;
    for (size_t n = 1; n < (note ? NOTE_MAX : CITATION_MAX) && l->at + n < l->text.n; n++) {
        char c = peek(l, n);
        if (c == ']' && n > 1)
            return n + 1 +
                   (note && peek(l, n + 1) == ':' ? 1
                    : peek(l, n + 1) == '('       ? target_ahead(l, n + 1)
                                                  : 0);
        digits = is_digit(c) ? digits + 1 : 0;
        if (!note && (digits > 3 || (digits == 0 && c != ',' && c != ' ' && c != '-')))
            return 0;
    }
    return 0;
}

/* "<https://…>" and "<me@x.org>": the address stays. */
static bool is_autolink(struct str tag)
{
    return (str_find_byte(tag, ':') < tag.n || str_find_byte(tag, '@') < tag.n) &&
           str_find_byte(tag, ' ') == tag.n && str_find_byte(tag, '"') == tag.n;
}

/* Elements of HTML and of the notations for speech; another word is one of the text, "List<String>". */
static bool is_element(struct str name)
{
    static const char all[] =
        "a abbr address article aside audio b bdi bdo blockquote body br button canvas caption center "
        "cite code col colgroup data dd del details dfn div dl dt em embed fieldset figcaption figure "
        "font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend "
        "li link main map mark meta nav object ol optgroup option output p picture pre q s samp script "
        "section select small source span strike strong style sub summary sup svg table tbody td "
        "template textarea tfoot th thead time title tr tt u ul var video wbr speak voice prosody "
        "emphasis break phoneme think thinking";
    for (struct str rest = str_of(all), one; str_cut(&rest, ' ', &one);)
        if (str_eq_nocase(name, one))
            return true;
    return false;
}

/* Length of a tag's attribute with the blanks before it, so far into `tag`, or 0. */
static size_t attribute_at(struct str tag, size_t from, bool *ret_value)
{
    size_t at = from;
    while (at < tag.n && (tag.p[at] == ' ' || tag.p[at] == '\t'))
        at++;
    size_t name = at;
    while (at < tag.n && (is_word(tag.p[at]) || strchr("_.:-", tag.p[at]) != nullptr))
        at++;
    if (name == from || at == name || is_digit(tag.p[name]))
        return 0;
    *ret_value = at < tag.n && tag.p[at] == '=';
    if (!*ret_value)
        return at - from;
    at++;
    char quote = at < tag.n && (tag.p[at] == '"' || tag.p[at] == '\'') ? tag.p[at] : '\0';
    size_t begin = at += quote != '\0';
    while (at < tag.n && (quote ? tag.p[at] != quote : strchr(" \"'=<>`", tag.p[at]) == nullptr))
        at++;
    if (quote != '\0')
        return at < tag.n ? at + 1 - from : 0;
    return at > begin ? at - from : 0;
}

/* Length of an HTML tag (CommonMark 0.31, 6.6), a comment or an address in its brackets, or 0. */
static size_t tag_ahead(const struct line *l)
{
    struct str rest = str_sub(l->text, l->at, l->at + TAG_MAX);
    if (str_starts(rest, S("<!--"))) {
        size_t end = str_find(rest, S("-->"));
        return end < rest.n ? end + 3 : 0;
    }
    size_t end = str_find_byte(rest, '>');
    if (end < rest.n && (peek(l, 1) == '!' || is_autolink(str_sub(rest, 1, end))))
        return end + 1;
    bool closes = peek(l, 1) == '/', value, plain = false, valued = false;
    size_t begin = 1 + closes, at = begin, n;
    while (at < rest.n && ((unsigned char)rest.p[at] < 0x80) &&
           (is_word(rest.p[at]) || rest.p[at] == '-'))
        at++;
    struct str name = str_sub(rest, begin, at);
    if (name.n == 0 || is_digit(name.p[0]) || name.p[0] == '-')
        return 0;
    while ((n = attribute_at(rest, at, &value)) > 0) {
        at += n;
        plain |= !value;
        valued |= value;
    }
    while (at < rest.n && (rest.p[at] == ' ' || rest.p[at] == '\t'))
        at++;
    at += at < rest.n && rest.p[at] == '/';
    bool known = closes || valued || str_find_byte(name, '-') < name.n || is_element(name);
    bool compares = plain && !valued && is_word(before(l)); /* "a<b and c>d" */
    return at < rest.n && rest.p[at] == '>' && known && !compares ? at + 1 : 0;
}

/* "List<String>", "Map<K, V>": length of what is in the brackets with them, or 0. */
static size_t generic_ahead(const struct line *l)
{
    if (!is_word(before(l)))
        return 0;
    for (size_t n = 1; n < ENTITY_MAX * 4; n++) {
        char c = peek(l, n);
        if (c == '>')
            return n > 1 ? n + 1 : 0;
        if (!is_word(c) && c != ',' && c != '_' && !(c == ' ' && peek(l, n - 1) == ','))
            return 0;
    }
    return 0;
}

/* Length of "$…$", "$$…$$", "\(…\)" or "\[…\]", and what is in it; 0: it is none. Dollars around
 * money are none. */
static size_t math_ahead(const struct line *l, struct str *ret_tex)
{
    struct str rest = str_sub(l->text, l->at, l->at + MATH_MAX);
    struct str close = str_starts(rest, S("$$"))    ? S("$$")
                       : str_starts(rest, S("\\(")) ? S("\\)")
                       : str_starts(rest, S("\\[")) ? S("\\]")
                                                    : S("$");
    bool dollar = close.n == 1;
    struct str tex = str_sub(rest, close.n, rest.n);
    size_t n = str_find(tex, close);
    if (n == tex.n || n == 0)
        return 0;
    char behind = n + close.n < tex.n ? tex.p[n + close.n] : '\0';
    tex = str_sub(tex, 0, n);
    if (dollar && (is_blank(tex.p[0]) || is_blank(tex.p[n - 1]) || is_digit(behind)))
        return 0;
    bool is_math = !dollar || n == 1;
    for (size_t i = 0; i < n && !is_math; i++)
        is_math = strchr("\\^_={}+", tex.p[i]) != nullptr && tex.p[i] != '\0';
    if (!is_math || (dollar && n == 1 && is_digit(tex.p[0])))
        return 0;
    *ret_tex = tex;
    return n + 2 * close.n;
}

/* Length of a span of code with its ticks, and what is in it; else that of the ticks. */
static size_t code_ahead(const struct line *l, struct str *ret_code)
{
    size_t ticks = 0;
    while (peek(l, ticks) == '`')
        ticks++;
    struct str rest = str_sub(l->text, l->at + ticks, l->at + ticks + TARGET_MAX);
    struct str mark = str_sub(l->text, l->at, l->at + ticks);
    size_t n = str_find(rest, mark);
    *ret_code = n < rest.n ? str_sub(rest, 0, n) : (struct str){"", 0};
    return n < rest.n ? n + 2 * ticks : ticks;
}

/* Length of "&name;" or "&#233;" and what it stands for, or 0. */
static size_t entity_ahead(const struct line *l, uint32_t *ret_cp)
{
    struct str rest = str_sub(l->text, l->at + 1, l->at + 1 + ENTITY_MAX);
    size_t n = str_find_byte(rest, ';');
    if (n == rest.n)
        return 0;
    *ret_cp = symbol_entity(str_sub(rest, 0, n));
    return *ret_cp > 0 ? n + 2 : 0;
}

static enum err add_code_point(uint32_t cp, struct buf *into)
{
    char c[4];
    if (symbol_quote(cp) != '\0')
        return buf_add_byte(into, symbol_quote(cp));
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
        return add_blank(into);
    if (cp < 0x80)
        return cp == ' ' ? add_blank(into) : buf_add_byte(into, (char)cp);
    size_t n = 0;
    if (cp >= 0x10000)
        c[n++] = (char)(0xF0 | cp >> 18), c[n++] = (char)(0x80 | (cp >> 12 & 0x3F));
    else if (cp >= 0x800)
        c[n++] = (char)(0xE0 | cp >> 12);
    else
        c[n++] = (char)(0xC0 | cp >> 6);
    if (cp >= 0x800)
        c[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
    c[n++] = (char)(0x80 | (cp & 0x3F));
    return buf_add(into, (struct str){c, n});
}

/* The text of a span of code, mark for mark. */
static enum err add_plain(struct str text, struct buf *into)
{
    while (text.n > 0) {
        uint32_t cp;
        size_t n = utf8_next(text, &cp);
        if (n > 0)
            try(add_code_point(cp, into));
        text = str_sub(text, n > 0 ? n : 1, text.n);
    }
    return OK;
}

/* An escaped mark of Markdown is a mark of the text, and those are not read out; others are. */
static enum err add_escaped(struct line *l)
{
    char c = peek(l, 1);
    if (c > ' ' && !is_word(c)) {
        l->at += 2;
        return strchr("*`_~[]{}|\\<>#", c) ? add_blank(l->into) : buf_add_byte(l->into, c);
    }
    l->at++;
    return is_blank(c) ? OK : buf_add_byte(l->into, '\\');
}

/* A star between numbers or blanks multiplies; else it is emphasis, as are two tildes. */
static enum err add_star(struct line *l)
{
    char prev = before(l), next = peek(l, 1);
    bool times = (is_blank(prev) && is_blank(next)) || (is_digit(prev) && is_digit(next));
    l->at++;
    return times && prev != '\0' ? buf_add_byte(l->into, '*') : OK;
}

/* True when it dealt with what begins with a bracket. */
static bool skip_bracket(struct line *l)
{
    char c = peek(l, 0);
    size_t n;
    if (c == '!' && peek(l, 1) == '[') {
        l->at++;
        return true;
    }
    if (c == '[' && (n = citation_ahead(l)) > 0) {
        l->at += n;
        return true;
    }
    if (c == '[') {
        l->brackets++;
        l->at++;
        return true;
    }
    if (c == ']') {
        n = l->brackets > 0 ? target_ahead(l, 1) : 0;
        l->brackets -= l->brackets > 0;
        l->at += 1 + n;
        return true;
    }
    return false;
}

static enum err add_one(struct line *l)
{
    size_t n;
    struct str piece;
    uint32_t cp;
    char c = peek(l, 0);
    if (skip_bracket(l))
        return OK;
    if (c == '`') {
        l->at += code_ahead(l, &piece);
        return add_plain(piece, l->into);
    }
    if ((c == '$' || (c == '\\' && (peek(l, 1) == '(' || peek(l, 1) == '['))) &&
        (n = math_ahead(l, &piece)) > 0) {
        l->at += n;
        return math_strip(piece, l->into);
    }
    if (c == '\\')
        return add_escaped(l);
    if (c == '<' && (n = tag_ahead(l)) > 0) {
        piece = str_sub(l->text, l->at + 1, l->at + n - 1);
        l->at += n;
        return is_autolink(piece) ? add_plain(piece, l->into) : add_blank(l->into);
    }
    if (c == '<' && (n = generic_ahead(l)) > 0) {
        piece = str_sub(l->text, l->at + 1, l->at + n - 1);
        l->at += n;
        try(add_blank(l->into));
        try(add_plain(piece, l->into));
        return add_blank(l->into);
    }
    if (c == '&' && (n = entity_ahead(l, &cp)) > 0) {
        l->at += n;
        return add_code_point(cp, l->into);
    }
    if (c == '*')
        return add_star(l);
    if (c == '|' && l->row) {
        l->at++;
        return buf_add_byte(l->into, MARKUP_PAUSE);
    }
    if (c == '~' && peek(l, 1) == '~') {
        l->at += 2;
        return OK;
    }
    n = utf8_next(str_sub(l->text, l->at, l->text.n), &cp);
    l->at += n > 0 ? n : 1;
    return n > 0 ? add_code_point(cp, l->into) : OK;
}

enum err inline_strip(struct str line, bool row, struct buf *into)
{
    struct line l = {.text = line, .row = row, .into = into};
    while (l.at < l.text.n)
        try(add_one(&l));
    return OK;
}
