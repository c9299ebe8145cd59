// SPDX-License-Identifier: Apache-2.0
#include "stt/words.h"

#include "stt/number.h"

/* How often letters and digits may alternate in what a person still says: "x86_64" does once a part. */
enum { RUN_TURNS_MAX = 3, SPELT_MAX = 6, NUMBER_CHARS_MAX = 40, NUMBER_WORDS_BYTES = 1024 };

struct reader {
    struct str rest;
    const struct words_events *events;
};

/* A word with its capitals, and the letter after which each part of it ends. */
struct word {
    char letters[WORDS_LETTERS_MAX];
    size_t n;
    bool too_long;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The ASCII letters for one of U+00C0..U+00FF; "" for the two signs among them. */
static const char folded[64][3] = {
    "A", "A", "A", "A", "A", "A", "Ae", "C", "E", "E", "E", "E", "I", "I", "I",  "I",
    "D", "N", "O", "O", "O", "O", "O",  "",  "O", "U", "U", "U", "U", "Y", "Th", "ss",
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",
    "d", "n", "o", "o", "o", "o", "o",  "",  "o", "u", "u", "u", "u", "y", "th", "y"};

/* The letters at the front of `s` and how many bytes they took; 0: no letter stands there. */
static size_t letter_at(struct str s, struct str *ret_letters)
{
    if (s.n == 0)
        return 0;
    if (is_upper(s.p[0]) || is_lower(s.p[0])) {
        *ret_letters = str_sub(s, 0, 1);
        return 1;
    }
    uint32_t cp;
    size_t n = utf8_next(s, &cp);
    if (n == 0 || cp < 0xc0 || cp > 0xff)
        return 0;
    *ret_letters = str_of(folded[cp - 0xc0]);
    return ret_letters->n > 0 ? n : 0;
}

/* An apostrophe, straight or curly. */
static size_t apostrophe_at(struct str s)
{
    if (str_starts(s, S("'")))
        return 1;
    return str_starts(s, S("\u2019")) ? 3 : 0;
}

static void word_add(struct word *w, struct str letters)
{
    if (w->n + letters.n > sizeof w->letters) {
        w->too_long = true;
        return;
    }
    memcpy(w->letters + w->n, letters.p, letters.n);
    w->n += letters.n;
}

static void read_letters(struct reader *r, struct word *w)
{
    *w = (struct word){};
    for (;;) {
        struct str letters;
        size_t n = letter_at(r->rest, &letters);
        if (n == 0) {
            size_t mark = apostrophe_at(r->rest);
            if (mark == 0 || letter_at(str_sub(r->rest, mark, r->rest.n), &letters) == 0)
                return;
            letters = S("'");
            n = mark;
        }
        word_add(w, letters);
        r->rest = str_sub(r->rest, n, r->rest.n);
    }
}

static enum err emit(struct reader *r, struct str part, bool spelt)
{
    char low[WORDS_LETTERS_MAX];
    for (size_t i = 0; i < part.n; i++)
        low[i] = (char)(is_upper(part.p[i]) ? part.p[i] - 'A' + 'a' : part.p[i]);
    return r->events->word(r->events->arg, (struct str){low, part.n}, spelt);
}

static bool is_known(struct reader *r, struct str word)
{
    char low[WORDS_LETTERS_MAX];
    for (size_t i = 0; i < word.n; i++)
        low[i] = (char)(is_upper(word.p[i]) ? word.p[i] - 'A' + 'a' : word.p[i]);
    return r->events->known(r->events->arg, (struct str){low, word.n});
}

/* Where the next part of "WebSocket" or "HTTPServer" begins; w.n when `from` is in the last one. */
static size_t part_end(struct str w, size_t from)
{
    for (size_t i = from + 1; i < w.n; i++) {
        bool hump = is_upper(w.p[i]) && is_lower(w.p[i - 1]);
        bool tail = is_upper(w.p[i - 1]) && is_lower(w.p[i]) && i - 1 > from;
        if (hump)
            return i;
        if (tail)
            return i - 1;
    }
    return w.n;
}

static bool all_capitals(struct str w)
{
    for (size_t i = 0; i < w.n; i++)
        if (!is_upper(w.p[i]))
            return false;
    return w.n > 1 && w.n <= SPELT_MAX;
}

static enum err emit_word(struct reader *r, const struct word *w)
{
    if (w->too_long)
        return r->events->gap(r->events->arg);
    struct str whole = {w->letters, w->n};
    if (is_known(r, whole))
        return emit(r, whole, false);
    for (size_t from = 0, to; from < whole.n; from = to) {
        to = part_end(whole, from);
        struct str part = str_sub(whole, from, to);
        if (str_ends(part, S("'"))) /* "HTTP'Server" */
            part.n--;
        try(emit(r, part, all_capitals(part) && !is_known(r, part)));
    }
    return OK;
}

/* Length of the run of letters, digits and their joints at the front, when it is nothing that anybody
 * says: a hash, a key, base64. Otherwise 0. */
static size_t unspeakable_run(struct str s)
{
    size_t n = 0, turns = 0, letters = 0;
    struct str ignored;
    for (size_t step; n < s.n; n += step) {
        bool digit = is_digit(s.p[n]);
        step = digit ? 1 : letter_at(str_sub(s, n, s.n), &ignored);
        if (step == 0)
            break;
        turns += n > 0 && digit != is_digit(s.p[n - 1]);
        letters += !digit;
    }
    return turns > RUN_TURNS_MAX || (letters > 0 && n > WORDS_LETTERS_MAX) ? n : 0;
}

static size_t number_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && (is_digit(s.p[n]) ||
                       ((s.p[n] == '.' || s.p[n] == ',') && n + 1 < s.n && is_digit(s.p[n + 1]))))
        n++;
    return n;
}

static bool ordinal_suffix(struct str s)
{
    static const char *const suffixes[] = {"st", "nd", "rd", "th"};
    struct str ignored;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (str_starts(s, str_of(suffixes[i])))
            return letter_at(str_sub(s, 2, s.n), &ignored) == 0;
    return false;
}

static enum err read_number(struct reader *r)
{
    char room[NUMBER_WORDS_BYTES];
    struct buf said = {.p = room, .room = sizeof room, .cap = sizeof room};
    struct str number = str_sub(r->rest, 0, number_length(r->rest));
    r->rest = str_sub(r->rest, number.n, r->rest.n);
    enum err err = number.n > NUMBER_CHARS_MAX ? ERR_INVALID : OK;
    if (err == OK && ordinal_suffix(r->rest)) {
        err = number_ordinal(number, &said);
        r->rest = str_sub(r->rest, 2, r->rest.n);
    } else if (err == OK) {
        err = number_words(number, &said);
    }
    if (err != OK)
        return r->events->gap(r->events->arg);
    struct str words = buf_str(&said), word;
    while (str_cut(&words, ' ', &word))
        try(r->events->word(r->events->arg, word, false));
    return OK;
}

/* A line end that ends a sentence: an empty line, a heading, an item of a list or a table follows. */
static bool ends_block(struct str after_newline)
{
    size_t i = 0;
    while (i < after_newline.n && (after_newline.p[i] == ' ' || after_newline.p[i] == '\t'))
        i++;
    struct str next = str_sub(after_newline, i, after_newline.n);
    if (next.n == 0 || strchr("\n\r#>|", next.p[0]) != nullptr)
        return true;
    return next.n > 1 && strchr("-*+", next.p[0]) != nullptr && is_blank(next.p[1]);
}

static enum err read_mark(struct reader *r)
{
    const struct words_events *e = r->events;
    char c = r->rest.p[0];
    uint32_t cp;
    size_t n = utf8_next(r->rest, &cp);
    struct str after = str_sub(r->rest, n > 0 ? n : 1, r->rest.n);
    r->rest = after;
    switch (c) {
    case '.':
    case '!':
    case '?':
    case ':':
    case ';':
        return after.n == 0 || is_blank(after.p[0]) ? e->sentence(e->arg) : OK;
    case '\n':
        return ends_block(after) ? e->sentence(e->arg) : OK;
    case '|':
        return e->sentence(e->arg);
    case '&':
        return e->word(e->arg, S("and"), false);
    case '%':
        return e->word(e->arg, S("percent"), false);
    default:
        /* Signs up to U+00BF and general punctuation separate; other scripts are a gap. */
        return n == 0 || (cp > 0xff && (cp < 0x2000 || cp > 0x2bff)) ? e->gap(e->arg) : OK;
    }
}

enum err words_read(struct str text, const struct words_events *events)
{
    struct reader r = {.rest = text, .events = events};
    struct str ignored;
    while (r.rest.n > 0) {
        size_t skip = unspeakable_run(r.rest);
        if (skip > 0) {
            r.rest = str_sub(r.rest, skip, r.rest.n);
            try(events->gap(events->arg));
        } else if (is_digit(r.rest.p[0])) {
            try(read_number(&r));
        } else if (letter_at(r.rest, &ignored) > 0) {
            struct word w;
            read_letters(&r, &w);
            try(emit_word(&r, &w));
        } else {
            try(read_mark(&r));
        }
    }
    return events->sentence(events->arg);
}
