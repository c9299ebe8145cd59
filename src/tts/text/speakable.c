// SPDX-License-Identifier: Apache-2.0
#include "tts/text/speakable.h"

#include "tts/text/markup.h"
#include "tts/text/reading.h"
#include "tts/text/symbols.h"

/* Is most of it written in capitals, so that a word in capitals is no acronym? */
static bool is_shouting(struct str text)
{
    size_t words = 0, loud = 0;
    bool is_long = false;
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        bool small = false;
        for (; i < text.n && is_letter(text.p[i]); i++)
            small |= is_lower(text.p[i]);
        bool counts = i - from >= 2; /* "I" and "A" tell nothing */
        words += counts;
        loud += counts && !small;
        is_long |= i - from >= 4;
        i += i == from;
    }
    return (loud >= 3 && loud * 2 > words) || (loud == words && is_long);
}

static bool is_run(char c)
{
    return c == '.' || c == '!' || c == '?';
}

/* Full stops in a row are an ellipsis; of other marks one is enough. */
static void pass_run(struct reading *r)
{
    size_t n = 1;
    bool dots = peek(r, 0) == '.', asks = peek(r, 0) == '?';
    for (; is_run(peek(r, n)); n++) {
        dots &= peek(r, n) == '.';
        asks |= peek(r, n) == '?';
    }
    if (n == 1)
        put(r->out, peek(r, 0));
    else
        put_all(r->out, dots ? S("...") : asks ? S("?") : S("!"));
    r->at += n;
}

/* Quotes are not read. A single one may be an apostrophe, which stays. */
static void pass_quote(struct reading *r)
{
    bool opens = !r->in_word && letter_ahead(r, 1) > 0, closes = r->single && r->in_word;
    if (peek(r, 0) == '"')
        r->quoted = !r->quoted;
    else if (r->in_word && letter_ahead(r, 1) > 0)
        put(r->out, '\'');
    else if (opens)
        r->single = true;
    else if (closes)
        r->single = false;
    else if (r->in_word)
        put(r->out, '\'');
    r->in_word &= peek(r, 0) == '\'' && letter_ahead(r, 1) > 0;
    r->at++;
}

/* Does the dash stand in a calculation, with "=" or another operator among its numbers? */
static bool is_calculated(const struct reading *r)
{
    static const char numerals[] = "0123456789 .,()-", operators[] = "=+*^";
    size_t at = r->at;
    for (; at > 0 && r->at - at < NUMBER_MAX && strchr(numerals, r->text.p[at - 1]) != nullptr;
         at--)
        ;
    struct str left = str_sub(r->text, at > 8 ? at - 8 : 0, at);
    if (left.n > 0 && strchr(operators, left.p[left.n - 1]) != nullptr)
        return true;
    if (str_ends(left, S("hat is")) || str_ends(left, S("hat's")) || str_ends(left, S("\u00D7")) ||
        str_ends(left, S("\u00F7")))
        return true;
    size_t n = 0;
    for (char c; n < NUMBER_MAX && (c = peek(r, n)) != '\0' && strchr(numerals, c) != nullptr; n++)
        ;
    struct str right = ahead(r, n, n + 2);
    return (right.n > 0 && strchr(operators, right.p[0]) != nullptr) ||
           str_eq(right, S("\u00D7")) || str_eq(right, S("\u00F7"));
}

/* A dash between words is a pause; a hyphen within a word stays, but not before a number. */
static void pass_dash(struct reading *r)
{
    size_t n = 1;
    while (peek(r, n) == '-')
        n++;
    char prev = before(r), next = peek(r, n);
    bool numbers = n == 1 && prev == ' ' && next == ' ' && r->at > 1 &&
                   is_digit(r->text.p[r->at - 2]) && is_digit(peek(r, 2));
    if (r->lang->cardinal == nullptr && n == 1 && (numbers || is_digit(next)))
        put(r->out, '-'); /* the synthesiser reads it with the number */
    else if (numbers)
        say(r, is_calculated(r) ? WORD_MINUS : WORD_TO);
    else if (n == 1 && r->in_word && next != ' ' && next != '\0')
        put(r->out, is_digit(next) ? ' ' : '-');
    else if (n > 1 || (prev == ' ' && next == ' '))
        put_pause(r->out);
    else if (r->in_word)
        put(r->out, n == 1 ? '-' : ' ');
    r->at += n;
    r->in_word = false;
}

/* "Ca²⁺": the digits up to a sign, and the last sign. */
static void say_charge(struct reading *r, struct str raised)
{
    size_t count = 0;
    while (is_digit(raised.p[count]))
        count++;
    say_label(r, str_sub(raised, 0, count));
    say(r, raised.p[raised.n - 1] == '+' ? WORD_PLUS : WORD_MINUS);
}

/* "x^2", "x²", "H₂O". */
static bool pass_power(struct reading *r, uint32_t cp, size_t n)
{
    char digits[8];
    size_t count = 0, at = 0;
    bool raised = symbol_raised(cp) != '\0' || cp == '^';
    if (cp == '^') {
        for (at = 1;
             count < sizeof digits && (is_digit(peek(r, at)) || (count == 0 && peek(r, at) == '-'));
             at++)
            digits[count++] = peek(r, at);
        if (count == 0 && letter_ahead(r, 1) == 0)
            return false;
    } else {
        char c = raised ? symbol_raised(cp) : symbol_lowered(cp);
        for (; n > 0 && c != '\0' && count < sizeof digits;
             at += n, n = utf8_next(ahead(r, at, at + 4), &cp),
                      c = n == 0   ? '\0'
                          : raised ? symbol_raised(cp)
                                   : symbol_lowered(cp))
            digits[count++] = c;
        if (count == 0)
            return false;
    }
    if (raised && cp != '^' && count > 0 && !is_digit(digits[count - 1])) {
        say_charge(r, (struct str){digits, count});
        move_on(r, at);
        r->in_word = letter_ahead(r, 0) == 0;
        return true;
    }
    struct str text = {digits, count};
    if (!raised) {
        say_label(r, text);
    } else if (str_eq(text, S("2")) || str_eq(text, S("3"))) {
        say(r, digits[0] == '2' ? WORD_SQUARED : WORD_CUBED);
    } else {
        say(r, WORD_POWER);
        if (count > 0 && digits[0] == '-')
            say(r, WORD_MINUS);
        say_label(r, count > 0 && !is_digit(digits[0]) ? str_sub(text, 1, count) : text);
    }
    at += say_unit_ahead(r, at, false);
    move_on(r, at);
    r->in_word = letter_ahead(r, 0) == 0;
    return true;
}

/* "5 < 6" is a sentence, "takes <5 minutes" is none. */
static bool is_compared(const struct reading *r, size_t n)
{
    char c = peek(r, 0);
    if (n != 1 || (c != '<' && c != '>') || !is_english(r))
        return false;
    size_t at = r->at;
    bool blank = at > 0 && r->text.p[at - 1] == ' ';
    at -= blank;
    bool left = at > 0 && (is_letter(r->text.p[at - 1]) || is_digit(r->text.p[at - 1]));
    return left && blank == (peek(r, 1) == ' ');
}

/* A symbol that the language has words for. */
static bool pass_symbol(struct reading *r)
{
    const struct symbol_words *s = r->lang->symbols;
    for (; s != nullptr && s->mark[0] != '\0'; s++)
        if (s->mark[0] == peek(r, 0) && str_starts(ahead(r, 0, 8), str_of(s->mark))) {
            put(r->out, ' ');
            if (is_compared(r, strlen(s->mark)))
                put_all(r->out, S("is "));
            put_all(r->out, str_of(s->words));
            put(r->out, ' ');
            r->at += strlen(s->mark);
            r->in_word = false;
            return true;
        }
    return false;
}

/* "#" by what it stands beside. */
static bool pass_hash(struct reading *r)
{
    if (is_digit(peek(r, 1)) && !r->in_word)
        say(r, WORD_NUMBER);
    else if (r->in_word && letter_ahead(r, 1) == 0)
        say(r, WORD_SHARP);
    else
        return false;
    put(r->out, ' ');
    r->at++;
    r->in_word = false;
    return true;
}

static void pass_other(struct reading *r)
{
    uint32_t cp;
    struct str text;
    size_t n = utf8_next(ahead(r, 0, 4), &cp);
    if (n == 0) { /* malformed */
        r->at++;
        return;
    }
    if (r->lang->cardinal != nullptr && (cp == '^' || cp > 0x80) && pass_power(r, cp, n))
        return;
    if (cp == '#' && r->lang->cardinal != nullptr && pass_hash(r))
        return;
    if (pass_symbol(r))
        return;
    if (cp == '$') { /* of a name, or alone */
        if (letter_ahead(r, 1) == 0)
            say(r, WORD_DOLLAR);
        r->at++;
        return;
    }
    bool between = r->in_word && letter_ahead(r, n) > 0;
    if (cp == 0x2013 && between)
        put(r->out, '-');
    else if ((cp == '*' || cp == '/') && r->lang->words[WORD_TIMES][0] != '\0')
        put(r->out, ' '), put_all(r->out, cp == '*' ? str_of(r->lang->words[WORD_TIMES]) : S("")),
            put(r->out, ' ');
    else if (cp == '*')
        put(r->out, ' ');
    else if (symbol_neutral(cp, &text))
        put_all(r->out, text);
    else if (!symbol_silent(cp))
        put_all(r->out, ahead(r, 0, n));
    r->at += n;
    if (!symbol_silent(cp))
        r->in_word = false;
}

static void pass_mark(struct reading *r)
{
    char c = peek(r, 0);
    if (c == MARKUP_STOP || c == MARKUP_PAUSE) {
        c == MARKUP_STOP ? put_stop(r->out) : put_pause(r->out);
        r->at++;
        r->in_word = r->single = false;
    } else if (is_run(c) && !(c == '!' && peek(r, 1) == '=')) {
        pass_run(r);
        r->in_word = false;
    } else if (c == '"' || c == '\'') {
        pass_quote(r);
    } else if (c == '-' && peek(r, 1) != '>') {
        pass_dash(r);
    } else {
        pass_other(r);
    }
}

/* A word that nothing more is to be said of. */
static void pass_word(struct reading *r)
{
    size_t n = 0, letter;
    while ((letter = letter_ahead(r, n)) > 0)
        n += letter;
    put_all(r->out, ahead(r, 0, n));
    r->word_at = r->at;
    r->at += n;
    r->word_end = r->at;
    r->in_word = true;
}

static bool read_one(struct reading *r)
{
    if (r->in_word)
        return false;
    for (const reader_fn *reader = r->lang->readers; reader != nullptr && *reader != nullptr;
         reader++) {
        size_t from = r->at;
        if ((*reader)(r)) {
            if (letter_ahead(&(struct reading){.text = r->text, .at = from}, 0) > 0)
                r->word_at = from, r->word_end = r->at;
            return true;
        }
    }
    return false;
}

enum err speakable(struct str text, const struct language *lang, struct fence *in_code,
                   struct buf *into)
{
    autobuf plain = BUF(text.n * MARKUP_GROWTH + SPEAKABLE_MORE);
    try(markup_strip(text, str_of(lang->words[WORD_CODE]), in_code, &plain));
    struct writer out = writer_at(into);
    struct reading r = {.text = buf_str(&plain), .lang = lang, .out = &out};
    r.shouting = is_shouting(r.text);
    while (r.at < r.text.n && out.err == OK)
        if (!read_one(&r)) {
            if (letter_ahead(&r, 0) > 0)
                pass_word(&r);
            else
                pass_mark(&r);
        }
    put_end(&out);
    return out.err;
}
