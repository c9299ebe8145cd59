// SPDX-License-Identifier: Apache-2.0
/* What people read when they ask for help, made from the two tables. To standard output. */
#pragma once

#include "server/cli/cli.h"

void help_overview(void);
int help_command(const struct command *command); /* an exit code */
/* "repartee ask [OPTION]… QUESTION", appended. */
enum err help_usage(const struct command *command, struct buf *into);
