// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/cli/cli.h"

/* All of a file, at most into->cap bytes. Prints a sentence when that fails; an exit code. "-" is
 * standard input. */
int read_whole_file(const struct cli *c, const char *path, struct buf *into);
/* The operands as one text, blanks between; a single "-" is standard input. At most into->cap bytes. */
int read_operand(const struct cli *c, struct buf *into);
