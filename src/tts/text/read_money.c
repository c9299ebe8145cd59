// SPDX-License-Identifier: Apache-2.0
/* Money, and the signs before numbers. */
#include "tts/text/reading.h"

const struct money_words *money_ahead(const struct reading *r, size_t from)
{
    for (const struct money_words *m = r->lang->money; m != nullptr && m->mark[0] != '\0'; m++)
        if (m->mark[0] == peek(r, from) && str_starts(ahead(r, from, from + 8), str_of(m->mark))) {
            size_t n = strlen(m->mark);
            if (!is_letter(m->mark[n - 1]) || ends_ahead(r, from + n))
                return m;
        }
    return nullptr;
}

/* Two digits behind the point of a currency that has hundredths. */
static bool has_parts(const struct money_words *m, const struct number *number)
{
    return m->part_one != nullptr && number->fraction.n == 2;
}

/* The number, and then the noun it counts. */
static void say_money(struct reading *r, const struct number *number, const char *noun)
{
    if (number_is_one(number) && r->lang->one_of != nullptr)
        put_word(r->out, r->lang->one_of(noun));
    else
        say_number(r, number);
    put_word(r->out, noun);
}

static void say_parts(struct reading *r, const struct money_words *m, const struct number *number)
{
    uint64_t parts =
        (uint64_t)(number->fraction.p[0] - '0') * 10 + (uint64_t)(number->fraction.p[1] - '0');
    struct number whole = *number;
    whole.fraction = (struct str){"", 0};
    if (number->value > 0 || parts == 0) {
        say_money(r, &whole, number->value == 1 ? m->one : m->many);
    }
    if (parts == 0)
        return;
    if (number->value > 0)
        say(r, WORD_AND);
    put(r->out, ' ');
    r->lang->cardinal(r->out, parts);
    put_word(r->out, parts == 1 ? m->part_one : m->part_many);
}

/* The amount that begins so far ahead, in that currency: its length, with a scale and the end of a
 * range. */
static size_t say_amount(struct reading *r, const struct money_words *m, size_t from,
                         const struct number *number)
{
    struct number second;
    const char *scale;
    size_t at = from + number->n, range = range_ahead(r, at, &second), n;
    if (range == 0 && peek(r, at) != ' ') { /* "$5–$10" */
        size_t dash = dash_ahead(r, at);
        size_t sign = dash > 0 && money_ahead(r, at + dash) == m ? strlen(m->mark) : 0;
        if (sign > 0 && number_ahead(r, at + dash + sign, &second))
            range = dash + sign + second.n;
    }
    if (range > 0) {
        say_number(r, number);
        say(r, WORD_TO);
        at += range;
        number = &second;
    }
    if ((n = scale_ahead(r, at, false, &scale)) > 0) {
        say_number(r, number);
        put_word(r->out, scale);
        put_word(r->out, is_attribute(r, at + n) ? m->one : m->many);
        return at + n - from;
    }
    if (has_parts(m, number)) {
        say_parts(r, m, number);
    } else {
        bool one = (number_is_one(number) && range == 0) || is_attribute(r, at);
        say_money(r, number, one ? m->one : m->many);
    }
    return at - from;
}

static bool read_before(struct reading *r)
{
    struct number number;
    size_t minus = peek(r, 0) == '-' ? 1 : str_starts(ahead(r, 0, 3), S("\u2212")) ? 3 : 0;
    const struct money_words *m = money_ahead(r, minus);
    if (m == nullptr)
        return false;
    size_t at = minus + strlen(m->mark);
    at += blank_ahead(r, at);
    if (!number_ahead(r, at, &number) || number.digits == 0)
        return false;
    if (minus > 0)
        say(r, WORD_MINUS);
    at += say_amount(r, m, at, &number);
    at += say_per_ahead(r, at);
    move_on(r, at);
    return true;
}

static bool read_after(struct reading *r)
{
    struct number number;
    const char *scale = nullptr;
    if (!is_digit(peek(r, 0)) || !number_ahead(r, 0, &number))
        return false;
    size_t at = number.n, scaled = scale_ahead(r, at, true, &scale),
           blank = blank_ahead(r, at + scaled);
    const struct money_words *m = money_ahead(r, at + scaled + blank);
    if (m == nullptr ||
        (peek(r, at + scaled + blank) == '$' && (blank > 0 || is_digit(peek(r, at + scaled + 1)))))
        return false;
    at += scaled + blank + strlen(m->mark);
    if (scaled == 0 && has_parts(m, &number)) {
        say_parts(r, m, &number);
    } else if (scaled > 0) {
        say_number(r, &number);
        put_word(r->out, scale);
        put_word(r->out, m->many);
    } else {
        say_money(r, &number, number_is_one(&number) ? m->one : m->many);
    }
    at += say_per_ahead(r, at);
    move_on(r, at);
    return true;
}

bool read_money(struct reading *r)
{
    return read_before(r) || read_after(r);
}

/* A sign right before a number, with nothing it could stand between. */
bool read_sign(struct reading *r)
{
    static const struct {
        const char *mark;
        enum word word;
    } signs[] = {
        {"-", WORD_MINUS},
        {"\u2212", WORD_MINUS},
        {"+", WORD_PLUS},
        {"~", WORD_ABOUT},
    };
    if (is_letter(peek(r, 0)) || is_digit(peek(r, 0)))
        return false;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i].mark);
        if (!str_starts(ahead(r, 0, 3), str_of(signs[i].mark)))
            continue;
        bool number =
            is_digit(peek(r, n)) || (peek(r, n) == r->lang->point && is_digit(peek(r, n + 1)));
        char prev = before(r);
        if (!number || (prev != '\0' && prev != ' ' && strchr("(=<>:\n\v\"'", prev) == nullptr))
            return false;
        say(r, signs[i].word);
        put(r->out, ' ');
        r->at += n;
        return true;
    }
    return false;
}
