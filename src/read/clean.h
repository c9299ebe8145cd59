// SPDX-License-Identifier: Apache-2.0
/*
 * The last pass over every document's text. Characters that print nothing can carry orders to a
 * language model that no person sees (zero-width letters, Unicode tags), or show a person another
 * text than the machine reads (direction overrides): they go, and are counted. Any thread.
 */
#pragma once

#include "base/str.h"

/* In place; `text` is UTF-8 (malformed bytes are dropped) and only shrinks. Line ends become LF, other
 * control characters but TAB go, blanks at line ends too, at most one blank line stays in a row, none
 * at either end. Returns how many invisible characters went. */
uint32_t clean_text(struct buf *text);
/* The same, on one line with single blanks, cut to `max` bytes. */
uint32_t clean_line(struct buf *text, size_t max);
