// SPDX-License-Identifier: Apache-2.0
#include "tts/phrase.h"

#include "tts/driver.h"

/* Words whose full stop ends no sentence. */
static const char *const abbreviations[] = {"dr",     "mr",  "mrs", "ms",  "prof", "st",
                                            "no",     "vs",  "e.g", "i.e", "etc",  "fig",
                                            "approx", "inc", "ltd", "jr",  "sr"};

static bool is_abbreviation(struct str text, size_t stop)
{
    size_t from = stop;
    while (from > 0 && text.p[from - 1] != ' ')
        from--;
    struct str word = str_sub(text, from, stop);
    if (word.n == 1) /* an initial */
        return word.p[0] >= 'A' && word.p[0] <= 'Z';
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++)
        if (str_eq_nocase(word, str_of(abbreviations[i])))
            return true;
    return false;
}

/* The last character that is no closing quote or bracket. */
static char closing(struct str phrase, size_t *ret_at)
{
    size_t n = phrase.n;
    while (n > 0 && strchr(" )\"'", phrase.p[n - 1]) != nullptr)
        n--;
    *ret_at = n > 0 ? n - 1 : 0;
    return n > 0 ? phrase.p[n - 1] : '\0';
}

static bool ends_sentence(struct str phrase)
{
    size_t at;
    char c = closing(phrase, &at);
    return c == '!' || c == '?' || (c == '.' && !is_abbreviation(phrase, at)) ||
           str_ends(str_sub(phrase, 0, at + 1), S("\u3002"));
}

static bool ends_part(struct str phrase)
{
    size_t at;
    char c = closing(phrase, &at);
    return c == ',' || c == ';' || c == ':';
}

const struct phrase_limits phrase_usual = {60, 120, TTS_PHRASE_MAX, TTS_PHRASE_MAX};
const struct phrase_limits phrase_short = {12, 40, 40, 80};

bool phrase_cut(struct str *rest, bool first, const struct phrase_limits *limits,
                struct str *ret_phrase)
{
    const size_t enough = first ? limits->first : limits->later;
    const size_t most = first ? limits->first_most : limits->later_most;
    *rest = str_trim(*rest);
    if (rest->n == 0)
        return false;
    size_t blank = 0, end = rest->n;
    for (size_t i = 1; i < rest->n; i++) {
        if (rest->p[i] != ' ')
            continue;
        if (i > most && blank > 0)
            break;
        blank = i;
        struct str so_far = str_sub(*rest, 0, i);
        if (ends_sentence(so_far) || (i >= enough && ends_part(so_far))) {
            end = i;
            break;
        }
    }
    if (end > most)
        end = blank > 0 ? blank : utf8_prefix(*rest, TTS_PHRASE_MAX);
    *ret_phrase = str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end, rest->n);
    return true;
}

uint32_t phrase_pause_ms(struct str phrase)
{
    if (ends_sentence(phrase))
        return 260;
    size_t at;
    switch (closing(phrase, &at)) {
    case ':':
    case ';':
        return 180;
    case ',':
        return 130;
    default:
        return 60;
    }
}
