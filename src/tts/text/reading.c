// SPDX-License-Identifier: Apache-2.0
#include "tts/text/reading.h"

#include "tts/text/symbols.h"

size_t letter_ahead(const struct reading *r, size_t from)
{
    uint32_t cp;
    char c = peek(r, from);
    if ((unsigned char)c < 0x80)
        return is_letter(c) || is_digit(c) ? 1 : 0;
    size_t n = utf8_next(ahead(r, from, from + 4), &cp);
    return n > 0 && symbol_is_letter(cp) ? n : 0;
}

size_t blank_ahead(const struct reading *r, size_t from)
{
    static const struct str wide[] = {{"\u00A0", 2}, {"\u202F", 3}, {"\u2009", 3}};
    if (peek(r, from) == ' ' || (unsigned char)peek(r, from) < 0xC2)
        return peek(r, from) == ' ';
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (str_starts(ahead(r, from, from + 4), wide[i]))
            return wide[i].n;
    return 0;
}

size_t dash_ahead(const struct reading *r, size_t from)
{
    if (peek(r, from) == '-')
        return 1;
    return str_starts(ahead(r, from, from + 3), S("\u2013")) ? 3 : 0;
}

bool is_one_of(struct str word, const char *list)
{
    for (struct str rest = str_of(list), one; str_cut(&rest, ' ', &one);)
        if (str_eq_nocase(word, one))
            return true;
    return false;
}

bool has_vowel(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (strchr("aeiouyAEIOUY", word.p[i]) != nullptr)
            return true;
    return false;
}

struct str word_ahead(const struct reading *r, size_t from)
{
    size_t blank = blank_ahead(r, from), n = 0;
    from += blank;
    while (n < TOKEN_MAX && is_letter(peek(r, from + n)))
        n++;
    return blank > 0 ? ahead(r, from, from + n) : (struct str){"", 0};
}

struct str word_before(const struct reading *r)
{
    size_t end = r->at;
    while (end > r->word_end && r->at - end < 3 && r->text.p[end - 1] == ' ')
        end--;
    if (end == r->word_end + 1 && r->text.p[r->word_end] == '.' && end < r->at)
        end--;
    if (end != r->word_end || end == r->at)
        return (struct str){"", 0};
    struct str word = str_sub(r->text, r->word_at, r->word_end);
    return str_ends(word, S(".")) ? str_sub(word, 0, word.n - 1) : word;
}

bool ends_ahead(const struct reading *r, size_t from)
{
    return letter_ahead(r, from) == 0;
}

void move_on(struct reading *r, size_t n)
{
    r->at += n;
    r->in_word = true;
    if (letter_ahead(r, 0) > 0)
        put(r->out, ' ');
}

size_t digits_ahead(const struct reading *r, size_t from, uint32_t *ret_value)
{
    size_t n = 0;
    uint32_t value = 0;
    for (; is_digit(peek(r, from + n)); n++) {
        if (n == 9)
            return 0;
        value = value * 10 + (uint32_t)(peek(r, from + n) - '0');
    }
    if (n > 0)
        *ret_value = value;
    return n;
}

/* --- numbers --------------------------------------------------------------------------------------- */

/* Length of what parts groups of digits, with three digits behind it and no fourth. */
static size_t group_ahead(const struct reading *r, size_t from)
{
    size_t n = peek(r, from) == r->lang->group ? 1 : 0;
    if (n == 0 && peek(r, from) != ' ')
        n = blank_ahead(r, from);
    bool three = n > 0 && is_digit(peek(r, from + n)) && is_digit(peek(r, from + n + 1)) &&
                 is_digit(peek(r, from + n + 2)) && !is_digit(peek(r, from + n + 3));
    return three ? n : 0;
}

bool number_ahead(const struct reading *r, size_t from, struct number *ret)
{
    struct number number = {0};
    size_t at = from, group;
    for (;;) {
        while (is_digit(peek(r, at))) {
            if (number.digits == NUMBER_MAX)
                return false;
            number.whole[number.digits++] = peek(r, at++);
        }
        bool may = number.digits > 0 && (number.grouped || number.digits <= 3);
        if (!may || (group = group_ahead(r, at)) == 0)
            break;
        number.grouped = true;
        at += group;
    }
    if (peek(r, at) == r->lang->point && is_digit(peek(r, at + 1))) {
        size_t begin = ++at;
        while (at - begin < NUMBER_MAX && is_digit(peek(r, at)))
            at++;
        number.fraction = ahead(r, begin, at);
    }
    number.n = at - from;
    if (number.n == 0 || is_digit(peek(r, at)))
        return false;
    for (unsigned i = 0; number.digits <= DIGITS_MAX && i < number.digits; i++)
        number.value = number.value * 10 + (uint64_t)(number.whole[i] - '0');
    *ret = number;
    return true;
}

bool number_is_one(const struct number *number)
{
    return number->digits > 0 && number->value == 1 && number->fraction.n == 0;
}

void say(struct reading *r, enum word word)
{
    put_word(r->out, r->lang->words[word]);
}

void say_digits(struct reading *r, struct str digits)
{
    for (size_t i = 0; i < digits.n; i++) {
        put(r->out, ' ');
        r->lang->cardinal(r->out, (uint64_t)(digits.p[i] - '0'));
    }
}

void say_number(struct reading *r, const struct number *number)
{
    struct str whole = {number->whole, number->digits};
    put(r->out, ' ');
    if (whole.n > DIGITS_MAX || (whole.n > 1 && whole.p[0] == '0'))
        say_digits(r, whole);
    else if (whole.n > 0)
        r->lang->cardinal(r->out, number->value);
    if (number->fraction.n > 0) {
        say(r, WORD_POINT);
        say_digits(r, number->fraction);
    }
}

void say_label(struct reading *r, struct str digits)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits.n && i < 9; i++)
        value = value * 10 + (uint32_t)(digits.p[i] - '0');
    put(r->out, ' ');
    if (digits.n == 0)
        return;
    if (digits.n > 4 || (digits.n > 1 && digits.p[0] == '0'))
        say_digits(r, digits);
    else if (digits.n == 4)
        r->lang->year(r->out, value);
    else
        r->lang->cardinal(r->out, value);
}

void say_letters(struct reading *r, struct str letters)
{
    for (size_t i = 0; i < letters.n; i++) {
        char c = letters.p[i];
        put(r->out, ' ');
        put(r->out, is_lower(c) ? (char)(c - 'a' + 'A') : c);
    }
}
