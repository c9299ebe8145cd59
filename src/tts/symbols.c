// SPDX-License-Identifier: Apache-2.0
#include "tts/symbols.h"

/* Sorted by code point. `words` with blanks around them stand alone; punctuation clings. */
static const struct symbol {
    uint32_t cp;
    bool english_only;
    const char *words;
} symbols[] = {
    {'"', false, ""},
    {'#', false, ""},
    {'&', true, " and "},
    {'*', false, ""},
    {'+', true, " plus "},
    {'<', true, " less than "},
    {'=', true, " equals "},
    {'>', true, " greater than "},
    {'[', false, ""},
    {'\\', false, ""},
    {']', false, ""},
    {'^', false, ""},
    {'_', false, " "},
    {'`', false, ""},
    {'{', false, ""},
    {'|', false, ", "},
    {'}', false, ""},
    {'~', false, ""},
    {0xA0, false, " "},
    {0xA3, true, " pounds "},
    {0xA7, true, " section "},
    {0xA9, false, ""},
    {0xAB, false, ""},
    {0xAE, false, ""},
    {0xB0, true, " degrees "},
    {0xB1, true, " plus or minus "},
    {0xB2, true, " squared "},
    {0xB3, true, " cubed "},
    {0xB7, false, " "},
    {0xBB, false, ""},
    {0xBC, true, " one quarter "},
    {0xBD, true, " one half "},
    {0xBE, true, " three quarters "},
    {0xD7, true, " times "},
    {0xF7, true, " divided by "},
    {0x2010, false, "-"},
    {0x2011, false, "-"},
    {0x2013, false, ", "},
    {0x2014, false, ", "},
    {0x2018, false, "'"},
    {0x2019, false, "'"},
    {0x201A, false, ""},
    {0x201C, false, ""},
    {0x201D, false, ""},
    {0x201E, false, ""},
    {0x2022, false, ", "},
    {0x2026, false, "..."},
    {0x2028, false, " "},
    {0x2029, false, " "},
    {0x202F, false, " "},
    {0x20AC, true, " euros "},
    {0x2122, false, ""},
    {0x2190, false, ", "},
    {0x2192, true, " to "},
    {0x21D2, true, " to "},
    {0x2212, true, " minus "},
    {0x2248, true, " about "},
    {0x2260, true, " is not "},
    {0x2264, true, " at most "},
    {0x2265, true, " at least "},
    {0x3000, false, " "},
};

bool symbol_spoken(uint32_t cp, bool english, struct str *ret_words)
{
    size_t from = 0, to = sizeof symbols / sizeof *symbols;
    while (from < to) {
        size_t mid = (from + to) / 2;
        const struct symbol *s = &symbols[mid];
        if (s->cp == cp) {
            if (s->english_only && !english)
                return false;
            *ret_words = str_of(s->words);
            return true;
        }
        if (s->cp < cp)
            from = mid + 1;
        else
            to = mid;
    }
    return false;
}

static const struct {
    uint32_t first, last;
} silent[] = {
    {0xAD, 0xAD},        /* soft hyphen */
    {0x34F, 0x34F},      /* grapheme joiner */
    {0x61C, 0x61C},      /* Arabic letter mark */
    {0x180B, 0x180F},    /* Mongolian selectors */
    {0x200B, 0x200F},    /* zero width, direction */
    {0x202A, 0x202E},    /* direction */
    {0x2060, 0x206F},    /* joiners, direction, invisible operators */
    {0x20D0, 0x20FF},    /* marks around symbols: keycaps */
    {0x2191, 0x21FF},    /* arrows (those with words are found first) */
    {0x2300, 0x23FF},    /* technical pictures */
    {0x2400, 0x27BF},    /* boxes, shapes, signs, dingbats */
    {0x2900, 0x297F},    /* more arrows */
    {0x2B00, 0x2BFF},    /* stars and arrows */
    {0xE000, 0xF8FF},    /* private use */
    {0xFE00, 0xFE0F},    /* variation selectors */
    {0xFEFF, 0xFEFF},    /* byte order mark */
    {0xFFF0, 0xFFFF},    /* replacement, interlinear marks */
    {0x1F000, 0x1FAFF},  /* pictures, flags, skin tones */
    {0xE0000, 0x10FFFF}, /* tags, selectors, private use */
};

bool symbol_silent(uint32_t cp)
{
    for (size_t i = 0; i < sizeof silent / sizeof *silent && silent[i].first <= cp; i++)
        if (cp <= silent[i].last)
            return true;
    return false;
}

static const struct {
    const char *name, *text;
} entities[] = {
    {"amp", "&"},     {"lt", "<"},      {"gt", ">"},       {"quot", "\""},
    {"apos", "'"},    {"#39", "'"},     {"#x27", "'"},     {"nbsp", " "},
    {"ndash", " - "}, {"mdash", " - "}, {"hellip", "..."},
};

struct str symbol_entity(struct str name)
{
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (str_eq(name, str_of(entities[i].name)))
            return str_of(entities[i].text);
    return (struct str){"", 0};
}
