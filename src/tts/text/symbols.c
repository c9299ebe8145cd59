// SPDX-License-Identifier: Apache-2.0
#include "tts/text/symbols.h"

struct range {
    uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t cp)
{
    for (size_t i = 0; i < count && ranges[i].first <= cp; i++)
        if (cp <= ranges[i].last)
            return true;
    return false;
}

static const struct {
    uint32_t cp;
    const char *text;
} neutral[] = {
    {'"', ""},     {'#', ""},      {'[', ""},       {'\\', ""},     {']', ""},      {'^', ""},
    {'_', " "},    {'`', ""},      {'{', ""},       {'|', ", "},    {'}', ""},      {'~', ""},
    {0xA0, " "},   {0xA9, ""},     {0xAB, ""},      {0xAE, ""},     {0xB7, " "},    {0xBB, ""},
    {0x2010, "-"}, {0x2011, "-"},  {0x2012, ", "},  {0x2013, ", "}, {0x2014, ", "}, {0x2015, ", "},
    {0x201A, ""},  {0x2022, ", "}, {0x2026, "..."}, {0x2028, " "},  {0x2029, " "},  {0x202F, " "},
    {0x2039, ""},  {0x203A, ""},   {0x2122, ""},    {0x2190, ", "}, {0x3000, " "},
};

bool symbol_neutral(uint32_t cp, struct str *ret_text)
{
    for (size_t i = 0; i < sizeof neutral / sizeof *neutral; i++)
        if (neutral[i].cp == cp) {
            *ret_text = str_of(neutral[i].text);
            return true;
        }
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || (cp >= 0x2000 && cp <= 0x200A)) {
        *ret_text = S(" ");
        return true;
    }
    return false;
}

static const struct range silent[] = {
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
    return is_in(silent, sizeof silent / sizeof *silent, cp);
}

/* Beyond ASCII; what is silent is none either. */
static const struct range no_letters[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},
    {0xF7, 0xF7},     {0x2CD, 0x2CD},   {0x37E, 0x37E},   {0x60C, 0x60D},   {0x61B, 0x61F},
    {0x66A, 0x66D},   {0x6D4, 0x6D4},   {0x964, 0x965},   {0x2000, 0x20CF}, {0x2100, 0x214F},
    {0x2190, 0x2BFF}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20},
};

bool symbol_is_letter(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
    return !is_in(no_letters, sizeof no_letters / sizeof *no_letters, cp) && !symbol_silent(cp);
}

char symbol_quote(uint32_t cp)
{
    switch (cp) {
    case 0x2018:
    case 0x2019:
    case 0x2032:
        return '\'';
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x2033:
        return '"';
    default:
        return '\0';
    }
}

char symbol_raised(uint32_t cp)
{
    if (cp == 0xB9 || cp == 0xB2 || cp == 0xB3)
        return cp == 0xB9 ? '1' : (char)('0' + (cp - 0xB0));
    if (cp == 0x2070 || (cp >= 0x2074 && cp <= 0x2079))
        return (char)('0' + (cp - 0x2070));
    return cp == 0x207A ? '+' : cp == 0x207B ? '-' : '\0';
}

char symbol_lowered(uint32_t cp)
{
    return cp >= 0x2080 && cp <= 0x2089 ? (char)('0' + (cp - 0x2080)) : '\0';
}

static const struct {
    const char *name;
    uint32_t cp;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},
    {"nbsp", ' '},     {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"copy", 0xA9},
    {"reg", 0xAE},     {"trade", 0x2122}, {"deg", 0xB0},     {"plusmn", 0xB1},   {"times", 0xD7},
    {"divide", 0xF7},  {"frac12", 0xBD},  {"frac14", 0xBC},  {"frac34", 0xBE},   {"euro", 0x20AC},
    {"pound", 0xA3},   {"yen", 0xA5},     {"cent", 0xA2},    {"sect", 0xA7},     {"lsquo", 0x2018},
    {"rsquo", 0x2019}, {"ldquo", 0x201C}, {"rdquo", 0x201D}, {"laquo", 0xAB},    {"raquo", 0xBB},
    {"bull", 0x2022},  {"middot", 0xB7},  {"rarr", 0x2192},  {"larr", 0x2190},   {"le", 0x2264},
    {"ge", 0x2265},    {"ne", 0x2260},    {"minus", 0x2212}, {"auml", 0xE4},     {"ouml", 0xF6},
    {"uuml", 0xFC},    {"szlig", 0xDF},   {"eacute", 0xE9},  {"egrave", 0xE8},   {"agrave", 0xE0},
    {"ccedil", 0xE7},  {"ntilde", 0xF1},  {"shy", 0xAD},
};

/* "#233", "#xe9": a code point that text may have. */
static uint32_t by_number(struct str digits)
{
    bool hex = digits.n > 0 && (digits.p[0] | 0x20) == 'x';
    uint32_t cp = 0, base = hex ? 16 : 10;
    digits = str_sub(digits, hex ? 1 : 0, digits.n);
    for (size_t i = 0; i < digits.n; i++) {
        char c = (char)(digits.p[i] | 0x20);
        bool digit = digits.p[i] >= '0' && digits.p[i] <= '9';
        if (!digit && !(hex && c >= 'a' && c <= 'f'))
            return 0;
        cp = cp * base + (uint32_t)(digit ? digits.p[i] - '0' : c - 'a' + 10);
        if (cp > 0x10FFFF)
            return 0;
    }
    return cp >= 0xD800 && cp < 0xE000 ? 0 : cp;
}

uint32_t symbol_entity(struct str name)
{
    if (name.n > 1 && name.p[0] == '#')
        return by_number(str_sub(name, 1, name.n));
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (str_eq(name, str_of(entities[i].name)))
            return entities[i].cp;
    return 0;
}
