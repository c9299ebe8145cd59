// SPDX-License-Identifier: Apache-2.0
/* What is written for the eye within a line: see tts/text/markup.h. */
#pragma once

#include "base/str.h"

/* Appends what is left of a line. `row`: it is a table's. */
enum err inline_strip(struct str line, bool row, struct buf *into);
/* Appends mathematics in TeX's notation as signs that a language has words for. */
enum err math_strip(struct str tex, struct buf *into);
