// SPDX-License-Identifier: Apache-2.0
/*
 * A trigram model counted from sentences, in the ARPA format. Probabilities are interpolated
 * Witten-Bell estimates (Witten, Bell: The zero-frequency problem, 1991):
 *
 *     p(w|h) = (c(hw) + t(h) p(w|h')) / (c(h) + t(h))      t(h): kinds of words seen after h
 *
 * written as a back-off model, so that the sum over the vocabulary is one after every history. Of a
 * large text (over NGRAM_CUT_TOKENS) trigrams seen once are left out and their share goes to the
 * shorter history. One thread at a time.
 *
 *     ngram_word(n, S("push")); … ngram_sentence(n);
 *     ngram_close(n);                                 // words get their final numbers
 *     for (i = 0; i < ngram_words(n); i++) if (no pronunciation) ngram_forbid(n, i);
 *     ngram_arpa(n, &arpa);
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum {
    NGRAM_TOKENS_MAX = 1 << 20, /* words counted; what comes later is not */
    NGRAM_CUT_TOKENS = 200000,
    NGRAM_DISTINCT_MAX = 1 << 17, /* different words seen; later ones are a gap */
    NGRAM_VOCABULARY_MAX = 20000, /* the most frequent of them make the model */
};

struct ngram;
struct ngram_word {
    struct str text; /* as long as the model */
    uint32_t count;
    bool spelt; /* said letter by letter, wherever it stood */
};

enum err ngram_create(struct ngram **ret_n);
void ngram_destroy(struct ngram *n); /* takes NULL */

/* Beyond a cap they answer OK and do nothing. */
enum err ngram_word(struct ngram *n, struct str word, bool spelt);
enum err ngram_sentence(struct ngram *n); /* ends here; nothing happens when it is empty */
enum err ngram_gap(struct ngram *n);      /* the next word did not follow the last one */

/* No more text. The words in falling order of their counts. */
enum err ngram_close(struct ngram *n);
size_t ngram_words(const struct ngram *n);
struct ngram_word ngram_word_at(const struct ngram *n, size_t i);
/* Takes a word out: it becomes a gap. */
void ngram_forbid(struct ngram *n, size_t i);
/* Words in the model, without the forbidden ones and the sentence marks. */
size_t ngram_vocabulary(const struct ngram *n);
/* ERR_INVALID: there is not a word to count. */
enum err ngram_arpa(struct ngram *n, struct buf *into);
