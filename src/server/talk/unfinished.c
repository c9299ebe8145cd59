// SPDX-License-Identifier: Apache-2.0
#include "server/talk/unfinished.h"

/* Words that need another one behind them, wherever they stand. */
static const char *const leading[] = {
    "a",       "an",    "the",    "my",     "your",    "our",     "their", "his",   "its",
    "this",    "these", "every",  "some",   "any",     "of",      "for",   "with",  "from",
    "into",    "at",    "by",     "about",  "between", "without", "and",   "or",    "but",
    "because", "if",    "when",   "while",  "whether", "than",    "that",  "which", "who",
    "whose",   "where", "how",    "what's", "i",       "we",      "they",  "i'm",   "i'd",
    "is",      "are",   "was",    "were",   "am",      "be",      "do",    "does",  "did",
    "can",     "could", "should", "would",  "will",    "shall",   "may",   "might", "must",
    "to",      "has",   "very",   "um",     "uh",      "er",      "erm",   "so",    "also",
    "please",  "want",  "need",   "like",   "tell",    "let",     "let's", "as",
};

bool text_is_unfinished(struct str text)
{
    text = str_trim(text);
    size_t from = text.n;
    while (from > 0 && text.p[from - 1] != ' ')
        from--;
    struct str last = str_sub(text, from, text.n);
    if (last.n == 0 || strchr(".?!", last.p[last.n - 1]))
        return false;
    if (last.p[last.n - 1] == ',')
        return true;
    for (size_t i = 0; i < sizeof leading / sizeof *leading; i++)
        if (str_eq_nocase(last, str_of(leading[i])))
            return true;
    return false;
}

static bool ends_with_one_of(struct str text, const char *const marks[], size_t count)
{
    text = str_trim(text);
    for (size_t i = 0; i < count; i++)
        if (str_ends(text, str_of(marks[i])))
            return true;
    return false;
}

bool text_is_question(struct str text)
{
    static const char *const marks[] = {"?", "\uff1f", "\u061f"};
    return ends_with_one_of(text, marks, sizeof marks / sizeof *marks);
}

bool text_is_finished(struct str text)
{
    static const char *const marks[] = {".", "!", "\u3002", "\uff01"};
    return text_is_question(text) || ends_with_one_of(text, marks, sizeof marks / sizeof *marks);
}
