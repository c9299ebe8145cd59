// SPDX-License-Identifier: Apache-2.0
/*
 * A pronouncing dictionary in the format of CMUdict as PocketSphinx reads it: one "word PH ONES" a
 * line, further pronunciations as "word(2)". The file is mapped and indexed (about 10 ms for 135,000
 * lines); lookups are exact and lower-case. Any thread once open.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct dictionary;

/* ERR_NOTFOUND, ERR_IO, ERR_NOMEM, ERR_TOOBIG (64 MiB). */
enum err dictionary_open(const char *path, struct dictionary **ret_d);
void dictionary_close(struct dictionary *d); /* takes NULL */
bool dictionary_has(const struct dictionary *d, struct str word);
/* The first pronunciation, phones separated by blanks, as long as the dictionary is open; empty when
 * the word is not there. */
struct str dictionary_phones(const struct dictionary *d, struct str word);
