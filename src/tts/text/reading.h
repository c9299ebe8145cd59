// SPDX-License-Identifier: Apache-2.0
/*
 * A text on its way to speech: where the eye is, and what it has just seen. A reader looks at the
 * place, says what is there if it knows how, and moves on; else it leaves all as it was. It looks only
 * a bounded way ahead, so that reading is linear in the text.
 */
#pragma once

#include "tts/text/language.h"

struct reading {
    struct str text;
    size_t at;
    const struct language *lang;
    struct writer *out;
    size_t word_at, word_end; /* the last word in letters */
    bool in_word;             /* the character before was a letter or a digit */
    bool shouting;            /* all of the text is in capitals */
    bool quoted, single;      /* within "…", within '…' */
};

enum {
    TOKEN_MAX = 256, /* how far a reader looks ahead */
    DIGITS_MAX = 15, /* a longer number is read digit by digit */
    NUMBER_MAX = 64, /* bytes of a number */
};

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static inline bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}
static inline bool is_letter(char c)
{
    return is_lower(c) || is_capital(c);
}
/* The byte so far behind the place, or 0. */
static inline char peek(const struct reading *r, size_t ahead)
{
    return r->at + ahead < r->text.n ? r->text.p[r->at + ahead] : '\0';
}
static inline char before(const struct reading *r)
{
    return r->at > 0 ? r->text.p[r->at - 1] : '\0';
}
static inline struct str ahead(const struct reading *r, size_t from, size_t to)
{
    return str_sub(r->text, r->at + from, r->at + to);
}

/* The rules that no other language has. */
static inline bool is_english(const struct reading *r)
{
    return r->lang == &language_english;
}

/* Length of the letter of any language, or of the digit, so far ahead; 0: there is none. */
size_t letter_ahead(const struct reading *r, size_t from);
/* Length of the blank so far ahead (also a no-break one), or 0. */
size_t blank_ahead(const struct reading *r, size_t from);
/* Length of the dash so far ahead, a hyphen or one between numbers, or 0. */
size_t dash_ahead(const struct reading *r, size_t from);
/* The word of ASCII letters behind blanks, so far ahead; empty: there is none. */
struct str word_ahead(const struct reading *r, size_t from);
/* The word just before the place, with nothing but a blank or a full stop between. */
struct str word_before(const struct reading *r);
/* Is there no letter and no digit so far ahead? */
bool ends_ahead(const struct reading *r, size_t from);
/* Is the word, in small letters or capitals, in a list with blanks between? */
bool is_one_of(struct str word, const char *list);
/* Could it be read as a word? */
bool has_vowel(struct str word);
/* Goes on by n; what was read was a word. */
void move_on(struct reading *r, size_t n);

/* A number as it is written: 1,234.50. */
struct number {
    size_t n;               /* bytes of the text */
    char whole[NUMBER_MAX]; /* digits alone */
    unsigned digits;        /* of them */
    struct str fraction;    /* digits behind the point */
    bool grouped;
    uint64_t value; /* of the whole, if there are at most DIGITS_MAX */
};
/* False: no number so far ahead, or one too long. */
bool number_ahead(const struct reading *r, size_t from, struct number *ret);
bool number_is_one(const struct number *number);
void say_number(struct reading *r, const struct number *number);
/* Each by its name. */
void say_digits(struct reading *r, struct str digits);
/* As it is said of a name such as B52 or F-150. */
void say_label(struct reading *r, struct str digits);
/* "2", "16", "1984": the value of at most nine digits so far ahead, and how many; 0: none or more. */
size_t digits_ahead(const struct reading *r, size_t from, uint32_t *ret_value);
void say(struct reading *r, enum word word);
/* Letters one by one. */
void say_letters(struct reading *r, struct str letters);

/* The readers that languages share; each says with the language's words. */
bool read_address(struct reading *r); /* links, mail, names of files and machines */
bool read_handle(struct reading *r);  /* #topic, @name, --option */
bool read_smiley(struct reading *r);
bool read_money(struct reading *r);
bool read_sign(struct reading *r);
bool read_date(struct reading *r);
bool read_clock(struct reading *r);
bool read_phone(struct reading *r);
bool read_version(struct reading *r); /* also an address of numbers */
bool read_decade(struct reading *r);  /* English alone: the 1990s */
bool read_fraction(struct reading *r);
bool read_quantity(struct reading *r);
bool read_unit_alone(struct reading *r); /* "in km/h" */
bool read_code(struct reading *r);       /* 0xFF, 550e8400 */
bool read_short(struct reading *r);
/* Letters and digits mixed: MP3. */
bool read_mixed(struct reading *r);

/* Of what quantities and years share. Is it a year, by the words around it? `behind`: where the number ends. */
bool number_is_year(const struct reading *r, const struct number *number, size_t behind);
void say_plain(struct reading *r, const struct number *number, bool year);
/* "1939-1945": its length, or 0. */
size_t say_years(struct reading *r, const struct number *number);

/* The month whose name stands so far ahead, from 1, and its length with a full stop; 0: none. */
uint32_t month_ahead(const struct reading *r, size_t from, size_t *ret_n);

/* Forms of numbers: 5'11", 1920x1080, 1.5e6, 16:9. Length of what was said, or 0. */
size_t say_feet(struct reading *r, const struct number *number);
size_t say_by(struct reading *r, const struct number *number);
size_t say_scientific(struct reading *r, const struct number *number);
size_t say_ratio(struct reading *r, const struct number *number);
/* In pairs, as sizes and models are said: nineteen twenty, seven forty-seven. */
void say_pairs(struct reading *r, const struct number *number);
/* Is the amount that ends so far ahead one of "a 12-inch ruler": an article before, a noun behind? */
bool is_attribute(const struct reading *r, size_t behind);

/* Of what quantities and money share. The currency whose mark stands so far ahead, or NULL. */
const struct money_words *money_ahead(const struct reading *r, size_t from);
/* Length of a unit so far ahead, said; or 0. */
size_t say_unit_ahead(struct reading *r, size_t from, bool one);
/* Is a unit or a currency there? */
bool unit_is_ahead(const struct reading *r, size_t from);
/* "/h", "/month" behind what is counted; its length, or 0. */
size_t say_per_ahead(struct reading *r, size_t from);
/* A first number's partner in "5-10", so far ahead; its length with the dash, or 0. */
size_t range_ahead(const struct reading *r, size_t from, struct number *ret);
/* Is that word, so far ahead, "million" or the like? Its length with the blank, or 0. */
size_t scale_ahead(const struct reading *r, size_t from, bool attached, const char **ret_words);
