// SPDX-License-Identifier: Apache-2.0
#include "stt/adapt.h"

#include <stdlib.h>

#include "base/mem.h"
#include "stt/asking.h"
#include "stt/dictionary.h"
#include "stt/ngram.h"
#include "stt/pronounce.h"
#include "stt/words.h"

enum { EXTRA_MAX_BYTES = NGRAM_VOCABULARY_MAX * (WORDS_LETTERS_MAX + PRONOUNCE_MAX) };

struct counting {
    struct ngram *ngram;
    struct dictionary *dictionary;
    struct asking asking;
};

static bool on_known(void *arg, struct str word)
{
    const struct counting *c = arg;
    return dictionary_has(c->dictionary, word);
}

static enum err count_word(void *arg, struct str word, bool spelt)
{
    const struct counting *c = arg;
    return ngram_word(c->ngram, word, spelt);
}

static enum err count_sentence(void *arg)
{
    const struct counting *c = arg;
    return ngram_sentence(c->ngram);
}

static enum err on_word(void *arg, struct str word, bool spelt)
{
    struct counting *c = arg;
    asking_word(&c->asking, word, spelt);
    return count_word(arg, word, spelt);
}

/* What it says, then what may be asked about it. */
static enum err on_sentence(void *arg)
{
    struct counting *c = arg;
    const struct words_events questions = {
        .known = on_known, .word = count_word, .sentence = count_sentence, .arg = arg};
    try(count_sentence(arg));
    return asking_sentence(&c->asking, &questions);
}

static enum err on_gap(void *arg)
{
    struct counting *c = arg;
    asking_gap(&c->asking);
    return ngram_gap(c->ngram);
}

static enum err add_extra(struct adaptation *a, struct str word, struct str phones)
{
    try(buf_add(&a->extra, word));
    try(buf_add_byte(&a->extra, '\0'));
    try(buf_add(&a->extra, phones));
    return buf_add_byte(&a->extra, '\0');
}

static enum err pronounce_all(struct adaptation *a, const struct counting *c)
{
    autobuf phones = BUF(PRONOUNCE_MAX);
    for (size_t i = 0; i < ngram_words(c->ngram); i++) {
        struct ngram_word w = ngram_word_at(c->ngram, i);
        if (dictionary_has(c->dictionary, w.text))
            continue;
        if (pronounce(c->dictionary, w.text, w.spelt, &phones) == OK) {
            try(add_extra(a, w.text, buf_str(&phones)));
            a->pronounced++;
        } else {
            ngram_forbid(c->ngram, i);
            a->left_out++;
        }
    }
    return OK;
}

/* Straight into the memory file. */
static enum err write_model(struct adaptation *a, struct ngram *n, struct memfile *file)
{
    memfile_clear(file);
    struct buf arpa = {.p = file->bytes, .room = file->size, .cap = file->size};
    try(ngram_arpa(n, &arpa));
    a->words = ngram_vocabulary(n);
    a->arpa_path = file->path;
    return OK;
}

static enum err count_and_write(struct adaptation *a, struct counting *c, struct str text,
                                struct memfile *file)
{
    const struct words_events events = {
        .known = on_known, .word = on_word, .sentence = on_sentence, .gap = on_gap, .arg = c};
    try(words_read(text, &events));
    try(ngram_close(c->ngram));
    try(pronounce_all(a, c));
    return write_model(a, c->ngram, file);
}

enum err adaptation_create(struct str text, const char *dictionary_path, struct memfile *file,
                           struct adaptation **ret_a)
{
    struct counting c = {};
    struct adaptation *a = mem_zero(1, sizeof *a);
    if (a == nullptr)
        return ERR_NOMEM;
    a->extra.cap = EXTRA_MAX_BYTES;
    enum err err = dictionary_open(dictionary_path, &c.dictionary);
    if (err == OK)
        err = ngram_create(&c.ngram);
    if (err == OK)
        err = count_and_write(a, &c, text, file);
    ngram_destroy(c.ngram);
    dictionary_close(c.dictionary);
    if (err != OK) {
        adaptation_destroy(a);
        return err;
    }
    *ret_a = a;
    return OK;
}

void adaptation_destroy(struct adaptation *a)
{
    if (a == nullptr)
        return;
    buf_finish(&a->extra);
    free(a);
}

bool adaptation_next(struct str *rest, const char **ret_word, const char **ret_phones)
{
    struct str word, phones;
    if (!str_cut(rest, '\0', &word) || !str_cut(rest, '\0', &phones))
        return false;
    *ret_word = word.p;
    *ret_phones = phones.p;
    return true;
}
