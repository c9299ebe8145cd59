// SPDX-License-Identifier: Apache-2.0
#include "server/rag/words.h"

#include <stdlib.h>

/* --- characters --- */

/* U+00C0 to U+017F as the letters they are made of; '*' stands for what is no letter. */
static const char latin[] =
    "aaaaaaaceeeeiiiidnooooo*ouuuuyps"
    "aaaaaaaceeeeiiiidnooooo*ouuuuypy"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiijjjkkk"
    "llllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(sizeof latin == 0x180 - 0xc0 + 1);

static bool is_separator(uint32_t cp)
{
    return cp < 0xc0 || cp == 0xd7 || cp == 0xf7 || (cp >= 0x2000 && cp < 0x2c00) ||
           (cp >= 0x3000 && cp < 0x3040) || (cp >= 0xe000 && cp < 0xf900) ||
           (cp >= 0xfe00 && cp < 0xfe70) || (cp >= 0xff00 && cp < 0xff10) || cp >= 0xfff0;
}

static bool stands_alone(uint32_t cp)
{
    return (cp >= 0x3040 && cp < 0x3100) || (cp >= 0x3400 && cp < 0xa000);
}

static uint32_t lower(uint32_t cp)
{
    if ((cp >= 'A' && cp <= 'Z') || (cp >= 0x391 && cp <= 0x3a9) || (cp >= 0x410 && cp < 0x430))
        return cp + 0x20;
    return cp >= 0x400 && cp < 0x410 ? cp + 0x50 : cp;
}

/* What the character at s.p is in a word. */
enum glyph { GLYPH_NONE, GLYPH_MARK, GLYPH_LETTER, GLYPH_WORD };

static enum glyph glyph_of(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9') ? GLYPH_LETTER : GLYPH_NONE;
    if (cp >= 0x300 && cp < 0x370)
        return GLYPH_MARK; /* an accent of its own */
    return is_separator(cp) ? GLYPH_NONE : stands_alone(cp) ? GLYPH_WORD : GLYPH_LETTER;
}

/* The character at s.p, made comparable; *ret_n: its length there, never 0. */
static enum glyph next_glyph(struct str s, size_t *ret_n, uint32_t *ret_cp)
{
    uint32_t cp;
    size_t n = utf8_next(s, &cp);
    *ret_n = n ? n : 1;
    if (n == 0)
        return GLYPH_NONE;
    if (is_separator(cp) && cp >= 0x80)
        return GLYPH_NONE;
    *ret_cp = cp >= 0xc0 && cp < 0x180 ? (unsigned char)latin[cp - 0xc0] : lower(cp);
    return glyph_of(*ret_cp);
}

static size_t encode(uint32_t cp, char into[4])
{
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; cp >>= 6)
        into[i] = (char)(0x80 | (cp & 0x3f));
    into[0] = (char)(first[n] | cp);
    return n;
}

/* --- words --- */

/* Sorted. Words of questions and of glue; also the verbs that any question may be built with. */
static const char *const function_words[] = {
    "a",         "about",  "across",  "after",   "against", "all",     "along",   "also",
    "am",        "an",     "and",     "any",     "are",     "aren",    "around",  "as",
    "at",        "be",     "because", "been",    "before",  "being",   "between", "but",
    "by",        "can",    "cannot",  "could",   "couldn",  "d",       "did",     "didn",
    "do",        "does",   "doesn",   "doing",   "don",     "done",    "during",  "for",
    "from",      "get",    "gets",    "getting", "got",     "had",     "hadn",    "has",
    "hasn",      "have",   "haven",   "having",  "he",      "her",     "here",    "herself",
    "himself",   "his",    "how",     "i",       "if",      "in",      "into",    "is",
    "isn",       "it",     "its",     "itself",  "just",    "let",     "lets",    "letting",
    "ll",        "m",      "made",    "make",    "makes",   "making",  "many",    "may",
    "me",        "might",  "mine",    "much",    "must",    "my",      "myself",  "no",
    "not",       "of",     "on",      "one",     "ones",    "onto",    "or",      "our",
    "ourselves", "out",    "over",    "per",     "please",  "quite",   "re",      "s",
    "shall",     "she",    "should",  "shouldn", "so",      "some",    "t",       "tell",
    "telling",   "tells",  "than",    "that",    "the",     "their",   "them",    "themselves",
    "then",      "there",  "these",   "they",    "thing",   "things",  "this",    "those",
    "through",   "to",     "told",    "too",     "toward",  "towards", "until",   "up",
    "upon",      "us",     "ve",      "via",     "want",    "wanted",  "wanting", "wants",
    "was",       "wasn",   "we",      "were",    "weren",   "what",    "when",    "where",
    "whether",   "which",  "while",   "who",     "whom",    "whose",   "why",     "will",
    "with",      "within", "without", "won",     "would",   "wouldn",  "you",     "your",
    "yourself",
};

/* Sorted. Common words that may be the subject, but need not: where no document has one, it was filler. */
static const char *const common_words[] = {
    "able",       "actually",    "again",        "ago",       "almost",     "already",
    "although",   "always",      "another",      "anybody",   "anyhow",     "anymore",
    "anyone",     "anything",    "anytime",      "anyway",    "anywhere",   "apart",
    "aside",      "away",        "back",         "bad",       "basically",  "best",
    "better",     "big",         "bit",          "both",      "bunch",      "certain",
    "certainly",  "change",      "clearly",      "clue",      "completely", "correct",
    "correctly",  "current",     "definitely",   "despite",   "different",  "directly",
    "down",       "each",        "easily",       "easy",      "either",     "else",
    "elsewhere",  "end",         "enough",       "entire",    "entirely",   "especially",
    "even",       "eventually",  "ever",         "every",     "everybody",  "everyone",
    "everything", "everywhere",  "exactly",      "example",   "extra",      "fast",
    "finally",    "find",        "first",        "full",      "further",    "generally",
    "give",       "go",          "good",         "great",     "halfway",    "happen",
    "happens",    "hardly",      "hello",        "help",      "hi",         "however",
    "idea",       "immediately", "indeed",       "instead",   "keep",       "kind",
    "kindly",     "know",        "large",        "last",      "later",      "least",
    "less",       "like",        "likely",       "little",    "long",       "look",
    "lot",        "maybe",       "mean",         "means",     "merely",     "middle",
    "moment",     "more",        "most",         "mostly",    "nearly",     "need",
    "neither",    "never",       "nevertheless", "new",       "next",       "nice",
    "nobody",     "none",        "nor",          "normally",  "nothing",    "now",
    "nowhere",    "off",         "often",        "okay",      "old",        "only",
    "other",      "otherwise",   "own",          "part",      "particular", "particularly",
    "perhaps",    "person",      "possible",     "possibly",  "probably",   "properly",
    "put",        "quick",       "quickly",      "rather",    "real",       "really",
    "recently",   "right",       "same",         "say",       "see",        "set",
    "several",    "show",        "simple",       "simply",    "since",      "small",
    "somebody",   "someday",     "somehow",      "someone",   "something",  "sometimes",
    "somewhere",  "soon",        "still",        "straight",  "stuff",      "such",
    "suddenly",   "sure",        "take",         "thank",     "thanks",     "think",
    "though",     "thus",        "time",         "today",     "together",   "tomorrow",
    "tonight",    "trouble",     "try",          "twice",     "unless",     "use",
    "usual",      "usually",     "various",      "very",      "way",        "well",
    "whatever",   "whenever",    "wherever",     "whichever", "whoever",    "whole",
    "work",       "works",       "wrong",        "yes",       "yesterday",  "yet",
    "young",
};

static int by_word(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static bool is_in(const char *word, const char *const *sorted, size_t count)
{
    return bsearch(word, sorted, count, sizeof *sorted, by_word);
}

static bool is_function_word(const char *word)
{
    return is_in(word, function_words, sizeof function_words / sizeof *function_words);
}

static bool is_common_word(const char *word)
{
    return is_in(word, common_words, sizeof common_words / sizeof *common_words);
}

/* Sorted by the first: forms that no ending leads back to their word. */
static const char *const irregular[][2] = {
    {"ate", "eat"},          {"became", "become"},
    {"began", "begin"},      {"begun", "begin"},
    {"bent", "bend"},        {"bitten", "bite"},
    {"blew", "blow"},        {"blown", "blow"},
    {"bought", "buy"},       {"broke", "break"},
    {"broken", "break"},     {"brought", "bring"},
    {"built", "build"},      {"came", "come"},
    {"caught", "catch"},     {"children", "child"},
    {"chose", "choose"},     {"chosen", "choose"},
    {"dealt", "deal"},       {"drank", "drink"},
    {"drawn", "draw"},       {"drew", "draw"},
    {"driven", "drive"},     {"drove", "drive"},
    {"drunk", "drink"},      {"dug", "dig"},
    {"eaten", "eat"},        {"fed", "feed"},
    {"feet", "foot"},        {"fell", "fall"},
    {"felt", "feel"},        {"flew", "fly"},
    {"flown", "fly"},        {"forgot", "forget"},
    {"forgotten", "forget"}, {"fought", "fight"},
    {"found", "find"},       {"froze", "freeze"},
    {"frozen", "freeze"},    {"gave", "give"},
    {"given", "give"},       {"goes", "go"},
    {"gone", "go"},          {"grew", "grow"},
    {"grown", "grow"},       {"heard", "hear"},
    {"held", "hold"},        {"hid", "hide"},
    {"hung", "hang"},        {"kept", "keep"},
    {"knew", "know"},        {"known", "know"},
    {"leapt", "leap"},       {"led", "lead"},
    {"lent", "lend"},        {"lost", "lose"},
    {"meant", "mean"},       {"men", "man"},
    {"met", "meet"},         {"mice", "mouse"},
    {"noted", "note"},       {"noting", "note"},
    {"paid", "pay"},         {"ran", "run"},
    {"rang", "ring"},        {"ridden", "ride"},
    {"risen", "rise"},       {"rode", "ride"},
    {"rose", "rise"},        {"rung", "ring"},
    {"said", "say"},         {"sang", "sing"},
    {"sank", "sink"},        {"sat", "sit"},
    {"saw", "see"},          {"seen", "see"},
    {"sent", "send"},        {"setting", "option"},
    {"settings", "option"},  {"shaken", "shake"},
    {"shook", "shake"},      {"shot", "shoot"},
    {"shown", "show"},       {"slept", "sleep"},
    {"sold", "sell"},        {"spent", "spend"},
    {"spoke", "speak"},      {"spoken", "speak"},
    {"stole", "steal"},      {"stolen", "steal"},
    {"stood", "stand"},      {"stuck", "stick"},
    {"sung", "sing"},        {"swam", "swim"},
    {"swept", "sweep"},      {"sworn", "swear"},
    {"taken", "take"},       {"taught", "teach"},
    {"teeth", "tooth"},      {"thought", "think"},
    {"threw", "throw"},      {"thrown", "throw"},
    {"took", "take"},        {"tore", "tear"},
    {"torn", "tear"},        {"understood", "understand"},
    {"used", "use"},         {"using", "use"},
    {"went", "go"},          {"woke", "wake"},
    {"woken", "wake"},       {"women", "woman"},
    {"won", "win"},          {"wore", "wear"},
    {"worn", "wear"},        {"written", "write"},
    {"wrote", "write"},
};

/* Puts the word itself in the place of an irregular form. */
static void regularise(char word[WORD_MAX])
{
    const char *const(*found)[2] =
        bsearch(word, irregular, sizeof irregular / sizeof *irregular, sizeof *irregular, by_word);
    if (found)
        memcpy(word, (*found)[1], strlen((*found)[1]) + 1);
}

/* At least three letters must be left before an ending. */
static bool ends(const char *word, size_t n, const char *suffix)
{
    size_t k = strlen(suffix);
    return n > k + 2 && memcmp(word + n - k, suffix, k) == 0;
}

/* Takes the first of the endings off that the word has, unless little but glue is left. */
static bool take_off(char *word, size_t *n, const char *const *endings)
{
    while (*endings && !ends(word, *n, *endings))
        endings++;
    if (!*endings)
        return false;
    size_t left = *n - strlen(*endings);
    char last = word[left - 1];
    if (left > 3 && last == word[left - 2] && last != 'l' && last != 's')
        left--; /* "stopp" */
    char after = word[left];
    word[left] = 0;
    if (is_function_word(word))
        word[left] = after; /* "letter" is not "let" */
    else
        *n = left;
    return true;
}

/* Takes the commonest English endings off; what is left need not be a word. */
static void stem(char word[WORD_MAX])
{
    regularise(word);
    size_t n = strlen(word);
    if (ends(word, n, "ies") || ends(word, n, "ied") || ends(word, n, "ier")) {
        n -= 2;
        word[n - 1] = 'y';
    } else if (ends(word, n, "sses")) {
        n -= 2;
    } else if (ends(word, n, "s") && word[n - 2] != 's' && word[n - 2] != 'u') {
        n -= 1;
    }
    static const char *const nouns[] = {"ations", "ation", nullptr};
    static const char *const verbs[] = {"ings", "ing", "ed", nullptr};
    static const char *const rest[] = {"er", "ly", "ion", nullptr};
    if (!take_off(word, &n, nouns)) {
        take_off(word, &n, verbs);
        take_off(word, &n, rest); /* "answered" is "answer" */
    }
    word[n] = 0;
    if (n > 3 && word[n - 1] == 'e') {
        word[n - 1] = 0;
        if (is_function_word(word))
            word[n - 1] = 'e'; /* "note" is not "not" */
    }
}

static bool is_ascii(const char *word)
{
    while (*word && (unsigned char)*word < 0x80)
        word++;
    return *word == 0;
}

bool word_next(struct str *rest, struct word *ret_word)
{
    struct word w = {};
    size_t n = 0, at = 0, from = 0, to = 0;
    while (at < rest->n) {
        size_t length;
        uint32_t cp;
        enum glyph glyph = next_glyph(str_sub(*rest, at, rest->n), &length, &cp);
        if (n > 0 && (glyph == GLYPH_NONE || glyph == GLYPH_WORD))
            break;
        if (n == 0)
            from = at;
        at += length;
        if (glyph == GLYPH_NONE || (glyph == GLYPH_MARK && n == 0))
            continue;
        to = at;
        char piece[4];
        size_t piece_n = glyph == GLYPH_MARK ? 0 : encode(cp, piece);
        if (n + piece_n < WORD_MAX) {
            memcpy(w.stem + n, piece, piece_n);
            n += piece_n;
        }
        if (glyph == GLYPH_WORD)
            break;
    }
    w.text = str_sub(*rest, from, to);
    *rest = str_sub(*rest, at, rest->n);
    if (n == 0)
        return false;
    /* "won't" is glue, "won" is not. */
    bool before_t = rest->n > 1 && rest->p[0] == '\'' && (rest->p[1] | 0x20) == 't';
    w.function = is_function_word(w.stem) && (before_t || strcmp(w.stem, "won") != 0);
    w.common = is_common_word(w.stem);
    if (!w.function && is_ascii(w.stem))
        stem(w.stem);
    w.common = w.common || is_common_word(w.stem); /* "keeps" is as common as "keep" */
    *ret_word = w;
    return true;
}

bool word_join(struct word first, struct word second, char into[WORD_MAX])
{
    char both[2 * WORD_MAX];
    size_t n = first.text.n + second.text.n;
    if (n >= sizeof both)
        return false;
    memcpy(both, first.text.p, first.text.n);
    memcpy(both + first.text.n, second.text.p, second.text.n);
    struct str rest = {both, n};
    struct word joined;
    if (!word_next(&rest, &joined) || rest.n > 0)
        return false;
    memcpy(into, joined.stem, WORD_MAX);
    return true;
}

bool stems_next(struct stems *s, char into[WORD_MAX])
{
    if (s->joined[0]) {
        memcpy(into, s->joined, WORD_MAX);
        s->joined[0] = 0;
        return true;
    }
    struct word w;
    if (!word_next(&s->rest, &w))
        return false;
    const char *end = s->last.text.p ? s->last.text.p + s->last.text.n : nullptr;
    if (end && w.text.p == end + 1 && *end == '-' && !word_join(s->last, w, s->joined))
        s->joined[0] = 0;
    s->last = w;
    memcpy(into, w.stem, WORD_MAX);
    return true;
}

enum err words_stems(struct str text, struct buf *into)
{
    struct stems all = {.rest = text};
    char stem[WORD_MAX];
    while (stems_next(&all, stem)) {
        try(buf_add(into, str_of(stem)));
        try(buf_add_byte(into, ' '));
    }
    return OK;
}
