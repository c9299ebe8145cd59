// SPDX-License-Identifier: Apache-2.0
/*
 * From the text of the documents to what a recogniser needs to expect their words: a trigram model
 * and pronunciations for words that its dictionary lacks. It takes about a second for a megabyte of
 * text. Made on one thread; constant afterwards and read by any.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "stt/memfile.h"

struct adaptation {
    const char *arpa_path; /* the model; in the memory file of the creator */
    struct buf extra;      /* "word\0PH ONES\0" for each word that the dictionary lacks */
    size_t words;          /* in the model */
    size_t pronounced;     /* of them, those in `extra` */
    size_t left_out;       /* words that nothing says how to pronounce */
};

/* ERR_INVALID: the text has no words. ERR_TOOBIG: their model is larger than `file`, which takes it. */
enum err adaptation_create(struct str text, const char *dictionary_path, struct memfile *file,
                           struct adaptation **ret_a);
void adaptation_destroy(struct adaptation *a); /* takes NULL */
/* Cuts the next word and its phones (both NUL-terminated) off *rest, which starts as a->extra. */
bool adaptation_next(struct str *rest, const char **ret_word, const char **ret_phones);
