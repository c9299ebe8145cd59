// SPDX-License-Identifier: Apache-2.0
#include "read/html.h"

#include <lexbor/html/html.h>
#include <stdio.h>

#include "base/clock.h"
#include "read/html_style.h"
#include "read/html_tree.h"

enum { CHUNK_BYTES = 4096 };

/* Fed in small pieces, so that depth and time are looked at before they hurt. */
static enum err parse(lxb_html_document_t *page, struct str html, struct document *doc)
{
    const lexbor_array_t *open = nullptr;
    uint64_t until = clock_cpu_ms() + HTML_PARSE_MS;
    if (lxb_html_document_parse_chunk_begin(page) != LXB_STATUS_OK)
        return ERR_NOMEM;
    open = ((lxb_html_parser_t *)page->dom_document.parser)->tree->open_elements;
    for (size_t at = 0; at < html.n; at += CHUNK_BYTES) {
        struct str chunk = str_sub(html, at, at + CHUNK_BYTES);
        if (lxb_html_document_parse_chunk(page, (const lxb_char_t *)chunk.p, chunk.n) !=
            LXB_STATUS_OK)
            return ERR_NOMEM;
        if (open->length > HTML_DEPTH_MAX) {
            snprintf(doc->why, sizeof doc->why, "the page's elements are nested more than %d deep",
                     HTML_DEPTH_MAX);
            return ERR_TOOBIG;
        }
        if (clock_cpu_ms() > until) {
            snprintf(doc->why, sizeof doc->why, "the page takes too long to read");
            return ERR_TIMEOUT;
        }
    }
    return lxb_html_document_parse_chunk_end(page) == LXB_STATUS_OK ? OK : ERR_NOMEM;
}

enum err html_read(struct str html, struct document *doc)
{
    lxb_html_document_t *page = lxb_html_document_create();
    if (page == nullptr)
        return ERR_NOMEM;
    enum err err = parse(page, html, doc);
    if (err == OK)
        err = html_style_open(page);
    if (err == ERR_TOOBIG && doc->why[0] == '\0')
        snprintf(doc->why, sizeof doc->why, "the page has more than 4 MiB of style sheets");
    if (err == OK)
        err = html_read_tree(lxb_dom_interface_node(page), doc);
    html_style_close(page);
    lxb_html_document_destroy(page);
    return err;
}
