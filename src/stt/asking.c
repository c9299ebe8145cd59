// SPDX-License-Identifier: Apache-2.0
#include "stt/asking.h"

#include "stt/verb.h"

static const char *const openings[] = {
    "how do i",          "how can i",
    "how should i",      "can i",
    "could i",           "may i",
    "do i have to",      "do i need to",
    "where do i",        "where can i",
    "what do i need to", "i want to",
    "i would like to",   "is it possible to",
    "why should i",      "what happens when i",
    "what if i",         "can it",
    "does it",           "will it",
    "how does it",       "when does it",
    "why does it",       "what does it",
};

/* A verb stands behind them, unless it is one of those below. */
static const char *const before_verb[] = {"to",   "can", "cannot", "may", "must",
                                          "will", "i",   "you",    "not"};
static const char *const no_verb[] = {"be", "have", "the",  "a",   "an",   "your",
                                      "it", "you",  "this", "not", "that", "which"};

static const struct {
    const char *said, *asked;
} turned[] = {{"your", "my"}, {"you", "i"}, {"yourself", "myself"}, {"yours", "mine"}};

/* Behind these stands a verb in its plain form, whichever form the document has. */
static const char *const before_plain[] = {
    "how do i", "can i",       "can it", "does it",    "will it",      "how can i", "do you",
    "should i", "how does it", "do i",   "where do i", "what does it", "could you", "to",
};

enum {
    OPENINGS = sizeof openings / sizeof *openings,
    PLAIN = sizeof before_plain / sizeof *before_plain,
};

void asking_begin(struct asking *a)
{
    *a = (struct asking){};
}

void asking_gap(struct asking *a)
{
    a->n = 0;
}

void asking_word(struct asking *a, struct str word, bool spelt)
{
    if (a->n == ASKING_SENTENCE_MAX || word.n > WORDS_LETTERS_MAX)
        return;
    struct asking_word *w = &a->word[a->n++];
    memcpy(w->letters, word.p, word.n);
    w->n = (uint8_t)word.n;
    w->spelt = spelt;
}

static struct str text_of(const struct asking_word *w)
{
    return (struct str){w->letters, w->n};
}

static bool is_one_of(struct str word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(word, str_of(list[i])))
            return true;
    return false;
}

static bool verb_at(const struct asking *a, size_t i)
{
    return is_one_of(text_of(&a->word[i - 1]), before_verb,
                     sizeof before_verb / sizeof *before_verb) &&
           !is_one_of(text_of(&a->word[i]), no_verb, sizeof no_verb / sizeof *no_verb);
}

static struct str as_asked(struct str word)
{
    for (size_t i = 0; i < sizeof turned / sizeof *turned; i++)
        if (str_eq(word, str_of(turned[i].said)))
            return str_of(turned[i].asked);
    return word;
}

static enum err say(struct asking *a, struct str text, const struct words_events *events)
{
    struct str word;
    while (str_cut(&text, ' ', &word)) {
        try(events->word(events->arg, word, false));
        a->words++;
    }
    return OK;
}

/* Which form of a word is meant is hard to hear: "do i press" or "do i pressed". */
static enum err ask_verb(struct asking *a, size_t i, const struct words_events *events)
{
    char verb[VERB_BYTES];
    if (a->word[i].spelt || !verb_plain(text_of(&a->word[i]), events->known, events->arg, verb) ||
        is_one_of(str_of(verb), no_verb, sizeof no_verb / sizeof *no_verb))
        return OK;
    try(say(a, str_of(before_plain[a->verbs++ % PLAIN]), events));
    try(say(a, str_of(verb), events));
    return events->sentence(events->arg);
}

static enum err ask(struct asking *a, size_t from, const struct words_events *events)
{
    try(say(a, str_of(openings[a->asked++ % OPENINGS]), events));
    for (size_t i = from; i < a->n && i < from + ASKING_CLAUSE_MAX; i++) {
        try(events->word(events->arg, as_asked(text_of(&a->word[i])), a->word[i].spelt));
        a->words++;
    }
    return events->sentence(events->arg);
}

enum err asking_sentence(struct asking *a, const struct words_events *events)
{
    enum err err = OK;
    for (size_t i = 1; err == OK && i < a->n && a->words < ASKING_WORDS_MAX; i++)
        if (verb_at(a, i))
            err = ask(a, i, events);
    for (size_t i = 0; events->known && err == OK && i < a->n && a->words < ASKING_WORDS_MAX; i++)
        err = ask_verb(a, i, events);
    a->n = 0;
    return err;
}
