// SPDX-License-Identifier: Apache-2.0
/* Words in capitals: which are said by their letters, which as words, and which are numbers. */
#include "tts/text/english.h"
#include "tts/text/reading.h"

/* --- Roman numerals ---------------------------------------------------------------------------------- */

static const char kings[] =
    "Henry Louis George Elizabeth Charles Edward Richard William James Pope Benedict John Paul Pius Philip "
    "Peter Nicholas Alexander Frederick Friedrich Wilhelm Francis Leo Gregory Innocent Clement Catherine Ivan "
    "Mary Napoleon Otto Ferdinand Umberto Ludwig Ramses Ramesses Xerxes Darius Haakon Harald Olaf Gustav";
static const char parts[] =
    "Chapter Part Volume Vol Book Act Scene Section Article Title Phase Type Stage Level Appendix Table Figure "
    "War Class Grade Division Annex Step Group Tier Season Episode Series Mark Round Canto Psalm Clause";

static int roman_digit(char c)
{
    switch (c) {
    case 'I':
        return 1;
    case 'V':
        return 5;
    case 'X':
        return 10;
    case 'L':
        return 50;
    case 'C':
        return 100;
    default:
        return 0;
    }
}

/* How a number is written in Roman letters, to compare: only one way counts. */
static bool is_written(struct str word, int n)
{
    static const struct {
        int value;
        const char *letters;
    } steps[] = {{100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"},
                 {9, "IX"},  {5, "V"},   {4, "IV"}, {1, "I"}};
    size_t at = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        for (; n >= steps[i].value; n -= steps[i].value) {
            struct str letters = str_of(steps[i].letters);
            if (!str_starts(str_sub(word, at, word.n), letters))
                return false;
            at += letters.n;
        }
    return at == word.n;
}

static int roman_value(struct str word)
{
    int value = 0;
    for (size_t i = 0; i < word.n; i++) {
        int digit = roman_digit(word.p[i]), next = i + 1 < word.n ? roman_digit(word.p[i + 1]) : 0;
        if (digit == 0 || value > 400)
            return 0;
        if (digit < next)
            value -= digit;
        else
            value += digit;
    }
    return value > 0 && value < 400 && is_written(word, value) ? value : 0;
}

bool english_roman(struct reading *r)
{
    size_t n = 0;
    while (n < 10 && roman_digit(peek(r, n)) > 0)
        n++;
    if (n == 0)
        return false;
    int value = n > 0 && ends_ahead(r, n) && peek(r, n) != '\'' ? roman_value(ahead(r, 0, n)) : 0;
    struct str prev = word_before(r);
    bool king = is_one_of(prev, kings), part = is_one_of(prev, parts) && is_capital(prev.p[0]);
    bool name = prev.n > 1 && is_capital(prev.p[0]) && is_lower(prev.p[prev.n - 1]) &&
                !is_one_of(prev, "the an");
    bool small = true; /* only of I, V and X: hardly anything else */
    for (size_t i = 0; i < n; i++)
        small &= strchr("IVX", peek(r, i)) != nullptr;
    if (value == 0 || (!king && !part && (n < 2 || !small || !name)) || (n == 1 && !small))
        return false;
    if (n == 1 && king && peek(r, 0) == 'I' && is_one_of(word_ahead(r, n), "am have think do"))
        return false;
    put_all(r->out, king ? S(" the ") : S(" "));
    king ? english_ordinal(r->out, (uint64_t)value) : english_cardinal(r->out, (uint64_t)value);
    move_on(r, n);
    return true;
}

bool english_greek(struct reading *r)
{
    static const char *const letters[][2] = {
        {"α", "alpha"}, {"β", "beta"},   {"γ", "gamma"}, {"δ", "delta"}, {"ε", "epsilon"},
        {"θ", "theta"}, {"λ", "lambda"}, {"μ", "mu"},    {"π", "pi"},    {"ρ", "rho"},
        {"σ", "sigma"}, {"τ", "tau"},    {"φ", "phi"},   {"χ", "chi"},   {"ψ", "psi"},
        {"ω", "omega"}, {"Δ", "delta"},  {"Σ", "sigma"}, {"Ω", "omega"},
    };
    if ((unsigned char)peek(r, 0) != 0xCE && (unsigned char)peek(r, 0) != 0xCF)
        return false;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (str_starts(ahead(r, 0, 2), str_of(letters[i][0])) && ends_ahead(r, 2)) {
            put_word(r->out, letters[i][1]);
            move_on(r, 2);
            return true;
        }
    return false;
}

/* "Mon–Fri" */
bool english_days(struct reading *r)
{
    static const char *const days[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};
    const char *said[2] = {nullptr, nullptr};
    size_t n = 0;
    if (!is_capital(peek(r, 0)) || is_letter(peek(r, 3)))
        return false;
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < 7 && said[part] == nullptr; i++)
            if (str_eq(ahead(r, n, n + 3), (struct str){days[i], 3}))
                said[part] = days[i];
        size_t dash = dash_ahead(r, n + 3);
        if (said[part] == nullptr || (part == 0 && dash == 0))
            return false;
        n += 3 + (part == 0 ? dash : 0);
    }
    if (!ends_ahead(r, n))
        return false;
    put_word(r->out, said[0]);
    say(r, WORD_TO);
    put_word(r->out, said[1]);
    move_on(r, n);
    return true;
}

/* --- capitals ---------------------------------------------------------------------------------------- */

/* Acronyms that are words. */
static const char spoken[] =
    "NASA NATO UNESCO UNICEF RAM ROM LAN WAN PIN SIM GIF ASCII COVID AIDS CUDA OPEC FIFA UEFA SARS NAFTA ASEAN "
    "LIDAR RADAR SONAR LASER SCUBA TASER BIOS CAD CAM DOS MIDI NASDAQ OSHA POTUS SCOTUS SWAT TIFF ZIP UNIX LINUX";
/* Words of three letters and fewer that are no acronyms when they are stressed. */
static const char stressed[] =
    "a i the and not all any but can did for get had has her him his how its let may new now off old one our out "
    "own say see she too two use was way who why you yes no do is if in on or so to up we at be by go he me my of "
    "as an are are big day end far few got hot key low man men nor now per put red run set six ten top try "
    "via war yet add ask bad box buy car cut dog eat fix fun god hit job law lot mix net oil pay saw sea sit sun tax "
    "tea win max";
/* Longer than three letters, or said by the letters even among capitals. */
static const char spelled[] =
    "API AI URL ID CEO EU UK USA GPU CPU USB LED IP UN FBI CIA ISO UI IEEE ADHD YMCA NAACP RSVP ASAP FAQ DIY "
    "UFO ISBN ISSN UUID MSRP SSN IQ IRS IBM HIV ATM EV UV AC IEC ICAO IATA AARP IPCC OECD OCR OEM UPS AAA ABC ACLU CUPS ALSA EULA ECMA UEFI "
    "HDMI NYSE ESPN UCLA NCAA IMDB ICMP DMCA NYPD";

static const char *respelled(struct str word)
{
    static const char *const said[][2] = {
        {"JSON", "Jason"},         {"JPEG", "jay peg"},    {"OK", "okay"},
        {"YAML", "yammel"},        {"README", "readme"},   {"TOML", "tommel"},
        {"LaTeX", "lay tek"},      {"SQLite", "S Q Lite"}, {"WWI", "World War one"},
        {"WWII", "World War two"},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (str_eq(word, str_of(said[i][0])))
            return said[i][1];
    return nullptr;
}

static void say_small(struct reading *r, struct str word)
{
    put(r->out, ' ');
    for (size_t i = 0; i < word.n; i++)
        put(r->out, (char)(word.p[i] | 0x20));
}

static void say_capitals(struct reading *r, struct str word)
{
    bool vowel = has_vowel(word);
    bool i_am = str_eq(word, S("AM")) && str_eq(word_before(r), S("I"));
    bool who = !r->shouting && str_eq(word, S("WHO")) && str_eq_nocase(word_before(r), S("the"));
    if (is_one_of(word, spoken)) {
        put(r->out, ' ');
        put_all(r->out, word);
    } else if (is_one_of(word, spelled) || who || (!vowel && word.n <= 6)) {
        say_letters(r, word);
    } else if (r->shouting || word.n > 3 || i_am || is_one_of(word, stressed)) {
        say_small(r, word);
    } else {
        say_letters(r, word);
    }
}

bool english_capitals(struct reading *r)
{
    size_t n = 0, m = 0;
    if (!is_capital(peek(r, 0)))
        return false;
    while (n < 32 && is_capital(peek(r, n)))
        n++;
    for (m = n; m < 32 && is_letter(peek(r, m));)
        m++;
    struct str word = ahead(r, 0, n);
    const char *said = respelled(ahead(r, 0, m));
    bool plural = peek(r, n) == 's' && m == n + 1 && n >= 2;
    if (said == nullptr && (n < 2 || (m > n && !plural) || letter_ahead(r, m) > 0))
        return false;
    if (said != nullptr) {
        if (letter_ahead(r, m) > 0)
            return false;
        put_word(r->out, said);
        n = m;
    } else {
        say_capitals(r, word);
        if (plural)
            put_all(r->out, S("'s"));
        n = m;
    }
    if (peek(r, n) == '-' && is_digit(peek(r, n + 1))) { /* "GPT-4" is one name */
        put(r->out, ' ');
        r->at += n + 1;
        size_t digits = 0;
        while (is_digit(peek(r, digits)))
            digits++;
        say_label(r, ahead(r, 0, digits));
        n = digits;
    } else if (peek(r, n) == '/' && is_capital(peek(r, n + 1))) {
        put(r->out, ' ');
    }
    move_on(r, n);
    return true;
}

/* Single letters with full stops, "U.S.", "Ph.D."; a lone "J." stays. */
bool english_initials(struct reading *r)
{
    size_t n = 0, stops = 0, end;
    for (;;) {
        size_t letters = 0;
        while (is_letter(peek(r, n + letters)))
            letters++;
        if (letters == 0 || letters > 2 || (letters == 2 && !is_lower(peek(r, n + 1))) ||
            peek(r, n + letters) != '.' || !is_capital(peek(r, n)))
            break;
        n += letters + 1;
        stops++;
        if (stops == 8)
            break;
    }
    bool last = is_capital(peek(r, n)) && ends_ahead(r, n + 1); /* "U.S" */
    if (stops + last < 2)
        return false;
    end = n + last;
    for (size_t i = 0; i < end; i++)
        if (peek(r, i) != '.') {
            put(r->out, ' ');
            put(r->out, is_lower(peek(r, i)) ? (char)(peek(r, i) & ~0x20) : peek(r, i));
        }
    size_t blank = blank_ahead(r, end);
    char next = peek(r, end + blank);
    if (!last && (next == '\0' || next == '\n')) /* its last full stop is the sentence's too */
        end--;
    move_on(r, end);
    return true;
}
