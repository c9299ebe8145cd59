// SPDX-License-Identifier: Apache-2.0
/* What a server says on standard output when it is ready: where it is, and how a phone gets there. */
#pragma once

#include "server/api/server.h"
#include "server/cli/cli.h"

void announce(const struct cli *c, const struct server *s);
