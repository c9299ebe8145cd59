// SPDX-License-Identifier: Apache-2.0
/*
 * Puts together what is spoken: blanks are single, punctuation clings to the word before it, a comma
 * that parts nothing goes. An error is kept, and nothing more is written; look at `err` at the end.
 */
#pragma once

#include "base/str.h"

struct writer {
    struct buf *into;
    size_t begin; /* where this writer's text begins in `into` */
    enum err err;
};

static inline struct writer writer_at(struct buf *into)
{
    return (struct writer){.into = into, .begin = into->n};
}
/* The last byte written, or 0. */
char writer_last(const struct writer *w);
void put(struct writer *w, char c);
void put_all(struct writer *w, struct str text);
/* With a blank before. */
void put_word(struct writer *w, const char *words);
/* A pause: a comma, unless there is one already. */
void put_pause(struct writer *w);
/* The end of a sentence, unless there is one already or nothing before it. */
void put_stop(struct writer *w);
/* Takes back blanks at the end. A comma stays: there is a pause before the next clause. */
void put_end(struct writer *w);
