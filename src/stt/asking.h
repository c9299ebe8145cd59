// SPDX-License-Identifier: Apache-2.0
/*
 * Questions that the sentences of a document answer. People ask "how do I reach the server?" where the
 * document says "to let others reach the server, make a key": its language model has the words but not
 * the way from "do I" to them. So of each sentence what follows "to", "can", "you" and the like, where a
 * verb stands, is said once more behind the beginning of a question, taken in turn, with "my" for "your".
 * And each verb stands in its plain form behind the beginning of a question, which tells "do I press" from
 * "do I pressed". Not every one of them makes sense; what counts is which word follows which. English. One thread.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "stt/words.h"

enum {
    ASKING_SENTENCE_MAX = 48,   /* words of a sentence that are looked at */
    ASKING_CLAUSE_MAX = 8,      /* words of it in a question */
    ASKING_WORDS_MAX = 1 << 17, /* of all questions; a large text says enough by itself */
};

struct asking_word {
    char letters[WORDS_LETTERS_MAX];
    uint8_t n;
    bool spelt;
};

struct asking {
    struct asking_word word[ASKING_SENTENCE_MAX]; /* of the present sentence */
    size_t n;
    size_t asked; /* questions */
    size_t verbs; /* questions with a verb alone */
    size_t words; /* words of them */
};

void asking_begin(struct asking *a);
void asking_word(struct asking *a, struct str word, bool spelt);
/* The words up to here say nothing that can be asked about. */
void asking_gap(struct asking *a);
/* A sentence is over: its questions go to `events`, each with a sentence's end. Without `known` verbs are
 * not looked for. */
enum err asking_sentence(struct asking *a, const struct words_events *events);
