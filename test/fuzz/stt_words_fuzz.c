// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as the text of a document: what comes out are words, and a model can be made of
 * them and of the questions about them. */
#include "fuzz.h"

#include "base/check.h"
#include "stt/asking.h"
#include "stt/ngram.h"
#include "stt/words.h"

static bool on_known(void *arg, struct str word)
{
    (void)arg;
    check(word.n > 0 && word.n <= WORDS_LETTERS_MAX);
    return word.n % 2 == 0;
}

static struct asking asking;

static enum err count_word(void *arg, struct str word, bool spelt)
{
    check(word.n > 0 && word.n <= WORDS_LETTERS_MAX);
    for (size_t i = 0; i < word.n; i++)
        check((word.p[i] >= 'a' && word.p[i] <= 'z') ||
              (word.p[i] == '\'' && i > 0 && i + 1 < word.n));
    return ngram_word(arg, word, spelt);
}

static enum err count_sentence(void *arg)
{
    return ngram_sentence(arg);
}

static enum err on_word(void *arg, struct str word, bool spelt)
{
    asking_word(&asking, word, spelt);
    return count_word(arg, word, spelt);
}

static enum err on_sentence(void *arg)
{
    const struct words_events questions = {
        .word = count_word, .sentence = count_sentence, .arg = arg};
    try(count_sentence(arg));
    return asking_sentence(&asking, &questions);
}

static enum err on_gap(void *arg)
{
    asking_gap(&asking);
    return ngram_gap(arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ngram *n;
    check(ngram_create(&n) == OK);
    asking_begin(&asking);
    const struct words_events events = {on_known, on_word, on_sentence, on_gap, n};
    check(words_read((struct str){(const char *)data, size}, &events) == OK);
    check(ngram_close(n) == OK);
    for (size_t i = 0; i < ngram_words(n); i += 3)
        ngram_forbid(n, i);
    autobuf arpa = BUF(64 << 20);
    enum err err = ngram_arpa(n, &arpa);
    check(err == OK || (err == ERR_INVALID && ngram_vocabulary(n) == 0));
    ngram_destroy(n);
    return 0;
}
