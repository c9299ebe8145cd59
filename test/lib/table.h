// SPDX-License-Identifier: Apache-2.0
/*
 * Tables of hostile bytes, test/data/hostile/NAME.txt. A line is a case:
 *
 *     two lengths | $POSTContent-Length: 3~Content-Length: 3~~abc | -> 400 closed
 *     each 00-08 7f: control byte in a name | GET / HTTP/1.1~Host: x~A@@: b~~ | -> 400 closed
 *
 * that is a name, the bytes, and what must come of them, in the words of the test that reads the
 * table. "each" makes a case for every byte of a list, which stands in the place of @@, on both sides. In the bytes
 * ~ is a line's end (CR LF), {20*ab} repeats, also within another, and \r \n \t \s (a blank) \0 \\ \x7e are as one expects.
 * "$POST = …" gives a piece of text a name of capital letters, for the lines below it. # begins a remark.
 */
#pragma once

#include "base/str.h"

struct table_case {
    const char *name;
    struct str text; /* not yet bytes: a test may cut it up first */
    struct str want;
    bool one_of_many; /* made by "each" */
};
typedef void (*table_fn)(const struct table_case *c);
/* Runs every case; the test fails, at the end, when table_compare found a difference. Returns how many there were. */
unsigned table_run(const char *file, table_fn on_case);

void table_bytes(struct str text, struct buf *into);
/* The other way: what is not printable becomes \x.. */
void table_text(struct str bytes, struct buf *into);
/* `way`: how the bytes were given, for the message. */
void table_compare(const char *name, const char *way, struct str got, struct str want);
