// SPDX-License-Identifier: Apache-2.0
/*
 * Markdown (CommonMark with tables, strikethrough and task lists) to outlined text. It is rendered to
 * HTML by md4c and read by html.c, since Markdown may hold raw HTML anywhere: so there is one
 * definition of what is hidden. A front matter's title is taken, the rest of it left out.
 */
#pragma once

#include "read/document.h"

/* As html_read. */
enum err markdown_read(struct str markdown, struct document *doc);
