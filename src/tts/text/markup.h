// SPDX-License-Identifier: Apache-2.0
/*
 * Takes off what is written for the eye: Markdown, HTML, mathematics between dollars. What is left is
 * text as people write it, on one line, where MARKUP_STOP stands for the end of what stood alone (a
 * heading, an item, a row, a paragraph) and MARKUP_PAUSE for that of a table's cell. Malformed UTF-8
 * and control characters go; typographic quotes become plain ones.
 *
 * A block of code is announced and not read, and it may go on in the next text: `in_code` is kept
 * from one to the next. A mark whose other half lies in the next text is dealt with all the same.
 */
#pragma once

#include "base/fence.h"

enum { MARKUP_STOP = '\n', MARKUP_PAUSE = '\v', MARKUP_GROWTH = 8 };

/* Appends at most MARKUP_GROWTH times the length of `text`, and that of `code`, which announces a
 * block of code. ERR_NOMEM, ERR_TOOBIG. */
enum err markup_strip(struct str text, struct str code, struct fence *in_code, struct buf *into);
