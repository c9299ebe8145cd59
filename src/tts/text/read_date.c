// SPDX-License-Identifier: Apache-2.0
/* Dates and times of day. */
#include "tts/text/reading.h"

static bool is_date(const struct date *d)
{
    return d->month >= 1 && d->month <= 12 && d->day <= 31;
}

/* The digits of "2026-11-29", whatever the separator; false where there are no three numbers. */
static bool three_ahead(const struct reading *r, uint32_t ret[3], size_t lengths[3], char *ret_sep,
                        size_t *ret_n)
{
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            char sep = peek(r, at++);
            if ((sep != '-' && sep != '/' && sep != '.') || (i == 2 && sep != *ret_sep))
                return false;
            *ret_sep = sep;
        }
        lengths[i] = digits_ahead(r, at, &ret[i]);
        if (lengths[i] == 0 || lengths[i] > 4)
            return false;
        at += lengths[i];
    }
    *ret_n = at;
    return true;
}

static bool read_numeric(struct reading *r)
{
    uint32_t n[3];
    size_t lengths[3], bytes;
    char sep = 0;
    struct date d = {0};
    if (!three_ahead(r, n, lengths, &sep, &bytes))
        return false;
    char behind = peek(r, bytes);
    if (behind == '-' || behind == '/' || (behind == '.' && is_digit(peek(r, bytes + 1))) ||
        is_digit(behind) || (is_letter(behind) && behind != 'T'))
        return false;
    bool two_two = lengths[0] <= 2 && lengths[1] <= 2;
    if (lengths[0] == 4 && sep != '.' && lengths[1] == 2 && lengths[2] == 2)
        d = (struct date){n[0], n[1], n[2], false};
    else if (two_two && sep == '.' && lengths[2] == 4)
        d = (struct date){n[2], n[1], n[0], false};
    else if (two_two && sep == '/' && (lengths[2] == 4 || lengths[2] == 2) && n[0] <= 12)
        d = (struct date){n[2], n[0], n[1], false};
    else if (two_two && sep == '/' && (lengths[2] == 4 || lengths[2] == 2))
        d = (struct date){n[2], n[1], n[0], false};
    else
        return false;
    if (lengths[2] == 2 && lengths[0] != 4)
        d.year += d.year < 70 ? 2000 : 1900;
    if (is_date(&d) && d.day > 0) {
        put(r->out, ' ');
        r->lang->date(r->out, &d);
    } else if (lengths[0] == 4) { /* no day of any month: its numbers */
        say_label(r, ahead(r, 0, 4));
        put_pause(r->out);
        say_label(r, ahead(r, 5, 7));
        put_pause(r->out);
        say_label(r, ahead(r, 8, 10));
    } else {
        return false;
    }
    if (behind == 'T') {
        put_pause(r->out);
        r->at += bytes + 1;
    } else {
        move_on(r, bytes);
    }
    return true;
}

/* The month whose name stands so far ahead, from 1, and its length with a full stop; 0: none. */
uint32_t month_ahead(const struct reading *r, size_t from, size_t *ret_n)
{
    for (int form = 0; form < 3; form++)
        for (uint32_t i = 0; r->lang->months[form] != nullptr && i < 12; i++) {
            const char *name = r->lang->months[form][i];
            size_t n = name[0] == peek(r, from) ? strlen(name) : 0;
            if (n == 0 || !str_eq(ahead(r, from, from + n), str_of(name)) ||
                !ends_ahead(r, from + n))
                continue;
            *ret_n = n + (form > 0 && peek(r, from + n) == '.' && n < 5);
            return i + 1;
        }
    return 0;
}

/* A year behind a blank, or behind a comma and one: its length. */
static size_t year_ahead(const struct reading *r, size_t from, uint32_t *ret_year)
{
    size_t at = from + (peek(r, from) == ',');
    size_t blank = blank_ahead(r, at);
    uint32_t year;
    at += blank;
    if (blank == 0 || digits_ahead(r, at, &year) != 4 || !ends_ahead(r, at + 4) || year < 1000 ||
        year > 2199)
        return 0;
    *ret_year = year;
    return at + 4 - from;
}

/* A day's number, with or without its ending. */
static size_t day_ahead(const struct reading *r, size_t from, uint32_t *ret_day)
{
    uint32_t day;
    size_t n = digits_ahead(r, from, &day);
    if (n == 0 || n > 2 || day < 1 || day > 31)
        return 0;
    struct str end = ahead(r, from + n, from + n + 2);
    if (str_eq(end, S("st")) || str_eq(end, S("nd")) || str_eq(end, S("rd")) ||
        str_eq(end, S("th")))
        n += 2;
    char behind = peek(r, from + n);
    bool number =
        (behind == '.' || behind == ',' || behind == ':' || behind == '-' || behind == '/') &&
        is_digit(peek(r, from + n + 1));
    if (!ends_ahead(r, from + n) || number || behind == '%')
        return 0;
    *ret_day = day;
    return n;
}

/* "Nov 29, 2026", "May 2026" */
static bool read_month_first(struct reading *r)
{
    struct date d = {0};
    size_t n, at;
    if (!is_capital(peek(r, 0)) || (d.month = month_ahead(r, 0, &n)) == 0)
        return false;
    size_t blank = blank_ahead(r, n);
    if (blank == 0)
        return false;
    at = day_ahead(r, n + blank, &d.day);
    if (at > 0)
        at += n + blank;
    size_t year = year_ahead(r, at > 0 ? at : n, &d.year);
    if (at == 0 && year == 0)
        return false;
    put(r->out, ' ');
    r->lang->date(r->out, &d);
    move_on(r, (at > 0 ? at : n) + year);
    return true;
}

/* "29 November 2026" */
static bool read_day_first(struct reading *r)
{
    struct date d = {.day_first = true};
    size_t n, day = day_ahead(r, 0, &d.day);
    if (day == 0)
        return false;
    size_t dot = r->lang->point == ',' && peek(r, day) == '.', blank = blank_ahead(r, day + dot);
    if (blank == 0 || (d.month = month_ahead(r, day + dot + blank, &n)) == 0)
        return false;
    n += day + dot + blank;
    n += year_ahead(r, n, &d.year);
    put(r->out, ' ');
    if (str_eq_nocase(word_before(r), S("the")))
        d.day_first = false; /* its article is there */
    if (!d.day_first && is_english(r)) {
        r->lang->ordinal(r->out, d.day);
        put_all(r->out, S(" of"));
        r->lang->date(r->out, &(struct date){.year = d.year, .month = d.month});
    } else {
        r->lang->date(r->out, &d);
    }
    move_on(r, n);
    return true;
}

bool read_date(struct reading *r)
{
    if (r->lang->date == nullptr)
        return false;
    if (is_digit(peek(r, 0)))
        return read_numeric(r) || read_day_first(r);
    return read_month_first(r);
}

/* --- time of day ------------------------------------------------------------------------------------- */

/* "am", "p.m.", so far ahead, maybe behind a blank: its length without a last full stop. */
static size_t half_ahead(const struct reading *r, size_t from, char *ret_half)
{
    if (!is_english(r)) /* the German "am" is a word */
        return 0;
    size_t blank = blank_ahead(r, from);
    char a = (char)(peek(r, from + blank) & ~0x20);
    if (a != 'A' && a != 'P')
        return 0;
    size_t dot = peek(r, from + blank + 1) == '.', n = blank + 1 + dot;
    if ((peek(r, from + n) | 0x20) != 'm' || !ends_ahead(r, from + n + 1))
        return 0;
    *ret_half = a;
    return n + 1;
}

/* The full stop of "p.m." ends the sentence too where nothing or a capital follows. */
static size_t half_stop(const struct reading *r, size_t from)
{
    if (peek(r, from) != '.' || peek(r, from - 2) != '.')
        return 0;
    size_t blank = blank_ahead(r, from + 1);
    char next = peek(r, from + 1 + blank);
    return next == '\0' || next == '\n' || (blank > 0 && is_capital(next)) ? 0 : 1;
}

static size_t clock_ahead(const struct reading *r, size_t from, struct clock_time *ret)
{
    struct clock_time t = {0};
    size_t n = digits_ahead(r, from, &t.hour);
    if (n == 0 || n > 2 || t.hour > 24)
        return 0;
    size_t at = from + n;
    if (peek(r, at) == ':' && digits_ahead(r, at + 1, &t.minute) == 2 && t.minute < 60) {
        t.has_minute = true;
        at += 3;
        if (peek(r, at) == ':' && digits_ahead(r, at + 1, &t.second) == 2 && t.second < 60) {
            t.has_second = true;
            at += 3;
        }
        if (peek(r, at) == ':')
            return 0;
    }
    if (t.hour >= 1 && t.hour <= 12)
        at += half_ahead(r, at, &t.half);
    if ((!t.has_minute && t.half == '\0') || (!ends_ahead(r, at) && peek(r, at) != 'Z'))
        return 0;
    *ret = t;
    return at - from;
}

bool read_clock(struct reading *r)
{
    struct clock_time t, end;
    size_t n = r->lang->clock != nullptr && is_digit(peek(r, 0)) ? clock_ahead(r, 0, &t) : 0;
    if (n == 0)
        return false;
    put(r->out, ' ');
    r->lang->clock(r->out, &t);
    size_t stop = t.half != '\0' && peek(r, n) == '.', at = n + stop;
    size_t blank = blank_ahead(r, at), dash = at + blank;
    at = dash + dash_ahead(r, dash);
    size_t behind = at + (blank > 0 ? blank_ahead(r, at) : 0);
    size_t m = at > dash && (blank > 0) == (behind > at) ? clock_ahead(r, behind, &end) : 0;
    at = behind;
    if (m > 0) {
        say(r, WORD_TO);
        put(r->out, ' ');
        r->lang->clock(r->out, &end);
        n = at + m;
    }
    n += half_stop(r, n);
    move_on(r, n);
    return true;
}
