// SPDX-License-Identifier: Apache-2.0
/*
 * What an element of a page means to its reader, and whether a browser shows it. Only the html_*.c
 * files include this: it speaks lexbor's language.
 */
#pragma once

#include <lexbor/dom/dom.h>

#include "base/str.h"

enum html_role : uint8_t {
    INLINE,
    SKIP,
    TITLE,
    BREAK,
    BLOCK,
    PARAGRAPH,
    HEADING,
    LIST,
    ITEM,
    TABLE,
    ROW,
    CELL,
    TERM,
    MEANING,
    PRE,
};

enum html_role html_role_of(const lxb_dom_node_t *node);
/* By the attributes `hidden`, `popover` or aria-hidden, or as a dialog that is not open. For styles see
 * html_style.h. */
bool html_is_hidden(lxb_dom_node_t *element);
/* A table that holds headings or further tables lays a page out; its rows are no rows of data. */
bool html_is_data_table(lxb_dom_node_t *table);
/* False: the element has no such attribute. */
bool html_attribute(lxb_dom_node_t *element, struct str name, struct str *ret_value);
