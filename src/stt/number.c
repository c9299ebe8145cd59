// SPDX-License-Identifier: Apache-2.0
#include "stt/number.h"

static const char *const small[] = {
    "zero",     "one",     "two",     "three",     "four",     "five",     "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
};
static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const small_ordinal[] = {
    "zeroth",     "first",     "second",    "third",       "fourth",     "fifth",      "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",    "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
};
static const char *const tens_ordinal[] = {"",          "",         "twentieth", "thirtieth",
                                           "fortieth",  "fiftieth", "sixtieth",  "seventieth",
                                           "eightieth", "ninetieth"};

static enum err say(struct buf *into, const char *word)
{
    if (into->n > 0)
        try(buf_add_byte(into, ' '));
    return buf_add(into, str_of(word));
}

static enum err say_below_100(struct buf *into, unsigned n)
{
    if (n < 20)
        return say(into, small[n]);
    try(say(into, tens[n / 10]));
    return n % 10 ? say(into, small[n % 10]) : OK;
}

static enum err say_below_1000(struct buf *into, unsigned n)
{
    if (n >= 100) {
        try(say(into, small[n / 100]));
        try(say(into, "hundred"));
        if (n % 100 == 0)
            return OK;
    }
    return say_below_100(into, n % 100);
}

static enum err say_cardinal(struct buf *into, uint64_t n)
{
    static const struct {
        uint64_t unit;
        const char *name;
    } scales[] = {{1000000000, "billion"}, {1000000, "million"}, {1000, "thousand"}};
    if (n == 0)
        return say(into, small[0]);
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (n < scales[i].unit)
            continue;
        try(say_below_1000(into, (unsigned)(n / scales[i].unit)));
        try(say(into, scales[i].name));
        n %= scales[i].unit;
    }
    return n ? say_below_1000(into, (unsigned)n) : OK;
}

/* Years, ports and the like: four digits are said in pairs. */
static enum err say_pairs(struct buf *into, unsigned n)
{
    try(say_below_100(into, n / 100));
    if (n % 100 == 0)
        return say(into, "hundred");
    if (n % 100 < 10)
        try(say(into, "oh"));
    return say_below_100(into, n % 100);
}

static enum err say_digits(struct buf *into, struct str digits)
{
    for (size_t i = 0; i < digits.n; i++)
        try(say(into, small[digits.p[i] - '0']));
    return OK;
}

static enum err value_of(struct str digits, uint64_t *ret_n)
{
    if (digits.n == 0 || digits.n > NUMBER_DIGITS_MAX)
        return ERR_INVALID;
    uint64_t n = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return ERR_INVALID;
        n = n * 10 + (uint64_t)(digits.p[i] - '0');
    }
    *ret_n = n;
    return OK;
}

static enum err say_whole(struct buf *into, struct str digits, bool grouped)
{
    uint64_t n;
    try(value_of(digits, &n));
    if (digits.n > 1 && digits.p[0] == '0')
        return say_digits(into, digits);
    bool year = n > 1900 && n < 2100 && n % 1000 > 9;
    bool hundreds = n > 1000 && n < 10000 && n % 100 == 0 && n % 1000 != 0;
    if (!grouped && digits.n == 4 && (year || hundreds))
        return say_pairs(into, (unsigned)n);
    return say_cardinal(into, n);
}

/* "1,000,000" without its commas; false when they are not where thousands are. */
static bool ungroup(struct str s, char digits[NUMBER_DIGITS_MAX + 1], struct str *ret_digits)
{
    size_t n = 0, since = 0;
    bool grouped = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ',') {
            if (i == 0 || (grouped && since != 3) || (!grouped && since > 3))
                return false;
            grouped = true;
            since = 0;
        } else {
            if (n == NUMBER_DIGITS_MAX)
                return false;
            digits[n++] = s.p[i];
            since++;
        }
    }
    if (grouped && since != 3)
        return false;
    *ret_digits = (struct str){digits, n};
    return true;
}

/* One group between dots; commas that group no thousands only separate numbers. */
static enum err say_group(struct buf *into, struct str group)
{
    char digits[NUMBER_DIGITS_MAX + 1];
    struct str whole, piece;
    if (ungroup(group, digits, &whole))
        return say_whole(into, whole, whole.n != group.n);
    while (str_cut(&group, ',', &piece))
        try(say_whole(into, piece, false));
    return OK;
}

enum err number_words(struct str number, struct buf *into)
{
    struct str rest = number, first, second;
    if (!str_cut(&rest, '.', &first))
        return ERR_INVALID;
    try(say_group(into, first));
    bool fraction = rest.n > 0 && str_find_byte(rest, '.') == rest.n;
    if (fraction) {
        uint64_t n;
        try(value_of(rest, &n));
        try(say(into, "point"));
        return say_digits(into, rest);
    }
    while (str_cut(&rest, '.', &second)) {
        try(say(into, "dot"));
        try(say_group(into, second));
    }
    return OK;
}

enum err number_ordinal(struct str digits, struct buf *into)
{
    uint64_t n;
    try(value_of(digits, &n));
    if (n >= 1000)
        return ERR_INVALID;
    if (n >= 100) {
        try(say(into, small[n / 100]));
        if (n % 100 == 0)
            return say(into, "hundredth");
        try(say(into, "hundred"));
        n %= 100;
    }
    if (n < 20)
        return say(into, small_ordinal[n]);
    if (n % 10 == 0)
        return say(into, tens_ordinal[n / 10]);
    try(say(into, tens[n / 10]));
    return say(into, small_ordinal[n % 10]);
}
