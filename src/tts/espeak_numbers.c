// SPDX-License-Identifier: Apache-2.0
#include "tts/espeak_numbers.h"

/* Found by speaking 700 forms of numbers in every voice under AddressSanitizer. Of those at 0, kl
 * crashes on a mere "0", and chr is listed but not found by its tag. */
static const struct {
    const char *language;
    unsigned digits_max;
} limits[] = {
    {"ar", 3}, {"chr", 0}, {"fo", 3}, {"kl", 0}, {"tn", 3},
};
enum { DIGITS_MAX = 12 };

unsigned espeak_digits_max(struct str language)
{
    language = str_sub(language, 0, str_find_byte(language, '-'));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (str_eq_nocase(language, str_of(limits[i].language)))
            return limits[i].digits_max;
    return DIGITS_MAX;
}

/* The decimal digits of the Basic Multilingual Plane: each row holds zero to nine. */
static const uint16_t zeros[] = {
    '0',    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6,
    0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0,
    0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
    0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
};

/* Length of the digit that `s` begins with, or 0. */
static size_t digit_at(struct str s)
{
    uint32_t cp;
    size_t n = utf8_next(s, &cp);
    for (size_t i = 0; n > 0 && i < sizeof zeros / sizeof *zeros; i++)
        if (cp >= zeros[i] && cp < zeros[i] + 10u)
            return n;
    return 0;
}

/* Length of the number that `s` begins with, groups and fractions included, and its digits. */
static size_t number_at(struct str s, unsigned *ret_digits)
{
    size_t n = 0, digit;
    *ret_digits = 0;
    for (;;) {
        while ((digit = digit_at(str_sub(s, n, s.n))) > 0) {
            n += digit;
            *ret_digits += 1;
        }
        bool joined = n > 0 && n < s.n && strchr(".,:'/ _-", s.p[n]) != nullptr;
        if (!joined || digit_at(str_sub(s, n + 1, s.n)) == 0)
            return n;
        n++;
    }
}

static enum err put_digits(struct str number, struct buf *into)
{
    try(buf_add_byte(into, ' '));
    for (size_t at = 0; at < number.n;) {
        size_t n = digit_at(str_sub(number, at, number.n));
        if (n == 0) {
            at++;
            continue;
        }
        try(buf_add(into, str_sub(number, at, at + n)));
        try(buf_add_byte(into, ' '));
        at += n;
    }
    return OK;
}

enum err espeak_tame_numbers(struct str text, unsigned digits_max, struct buf *into)
{
    for (size_t n; text.n > 0; text = str_sub(text, n, text.n)) {
        unsigned digits;
        n = number_at(text, &digits);
        if (digits > digits_max) {
            try(put_digits(str_sub(text, 0, n), into));
            continue;
        }
        uint32_t cp;
        if (n == 0 && (n = utf8_next(text, &cp)) == 0)
            return ERR_UTF8;
        try(buf_add(into, str_sub(text, 0, n)));
    }
    return OK;
}
