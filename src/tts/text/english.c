// SPDX-License-Identifier: Apache-2.0
/* English, as it is read in America: numbers, dates and times as words. */
#include "tts/text/english.h"

static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                    "five",    "six",     "seven",     "eight",    "nine",
                                    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const small_ordinal[] = {
    "zeroth",     "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
static const char *const tens_ordinal[] = {"",          "",         "twentieth", "thirtieth",
                                           "fortieth",  "fiftieth", "sixtieth",  "seventieth",
                                           "eightieth", "ninetieth"};
static const struct {
    uint64_t value;
    const char *word;
} scales[] = {
    {1000000000000, "trillion"},
    {1000000000, "billion"},
    {1000000, "million"},
    {1000, "thousand"},
};

static void put_text(struct writer *w, const char *text)
{
    put_all(w, str_of(text));
}

/* 0 to 99; as an ordinal its last part is one. */
static void say_tens(struct writer *w, uint64_t n, bool ordinal)
{
    if (n < 20) {
        put_text(w, ordinal ? small_ordinal[n] : small[n]);
        return;
    }
    put_text(w, ordinal && n % 10 == 0 ? tens_ordinal[n / 10] : tens[n / 10]);
    if (n % 10 == 0)
        return;
    put(w, '-');
    put_text(w, ordinal ? small_ordinal[n % 10] : small[n % 10]);
}

static void say_hundreds(struct writer *w, uint64_t n, bool ordinal)
{
    if (n >= 100) {
        put_text(w, small[n / 100]);
        put_text(w, ordinal && n % 100 == 0 ? " hundredth" : " hundred");
        n %= 100;
        if (n == 0)
            return;
        put(w, ' ');
    }
    say_tens(w, n, ordinal);
}

static void say_whole(struct writer *w, uint64_t n, bool ordinal)
{
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (n < scales[i].value)
            continue;
        say_hundreds(w, n / scales[i].value % 1000, false);
        n %= scales[i].value;
        put(w, ' ');
        put_text(w, scales[i].word);
        if (n == 0) {
            put_text(w, ordinal ? "th" : "");
            return;
        }
        put(w, ' ');
    }
    say_hundreds(w, n, ordinal);
}

void english_cardinal(struct writer *w, uint64_t n)
{
    say_whole(w, n, false);
}

void english_ordinal(struct writer *w, uint64_t n)
{
    say_whole(w, n, true);
}

/* By pairs of digits, as years are said: nineteen oh five, two thousand five, twenty ten. */
void english_year(struct writer *w, uint32_t year)
{
    if (year < 1000 || year > 9999 || year % 1000 < 10) {
        say_whole(w, year, false);
        return;
    }
    say_tens(w, year / 100, false);
    put(w, ' ');
    if (year % 100 == 0) {
        put_text(w, "hundred");
        return;
    }
    if (year % 100 < 10)
        put_text(w, "oh ");
    say_tens(w, year % 100, false);
}

void english_date(struct writer *w, const struct date *d)
{
    if (d->day_first) {
        put_text(w, " the ");
        say_tens(w, d->day, true);
        put_text(w, " of");
    }
    put_word(w, english_months[d->month - 1]);
    if (d->day > 0 && !d->day_first) {
        put(w, ' ');
        say_tens(w, d->day, true);
    }
    if (d->year == 0)
        return;
    if (d->day > 0)
        put(w, ',');
    put(w, ' ');
    english_year(w, d->year);
}

void english_clock(struct writer *w, const struct clock_time *t)
{
    uint32_t hour = t->hour;
    bool full = !t->has_minute || (t->minute == 0 && !t->has_second);
    if (full && t->half == '\0' && hour % 24 == 0) {
        put_text(w, "midnight");
        return;
    }
    say_tens(w, hour, false);
    if (full && t->half == '\0')
        put_text(w, hour > 12 ? " hundred" : " o'clock");
    if (!full) {
        put_text(w, t->minute == 0 ? " oh oh" : t->minute < 10 ? " oh " : " ");
        if (t->minute > 0)
            say_tens(w, t->minute, false);
    }
    if (t->has_second) {
        put_text(w, " and ");
        say_tens(w, t->second, false);
        put_text(w, t->second == 1 ? " second" : " seconds");
    }
    if (t->half != '\0') {
        put(w, ' ');
        put(w, t->half);
        put_text(w, " M");
    }
}

void english_fraction(struct writer *w, uint64_t top, uint64_t bottom)
{
    say_whole(w, top, false);
    put(w, ' ');
    if (bottom == 2 || bottom == 4) {
        put_text(w, bottom == 2 ? (top == 1 ? "half" : "halves")
                                : (top == 1 ? "quarter" : "quarters"));
    } else if (bottom == 1 || bottom > 20) {
        put_text(w, bottom == 100 ? "out of " : "over ");
        say_whole(w, bottom, false);
    } else {
        say_whole(w, bottom, true);
        put_text(w, top == 1 ? "" : "s");
    }
}
