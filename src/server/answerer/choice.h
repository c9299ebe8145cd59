// SPDX-License-Identifier: Apache-2.0
/*
 * DATA/models.choice: the language model that was chosen while the server ran, for its next start. It stands in the
 * place of what the options say, as long as they say the same. The file is a hundred bytes and is touched at the
 * start and after a change of models only, so the loop reads and writes it itself, and waits for no disk.
 */
#pragma once

#include "server/models/source.h"

enum { CHOICE_TOLD_BYTES = 4400 };

struct choice {
    char llm[MODEL_NAME_MAX + 1];       /* a name of models.lock, or "quote" */
    char instead_of[CHOICE_TOLD_BYTES]; /* what the options said then */
};

/* ERR_NOTFOUND: none was made. ERR_SYNTAX: it is not one of ours, or damaged; ERR_IO and others: not read. */
enum err choice_read(const char *data, struct choice *ret_choice);
/* The same of a text. ERR_SYNTAX, ERR_NOMEM. */
enum err choice_parse(struct str text, struct choice *ret_choice);
enum err choice_write(const char *data, const struct choice *choice);
enum err choice_forget(const char *data);
