// SPDX-License-Identifier: Apache-2.0
/*
 * From the bytes of one untrusted file to plain text that keeps its structure: headings as lines
 * "## Heading", list items as "- item" or "3. item", tables as rows "a | b", code between ``` lines,
 * blank lines between blocks. What a reader of the shown page would not see (comments, hidden
 * elements, invisible characters) is left out and counted, so that nobody can whisper to a language
 * model behind a person's back.
 *
 *     struct document doc;
 *     document_init(&doc);
 *     enum err err = document_read(kind, name, bytes, &doc);  // doc.why holds a sentence on failure
 *     …buf_str(&doc.text)…
 *     document_finish(&doc);
 *
 * Every reader is a pure function of its bytes, without recursion; time and memory are bounded by
 * the caps below and, in repartee-read, by the limits of the process. One thread.
 */
#pragma once

#include "base/str.h"

enum {
    DOCUMENT_INPUT_MAX = 64 * 1024 * 1024,
    DOCUMENT_TEXT_MAX = 16 * 1024 * 1024,
    DOCUMENT_TITLE_MAX = 300,
    DOCUMENT_WHY_BYTES = 200,
};

struct document {
    struct buf text;     /* UTF-8, LF only, no control characters but LF and TAB */
    struct buf title;    /* one line; from a title, the first heading, or the file's name */
    uint32_t invisible;  /* zero-width, direction and tag characters left out */
    uint32_t hidden;     /* comments and elements that a page does not show, left out */
    uint32_t malformed;  /* places where the bytes were no text; U+FFFD stands there */
    const char *charset; /* what it was converted from, NULL for UTF-8 */
    char why[DOCUMENT_WHY_BYTES];
};

void document_init(struct document *doc);
void document_finish(struct document *doc);

/* `kind`: "text", "markdown", "html", or "" to go by the name and the first bytes. ERR_MEDIA: this is
 * no such document; ERR_TOOBIG: a cap; ERR_NOMEM. */
enum err document_read(struct str kind, struct str name, struct str bytes, struct document *doc);
/* What a person should know about the reading, "" when nothing: appends a sentence or two. */
enum err document_notes(const struct document *doc, struct buf *into);
