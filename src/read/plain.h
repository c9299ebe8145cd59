// SPDX-License-Identifier: Apache-2.0
/*
 * Plain text, as people write it: its first line is its title when it stands alone, and a line that is
 * underlined is a heading. All else stays as it is. Any thread.
 */
#pragma once

#include "read/document.h"

/* `text` is UTF-8 with line ends of any kind. Appends to doc->text; sets doc->title when there is one. */
enum err plain_read(struct str text, struct document *doc);
