// SPDX-License-Identifier: Apache-2.0
/*
 * What reading aloud needs to know of a language: how numbers become words, and tables of the words
 * for what is written short. One file a language; one that has no file here is read by
 * language_other, which takes the marks for the eye away and leaves the rest to the synthesiser.
 *
 * A table that is NULL, and a word that is "", mean that the language leaves that as it is written.
 */
#pragma once

#include <stdint.h>

#include "tts/text/writer.h"

struct reading;

struct unit_words {
    const char *mark, *one, *many;
};

struct money_words {
    const char *mark, *one, *many;
    const char *part_one, *part_many; /* the hundredth; NULL: there is none */
};

/* Where the short form is one: "No" before a number, "Gen" before a name. */
enum short_use : uint8_t {
    SHORT_ALWAYS,
    SHORT_BEFORE_NUMBER,
    SHORT_BEFORE_NAME,
    SHORT_AFTER_NAME,
    SHORT_BEFORE_DATE,  /* a day's name, with a comma behind */
    SHORT_BEFORE_SMALL, /* a word in small letters; also a number, as in "Max. 5" */
    SHORT_AFTER_NUMBER,
};
struct short_words {
    const char *mark; /* without its last full stop */
    const char *words;
    enum short_use use;
    bool stop_needed; /* without a full stop it is another word */
};

struct symbol_words {
    const char *mark;
    const char *words;
};

struct date {
    uint32_t year;       /* 0: none */
    uint32_t month, day; /* from 1; day 0: none */
    bool day_first;
};

struct clock_time {
    uint32_t hour, minute, second;
    bool has_minute, has_second;
    char half; /* 'A', 'P' or 0 */
};

/* Words that tables above have no place for. */
enum word : uint8_t {
    WORD_POINT,
    WORD_MINUS,
    WORD_PLUS,
    WORD_TO,
    WORD_PER,
    WORD_AND,
    WORD_BY,
    WORD_HALF,
    WORD_OUT_OF,
    WORD_SQUARED,
    WORD_CUBED,
    WORD_POWER,
    WORD_SQUARE,
    WORD_CUBIC,
    WORD_TEN_TIMES,
    WORD_LINK,
    WORD_CODE,
    WORD_DOT,
    WORD_AT,
    WORD_DASH,
    WORD_UNDERSCORE,
    WORD_SLASH,
    WORD_BACKSLASH,
    WORD_COLON,
    WORD_TILDE,
    WORD_PORT,
    WORD_VERSION,
    WORD_HASHTAG,
    WORD_NUMBER,
    WORD_SHARP,
    WORD_ABOUT,
    WORD_TIMES,
    WORD_DOLLAR,
    WORDS,
};

/* True when it read what is at the reading's place, and moved on. */
typedef bool (*reader_fn)(struct reading *r);

struct language {
    const char *code;
    char point, group; /* of numbers: 1,234.5 or 1.234,5 */
    void (*cardinal)(struct writer *w, uint64_t n);
    void (*ordinal)(struct writer *w, uint64_t n);
    void (*year)(struct writer *w, uint32_t year);
    void (*date)(struct writer *w, const struct date *d);
    void (*clock)(struct writer *w, const struct clock_time *t);
    const char *(*one_of)(const char *noun); /* "one" before it; NULL: as it is counted */
    void (*fraction)(struct writer *w, uint64_t top, uint64_t bottom);
    const char *words[WORDS];
    const reader_fn *readers;           /* in their order, up to NULL */
    const struct symbol_words *symbols; /* each table up to an empty mark */
    const struct unit_words *units;
    const struct money_words *money;
    const struct short_words *shorts;
    const char *const *months[3]; /* long and short names; "" where there is none */
};

extern const struct language language_english, language_german, language_other;
/* By a tag such as "en-us". */
const struct language *language_find(struct str tag);
