// SPDX-License-Identifier: Apache-2.0
#include "read/document.h"

#include <stdio.h>

#include "read/charset.h"
#include "read/clean.h"
#include "read/html.h"
#include "read/markdown.h"
#include "read/plain.h"

enum { DECODE_GROWTH = 3 }; /* of one byte of Windows-1252, or of one of UTF-16's two */

void document_init(struct document *doc)
{
    *doc = (struct document){.text = BUF(DOCUMENT_TEXT_MAX), .title = BUF(DOCUMENT_TITLE_MAX * 2)};
}

void document_finish(struct document *doc)
{
    buf_finish(&doc->text);
    buf_finish(&doc->title);
}

static const struct reader {
    const char *kind;
    enum err (*read)(struct str text, struct document *doc);
    const char *endings; /* of file names, each with its dot and a blank */
} readers[] = {
    {"markdown", markdown_read, ".md .markdown .mdown .mkd "},
    {"html", html_read, ".html .htm .xhtml "},
    {"text", plain_read,
     ".txt .text .log .csv .tsv .rst .adoc .org .json .yaml .yml .toml .ini .conf "},
};
enum { READERS = sizeof readers / sizeof *readers };

/* Files that are no text, by their first bytes, whatever they are called. */
static const struct {
    struct str magic;
    const char *name;
} foreign[] = {
    {{"%PDF-", 5}, "a PDF file"},
    {{"PK\3\4", 4}, "a ZIP, DOCX or EPUB file"},
    {{"\xD0\xCF\x11\xE0", 4}, "an old Office file"},
    {{"\x89PNG", 4}, "a picture"},
    {{"\xFF\xD8\xFF", 3}, "a picture"},
    {{"GIF8", 4}, "a picture"},
    {{"\x1F\x8B", 2}, "a gzip file"},
    {{"\x7F"
      "ELF",
      4},
     "a program"},
    {{"RIFF", 4}, "a sound or video file"},
    {{"OggS", 4}, "a sound or video file"},
};

static bool has_ending(struct str name, const char *endings)
{
    struct str rest = str_of(endings), ending;
    while (str_cut(&rest, ' ', &ending))
        if (ending.n > 0 && str_ends_nocase(name, ending))
            return true;
    return false;
}

static bool looks_like_html(struct str text)
{
    struct str head = str_trim(str_sub(text, 0, 256));
    return str_eq_nocase(str_sub(head, 0, 9), S("<!doctype")) ||
           str_eq_nocase(str_sub(head, 0, 5), S("<html")) ||
           str_eq_nocase(str_sub(head, 0, 5), S("<head")) ||
           str_eq_nocase(str_sub(head, 0, 5), S("<body"));
}

static const struct reader *find_reader(struct str kind, struct str name, struct str text)
{
    for (size_t i = 0; i < READERS; i++)
        if (kind.n > 0 ? str_eq(kind, str_of(readers[i].kind))
                       : has_ending(name, readers[i].endings))
            return &readers[i];
    if (kind.n > 0)
        return nullptr;
    return looks_like_html(text) ? &readers[1] : &readers[2];
}

static enum err decode(struct str bytes, struct buf *into, struct document *doc)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (str_starts(bytes, foreign[i].magic)) {
            snprintf(doc->why, sizeof doc->why, "this is %s; text, Markdown and HTML can be read",
                     foreign[i].name);
            return ERR_MEDIA;
        }
    }
    struct charset_report report;
    enum err err = charset_decode(bytes, into, &report);
    if (err == ERR_MEDIA)
        snprintf(doc->why, sizeof doc->why, "this is no text in UTF-8, UTF-16 or Windows-1252");
    try(err);
    doc->charset = report.name;
    doc->malformed = report.malformed;
    return OK;
}

/* "/a/b/My notes.md" → "My notes" */
static struct str stem(struct str name)
{
    size_t from = name.n, to = name.n;
    while (from > 0 && name.p[from - 1] != '/' && name.p[from - 1] != '\\')
        from--;
    for (size_t i = name.n; i > from + 1; i--) {
        if (name.p[i - 1] == '.') {
            to = i - 1;
            break;
        }
    }
    return str_sub(name, from, to);
}

static enum err finish(struct str name, struct document *doc)
{
    doc->invisible += clean_text(&doc->text);
    doc->invisible += clean_line(&doc->title, DOCUMENT_TITLE_MAX);
    if (doc->title.n == 0) {
        name = stem(name);
        try(buf_add(&doc->title, str_sub(name, 0, utf8_prefix(name, DOCUMENT_TITLE_MAX))));
        (void)clean_line(&doc->title, DOCUMENT_TITLE_MAX);
    }
    return doc->title.n == 0 ? buf_add(&doc->title, S("Untitled")) : OK;
}

enum err document_read(struct str kind, struct str name, struct str bytes, struct document *doc)
{
    if (bytes.n > DOCUMENT_INPUT_MAX) {
        snprintf(doc->why, sizeof doc->why, "the file is larger than %d MiB",
                 DOCUMENT_INPUT_MAX / (1024 * 1024));
        return ERR_TOOBIG;
    }
    autobuf text = BUF(bytes.n * DECODE_GROWTH + 3);
    try(decode(bytes, &text, doc));
    const struct reader *reader = find_reader(kind, name, buf_str(&text));
    if (reader == nullptr) {
        snprintf(doc->why, sizeof doc->why, "text, Markdown and HTML can be read, \"%.*s\" cannot",
                 STR_FMT(str_sub(kind, 0, utf8_prefix(kind, 20))));
        return ERR_MEDIA;
    }
    enum err err = reader->read(buf_str(&text), doc);
    if (err == ERR_TOOBIG && doc->why[0] == '\0')
        snprintf(doc->why, sizeof doc->why, "the document has more than %d MiB of text",
                 DOCUMENT_TEXT_MAX / (1024 * 1024));
    try(err);
    return finish(name, doc);
}

/* "; 2 hidden parts left out", the first without its semicolon. */
static enum err add_note(struct buf *into, size_t begin, uint32_t count, const char *what,
                         const char *then)
{
    if (count == 0)
        return OK;
    return buf_addf(into, "%s%u %s%s%s", into->n > begin ? "; " : "", count, what,
                    count == 1 ? "" : "s", then);
}

enum err document_notes(const struct document *doc, struct buf *into)
{
    size_t begin = into->n;
    if (doc->charset != nullptr)
        try(buf_addf(into, "converted from %s", doc->charset));
    try(add_note(into, begin, doc->malformed, "malformed place", ""));
    try(add_note(into, begin, doc->hidden, "hidden part", " left out"));
    return add_note(into, begin, doc->invisible, "invisible character", " left out");
}
