// SPDX-License-Identifier: Apache-2.0
#include "server/talk/barge.h"

/* How people say that they listen, and the small words that recognisers make of a cough or a hum: they
 * carry no wish. English. */
static const char *const murmurs[] = {
    "uh",   "huh",  "um",   "hm",   "hmm",   "mhm",  "er",   "ah",   "aha",    "oh",      "eh",
    "ha",   "hey",  "yeah", "yes",  "yep",   "yup",  "ok",   "okay", "no",     "right",   "sure",
    "true", "fine", "good", "nice", "great", "cool", "wow",  "well", "really", "exactly", "indeed",
    "see",  "got",  "all",  "an",   "the",   "and",  "but",  "or",   "so",     "of",      "to",
    "in",   "on",   "at",   "for",  "by",    "up",   "out",  "as",   "is",     "am",      "i'm",
    "are",  "was",  "be",   "have", "has",   "had",  "it",   "that", "this",   "you",     "me",
    "us",   "we",   "he",   "she",  "they",  "now",  "then", "just",
};
enum { SHORT_BYTES = 3 };

static const char *const stops[] = {
    "stop", "wait", "cancel", "quiet", "enough", "pause", "silence", "halt",
};

/* Short ones that are questions all the same. */
static const char *const asks[] = {"why", "how", "who"};

enum kind : uint8_t { REAL, ECHO, STOP };

/* The last words that carry something: whoever speaks up over an echo has it before his own. */
enum { TAIL = 5 };
struct counts {
    uint32_t of[STOP + 1];
    bool clear; /* a real word is no misheard cough */
};

static bool is_in(struct str word, const char *const list[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(word, str_of(list[i])))
            return true;
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '\'' || (unsigned char)c >= 0x80;
}

/* The next word without what stands around it. */
static bool next_word(struct str *rest, struct str *ret_word)
{
    size_t from = 0;
    while (from < rest->n && !is_letter(rest->p[from]))
        from++;
    size_t to = from;
    while (to < rest->n && is_letter(rest->p[to]))
        to++;
    *ret_word = str_sub(*rest, from, to);
    *rest = str_sub(*rest, to, rest->n);
    return ret_word->n > 0;
}

/* Recognisers are wrong by a sound or an ending. */
static bool is_alike(struct str a, struct str b)
{
    if (str_eq_nocase(a, b))
        return true;
    size_t n = a.n < b.n ? a.n : b.n;
    if (n < 3)
        return false;
    if (str_eq_nocase(str_sub(a, 0, n), str_sub(b, 0, n)))
        return true;
    return n >= 5 && str_distance(a, b) * 3 <= n;
}

bool barge_echoes(struct str word, struct str words)
{
    struct str other;
    while (next_word(&words, &other))
        if (is_alike(word, other))
            return true;
    return false;
}

static enum kind kind_of(struct str word, struct str spoken)
{
    if (barge_echoes(word, spoken))
        return ECHO;
    return is_in(word, stops, sizeof stops / sizeof *stops) ? STOP : REAL;
}

static struct counts count(const struct barge_evidence *e)
{
    struct counts c = {};
    enum kind tail[TAIL];
    uint32_t n = 0;
    struct str rest = e->heard, word;
    while (next_word(&rest, &word)) {
        if (word.n < 2 || is_in(word, murmurs, sizeof murmurs / sizeof *murmurs))
            continue;
        enum kind kind = kind_of(word, e->spoken);
        if (n >= TAIL)
            c.of[tail[n % TAIL]]--;
        tail[n++ % TAIL] = kind;
        c.of[kind]++;
        if (kind == REAL && (word.n > SHORT_BYTES || is_in(word, asks, sizeof asks / sizeof *asks)))
            c.clear = true;
    }
    return c;
}

/* All the words there will be. */
static enum barge_verdict judge_whole(const struct counts *c, const struct barge_evidence *e)
{
    uint32_t real = c->of[REAL];
    if (real > c->of[ECHO] && real >= (e->doubted ? 2 : 1) && (real > 1 || c->clear))
        return BARGE_INTERRUPT;
    return c->of[ECHO] > 0 ? BARGE_ECHO : BARGE_NOTHING;
}

static enum barge_verdict judge_deaf(const struct barge_evidence *e)
{
    if (e->voiced_ms >= BARGE_DEAF_MS && !e->doubted)
        return BARGE_INTERRUPT;
    return e->silence_ms >= BARGE_SILENCE_MS ? BARGE_NOTHING : BARGE_WAIT;
}

enum barge_verdict barge_judge(const struct barge_evidence *e)
{
    if (e->deaf)
        return judge_deaf(e);
    const struct counts c = count(e);
    uint32_t real = c.of[REAL], echo = c.of[ECHO], stop = c.of[STOP];
    if (stop > 0 && stop + real > echo)
        return BARGE_INTERRUPT;
    if (real >= (e->doubted ? 3 : 2) && real > echo)
        return BARGE_INTERRUPT;
    if (e->final || e->decoded_ms >= BARGE_LIMIT_MS || e->total_ms >= BARGE_STUCK_MS)
        return judge_whole(&c, e);
    return echo >= 3 && echo >= 2 * real ? BARGE_ECHO : BARGE_WAIT;
}
