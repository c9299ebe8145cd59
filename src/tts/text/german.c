// SPDX-License-Identifier: Apache-2.0
/* German: numbers, dates, times, money and the commonest units. */
#include "tts/text/reading.h"

static const char *const small[] = {
    "null",     "eins",     "zwei",     "drei",     "vier",     "fünf",     "sechs",
    "sieben",   "acht",     "neun",     "zehn",     "elf",      "zwölf",    "dreizehn",
    "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
};
static const char *const tens[] = {
    "", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig",
};

static void put_text(struct writer *w, const char *text)
{
    put_all(w, str_of(text));
}

/* 1 to 999; `joined`: more of the word follows, where "eins" becomes "ein". */
static void say_hundreds(struct writer *w, uint64_t n, bool joined)
{
    if (n >= 100) {
        put_text(w, n < 200 ? "ein" : small[n / 100]);
        put_text(w, "hundert");
        n %= 100;
    }
    if (n == 0)
        return;
    if (n < 20) {
        put_text(w, n == 1 && joined ? "ein" : small[n]);
        return;
    }
    if (n % 10 > 0) {
        put_text(w, n % 10 == 1 ? "ein" : small[n % 10]);
        put_text(w, "und");
    }
    put_text(w, tens[n / 10]);
}

static void cardinal(struct writer *w, uint64_t n)
{
    static const struct {
        uint64_t value;
        const char *one, *many;
    } scales[] = {
        {1000000000000, "eine Billion", " Billionen"},
        {1000000000, "eine Milliarde", " Milliarden"},
        {1000000, "eine Million", " Millionen"},
    };
    if (n == 0)
        put_text(w, small[0]);
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        uint64_t count = n / scales[i].value % 1000;
        if (count == 1)
            put_text(w, scales[i].one);
        else if (count > 1)
            say_hundreds(w, count, false), put_text(w, scales[i].many);
        if (count > 0 && n % scales[i].value > 0)
            put(w, ' ');
    }
    n %= 1000000;
    if (n >= 1000) {
        say_hundreds(w, n / 1000, true);
        put_text(w, "tausend");
    }
    say_hundreds(w, n % 1000, false);
}

static void year(struct writer *w, uint32_t n)
{
    if (n < 1100 || n >= 2000) {
        cardinal(w, n);
        return;
    }
    say_hundreds(w, n / 100, true);
    put_text(w, "hundert");
    say_hundreds(w, n % 100, false);
}

/* With the ending of "der erste" and "am ersten" alike but for one letter: that of the latter. */
static void ordinal(struct writer *w, uint64_t n)
{
    uint64_t last = n % 100;
    if (last == 1 || last == 3 || last == 7 || last == 8) {
        static const char *const odd[] = {"", "ersten", "",        "dritten", "",
                                          "", "",       "siebten", "achten"};
        if (n > last)
            cardinal(w, n - last);
        put_text(w, odd[last]);
        return;
    }
    cardinal(w, n);
    put_text(w, last > 0 && last < 20 ? "ten" : "sten");
}

static const char *const months[12] = {"Januar",    "Februar", "März",     "April",
                                       "Mai",       "Juni",    "Juli",     "August",
                                       "September", "Oktober", "November", "Dezember"};
static const char *const months_short[12] = {"Jan", "Feb", "",     "",    "",    "",
                                             "",    "Aug", "Sept", "Okt", "Nov", "Dez"};

static void date(struct writer *w, const struct date *d)
{
    if (d->day > 0) {
        ordinal(w, d->day);
        put(w, ' ');
    }
    put_text(w, months[d->month - 1]);
    if (d->year == 0)
        return;
    put(w, ' ');
    year(w, d->year);
}

static void clock_time(struct writer *w, const struct clock_time *t)
{
    if (t->hour == 1)
        put_text(w, "ein");
    else
        cardinal(w, t->hour);
    put_text(w, " Uhr");
    if (t->minute > 0) {
        put(w, ' ');
        cardinal(w, t->minute);
    }
    if (t->has_second && t->second > 0) {
        put_text(w, t->second == 1 ? " und eine Sekunde" : " und ");
        if (t->second > 1)
            cardinal(w, t->second), put_text(w, " Sekunden");
    }
}

static void fraction(struct writer *w, uint64_t top, uint64_t bottom)
{
    if (bottom == 2 && top == 1) {
        put_text(w, "ein halb");
        return;
    }
    top == 1 ? put_text(w, "ein") : cardinal(w, top);
    put(w, ' ');
    if (bottom < 3 || bottom > 12) {
        put_text(w, "durch ");
        cardinal(w, bottom);
        return;
    }
    static const char *const parts[] = {"Drittel", "Viertel", "Fünftel", "Sechstel", "Siebtel",
                                        "Achtel",  "Neuntel", "Zehntel", "Elftel",   "Zwölftel"};
    put_text(w, parts[bottom - 3]);
}

/* Of the nouns in the tables below, those in -e are feminine. */
static const char *one_of(const char *noun)
{
    return str_ends(str_of(noun), S("e")) ? "eine" : "ein";
}

static const struct unit_words units[] = {
    {"km", "Kilometer", "Kilometer"},
    {"cm", "Zentimeter", "Zentimeter"},
    {"mm", "Millimeter", "Millimeter"},
    {"kg", "Kilogramm", "Kilogramm"},
    {"mg", "Milligramm", "Milligramm"},
    {"ml", "Milliliter", "Milliliter"},
    {"kWh", "Kilowattstunde", "Kilowattstunden"},
    {"kW", "Kilowatt", "Kilowatt"},
    {"GB", "Gigabyte", "Gigabyte"},
    {"MB", "Megabyte", "Megabyte"},
    {"TB", "Terabyte", "Terabyte"},
    {"GHz", "Gigahertz", "Gigahertz"},
    {"MHz", "Megahertz", "Megahertz"},
    {"kHz", "Kilohertz", "Kilohertz"},
    {"Hz", "Hertz", "Hertz"},
    {"ms", "Millisekunde", "Millisekunden"},
    {"min", "Minute", "Minuten"},
    {"Min", "Minute", "Minuten"},
    {"Std", "Stunde", "Stunden"},
    {"h", "Stunde", "Stunden"},
    {"s", "Sekunde", "Sekunden"},
    {"m", "Meter", "Meter"},
    {"g", "Gramm", "Gramm"},
    {"l", "Liter", "Liter"},
    {"W", "Watt", "Watt"},
    {"V", "Volt", "Volt"},
    {"°C", "Grad Celsius", "Grad Celsius"},
    {"°", "Grad", "Grad"},
    {"%", "Prozent", "Prozent"},
    {"", "", ""},
};

static const struct money_words money[] = {
    {"€", "Euro", "Euro", "Cent", "Cent"},
    {"EUR", "Euro", "Euro", "Cent", "Cent"},
    {"$", "Dollar", "Dollar", "Cent", "Cent"},
    {"USD", "U S Dollar", "U S Dollar", "Cent", "Cent"},
    {"£", "Pfund", "Pfund", "Penny", "Pence"},
    {"CHF", "Franken", "Franken", "Rappen", "Rappen"},
    {"", "", "", nullptr, nullptr},
};

static const struct short_words shorts[] = {
    {"z. B", "zum Beispiel", SHORT_ALWAYS, true},   {"z.B", "zum Beispiel", SHORT_ALWAYS, true},
    {"d. h", "das heißt", SHORT_ALWAYS, true},      {"d.h", "das heißt", SHORT_ALWAYS, true},
    {"u. a", "unter anderem", SHORT_ALWAYS, true},  {"usw", "und so weiter", SHORT_ALWAYS, true},
    {"bzw", "beziehungsweise", SHORT_ALWAYS, true}, {"ca", "zirka", SHORT_ALWAYS, true},
    {"vgl", "vergleiche", SHORT_ALWAYS, true},      {"Nr", "Nummer", SHORT_BEFORE_NUMBER, true},
    {"Dr", "Doktor", SHORT_BEFORE_NAME, true},      {"Hr", "Herr", SHORT_BEFORE_NAME, true},
    {"Fr", "Frau", SHORT_BEFORE_NAME, true},        {"Prof", "Professor", SHORT_BEFORE_NAME, true},
    {"Tel", "Telefon", SHORT_ALWAYS, true},         {"", "", SHORT_ALWAYS, false},
};

static const struct symbol_words symbols[] = {
    {"&", "und"},         {"+", "plus"},
    {"<=", "höchstens"},  {"<", "kleiner als"},
    {">=", "mindestens"}, {">", "größer als"},
    {"->", "nach"},       {"=", "gleich"},
    {"%", "Prozent"},     {"@", "at"},
    {"€", "Euro"},        {"§", "Paragraf"},
    {"°", "Grad"},        {"±", "plus oder minus"},
    {"×", "mal"},         {"÷", "geteilt durch"},
    {"→", "nach"},        {"−", "minus"},
    {"∕", "durch"},       {"√", "Wurzel aus"},
    {"∞", "unendlich"},   {"≈", "etwa"},
    {"≠", "ungleich"},    {"≤", "höchstens"},
    {"≥", "mindestens"},  {"", ""},
};

static const reader_fn readers[] = {
    read_smiley,   read_address, read_handle,     read_date,  read_clock,
    read_phone,    read_version, read_money,      read_sign,  read_fraction,
    read_quantity, read_short,   read_unit_alone, read_mixed, nullptr,
};

const struct language language_german = {
    .code = "de",
    .point = ',',
    .group = '.',
    .cardinal = cardinal,
    .ordinal = ordinal,
    .year = year,
    .date = date,
    .clock = clock_time,
    .one_of = one_of,
    .fraction = fraction,
    .words =
        {
            [WORD_POINT] = "Komma",
            [WORD_MINUS] = "minus",
            [WORD_PLUS] = "plus",
            [WORD_TO] = "bis",
            [WORD_PER] = "pro",
            [WORD_AND] = "und",
            [WORD_BY] = "mal",
            [WORD_HALF] = "ein halb",
            [WORD_OUT_OF] = "von",
            [WORD_SQUARED] = "Quadrat",
            [WORD_CUBED] = "hoch drei",
            [WORD_POWER] = "hoch",
            [WORD_SQUARE] = "Quadrat",
            [WORD_CUBIC] = "Kubik",
            [WORD_TEN_TIMES] = "mal zehn hoch",
            [WORD_LINK] = "der Link",
            [WORD_CODE] = "Hier steht etwas Code.",
            [WORD_DOT] = "Punkt",
            [WORD_AT] = "at",
            [WORD_DASH] = "Strich",
            [WORD_UNDERSCORE] = "Unterstrich",
            [WORD_SLASH] = "Schrägstrich",
            [WORD_BACKSLASH] = "Rückstrich",
            [WORD_COLON] = "Doppelpunkt",
            [WORD_TILDE] = "Tilde",
            [WORD_PORT] = "Port",
            [WORD_VERSION] = "Version",
            [WORD_HASHTAG] = "Hashtag",
            [WORD_NUMBER] = "Nummer",
            [WORD_SHARP] = "sharp",
            [WORD_ABOUT] = "etwa",
            [WORD_TIMES] = "mal",
            [WORD_DOLLAR] = "Dollar",
        },
    .readers = readers,
    .symbols = symbols,
    .units = units,
    .money = money,
    .shorts = shorts,
    .months = {months, months_short},
};
