// SPDX-License-Identifier: Apache-2.0
#include "server/rag/words.h"

static bool is_word_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

/* Sorted. Words of questions and of glue; also the verbs that any question may be built with. */
static const char *const function_words[] = {
    "a",    "about",  "after", "all",   "also", "am",    "an",    "and",    "any",   "are",
    "as",   "at",     "be",    "been",  "but",  "by",    "can",   "could",  "did",   "do",
    "does", "for",    "from",  "get",   "had",  "has",   "have",  "he",     "her",   "here",
    "his",  "how",    "i",     "if",    "in",   "into",  "is",    "it",     "its",   "just",
    "let",  "ll",     "make",  "may",   "me",   "might", "mine",  "must",   "my",    "no",
    "not",  "of",     "on",    "one",   "or",   "our",   "out",   "please", "s",     "shall",
    "she",  "should", "so",    "some",  "t",    "tell",  "than",  "that",   "the",   "their",
    "them", "then",   "there", "these", "they", "thing", "this",  "those",  "to",    "too",
    "up",   "us",     "want",  "was",   "we",   "were",  "what",  "when",   "where", "which",
    "who",  "whom",   "whose", "why",   "will", "with",  "would", "you",    "your",
};

static bool is_function_word(const char *word)
{
    size_t low = 0, high = sizeof function_words / sizeof *function_words;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(word, function_words[mid]);
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

static bool ends(const char *word, size_t n, const char *suffix)
{
    size_t k = strlen(suffix);
    return n > k + 2 && memcmp(word + n - k, suffix, k) == 0;
}

/* Takes the commonest English endings off; what is left need not be a word. */
static void stem(char *word)
{
    size_t n = strlen(word);
    if (ends(word, n, "ies"))
        n -= 2, word[n - 1] = 'y';
    else if (ends(word, n, "sses"))
        n -= 2;
    else if (ends(word, n, "s") && !ends(word, n, "ss") && !ends(word, n, "us"))
        n -= 1;
    word[n] = 0;
    static const char *const endings[] = {"ations", "ation", "ings", "ing",
                                          "ed",     "er",    "ly",   "ion"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends(word, n, endings[i])) {
            n -= strlen(endings[i]);
            if (n > 3 && word[n - 1] == word[n - 2] && word[n - 1] != 'l' && word[n - 1] != 's')
                n--; /* "stopp" */
            break;
        }
    if (n > 3 && word[n - 1] == 'e')
        n--;
    word[n] = 0;
}

bool word_next(struct str *rest, struct word *ret_word)
{
    size_t from = 0;
    while (from < rest->n && !is_word_byte((unsigned char)rest->p[from]))
        from++;
    size_t to = from;
    while (to < rest->n && is_word_byte((unsigned char)rest->p[to]))
        to++;
    if (from == to) {
        *rest = (struct str){};
        return false;
    }
    struct word w = {.text = str_sub(*rest, from, to)};
    size_t n = utf8_prefix(w.text, WORD_MAX - 1);
    for (size_t i = 0; i < n; i++) {
        char c = w.text.p[i];
        w.stem[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    w.function = is_function_word(w.stem);
    stem(w.stem);
    *rest = str_sub(*rest, to, rest->n);
    *ret_word = w;
    return true;
}

static size_t position(const struct terms *t, const char *stem_text)
{
    size_t i = 0;
    while (i < t->count && strcmp(t->term[i].stem, stem_text) != 0)
        i++;
    return i;
}

static void collect(struct str question, bool with_function_words, struct terms *t)
{
    struct word w;
    while (t->count < TERMS_MAX && word_next(&question, &w)) {
        if ((w.function && !with_function_words) || position(t, w.stem) < t->count)
            continue;
        struct term *term = &t->term[t->count++];
        *term = (struct term){.text = w.text, .weight = 1};
        memcpy(term->stem, w.stem, sizeof w.stem);
    }
}

void terms_of(struct str question, struct terms *ret_terms)
{
    *ret_terms = (struct terms){};
    collect(question, false, ret_terms);
    if (ret_terms->count == 0)
        collect(question, true, ret_terms);
}

double terms_cover(const struct terms *t, struct str text)
{
    bool found[TERMS_MAX] = {};
    struct word w;
    while (word_next(&text, &w)) {
        size_t i = position(t, w.stem);
        if (i < t->count)
            found[i] = true;
    }
    double sum = 0, all = 0;
    for (size_t i = 0; i < t->count; i++) {
        all += t->term[i].weight;
        sum += found[i] ? t->term[i].weight : 0;
    }
    return all > 0 ? sum / all : 0;
}
