// SPDX-License-Identifier: Apache-2.0
/* What a server says on standard output: where it is, and how a phone gets there. */
#pragma once

#include "server/api/server.h"
#include "server/cli/cli.h"

/* ready: false when that takes longer than people like to wait; announce_ready is for later then. */
void announce(const struct cli *c, const struct server *s, bool ready);
void announce_ready(const struct cli *c);
