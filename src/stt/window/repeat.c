// SPDX-License-Identifier: Apache-2.0
#include "stt/window/repeat.h"

#include <zlib.h>

enum {
    LOOP_WORDS = 12,     /* of one round, at most */
    COMPRESSED_MIN = 40, /* bytes; less says nothing */
    COMPRESSED_MAX = 20 * 1024,
};
static constexpr float COMPRESSION = 2.4f;

float repeat_compression(struct str text)
{
    unsigned char into[COMPRESSED_MAX];
    uLongf n = sizeof into;
    if (text.n == 0 || compressBound(text.n) > n ||
        compress(into, &n, (const unsigned char *)text.p, text.n) != Z_OK)
        return 0;
    return (float)text.n / (float)n;
}

/* --- loops --- */

static struct str word_of(const struct heard *h, size_t i)
{
    struct str w = str_sub(buf_str(&h->text), h->words[i].at, h->words[i].at + h->words[i].length);
    while (w.n > 1 && (w.p[w.n - 1] == '.' || w.p[w.n - 1] == ',' || w.p[w.n - 1] == '!' ||
                       w.p[w.n - 1] == '?'))
        w.n--;
    return w;
}

static bool is_same(const struct heard *h, size_t a, size_t b, size_t words)
{
    for (size_t i = 0; i < words; i++)
        if (!str_eq_nocase(word_of(h, a + i), word_of(h, b + i)))
            return false;
    return true;
}

/* "No, no, no, no" is said by people; whole sentences three times are not. */
static size_t rounds_of_loop(size_t words)
{
    return words == 1 ? 6 : words == 2 ? 4 : 3;
}

/* How many words after a round that begins at `first` repeat it; the last round may break off where the text ends. */
static size_t repeated(const struct heard *h, size_t first, size_t words)
{
    size_t rounds = 1;
    while (first + (rounds + 1) * words <= h->words_n &&
           is_same(h, first, first + rounds * words, words))
        rounds++;
    if (rounds < rounds_of_loop(words))
        return 0;
    size_t end = first + rounds * words, rest = h->words_n - end;
    bool breaks_off = rest < words && is_same(h, first, end, rest);
    return (rounds - 1) * words + (breaks_off ? rest : 0);
}

static bool find_loop(const struct heard *h, size_t *ret_first, size_t *ret_words)
{
    for (size_t first = 0; first < h->words_n; first++) {
        for (size_t words = 1; words <= LOOP_WORDS; words++) {
            size_t n = repeated(h, first, words);
            if (n > 0) {
                *ret_first = first + words;
                *ret_words = n;
                return true;
            }
        }
    }
    return false;
}

static void drop_words(struct heard *h, size_t first, size_t words)
{
    size_t from = h->words[first].at;
    bool is_last = first + words == h->words_n;
    size_t to = is_last ? h->text.n : h->words[first + words].at;
    if (is_last && from > 0)
        from--; /* the blank before them */
    memmove(h->text.p + from, h->text.p + to, h->text.n - to);
    h->text.n -= to - from;
    memmove(&h->words[first], &h->words[first + words],
            (h->words_n - first - words) * sizeof *h->words);
    h->words_n -= words;
    for (size_t i = first; i < h->words_n; i++)
        h->words[i].at -= (uint32_t)(to - from);
}

bool repeat_unloop(struct heard *h)
{
    size_t first, words;
    bool found = false;
    while (find_loop(h, &first, &words)) {
        drop_words(h, first, words);
        found = true;
    }
    return found;
}

enum guard repeat_found(const struct heard *h)
{
    size_t first, words;
    if (find_loop(h, &first, &words))
        return GUARD_loop;
    bool says_something = h->text.n >= COMPRESSED_MIN;
    return says_something && repeat_compression(buf_str(&h->text)) > COMPRESSION ? GUARD_compression
                                                                                 : GUARD_NONE;
}
