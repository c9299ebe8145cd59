// SPDX-License-Identifier: Apache-2.0
/*
 * Tables of text, test/data/speech/NAME.txt: a line is a case, its fields have a TAB between. \n \t \\
 * and \x.. stand in a field for what they stand for in C. # begins a remark.
 */
#pragma once

#include "base/str.h"

enum { CASE_FIELDS_MAX = 12 };

struct text_case {
    const char *where; /* "clauses.txt:12" */
    struct str field[CASE_FIELDS_MAX];
    size_t count; /* of fields; one that is empty at the end counts not */
};
typedef void (*text_case_fn)(const struct text_case *c);

/* Runs every case and returns how many there were. */
unsigned cases_run(const char *file, text_case_fn on_case);
/* Notes a difference; cases_run fails the test at its end when there was one. */
void cases_differ(const struct text_case *c, struct str got, struct str want);
