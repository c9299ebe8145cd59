// SPDX-License-Identifier: Apache-2.0
/* Numbers with what belongs to them: units, parts, ranges, percentages, years. */
#include "tts/text/reading.h"

/* A word with nothing of a word behind it. */
static bool is_ahead(const struct reading *r, size_t from, const char *mark)
{
    size_t n = strlen(mark);
    if (!str_eq(ahead(r, from, from + n), str_of(mark)))
        return false;
    return !is_letter(mark[n - 1]) || ends_ahead(r, from + n);
}

static const struct unit_words *unit_ahead(const struct reading *r, size_t from, size_t *ret_n)
{
    for (const struct unit_words *u = r->lang->units; u != nullptr && u->mark[0] != '\0'; u++)
        if (u->mark[0] == peek(r, from) && is_ahead(r, from, u->mark)) {
            *ret_n = strlen(u->mark);
            return u;
        }
    return nullptr;
}

bool unit_is_ahead(const struct reading *r, size_t from)
{
    size_t blank = blank_ahead(r, from), n;
    if (unit_ahead(r, from + blank, &n) != nullptr)
        return true;
    return money_ahead(r, from + blank) != nullptr;
}

/* "²", "^2" or "2" behind a unit: 2 or 3, and its length. */
static unsigned power_ahead(const struct reading *r, size_t from, size_t *ret_n)
{
    struct str rest = ahead(r, from, from + 3);
    if (str_starts(rest, S("²")) || str_starts(rest, S("³"))) {
        *ret_n = 2;
        return str_starts(rest, S("²")) ? 2 : 3;
    }
    *ret_n = 2;
    bool caret = str_starts(rest, S("^")) && !is_digit(peek(r, from + 2));
    return caret && peek(r, from + 1) == '2' ? 2 : caret && peek(r, from + 1) == '3' ? 3 : 0;
}

/* "/h", "/s²", "/month" behind a unit or money. */
size_t say_per_ahead(struct reading *r, size_t from)
{
    size_t n, power_n;
    if (peek(r, from) != '/')
        return 0;
    const struct unit_words *u = unit_ahead(r, from + 1, &n);
    if (u == nullptr) {
        n = 0;
        while (n < TOKEN_MAX && is_lower(peek(r, from + 1 + n)))
            n++;
        if (n < 3 || !ends_ahead(r, from + 1 + n) || peek(r, from + 1 + n) == '/')
            return 0;
    }
    say(r, WORD_PER);
    put(r->out, ' ');
    unsigned power = u != nullptr ? power_ahead(r, from + 1 + n, &power_n) : 0;
    put_all(r->out, u != nullptr ? str_of(u->one) : ahead(r, from + 1, from + 1 + n));
    if (power == 0)
        return 1 + n;
    say(r, power == 2 ? WORD_SQUARED : WORD_CUBED);
    return 1 + n + power_n;
}

/* The square of a length is an area, that of a second is not. */
static void say_unit(struct reading *r, const struct unit_words *u, unsigned power, bool one)
{
    if (power > 0)
        say(r, power == 2 ? WORD_SQUARE : WORD_CUBIC);
    put_word(r->out, one ? u->one : u->many);
}

/* The full stop of "5 ft. tall" is the unit's; that of "5 km. Then" the sentence's. */
static size_t stop_ahead(const struct reading *r, size_t from)
{
    return peek(r, from) == '.' && blank_ahead(r, from + 1) > 0 && is_lower(peek(r, from + 2)) ? 1
                                                                                               : 0;
}

size_t say_unit_ahead(struct reading *r, size_t from, bool one)
{
    size_t blank = blank_ahead(r, from), n, power_n;
    bool hyphen = peek(r, from) == '-' && is_letter(peek(r, from + 1));
    size_t at = from + (hyphen ? 1 : blank);
    const struct unit_words *u = unit_ahead(r, at, &n);
    if (u == nullptr || (hyphen && n == 1 && peek(r, at) != 'm') ||
        (peek(r, at) == 'K' && n == 1 && blank == 0))
        return 0;
    unsigned power = power_ahead(r, at + n, &power_n);
    at += n + (power > 0 ? power_n : 0);
    if (hyphen) { /* "a 5-km run" */
        put(r->out, '-');
        put_all(r->out, str_of(u->one));
    } else {
        say_unit(r, u, power, one);
    }
    at += say_per_ahead(r, at);
    return at + stop_ahead(r, at) - from;
}

bool read_unit_alone(struct reading *r)
{
    size_t n = 0, m;
    while (n < 8 && is_letter(peek(r, n)))
        n++;
    if (n == 0 || peek(r, n) != '/')
        return false;
    const struct unit_words *u = unit_ahead(r, 0, &n);
    if (u == nullptr || peek(r, n) != '/' || unit_ahead(r, n + 1, &m) == nullptr || n + m < 3 ||
        peek(r, n + 1 + m) == '/')
        return false;
    say_unit(r, u, 0, false);
    n += say_per_ahead(r, n);
    move_on(r, n);
    return true;
}

size_t scale_ahead(const struct reading *r, size_t from, bool attached, const char **ret_words)
{
    static const struct {
        const char *mark, *words;
        bool short_form;
    } scales[] = {
        {"thousand", "thousand", false}, {"million", "million", false},
        {"billion", "billion", false},   {"trillion", "trillion", false},
        {"bn", "billion", true},         {"K", "thousand", true},
        {"k", "thousand", true},         {"M", "million", true},
        {"m", "million", true},          {"B", "billion", true},
        {"b", "billion", true},          {"T", "trillion", true},
    };
    size_t blank = blank_ahead(r, from);
    if (!is_english(r) || (attached && blank > 0))
        return 0;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (!is_ahead(r, from + blank, scales[i].mark) || (blank == 0 && !scales[i].short_form))
            continue;
        if (attached && (scales[i].mark[0] == 'm' || str_eq(str_of(scales[i].mark), S("b"))))
            continue;
        *ret_words = scales[i].words;
        return blank + strlen(scales[i].mark);
    }
    return 0;
}

size_t range_ahead(const struct reading *r, size_t from, struct number *ret)
{
    size_t blank = blank_ahead(r, from), at = from + blank, dash;
    struct str rest = ahead(r, at, at + 3);
    if (str_starts(rest, S("\u2013")) || str_starts(rest, S("\u2014")) ||
        str_starts(rest, S("\u2212")))
        dash = 3;
    else if (blank == 0 && peek(r, at) == '-')
        dash = 1;
    else
        return 0;
    at += dash;
    at += blank > 0 ? blank_ahead(r, at) : 0;
    if (!number_ahead(r, at, ret) || peek(r, at + ret->n) == '-')
        return 0;
    return at + ret->n - from;
}

/* --- other things that a number may be --------------------------------------------------------------- */

/* "1st", "22nd" */
static size_t say_ordinal(struct reading *r, const struct number *number)
{
    struct str end = ahead(r, number->n, number->n + 2);
    bool is_one = (str_eq_nocase(end, S("st")) || str_eq_nocase(end, S("nd")) ||
                   str_eq_nocase(end, S("rd")) || str_eq_nocase(end, S("th"))) &&
                  ends_ahead(r, number->n + 2);
    if (!is_one || number->fraction.n > 0 || number->digits > DIGITS_MAX || number->digits == 0)
        return 0;
    put(r->out, ' ');
    r->lang->ordinal(r->out, number->value);
    return number->n + 2;
}

/* "5K users", but "4K video". */
static size_t say_scaled(struct reading *r, const struct number *number)
{
    const char *words;
    size_t n = scale_ahead(r, number->n, true, &words);
    struct str next = word_ahead(r, number->n + n);
    if (n == 0 || is_capital(next.n > 0 ? next.p[0] : '\0') ||
        (number->value <= 8 && number->fraction.n == 0 && peek(r, number->n) == 'K' &&
         !(next.n > 3 && is_lower(next.p[0]) && next.p[next.n - 1] == 's')))
        return 0;
    bool alone = number->fraction.n == 0 && next.n == 0;
    if (peek(r, number->n) == 'T' || (peek(r, number->n) == 'B' && alone))
        return 0; /* "4B" is a flat's number */
    say_number(r, number);
    put_word(r->out, words);
    return number->n + n;
}

/* The dash of "3%-4%", behind what is counted. */
static size_t say_dash_ahead(struct reading *r, size_t from)
{
    size_t dash = dash_ahead(r, from);
    if (dash == 0 || !is_digit(peek(r, from + dash)))
        return 0;
    say(r, WORD_TO);
    put(r->out, ' ');
    return dash;
}

/* Is the end of a range, with what stands so far ahead, read by itself: "10K", "8pm", "8 pm"? */
static bool is_own_ahead(const struct reading *r, size_t from)
{
    const char *words;
    struct str next = word_ahead(r, from);
    if (next.n == 0)
        next = ahead(r, from, from + 2);
    else if (next.n != 2)
        return false;
    bool half = (str_eq_nocase(next, S("am")) || str_eq_nocase(next, S("pm"))) &&
                ends_ahead(r, from + blank_ahead(r, from) + 2);
    return half || scale_ahead(r, from, true, &words) > 0;
}

/* "a 5 km run" is one of five-kilometer; "a 50% chance" has no hyphen. */
static bool is_letter_or_degree(const char *mark)
{
    return mark[0] != '%' && (strlen(mark) > 1 || mark[0] == 'm' || mark[0] == 's') &&
           strcmp(mark, "‰") != 0;
}

/* Two with a dash between, and what they count. */
static size_t say_range(struct reading *r, const struct number *number)
{
    struct number second;
    size_t n = number->n, range = range_ahead(r, n, &second), unit_n;
    if (range == 0)
        return 0;
    size_t end = n + range;
    bool own = is_own_ahead(r, end), joined = letter_ahead(r, end) > 0; /* "3-4x", "2-3rd" */
    bool times = peek(r, end) == 'x' && ends_ahead(r, end + 1) &&
                 r->lang->words[WORD_TIMES][0] != '\0'; /* "2-3x" */
    if (!own && !times && joined && unit_ahead(r, end, &unit_n) == nullptr)
        return 0;
    say_number(r, number);
    say(r, WORD_TO);
    if (own)
        return end - second.n;
    say_number(r, &second);
    if (!times)
        return end + say_unit_ahead(r, end, false);
    say(r, WORD_TIMES);
    return end + 1;
}

/* A number, and what it counts. */
static size_t say_counted(struct reading *r, const struct number *number)
{
    size_t n = number->n, unit_n;
    size_t begin = r->out->into->n, blank = blank_ahead(r, n);
    const struct unit_words *u = unit_ahead(r, n + blank, &unit_n);
    if (u != nullptr && is_letter_or_degree(u->mark) && is_attribute(r, n + blank + unit_n)) {
        say_number(r, number);
        put(r->out, '-');
        put_all(r->out, str_of(u->one));
        return n + blank + unit_n;
    }
    if (is_english(r) && number->digits == 3 && number->n == 3 &&
        str_eq(word_before(r), S("Boeing"))) {
        say_pairs(r, number);
        return n;
    }
    if (u != nullptr && number_is_one(number) && r->lang->one_of != nullptr) {
        put_word(r->out, r->lang->one_of(u->one));
        return n + say_unit_ahead(r, n, true);
    }
    bool year = number_is_year(r, number, n);
    say_plain(r, number, year);
    size_t unit = say_unit_ahead(r, n, number_is_one(number));
    if (unit == 0 && !year)
        unit = say_per_ahead(r, n);
    bool many = peek(r, n) == 's' && ends_ahead(r, n + 1) && !year &&
                (number->grouped || (number->digits > 2 && number->value % 100 == 0));
    if (many) { /* "1,000s of users" */
        r->out->into->n = begin;
        if (number->value == 100 || number->value == 1000)
            put_all(r->out, number->value == 100 ? S(" hundred") : S(" thousand"));
        else
            say_plain(r, number, false);
        put(r->out, 's');
        return n + 1;
    }
    if (unit > 0 && !year)
        return n + unit + say_dash_ahead(r, n + unit);
    if (unit == 0)
        return n;
    r->out->into->n = begin; /* with a unit it is none */
    say_plain(r, number, false);
    return n + say_unit_ahead(r, n, false);
}

bool read_quantity(struct reading *r)
{
    struct number number;
    if (!is_digit(peek(r, 0)) && peek(r, 0) != r->lang->point)
        return false;
    if (!number_ahead(r, 0, &number)) {
        size_t n = 0;
        while (is_digit(peek(r, n)) && n < TOKEN_MAX)
            n++;
        if (n == 0)
            return false;
        say_digits(r, ahead(r, 0, n));
        move_on(r, n);
        return true;
    }
    static size_t (*const ways[])(struct reading *, const struct number *) = {
        say_ordinal, say_years,  say_feet,  say_by,      say_scientific,
        say_ratio,   say_scaled, say_range, say_counted,
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        size_t n = ways[i](r, &number);
        if (n == 0)
            continue;
        move_on(r, n);
        r->in_word &= letter_ahead(r, 0) == 0; /* "6XE": what follows is a word of its own */
        return true;
    }
    return false;
}
