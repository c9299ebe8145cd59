// SPDX-License-Identifier: Apache-2.0
/* Numbers that are read digit by digit or part by part: telephones, versions, addresses. */
#include "tts/text/reading.h"

enum { GROUPS_MAX = 8 };

struct groups {
    struct str digits[GROUPS_MAX];
    char sep[GROUPS_MAX]; /* before each; ')' behind one in brackets */
    size_t count, n;
    unsigned total; /* digits */
};

/* Groups of digits, by the separators given, so far ahead. */
static void groups_ahead(const struct reading *r, size_t from, const char *separators,
                         struct groups *ret)
{
    *ret = (struct groups){0};
    size_t at = from;
    char sep = '\0';
    while (ret->count < GROUPS_MAX) {
        bool bracket = peek(r, at) == '(';
        uint32_t value;
        size_t n = digits_ahead(r, at + bracket, &value);
        if (n == 0 || (bracket && peek(r, at + 1 + n) != ')'))
            break;
        ret->sep[ret->count] = sep;
        ret->digits[ret->count++] = ahead(r, at + bracket, at + bracket + n);
        ret->total += (unsigned)n;
        at += n + 2 * bracket;
        ret->n = at - from;
        sep = peek(r, at);
        if (bracket && sep == ' ')
            at++;
        else if (bracket && is_digit(sep))
            sep = ')';
        else if (sep != '\0' && strchr(separators, sep) != nullptr)
            at++;
        else
            break;
    }
}

static bool has_lengths(const struct groups *g, const char *lengths)
{
    if (g->count != strlen(lengths))
        return false;
    for (size_t i = 0; i < g->count; i++)
        if (g->digits[i].n != (size_t)(lengths[i] - '0'))
            return false;
    return true;
}

static bool is_dialled(struct str word)
{
    return is_one_of(word, "call tel telephone phone dial fax number mobile");
}

static bool is_machine(const struct groups *g)
{
    bool is_one = g->count == 4;
    for (size_t i = 0; i < g->count; i++) {
        uint32_t value = 0;
        for (size_t k = 0; k < g->digits[i].n; k++)
            value = value * 10 + (uint32_t)(g->digits[i].p[k] - '0');
        is_one &= g->digits[i].n <= 3 && value <= 255 && (i == 0 || g->sep[i] == '.');
    }
    return is_one;
}

/* Does that word come before a range? */
static bool is_bounded(struct str word)
{
    return is_one_of(word, "page pages pp between");
}

/* "555-1234" could be two numbers; it is one to call where no word follows that they would count. */
static bool is_local(const struct reading *r, const struct groups *g)
{
    struct str next = word_ahead(r, g->n);
    bool counts =
        next.n > 0 && is_lower(next.p[0]) && !str_eq(next, S("or")) && !str_eq(next, S("and"));
    if (!has_lengths(g, "34") || g->sep[1] != '-' || unit_is_ahead(r, g->n))
        return false;
    /* The first is smaller than the second, as in a range, unless that begins with 0; 555 is the
     * exchange of invented numbers. */
    bool range = g->digits[1].p[0] != '0' && !str_eq(g->digits[0], S("555"));
    return is_dialled(word_before(r)) || (!counts && !range && !is_bounded(word_before(r)));
}

/* "Call 911" */
static bool read_emergency(struct reading *r)
{
    static const char *const numbers[] = {"911", "112", "999", "988", "311", "411", "110", "000"};
    struct str digits = ahead(r, 0, 3);
    bool ends = ends_ahead(r, 3) && !(peek(r, 3) == '-' && is_digit(peek(r, 4))) &&
                !(peek(r, 3) == '.' && is_digit(peek(r, 4)));
    for (size_t i = 0; ends && i < sizeof numbers / sizeof *numbers; i++)
        if (str_eq(digits, str_of(numbers[i])) && is_dialled(word_before(r))) {
            say_digits(r, digits);
            move_on(r, 3);
            return true;
        }
    return false;
}

bool read_phone(struct reading *r)
{
    struct groups g;
    size_t plus = peek(r, 0) == '+';
    if (!plus && !is_digit(peek(r, 0)) && peek(r, 0) != '(')
        return false;
    if (!plus && read_emergency(r))
        return true;
    bool dialled = plus || is_dialled(word_before(r));
    groups_ahead(r, plus, dialled ? "- ./" : "-.", &g);
    if (!dialled && g.count < 3) {
        struct groups spaced; /* a card's number */
        groups_ahead(r, 0, " ", &spaced);
        if (has_lengths(&spaced, "4444"))
            g = spaced;
    }
    if (is_machine(&g) || (g.count == 2 && g.sep[1] == '.'))
        return false; /* a machine's address, a decimal */
    bool is_code = g.count >= 3 && g.total >= 7 && g.sep[1] == '-' && g.sep[2] == '-';
    if (dialled ? g.count < 2 || g.total < 7 || !is_digit(peek(r, plus))
                : !has_lengths(&g, "334") && !has_lengths(&g, "1334") && !has_lengths(&g, "4444") &&
                      !is_code && !is_local(r, &g))
        return false;
    if (!ends_ahead(r, plus + g.n) ||
        (peek(r, plus + g.n) == '-' && is_digit(peek(r, plus + g.n + 1))))
        return false;
    if (plus)
        say(r, WORD_PLUS);
    for (size_t i = 0; i < g.count; i++) {
        if (i > 0)
            put_pause(r->out);
        say_digits(r, g.digits[i]);
    }
    move_on(r, plus + g.n);
    return true;
}

static void say_port(struct reading *r, size_t *n)
{
    uint32_t port;
    size_t digits = peek(r, *n) == ':' ? digits_ahead(r, *n + 1, &port) : 0;
    if (digits == 0)
        return;
    put_pause(r->out);
    say(r, WORD_PORT);
    say_digits(r, ahead(r, *n + 1, *n + 1 + digits));
    *n += 1 + digits;
}

/* "v1.2.3", "1.2.3-rc1", "192.168.0.1:8600" */
bool read_version(struct reading *r)
{
    struct groups g;
    size_t v = (peek(r, 0) == 'v' || peek(r, 0) == 'V') && is_digit(peek(r, 1));
    if ((!v && !is_digit(peek(r, 0))) || r->lang->words[WORD_VERSION][0] == '\0')
        return false;
    struct number number;
    if (!v && number_ahead(r, 0, &number) && number.grouped)
        return false; /* where the full stop parts groups of digits */
    groups_ahead(r, v, ".", &g);
    if (g.count < (v ? 1 : 3) || letter_ahead(r, v + g.n) > 0)
        return false;
    bool machine = !v && is_machine(&g);
    if (v)
        say(r, WORD_VERSION);
    for (size_t i = 0; i < g.count; i++) {
        if (i > 0)
            say(r, machine ? WORD_DOT : WORD_POINT);
        if (machine)
            say_digits(r, g.digits[i]);
        else
            say_label(r, g.digits[i]);
    }
    size_t n = v + g.n;
    if (machine)
        say_port(r, &n);
    if (peek(r, n) == '-' && is_letter(peek(r, n + 1))) {
        n++; /* "-rc1" */
        r->at += n;
        put(r->out, ' ');
        return true;
    }
    move_on(r, n);
    return true;
}
