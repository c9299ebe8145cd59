// SPDX-License-Identifier: Apache-2.0
/* Abbreviations, and words with numbers in them. */
#include "tts/text/reading.h"

static bool is_end(char c)
{
    return c == '\0' || c == '\n' || c == '"' || c == ')';
}

static bool fits(const struct reading *r, const struct short_words *s, size_t behind)
{
    size_t blank = blank_ahead(r, behind), month;
    char next = peek(r, behind + blank);
    struct str prev = word_before(r);
    switch (s->use) {
    case SHORT_BEFORE_NUMBER:
        return is_digit(next) || (blank == 0 && next == '~');
    case SHORT_BEFORE_NAME:
        return blank > 0 && is_capital(next) && is_capital(peek(r, 0));
    case SHORT_BEFORE_DATE:
        blank = blank_ahead(r, behind + 1);
        next = peek(r, behind + 1 + blank);
        return is_capital(peek(r, 0)) && peek(r, behind) == ',' && blank > 0 &&
               (is_digit(next) || month_ahead(r, behind + 1 + blank, &month) > 0);
    case SHORT_BEFORE_SMALL:
        return is_digit(next) || (is_lower(next) && blank > 0 && is_lower(peek(r, 0)));
    case SHORT_AFTER_NUMBER:
        return r->at > 1 && before(r) == ' ' && is_digit(r->text.p[r->at - 2]);
    case SHORT_AFTER_NAME:
        return prev.n > 1 && is_capital(prev.p[0]) && !(blank > 0 && is_capital(next));
    default:
        return true;
    }
}

/* The full stop behind an abbreviation that may be the last word is the sentence's, too, at an end or before
 * a capital. */
static bool stop_stays(const struct reading *r, const struct short_words *s, size_t behind)
{
    char next = peek(r, behind);
    size_t blank = blank_ahead(r, behind);
    if (s->use == SHORT_BEFORE_NUMBER || s->use == SHORT_BEFORE_NAME)
        return false;
    if (s->use == SHORT_AFTER_NUMBER && next == ')')
        return false;
    return is_end(next) || is_end(peek(r, behind + blank)) ||
           (s->use == SHORT_AFTER_NAME && blank > 0 && is_capital(peek(r, behind + blank)));
}

static bool say_short(struct reading *r, const struct short_words *s)
{
    size_t n = strlen(s->mark);
    if (!str_eq_nocase(ahead(r, 0, n), str_of(s->mark)) ||
        (is_letter(s->mark[n - 1]) && letter_ahead(r, n) > 0))
        return false;
    /* A single letter in capitals is a name: "vitamin C. 5 mg". */
    if (n == 1 && is_letter(s->mark[0]) && peek(r, 0) != s->mark[0])
        return false;
    bool stop = peek(r, n) == '.' && peek(r, n + 1) != '.';
    if ((s->stop_needed && !stop) ||
        (stop && letter_ahead(r, n + 1) > 0 && s->use != SHORT_BEFORE_NUMBER) ||
        !fits(r, s, n + stop))
        return false;
    put_word(r->out, s->words);
    if (stop && !stop_stays(r, s, n + 1))
        n++;
    move_on(r, n);
    return true;
}

bool read_short(struct reading *r)
{
    char first = (char)(peek(r, 0) | 0x20);
    for (const struct short_words *s = r->lang->shorts; s != nullptr && s->mark[0] != '\0'; s++)
        if ((char)(s->mark[0] | 0x20) == first && say_short(r, s))
            return true;
    return false;
}

/* Letters in front are spelled where no word could be read. */
static void say_part(struct reading *r, struct str letters)
{
    bool loud = true;
    for (size_t i = 0; i < letters.n; i++)
        loud &= is_capital(letters.p[i]);
    put(r->out, ' ');
    if (letters.n > 1 && ((loud && letters.n <= 4) || !has_vowel(letters)) && letters.n <= 5)
        say_letters(r, letters);
    else
        put_all(r->out, letters);
}

/* Letters and digits that change often are the number of something. */
static bool is_code(struct str token)
{
    size_t changes = 0;
    for (size_t i = 1; i < token.n; i++)
        changes += is_digit(token.p[i]) != is_digit(token.p[i - 1]);
    return token.n >= 7 && changes >= 2 && memchr(token.p, 'x', token.n) == nullptr;
}

static void say_code(struct reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_digit(peek(r, i)))
            say_digits(r, ahead(r, i, i + 1));
        else
            say_letters(r, ahead(r, i, i + 1));
    move_on(r, n);
}

bool read_code(struct reading *r)
{
    size_t n = 0;
    while (n < TOKEN_MAX && (is_letter(peek(r, n)) || is_digit(peek(r, n))))
        n++;
    bool hex = peek(r, 0) == '0' && peek(r, 1) == 'x' && n > 2;
    if (!is_digit(peek(r, 0)) || letter_ahead(r, n) > 0 || !(hex || is_code(ahead(r, 0, n))))
        return false;
    say_code(r, n);
    return true;
}

bool read_mixed(struct reading *r)
{
    size_t n = 0, digits = 0;
    while (n < TOKEN_MAX && (is_letter(peek(r, n)) || is_digit(peek(r, n))))
        digits += is_digit(peek(r, n++));
    if (!is_letter(peek(r, 0)) || digits == 0 || letter_ahead(r, n) > 0)
        return false;
    if (is_code(ahead(r, 0, n))) {
        say_code(r, n);
        return true;
    }
    for (size_t i = 0, m; i < n; i += m) {
        for (m = 0; i + m < n && is_letter(peek(r, i + m)); m++)
            ;
        if (m > 0) {
            say_part(r, ahead(r, i, i + m));
            continue;
        }
        for (; i + m < n && is_digit(peek(r, i + m)); m++)
            ;
        say_label(r, ahead(r, i, i + m));
    }
    move_on(r, n);
    return true;
}
