// SPDX-License-Identifier: Apache-2.0
#include "base/abbreviation.h"

static const char *const always[] = {"dr", "mr",  "mrs", "ms", "prof",   "st", "sr", "jr",
                                     "vs", "e.g", "i.e", "cf", "approx", "ca", "vol"};
static const char *const unless_capital[] = {"etc", "inc", "ltd", "co",   "dept", "est", "min",
                                             "max", "a.m", "p.m", "resp", "incl", "excl"};
static const char *const before_number[] = {"no",  "nr",   "fig", "p",   "pp",  "ch",  "sec",
                                            "jan", "feb",  "mar", "apr", "jun", "jul", "aug",
                                            "sep", "sept", "oct", "nov", "dec", "tel", "ext"};

static bool is_in(struct str word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(word, str_of(list[i])))
            return true;
    return false;
}
#define IS_IN(word, list) is_in(word, list, sizeof(list) / sizeof *(list))

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

enum abbreviation abbreviation_at(struct str word, struct str after)
{
    struct str next = str_trim(after);
    char c = next.n > 0 ? next.p[0] : '\0';
    if (IS_IN(word, always))
        return ABBREVIATION_YES;
    if (word.n == 1 && is_capital(word.p[0]) && word.p[0] != 'I')
        return ABBREVIATION_YES; /* "J. Smith" */
    bool may = IS_IN(word, unless_capital);
    if (!may && !IS_IN(word, before_number))
        return ABBREVIATION_NOT;
    if (c == '\0')
        return ABBREVIATION_UNCLEAR;
    bool goes_on = may ? !is_capital(c) : c >= '0' && c <= '9';
    return goes_on ? ABBREVIATION_YES : ABBREVIATION_NOT;
}
