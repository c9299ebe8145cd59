// SPDX-License-Identifier: Apache-2.0
/*
 * What a page's own style sheets and `style` attributes take out of sight, on lexbor's CSS parser,
 * selectors and cascade: a text that nobody sees must not speak to the language model either.
 *
 * Known are display, visibility, opacity, font-size, boxes without room or cut to nothing, and being put
 * far off the screen; of @media what holds for a screen (html_css.h). Not looked at: rules inside of other
 * rules, variables and calc(), sheets that lie in files of their own, colours (white on white), what lies
 * under something else, and what a script would do.
 */
#pragma once

#include <lexbor/html/html.h>

#include "base/err.h"

/* Before the others: reads the <style> elements of a parsed page, as far as they can matter, and makes
 * room for the results in it. ERR_NOMEM; ERR_TOOBIG: more than 4 MiB of them. */
enum err html_style_open(lxb_html_document_t *page);
/* Always after html_style_open, also when it failed. */
void html_style_close(lxb_html_document_t *page);
/* Applies the styles to an element, once; those above it come first. ERR_NOMEM. */
enum err html_style_apply(lxb_dom_node_t *element);
/* Is the element, applied to, not shown with all that is in it? */
bool html_style_hides(const lxb_dom_node_t *element);
/* Is text right below this element invisible by what is inherited and may be changed further below? */
bool html_style_hides_text(const lxb_dom_node_t *element);
