// SPDX-License-Identifier: Apache-2.0
/* The text of a model: words as numbers, one after another. */
#include "base/check.h"
#include "base/mem.h"
#include "stt/ngram_parts.h"

enum { SLOTS = 2 * NGRAM_DISTINCT_MAX, LETTERS_MAX = 8 << 20 };

enum err ngram_create(struct ngram **ret_n)
{
    struct ngram *n = mem_zero(1, sizeof *n);
    if (n == nullptr)
        return ERR_NOMEM;
    n->letters.cap = LETTERS_MAX;
    n->slot = mem_zero(SLOTS, sizeof *n->slot);
    n->word = mem_zero(NGRAM_DISTINCT_MAX, sizeof *n->word);
    if (n->slot == nullptr || n->word == nullptr) {
        ngram_destroy(n);
        return ERR_NOMEM;
    }
    *ret_n = n;
    return OK;
}

void ngram_destroy(struct ngram *n)
{
    if (n == nullptr)
        return;
    buf_finish(&n->letters);
    free(n->slot);
    free(n->word);
    free(n->order);
    free(n->token);
    free(n);
}

static struct str text_of(const struct ngram *n, const struct counted *w)
{
    return (struct str){n->letters.p + w->at, w->length};
}

static uint32_t hash(struct str word)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < word.n; i++)
        h = (h ^ (unsigned char)word.p[i]) * 16777619u;
    return h;
}

/* The word's slot, or the free one where it belongs. */
static size_t find(const struct ngram *n, struct str word)
{
    size_t i = hash(word) % SLOTS;
    while (n->slot[i] != 0 && !str_eq(text_of(n, &n->word[n->slot[i] - 1]), word))
        i = (i + 1) % SLOTS;
    return i;
}

static enum err put_token(struct ngram *n, uint32_t token)
{
    if (n->tokens == NGRAM_TOKENS_MAX)
        return OK;
    try(mem_grow((void **)&n->token, &n->token_room, n->tokens + 1, sizeof *n->token));
    n->token[n->tokens++] = token;
    return OK;
}

enum err ngram_word(struct ngram *n, struct str word, bool spelt)
{
    check(!n->closed && word.n > 0);
    size_t slot = find(n, word);
    if (n->slot[slot] == 0) {
        if (n->words == NGRAM_DISTINCT_MAX || n->letters.n + word.n > n->letters.cap)
            return ngram_gap(n);
        struct counted *w = &n->word[n->words];
        *w = (struct counted){
            .at = (uint32_t)n->letters.n, .length = (uint32_t)word.n, .spelt = true};
        try(buf_add(&n->letters, word));
        n->slot[slot] = (uint32_t)++n->words;
    }
    struct counted *w = &n->word[n->slot[slot] - 1];
    w->count++;
    w->spelt = w->spelt && spelt;
    return put_token(n, TOKEN_FIRST + n->slot[slot] - 1);
}

enum err ngram_sentence(struct ngram *n)
{
    if (n->tokens == 0 || n->token[n->tokens - 1] == TOKEN_END)
        return OK;
    return put_token(n, TOKEN_END);
}

enum err ngram_gap(struct ngram *n)
{
    return put_token(n, TOKEN_GAP);
}

static int by_count(const void *a, const void *b, void *arg)
{
    const struct ngram *n = arg;
    const struct counted *x = &n->word[*(const uint32_t *)a], *y = &n->word[*(const uint32_t *)b];
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->at < y->at ? -1
                         : x->at > y->at; /* the earlier one first: the same order every time */
}

enum err ngram_close(struct ngram *n)
{
    try(ngram_sentence(n));
    n->order = mem_zero(n->words, sizeof *n->order);
    if (n->order == nullptr)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n->words; i++)
        n->order[i] = i;
    qsort_r(n->order, n->words, sizeof *n->order, by_count, n);
    for (uint32_t i = 0; i < n->words; i++)
        n->word[n->order[i]].id = i < NGRAM_VOCABULARY_MAX ? TOKEN_FIRST + i : TOKEN_GAP;
    n->closed = true;
    return OK;
}

size_t ngram_words(const struct ngram *n)
{
    check(n->closed);
    return n->words < NGRAM_VOCABULARY_MAX ? n->words : NGRAM_VOCABULARY_MAX;
}

struct ngram_word ngram_word_at(const struct ngram *n, size_t i)
{
    check(i < ngram_words(n));
    const struct counted *w = &n->word[n->order[i]];
    return (struct ngram_word){text_of(n, w), w->count, w->spelt};
}

void ngram_forbid(struct ngram *n, size_t i)
{
    check(i < ngram_words(n));
    n->word[n->order[i]].id = TOKEN_GAP;
}

size_t ngram_vocabulary(const struct ngram *n)
{
    size_t count = 0;
    for (size_t i = 0; i < ngram_words(n); i++)
        count += n->word[n->order[i]].id != TOKEN_GAP;
    return count;
}
