// SPDX-License-Identifier: Apache-2.0
#include "wer.h"

#include <ctype.h>

#include "unit.h"

enum { WORDS_MAX = 400, WORD_MAX = 40 };

static const char *const stop_words[] = {
    "a",     "about", "all",  "am",    "an",    "and",  "are",   "as",     "at",   "be",
    "been",  "but",   "by",   "can",   "could", "did",  "do",    "does",   "for",  "from",
    "had",   "has",   "have", "he",    "her",   "him",  "his",   "how",    "i",    "if",
    "in",    "into",  "is",   "it",    "its",   "me",   "my",    "no",     "not",  "of",
    "on",    "one",   "or",   "our",   "out",   "over", "she",   "should", "so",   "some",
    "than",  "that",  "the",  "their", "them",  "then", "there", "these",  "they", "this",
    "those", "to",    "up",   "us",    "was",   "we",   "were",  "what",   "when", "where",
    "which", "while", "who",  "why",   "will",  "with", "would", "you",    "your",
};

struct words {
    char word[WORDS_MAX][WORD_MAX];
    size_t n;
};

static void split(struct str text, struct words *w)
{
    w->n = 0;
    size_t at = 0;
    for (size_t i = 0; i <= text.n; i++) {
        char c = i < text.n ? (char)tolower((unsigned char)text.p[i]) : ' ';
        if (c == ' ' || c == '-' || c == '\n') {
            if (at > 0)
                w->word[w->n++][at] = '\0';
            at = 0;
        } else if (strchr(".,?!", c) == nullptr) {
            assert_true(w->n < WORDS_MAX && at + 1 < WORD_MAX);
            w->word[w->n][at++] = c;
        }
    }
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static size_t edits(const struct words *r, const struct words *h)
{
    static size_t row[2][WORDS_MAX + 1];
    for (size_t j = 0; j <= h->n; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= r->n; i++) {
        size_t *now = row[i % 2], *before = row[(i + 1) % 2];
        now[0] = i;
        for (size_t j = 1; j <= h->n; j++)
            now[j] = least(before[j - 1] + (strcmp(r->word[i - 1], h->word[j - 1]) != 0),
                           before[j] + 1, now[j - 1] + 1);
    }
    return row[r->n % 2][h->n];
}

static bool is_stop_word(const char *word)
{
    for (size_t i = 0; i < countof(stop_words); i++)
        if (strcmp(stop_words[i], word) == 0)
            return true;
    return false;
}

static bool contains(const struct words *w, const char *word)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->word[i], word) == 0)
            return true;
    return false;
}

void wer_add(struct wer *w, struct str reference, struct str heard)
{
    static struct words r, h;
    split(reference, &r);
    split(heard, &h);
    w->errors += edits(&r, &h);
    w->words += r.n;
    for (size_t i = 0; i < r.n; i++) {
        if (is_stop_word(r.word[i]))
            continue;
        w->content++;
        w->content_heard += contains(&h, r.word[i]);
    }
}

double wer_percent(const struct wer *w)
{
    return w->words > 0 ? 100.0 * (double)w->errors / (double)w->words : 0;
}

double wer_content_percent(const struct wer *w)
{
    return w->content > 0 ? 100.0 * (double)w->content_heard / (double)w->content : 100;
}
