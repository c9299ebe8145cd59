// SPDX-License-Identifier: Apache-2.0
/*
 * HTML to outlined text, on lexbor (WHATWG HTML parsing): what a browser shows, in reading order.
 * Scripts, styles, templates, drawings, comments and whatever is hidden, by the page's own style sheets
 * too (html_style.h), stay out.
 */
#pragma once

#include "read/document.h"

enum {
    HTML_DEPTH_MAX =
        2048, /* open elements; deeper pages are refused, for tree building is quadratic in it */
    HTML_PARSE_MS = 10000, /* of computing; with the walk less than the process may take */
};

/* `html` is UTF-8. Appends to doc->text, sets doc->title when the page has one, counts in
 * doc->hidden. ERR_TOOBIG: nested too deeply, or the text is too long; ERR_TIMEOUT; ERR_NOMEM. */
enum err html_read(struct str html, struct document *doc);
