// SPDX-License-Identifier: Apache-2.0
#include "read/plain.h"

enum { HEADING_MAX = 100 /* bytes */, UNDERLINE_MIN = 3 };

/* What underlines the line above: '=', '-', or 0. */
static char underlines(struct str line)
{
    line = str_trim(line);
    if (line.n < UNDERLINE_MIN || (line.p[0] != '=' && line.p[0] != '-'))
        return 0;
    for (size_t i = 1; i < line.n; i++)
        if (line.p[i] != line.p[0])
            return 0;
    return line.p[0];
}

/* A sentence, an item and a mark of Markdown's are no headings, however they are underlined. */
static bool may_be_heading(struct str line)
{
    line = str_trim(line);
    return line.n > 0 && line.n <= HEADING_MAX && line.p[0] != '#' && line.p[0] != '-' &&
           line.p[0] != '|' && line.p[0] != '`' && !str_ends(line, S(".")) &&
           !str_ends(line, S(",")) && !underlines(line);
}

static enum err take_title(struct document *doc, struct str line)
{
    line = str_trim(line);
    return doc->title.n > 0 ? OK : buf_add(&doc->title, line);
}

static enum err put_line(struct document *doc, struct str line)
{
    try(buf_add(&doc->text, line));
    return buf_add_byte(&doc->text, '\n');
}

enum err plain_read(struct str text, struct document *doc)
{
    struct str rest = text, line, next;
    bool after_blank = true, first = true;
    while (str_cut(&rest, '\n', &line)) {
        struct str behind = rest;
        next = S("");
        bool more = str_cut(&behind, '\n', &next);
        char mark = more && after_blank && may_be_heading(line) ? underlines(next) : 0;
        if (mark) {
            try(buf_add(&doc->text, mark == '=' ? S("# ") : S("## ")));
            rest = behind;
        }
        bool blank = str_trim(line).n == 0;
        bool alone =
            first && may_be_heading(line) && str_trim(next).n == 0 && str_trim(behind).n > 0;
        if (mark == '=' || alone)
            try(take_title(doc, line));
        else if (str_starts(line, S("# ")))
            try(take_title(
                doc,
                str_sub(line, 2, 2 + utf8_prefix(str_sub(line, 2, line.n), DOCUMENT_TITLE_MAX))));
        try(put_line(doc, line));
        after_blank = blank || mark;
        first = first && blank;
    }
    return OK;
}
