// SPDX-License-Identifier: Apache-2.0
/* Links, addresses of mail and machines, names of files. A link is named, the others are read. */
#include "tts/text/reading.h"

enum { LINK_MAX = 2048 };

static bool is_name_byte(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("-_+%", c) != nullptr);
}

/* Length of a link. The punctuation at its end is the sentence's, and so is a bracket that it did not open. */
static size_t link_ahead(const struct reading *r)
{
    static const char *const schemes[] = {"https://", "http://", "ftp://", "www.", "mailto:"};
    if (peek(r, 0) == '\0' || strchr("hfwmHFWM", peek(r, 0)) == nullptr)
        return 0;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct str scheme = str_of(schemes[i]), rest = ahead(r, 0, LINK_MAX);
        if (!str_eq_nocase(str_sub(rest, 0, scheme.n), scheme) || letter_ahead(r, scheme.n) == 0)
            continue;
        size_t n = scheme.n, depth = 0;
        for (; n < rest.n && (unsigned char)rest.p[n] > ' ' &&
               strchr("<>\"`|]}*", rest.p[n]) == nullptr;
             n++) {
            if (rest.p[n] == ')' && depth == 0)
                break;
            depth += rest.p[n] == '(';
            depth -= rest.p[n] == ')';
        }
        while (n > scheme.n && strchr(".,;:!?'_", rest.p[n - 1]) != nullptr)
            n--;
        return n;
    }
    return 0;
}

/* Endings of names and how they are said; the rest by their letters or as they are. */
static const char *ending(struct str word)
{
    static const char *const said[][2] = {
        {"txt", "text"},    {"json", "jason"}, {"io", "I O"},       {"ai", "A I"},
        {"uk", "U K"},      {"eu", "E U"},     {"us", "U S"},       {"au", "A U"},
        {"ie", "I E"},      {"exe", "E X E"},  {"yaml", "yammel"},  {"yml", "yammel"},
        {"toml", "tommel"}, {"py", "P Y"},     {"jpeg", "jay peg"}, {"gguf", "G G U F"},
        {"iso", "I S O"},   {"cpp", "C P P"},  {"toc", "T O C"},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (str_eq_nocase(word, str_of(said[i][0])))
            return said[i][1];
    return nullptr;
}

static void say_piece(struct reading *r, struct str word, bool last)
{
    const char *words = last ? ending(word) : nullptr;
    bool loud = true;
    for (size_t i = 0; i < word.n; i++)
        loud &= is_capital(word.p[i]);
    put(r->out, ' ');
    if (words != nullptr)
        put_all(r->out, str_of(words));
    else if (word.n == 1 || (word.n <= 4 && !has_vowel(word)))
        say_letters(r, word);
    else
        for (size_t i = 0; i < word.n; i++)
            put(r->out, loud ? (char)(word.p[i] | 0x20) : word.p[i]);
}

/* A name part by part: "mail.x-y.org". */
static void say_name(struct reading *r, struct str name)
{
    for (size_t i = 0, n; i < name.n; i += n) {
        n = 1;
        char c = name.p[i];
        if (is_letter(c)) {
            while (i + n < name.n && is_letter(name.p[i + n]))
                n++;
            bool last = i + n == name.n && i > 0 && name.p[i - 1] == '.';
            say_piece(r, str_sub(name, i, i + n), last);
        } else if (is_digit(c)) {
            while (i + n < name.n && is_digit(name.p[i + n]))
                n++;
            say_label(r, str_sub(name, i, i + n));
        } else if (c == '.' || c == '@' || c == '/' || c == '\\' || c == '_' || c == '-' ||
                   c == ':' || c == '~') {
            say(r, c == '.'    ? WORD_DOT
                   : c == '@'  ? WORD_AT
                   : c == '/'  ? WORD_SLASH
                   : c == '\\' ? WORD_BACKSLASH
                   : c == '_'  ? WORD_UNDERSCORE
                   : c == ':'  ? WORD_COLON
                   : c == '~'  ? WORD_TILDE
                               : WORD_DASH);
        } else if (c == '+') {
            say(r, WORD_PLUS);
        } else {
            put(r->out, ' ');
            put(r->out, c == '%' ? ' ' : c);
        }
    }
}

/* Length of the names with full stops between, and how many full stops. */
static size_t names_ahead(const struct reading *r, size_t from, unsigned *ret_dots)
{
    size_t n = 0;
    *ret_dots = 0;
    while (n < TOKEN_MAX && is_name_byte(peek(r, from + n))) {
        n++;
        if (peek(r, from + n) == '.' && is_name_byte(peek(r, from + n + 1)) &&
            peek(r, from + n + 1) != '-') {
            n++;
            *ret_dots += 1;
        }
    }
    return n;
}

static size_t mail_ahead(const struct reading *r)
{
    unsigned dots;
    size_t n = names_ahead(r, 0, &dots);
    if (n == 0 || peek(r, n) != '@')
        return 0;
    size_t domain = names_ahead(r, n + 1, &dots);
    return dots > 0 ? n + 1 + domain : 0;
}

/* The ending behind the last full stop of a name. */
static struct str ending_of(struct str name)
{
    size_t at = name.n;
    while (at > 0 && name.p[at - 1] != '.')
        at--;
    return str_sub(name, at, name.n);
}

/* "example.com", "Node.js": small letters behind the full stop, else it is a sentence without a blank. */
static size_t host_ahead(const struct reading *r)
{
    unsigned dots;
    size_t n = names_ahead(r, 0, &dots);
    struct str name = ahead(r, 0, n), end = ending_of(name);
    bool local = str_eq_nocase(name, S("localhost")) && peek(r, n) == ':';
    if (local)
        return n;
    if (dots == 0 || end.n > 8 || !is_lower(end.p[0]) || letter_ahead(r, n) > 0 ||
        name.n == 2 * dots + 1)
        return 0;
    return n;
}

/* ":8600" behind a machine's name. */
static size_t say_port_ahead(struct reading *r, size_t from)
{
    uint32_t port;
    size_t n = peek(r, from) == ':' ? digits_ahead(r, from + 1, &port) : 0;
    if (n < 2 || n > 5)
        return 0;
    say(r, WORD_PORT);
    say_digits(r, ahead(r, from + 1, from + 1 + n));
    return n + 1;
}

/* "/etc/hosts", "~/notes", "src/main.c", "C:\Users": its length, or 0. */
static size_t path_ahead(const struct reading *r)
{
    char sep = '/';
    size_t n = 0, slashes = 0, names = 0;
    unsigned last_dots = 0;
    if (is_capital(peek(r, 0)) && peek(r, 1) == ':' && peek(r, 2) == '\\') {
        sep = '\\';
        n = 2;
    } else if (peek(r, 0) == '~' && peek(r, 1) == '/') {
        n = 1;
    } else if (peek(r, 0) == '.' &&
               (peek(r, 1) == '/' || (peek(r, 1) == '.' && peek(r, 2) == '/'))) {
        n = peek(r, 1) == '.' ? 2 : 1;
    }
    bool rooted = n > 0 || peek(r, 0) == '/';
    while (n < TOKEN_MAX) {
        if (peek(r, n) == sep && (is_name_byte(peek(r, n + 1)) || peek(r, n + 1) == '.')) {
            slashes++;
            n++;
        }
        size_t dot = peek(r, n) == '.' && is_name_byte(peek(r, n + 1));
        size_t name = names_ahead(r, n + dot, &last_dots);
        if (name == 0)
            break;
        names++;
        n += dot + name;
        if (peek(r, n) != sep)
            break;
    }
    if (slashes == 0 || names == 0 || letter_ahead(r, n) > 0)
        return 0;
    bool is_path = rooted || (last_dots > 0 && !is_digit(peek(r, 0))) ||
                   (slashes >= 2 && names == slashes + 1 && is_lower(peek(r, 0)));
    return is_path ? n : 0;
}

bool read_address(struct reading *r)
{
    size_t n = link_ahead(r);
    if (n > 0) {
        say(r, WORD_LINK);
        move_on(r, n);
        return true;
    }
    if (r->lang->words[WORD_DOT][0] == '\0')
        return false;
    char first = peek(r, 0);
    if (!is_name_byte(first) && first != '/' && first != '~' && first != '.')
        return false;
    bool host = (n = mail_ahead(r)) == 0 && (n = path_ahead(r)) == 0;
    if (host)
        n = host_ahead(r);
    if (n == 0 || (!host && is_digit(peek(r, 0)) && mail_ahead(r) == 0))
        return false;
    if (host && is_digit(peek(r, 0)) && !is_letter(ahead(r, 0, n).p[n - 1]))
        return false;
    say_name(r, ahead(r, 0, n));
    if (host)
        n += say_port_ahead(r, n);
    move_on(r, n);
    return true;
}

/* --- #topic, @name, --option ------------------------------------------------------------------------- */

/* Words that are written as one with capitals, "HelloWorld", and underscores. */
static void say_camel(struct reading *r, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        bool begins = i > 0 && is_capital(name.p[i]) && is_lower(name.p[i - 1]);
        if (begins || name.p[i] == '_')
            put(r->out, ' ');
        if (name.p[i] != '_')
            put(r->out, name.p[i]);
    }
}

bool read_handle(struct reading *r)
{
    char c = peek(r, 0);
    size_t dashes = 0, n;
    while (peek(r, dashes) == '-')
        dashes++;
    n = c == '#' || c == '@' ? 1 : dashes;
    size_t begin = n;
    if (n == 0 || n > 2 || !is_letter(peek(r, n)) || r->lang->words[WORD_AT][0] == '\0')
        return false;
    while (n < TOKEN_MAX && (is_letter(peek(r, n)) || is_digit(peek(r, n)) || peek(r, n) == '_' ||
                             (dashes == 2 && peek(r, n) == '-' && is_letter(peek(r, n + 1)))))
        n++;
    if (letter_ahead(r, n) > 0)
        return false;
    if (dashes > 0) {
        char prev = before(r);
        if ((prev != '\0' && prev != ' ' && prev != '(' && prev != '[') ||
            (dashes == 1 && n - begin > 2))
            return false;
        for (size_t i = 0; i < dashes; i++)
            say(r, WORD_DASH);
        put(r->out, ' ');
        say_camel(r, ahead(r, begin, n));
    } else if (c == '#' && is_capital(peek(r, 1)) && is_digit(peek(r, n - 1))) {
        say(r, WORD_NUMBER); /* "#A123" */
        put(r->out, ' ');
        r->at++;
        return true;
    } else {
        say(r, c == '#' ? WORD_HASHTAG : WORD_AT);
        put(r->out, ' ');
        say_camel(r, ahead(r, 1, n));
    }
    move_on(r, n);
    return true;
}

bool read_smiley(struct reading *r)
{
    static const char *const smilies[] = {
        ":'-(", ":'(", ":-)", ":-(", ";-)", ":-D", ":-P", ":-p", ":-/", ":-|", ":-*", ":-O",
        ":-o",  "B-)", "8-)", ":)",  ":(",  ";)",  ":D",  ":P",  ":p",  ":/",  ":*",  ":O",
        ":o",   ":|",  "=)",  "=(",  "=D",  "</3", "<3",  "xD",  "XD",  "^^",  "^_^", ":3"};
    char prev = before(r), first = peek(r, 0);
    if (strchr(":;8B=<xX^", first) == nullptr || (prev != '\0' && prev != ' ' && prev != '\n'))
        return false;
    for (size_t i = 0; i < sizeof smilies / sizeof *smilies; i++) {
        size_t n = strlen(smilies[i]);
        if (!str_starts(ahead(r, 0, 4), str_of(smilies[i])))
            continue;
        char next = peek(r, n);
        if (next != '\0' && strchr(" \n.,!?;)", next) == nullptr)
            continue;
        r->at += n;
        return true;
    }
    return false;
}
