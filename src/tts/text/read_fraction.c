// SPDX-License-Identifier: Apache-2.0
/* Parts of a whole: 3/4, 2½. */
#include "tts/text/reading.h"

enum { PARTS_MAX = 20 };

/* "¼" behind a number, or alone. */
static size_t part_ahead(const struct reading *r, size_t from, uint64_t *ret_top,
                         uint64_t *ret_bottom)
{
    static const struct {
        const char *mark;
        uint8_t top, bottom;
    } parts[] = {{"½", 1, 2}, {"¼", 1, 4}, {"¾", 3, 4}, {"⅓", 1, 3}, {"⅔", 2, 3},
                 {"⅛", 1, 8}, {"⅜", 3, 8}, {"⅝", 5, 8}, {"⅞", 7, 8}, {"⅕", 1, 5},
                 {"⅖", 2, 5}, {"⅗", 3, 5}, {"⅘", 4, 5}, {"⅙", 1, 6}, {"⅚", 5, 6}};
    if ((unsigned char)peek(r, from) < 0xC2)
        return 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (str_starts(ahead(r, from, from + 3), str_of(parts[i].mark))) {
            *ret_top = parts[i].top;
            *ret_bottom = parts[i].bottom;
            return strlen(parts[i].mark);
        }
    return 0;
}

/* "3/4", so far ahead. */
static size_t slash_ahead(const struct reading *r, size_t from, uint64_t *ret_top,
                          uint64_t *ret_bottom)
{
    uint32_t top, bottom;
    size_t n = digits_ahead(r, from, &top);
    if (n == 0 || n > 3 || peek(r, from + n) != '/')
        return 0;
    size_t m = digits_ahead(r, from + n + 1, &bottom);
    char behind = peek(r, from + n + 1 + m);
    if (m == 0 || m > 3 || behind == '/' || behind == '-' || bottom == 0 || top == 0 ||
        (behind == '.' && is_digit(peek(r, from + n + m + 2))))
        return 0;
    *ret_top = top;
    *ret_bottom = bottom;
    return n + 1 + m;
}

/* Does a mark out of so many stand there, "4.5/5", "rated 9/10"? Its length, said; or 0. */
static size_t say_mark(struct reading *r)
{
    struct number mark, most;
    if (r->lang->words[WORD_OUT_OF][0] == '\0' || !number_ahead(r, 0, &mark) ||
        peek(r, mark.n) != '/' || !number_ahead(r, mark.n + 1, &most) || mark.digits > 3 ||
        most.fraction.n > 0 || most.digits == 0 || most.digits > 3 || mark.value > most.value)
        return 0;
    size_t n = mark.n + 1 + most.n;
    bool is_one = mark.fraction.n > 0 || str_eq(word_ahead(r, n), S("stars")) ||
                  is_one_of(word_before(r), "rated rating scored score rate");
    if (!is_one || !ends_ahead(r, n) || peek(r, n) == '/' || peek(r, n) == '-')
        return 0;
    say_number(r, &mark);
    say(r, WORD_OUT_OF);
    say_number(r, &most);
    return n;
}

/* "½", "2½", "3/4", "1 1/2", "24/7" */
bool read_fraction(struct reading *r)
{
    struct number number;
    uint64_t top, bottom;
    if (!is_digit(peek(r, 0)) && (unsigned char)peek(r, 0) < 0x80)
        return false;
    size_t n = say_mark(r);
    if (n > 0) {
        move_on(r, n);
        return true;
    }
    n = part_ahead(r, 0, &top, &bottom);
    if (n == 0)
        n = slash_ahead(r, 0, &top, &bottom);
    if (n == 0 && number_ahead(r, 0, &number) && number.fraction.n == 0) {
        size_t blank = blank_ahead(r, number.n),
               part = part_ahead(r, number.n + blank, &top, &bottom);
        bool half = part > 0 && top == 1 && bottom == 2;
        if (part == 0 && blank > 0) {
            part = slash_ahead(r, number.n + blank, &top, &bottom);
            part = part > 0 && top < bottom && bottom <= PARTS_MAX ? part : 0;
        }
        if (part == 0)
            return false;
        say_number(r, &number);
        say(r, WORD_AND);
        put(r->out, ' ');
        half ? say(r, WORD_HALF) : r->lang->fraction(r->out, top, bottom);
        n = number.n + blank + part;
        n += say_unit_ahead(r, n, false);
        move_on(r, n);
        return true;
    }
    if (n == 0)
        return false;
    put(r->out, ' ');
    if ((top == 24 && bottom == 7) || (top == 9 && bottom == 11) || top == bottom) {
        r->lang->cardinal(r->out, top);
        put(r->out, ' ');
        r->lang->cardinal(r->out, bottom);
    } else {
        r->lang->fraction(r->out, top, bottom);
    }
    n += say_unit_ahead(r, n, bottom <= PARTS_MAX);
    move_on(r, n);
    return true;
}
