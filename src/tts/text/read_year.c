// SPDX-License-Identifier: Apache-2.0
/* Which numbers are years, and how they are said. */
#include "tts/text/reading.h"

enum { YEAR_FIRST = 1100, YEAR_LAST = 2099 };

static bool may_be_year(const struct number *number)
{
    return number->digits == 4 && !number->grouped && number->fraction.n == 0 &&
           number->whole[0] != '0' && number->value >= 1000 && number->value <= YEAR_LAST;
}

/* By the words around it: "in 1984" and "1984 was", but "1984 items". */
bool number_is_year(const struct reading *r, const struct number *number, size_t behind)
{
    struct str prev = word_before(r), next = word_ahead(r, behind);
    if (r->lang->year == nullptr || !may_be_year(number))
        return false;
    bool plural =
        next.n > 3 && is_lower(next.p[0]) && next.p[next.n - 1] == 's' && next.p[next.n - 2] != 's';
    if (plural && !is_one_of(next, "was has does"))
        return false;
    if (is_one_of(prev,
                  "in since by until till before after from year years circa ca est established "
                  "spring summer autumn fall winter early late mid during copyright of"))
        return number->value >= YEAR_FIRST || is_one_of(prev, "in since until year circa ca");
    if (number->value < YEAR_FIRST)
        return false;
    if (is_one_of(prev, "to and") && next.n == 0)
        return true;
    if (is_one_of(
            prev,
            "about over costs cost exactly nearly almost than page room only all these those"))
        return false;
    return next.n == 0 || !is_lower(next.p[0]) ||
           is_one_of(
               next,
               "was is has had were est and or to in but when with as a an by for at it he she they on "
               "the there saw marked brought that where until");
}

void say_plain(struct reading *r, const struct number *number, bool year)
{
    if (!year) {
        say_number(r, number);
        return;
    }
    put(r->out, ' ');
    r->lang->year(r->out, (uint32_t)number->value);
}

/* "1939-1945", "2020/21" */
size_t say_years(struct reading *r, const struct number *number)
{
    struct number second;
    size_t n = range_ahead(r, number->n, &second);
    uint32_t short_year;
    bool is_range = n > 0 && may_be_year(&second) && may_be_year(number) &&
                    second.value > number->value && number->value >= YEAR_FIRST &&
                    ends_ahead(r, number->n + n);
    bool is_short = n > 0 && may_be_year(number) && number->value >= YEAR_FIRST &&
                    second.digits == 2 && second.fraction.n == 0 &&
                    second.value > number->value % 100 && ends_ahead(r, number->n + n);
    if (is_short) { /* "1914-18" */
        say_plain(r, number, true);
        say(r, WORD_TO);
        say_label(r, (struct str){second.whole, 2});
        return number->n + n;
    }
    if (is_range) {
        say_plain(r, number, true);
        say(r, WORD_TO);
        say_plain(r, &second, true);
        return number->n + n;
    }
    if (may_be_year(number) && peek(r, number->n) == '/' &&
        digits_ahead(r, number->n + 1, &short_year) == 2 && short_year == number->value % 100 + 1 &&
        ends_ahead(r, number->n + 3)) {
        say_plain(r, number, true);
        say_label(r, ahead(r, number->n + 1, number->n + 3));
        return number->n + 3;
    }
    return 0;
}

/* "the 1990s", "'90s" */
bool read_decade(struct reading *r)
{
    uint32_t value;
    size_t mark = peek(r, 0) == '\'', n = digits_ahead(r, mark, &value), end = mark + n;
    end += peek(r, end) == '\'';
    bool is_one =
        (n == 2 || n == 4) && value % 10 == 0 && peek(r, end) == 's' && ends_ahead(r, end + 1);
    if (!is_one || value == 0 || (mark && n == 4) || !is_english(r))
        return false;
    put(r->out, ' ');
    if (n == 4)
        r->lang->year(r->out, value);
    else
        r->lang->cardinal(r->out, value);
    if (writer_last(r->out) == 'y') { /* twenty, twenties */
        r->out->into->n--;
        put_all(r->out, S("ies"));
    } else {
        put(r->out, 's');
    }
    move_on(r, end + 1);
    return true;
}
