// SPDX-License-Identifier: Apache-2.0
/*
 * Words of questions and passages, made comparable: lower case, without accents, light stems
 * ("adding", "adds", "added" and "add" meet), function words marked. The only idea of a word there is:
 * the full-text index holds these stems, and sentences are judged by them, so the two cannot disagree.
 * The stems are those of a light stemmer for English (D. Harman, How effective is suffixing?, 1991),
 * which takes plurals off, widened by the commonest verb endings and irregular forms. Pure; any thread.
 */
#pragma once

#include "server/rag/sentence.h"

enum {
    WORD_MAX = 32,
    TERMS_MAX = 24, /* at most 32, to fit a set */
    MEANINGS_MAX = 8,
};

struct word {
    char stem[WORD_MAX]; /* NUL-terminated, valid UTF-8; longer words are cut */
    struct str text;     /* as it stands in the source */
    bool function;       /* "the", "how", "is": says little about the subject */
    bool common;         /* "suddenly", "example": may be the subject, may be filler */
};

/* Cuts the next word off *rest; false at the end. A word is letters and digits; hyphens, apostrophes
 * and malformed bytes separate; each Chinese or Japanese character is a word. */
bool word_next(struct str *rest, struct word *ret_word);
/* The stem of both as one word. False: they do not make one. */
bool word_join(struct word first, struct word second, char into[WORD_MAX]);

/* All stems of a text, those of joined words too: struct stems all = {.rest = text}. */
struct stems {
    struct str rest;
    struct word last;
    char joined[WORD_MAX]; /* comes next, unless it is empty */
};
bool stems_next(struct stems *s, char into[WORD_MAX]);
/* Appends the stems of all words, function words too, with blanks between; of words that a hyphen joins
 * also that of both as one word, so that "Wi-Fi" is found by "wifi". */
enum err words_stems(struct str text, struct buf *into);

/* The distinct words that a question is about. A word of the same meaning is nearly as good as the word
 * itself (query expansion by synonyms; E. Voorhees, Query expansion using lexical-semantic relations, 1994). */
struct term {
    char stem[MEANINGS_MAX][WORD_MAX]; /* its own first; empty ones at the end */
    bool common;
    bool asking;   /* the "long" of "how long" */
    bool aside;    /* the "pension" of "my pension": where no document has it, it hardly counts */
    double weight; /* 1 to begin with; the store sets it by how rare the word is */
};
struct terms {
    struct term term[TERMS_MAX];
    size_t count;
    bool wants_number; /* "how much", "when": the answer has a figure */
    bool glue_only;    /* there are none but function words */
};
/* Content words; when there are none, every word. The first TERMS_MAX of them. Two words that stand
 * together also mean what they are as one: "set up" finds "setup". */
void terms_of(struct str question, struct terms *ret_terms);
/* Which of the terms occur in a text: bit i for term i. */
uint32_t terms_in(const struct terms *t, struct str text);
uint32_t terms_in_stems(const struct terms *t, struct str stems); /* of words_stems */
/* Those whose own word occurs, not only one that means the same. */
uint32_t terms_own_in_stems(const struct terms *t, struct str stems);
/* The share (0..1) of the terms' weight that a set of them has. */
double terms_share(const struct terms *t, uint32_t set);
/* The share (0..1) of a heading's own content that the question holds: 1, it is what is asked for. */
double terms_fill(const struct terms *t, struct str heading);
/* Which of them a sentence of a passage says: without the "long" of "how long", and the rows of a table
 * with the first of them, which names the columns. *columns is 0 before the passage's first sentence. */
uint32_t terms_said(const struct terms *t, const struct sentence *s, uint32_t *columns);
