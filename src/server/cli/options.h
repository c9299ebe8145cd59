// SPDX-License-Identifier: Apache-2.0
/*
 * argv taken apart, the GNU way: --name=value, --name value, -o value, -ovalue, flags in any place,
 * "--" before what only looks like a flag, "-" for standard input.
 */
#pragma once

#include "server/cli/cli.h"

/* The command by that name, or NULL. */
const struct command *find_command(const char *name);
/* The command whose name is most like it, or NULL when none is near. */
const struct command *nearest_command(const char *name);
/* argv after the command's name. Fills what struct cli says; the operands stay in argv. An exit code:
 * on failure the sentence was printed. --version prints it and ends the program. */
int options_parse(struct cli *c, int argc, char **argv);
