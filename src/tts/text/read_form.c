// SPDX-License-Identifier: Apache-2.0
/* Numbers whose form tells what they are: feet, sizes, powers of ten, ratios. */
#include "tts/text/reading.h"

bool is_attribute(const struct reading *r, size_t behind)
{
    struct str next = word_ahead(r, behind);
    return is_english(r) && is_one_of(word_before(r), "a an") && next.n >= 2 &&
           is_lower(next.p[0]) &&
           !is_one_of(next, "of in at to for and or is per was with from on by");
}

void say_pairs(struct reading *r, const struct number *number)
{
    put(r->out, ' ');
    if (number->digits == 4) {
        r->lang->year(r->out, (uint32_t)number->value);
        return;
    }
    if (number->digits != 3 || number->value % 100 == 0) {
        r->lang->cardinal(r->out, number->value);
        return;
    }
    r->lang->cardinal(r->out, number->value / 100);
    if (number->value % 100 < 10)
        put_all(r->out, S(" oh"));
    put(r->out, ' ');
    r->lang->cardinal(r->out, number->value % 100);
}

/* 5'11" and 12" */
size_t say_feet(struct reading *r, const struct number *number)
{
    uint32_t inches;
    size_t n = number->n;
    if (number->fraction.n > 0 || !is_english(r))
        return 0;
    if (peek(r, n) == '\'') {
        size_t m = digits_ahead(r, n + 1, &inches);
        if (m == 0 || m > 2 || inches > 11 || !ends_ahead(r, n + 1 + m))
            return 0;
        say_number(r, number);
        put_all(r->out, S(" foot "));
        r->lang->cardinal(r->out, inches);
        return n + 1 + m + (peek(r, n + 1 + m) == '"');
    }
    if (peek(r, n) != '"' || r->quoted)
        return 0;
    say_number(r, number);
    if (is_attribute(r, n + 1))
        put_all(r->out, S("-inch"));
    else
        put_all(r->out, number_is_one(number) ? S(" inch") : S(" inches"));
    return n + 1;
}

/* "1920x1080", "10x" */
size_t say_by(struct reading *r, const struct number *number)
{
    struct number second;
    size_t n = number->n, mark = peek(r, n) == 'x'                        ? 1
                                 : str_starts(ahead(r, n, n + 2), S("×")) ? 2
                                                                          : 0;
    if (mark == 0 || r->lang->words[WORD_BY][0] == '\0')
        return 0;
    if (number_ahead(r, n + mark, &second) && ends_ahead(r, n + mark + second.n)) {
        bool pixels = mark == 1 && is_english(r) && number->digits >= 3 && number->digits <= 4 &&
                      second.digits >= 3 && second.digits <= 4 &&
                      number->fraction.n + second.fraction.n == 0;
        if (pixels) {
            say_pairs(r, number);
            say(r, WORD_BY);
            say_pairs(r, &second);
            return n + mark + second.n;
        }
        bool times = mark == 2 && (number->digits < 3 || second.digits < 3);
        say_number(r, number);
        say(r, times ? WORD_TIMES : WORD_BY);
        say_number(r, &second);
        return n + mark + second.n;
    }
    size_t prev = r->at, blank = blank_ahead(r, n + 1);
    while (prev > 0 && r->text.p[prev - 1] == ' ')
        prev--;
    char left = prev > 0 ? r->text.p[prev - 1] : ' ', right = peek(r, n + 1 + blank);
    bool algebra =
        strchr("=+-*/(", left) != nullptr || (right != '\0' && strchr("=+-*^", right) != nullptr);
    if (mark == 2 || !ends_ahead(r, n + 1) || algebra)
        return 0;
    say_number(r, number);
    say(r, WORD_TIMES);
    n++;
    return n + say_per_ahead(r, n);
}

/* "1.5e6" */
size_t say_scientific(struct reading *r, const struct number *number)
{
    size_t n = number->n, sign;
    uint32_t power;
    if ((peek(r, n) | 0x20) != 'e' || number->digits == 0)
        return 0;
    sign = peek(r, n + 1) == '-' || peek(r, n + 1) == '+';
    size_t m = digits_ahead(r, n + 1 + sign, &power);
    if (m == 0 || m > 3 || !ends_ahead(r, n + 1 + sign + m))
        return 0;
    say_number(r, number);
    say(r, WORD_TEN_TIMES);
    if (peek(r, n + 1) == '-')
        say(r, WORD_MINUS);
    put(r->out, ' ');
    r->lang->cardinal(r->out, power);
    return n + 1 + sign + m;
}

/* "16:9"; what could be a time has been read before. */
size_t say_ratio(struct reading *r, const struct number *number)
{
    struct number second;
    size_t n = number->n;
    if (peek(r, n) != ':' || !number_ahead(r, n + 1, &second) || !ends_ahead(r, n + 1 + second.n) ||
        peek(r, n + 1 + second.n) == ':')
        return 0;
    say_number(r, number);
    say(r, WORD_TO);
    say_number(r, &second);
    return n + 1 + second.n;
}
