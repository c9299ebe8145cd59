// SPDX-License-Identifier: Apache-2.0
#include "stt/verb.h"

#include <string.h>

enum { ENDING_MAX = 4, STEM_MIN = 2 };

struct known {
    verb_known_fn fn;
    void *arg;
};

static bool join(struct str stem, const char *ending, char into[VERB_BYTES])
{
    if (stem.n + ENDING_MAX >= VERB_BYTES)
        return false;
    memcpy(into, stem.p, stem.n);
    memcpy(into + stem.n, ending, strlen(ending) + 1);
    return true;
}

static bool has(const struct known *k, struct str stem, const char *ending)
{
    char word[VERB_BYTES];
    return join(stem, ending, word) && k->fn(k->arg, str_of(word));
}

static struct str shorter(struct str s)
{
    return str_sub(s, 0, s.n - 1);
}

static bool goes_on(const struct known *k, struct str w)
{
    char last = w.p[w.n - 1];
    const char doubled[] = {last, 'i', 'n', 'g', '\0'};
    return has(k, w, "ing") || (last == 'e' ? has(k, shorter(w), "ing") : has(k, w, doubled));
}

static bool is_plain(const struct known *k, struct str w)
{
    return w.n >= STEM_MIN && has(k, w, "") && goes_on(k, w) &&
           (has(k, w, "s") || has(k, w, "es") ||
            (w.p[w.n - 1] == 'y' && has(k, shorter(w), "ies")));
}

/* "us" of "us", "use" of "us-ed", "stop" of "stopp-ed". */
static bool plain_of_stem(const struct known *k, struct str stem, char into[VERB_BYTES])
{
    if (is_plain(k, stem))
        return join(stem, "", into);
    if (stem.n < STEM_MIN)
        return false;
    if (join(stem, "e", into) && is_plain(k, str_of(into)))
        return true;
    bool doubled = stem.n > STEM_MIN && stem.p[stem.n - 1] == stem.p[stem.n - 2];
    return doubled && is_plain(k, shorter(stem)) && join(shorter(stem), "", into);
}

bool verb_plain(struct str word, verb_known_fn known, void *arg, char ret_plain[VERB_BYTES])
{
    static const char *const endings[] = {"s", "es", "ed", "ing"};
    const struct known k = {known, arg};
    if (is_plain(&k, word))
        return join(word, "", ret_plain);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct str stem = str_sub(word, 0, word.n - strlen(endings[i]));
        if (str_ends(word, str_of(endings[i])) && plain_of_stem(&k, stem, ret_plain))
            return true;
    }
    return false;
}
