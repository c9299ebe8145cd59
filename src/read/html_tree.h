// SPDX-License-Identifier: Apache-2.0
/*
 * From a parsed page to outlined text, in one walk without recursion. Only the html_*.c files include
 * this: it speaks lexbor's language.
 */
#pragma once

#include <lexbor/dom/dom.h>

#include "read/document.h"

/* As html_read; `root` is the document's node, whose tables it marks. */
enum err html_read_tree(lxb_dom_node_t *root, struct document *doc);
