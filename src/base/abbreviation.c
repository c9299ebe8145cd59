// SPDX-License-Identifier: Apache-2.0
#include "base/abbreviation.h"

static const char *const always[] = {
    "dr", "mr",   "mrs", "ms",  "prof", "st",  "sr",  "jr",  "gen", "col", "sgt",
    "lt", "capt", "sen", "gov", "rev",  "rep", "hon", "mt",  "ft",  "vs",  "cf",
    "al", "ca",   "vol", "e.g", "i.e",  "bzw", "usw", "vgl", "z.b", "d.h", "approx"};
static const char *const unless_capital[] = {
    "etc",  "inc", "ltd", "co",  "corp", "dept", "est", "min", "max", "a.m",  "p.m",  "resp", "tsp",
    "tbsp", "oz",  "lb",  "lbs", "hr",   "hrs",  "sq",  "ave", "rd",  "blvd", "incl", "excl"};
static const char *const before_number[] = {
    "no",   "nos", "nr",  "fig", "figs", "p",   "pp",   "ch",  "sec",
    "art",  "jan", "feb", "mar", "apr",  "jun", "jul",  "aug", "sep",
    "sept", "oct", "nov", "dec", "tel",  "ext", "temp", "apt", "rs",
};
/* Behind an initial, these begin a sentence and are no name. */
static const char *const starters[] = {
    "A",    "After", "And",   "As",    "At",    "But",  "By",   "For",   "From", "He",
    "Her",  "His",   "How",   "I",     "If",    "In",   "It",   "It's",  "Its",  "My",
    "No",   "Not",   "Now",   "On",    "One",   "Or",   "Our",  "She",   "So",   "That",
    "The",  "Their", "Then",  "There", "These", "They", "This", "Those", "To",   "We",
    "What", "When",  "Where", "Which", "Who",   "Why",  "With", "Yes",   "You",  "Your",
};
enum { WORD_MAX = 8 /* longer than any starter */ };

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

static bool is_letter(char c)
{
    return is_capital(c) || (c >= 'a' && c <= 'z');
}

/* "J", "U.S", "Ph.D", "a.k.a": letters with full stops between, at most two together. */
static bool is_initials(struct str word)
{
    size_t run = 0, stops = 0;
    for (size_t i = 0; i < word.n; i++) {
        run = is_letter(word.p[i]) ? run + 1 : 0;
        stops += word.p[i] == '.';
        if (run > 2 || (run == 0 && (word.p[i] != '.' || i == 0 || word.p[i - 1] == '.')))
            return false;
    }
    return word.n > 0 && (stops > 0 || (word.n == 1 && word.p[0] != 'I'));
}

/* Does `next` begin with a word that begins sentences? */
static enum abbreviation after_initials(struct str next, bool grows)
{
    size_t n = 0;
    while (n < next.n && n < WORD_MAX && (is_letter(next.p[n]) || next.p[n] == '\''))
        n++;
    struct str word = str_sub(next, 0, n);
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++) {
        struct str starter = str_of(starters[i]);
        if (grows && n == next.n && str_starts(starter, word))
            return ABBREVIATION_UNCLEAR;
        if (str_eq(starter, word))
            return ABBREVIATION_NOT;
    }
    return ABBREVIATION_YES;
}

enum abbreviation abbreviation_at(struct str word, struct str after, bool grows)
{
    struct str next = str_trim(after);
    char c = next.n > 0 ? next.p[0] : '\0';
    if (IS_IN(word, always))
        return ABBREVIATION_YES;
    bool may = IS_IN(word, unless_capital);
    if (!may && !IS_IN(word, before_number))
        return is_initials(word) ? after_initials(next, grows) : ABBREVIATION_NOT;
    if (c == '\0')
        return grows ? ABBREVIATION_UNCLEAR : ABBREVIATION_NOT;
    /* "at 7 p.m. EST": a word in capitals begins no sentence. */
    bool loud = is_capital(c) && next.n > 1 && is_capital(next.p[1]);
    if (may && is_capital(c) && next.n == 1 && grows)
        return ABBREVIATION_UNCLEAR;
    bool goes_on = may ? !is_capital(c) || loud : c >= '0' && c <= '9';
    return goes_on ? ABBREVIATION_YES : ABBREVIATION_NOT;
}
