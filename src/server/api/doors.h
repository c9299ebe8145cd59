// SPDX-License-Identifier: Apache-2.0
/* Where the server listens, with what protection, and who may come in. */
#pragma once

#include "server/api/server.h"

/* Makes front, secure, auth and hosts of the server; listens. Nobody is answered before the loop runs. */
enum err doors_open(struct server *s, const struct server_where *where, struct server_why *why);
