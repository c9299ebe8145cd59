// SPDX-License-Identifier: Apache-2.0
#include "read/markdown.h"

#include <md4c-html.h>
#include <stdio.h>

#include "read/html.h"

enum { FRONT_MATTER_MAX = 64 * 1024, HTML_ROOM = 1024 * 1024, HTML_GROWTH = 16 };

struct rendering {
    struct buf html;
    enum err err;
};

static void take(const MD_CHAR *text, MD_SIZE n, void *userdata)
{
    struct rendering *r = userdata;
    if (r->err == OK)
        r->err = buf_add(&r->html, (struct str){text, n});
}

/* The value of "title: …" in a front matter, without its quotes. */
static struct str title_in(struct str matter)
{
    struct str line;
    while (str_cut(&matter, '\n', &line)) {
        if (!str_starts(line, S("title:")))
            continue;
        struct str v = str_trim(str_sub(line, 6, line.n));
        bool quoted = v.n >= 2 && (v.p[0] == '"' || v.p[0] == '\'') && v.p[v.n - 1] == v.p[0];
        return quoted ? str_sub(v, 1, v.n - 1) : v;
    }
    return (struct str){"", 0};
}

/* Cuts "---" … "---" off the front, if it is there and whole. */
static struct str cut_front_matter(struct str *markdown)
{
    struct str rest = *markdown, line;
    if (!str_cut(&rest, '\n', &line) || !str_eq(str_trim(line), S("---")))
        return S("");
    const char *from = rest.p;
    while (str_cut(&rest, '\n', &line) && line.p < from + FRONT_MATTER_MAX) {
        if (!str_eq(str_trim(line), S("---")) && !str_eq(str_trim(line), S("...")))
            continue;
        *markdown = rest;
        return (struct str){from, (size_t)(line.p - from)};
    }
    return S("");
}

enum err markdown_read(struct str markdown, struct document *doc)
{
    struct str title = title_in(cut_front_matter(&markdown));
    title = str_sub(title, 0, utf8_prefix(title, DOCUMENT_TITLE_MAX));
    struct rendering r = {.html = BUF(markdown.n * HTML_GROWTH + HTML_ROOM)};
    unsigned dialect = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS;
    int failed = md_html(markdown.p, (MD_SIZE)markdown.n, take, &r, dialect, 0);
    enum err err = r.err != OK ? r.err : failed != 0 ? ERR_NOMEM : OK;
    if (err == ERR_TOOBIG)
        snprintf(doc->why, sizeof doc->why, "the document's Markdown is nested too deeply");
    if (err == OK)
        err = html_read(buf_str(&r.html), doc);
    if (err == OK && title.n > 0) {
        buf_clear(&doc->title);
        err = buf_add(&doc->title, title);
    }
    buf_finish(&r.html);
    return err;
}
