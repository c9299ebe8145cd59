// SPDX-License-Identifier: Apache-2.0
/* Where the server listens, with what protection, and who may come in. */
#pragma once

#include "server/api/server.h"

/* The i-th address that others may type, "https://192.0.2.1:8600/"; false past the last. Where only this
 * machine may come in, and without a network, there is one, for ourselves. None without TCP. */
bool doors_url(const struct server *s, unsigned i, char *into, size_t size);
/* Makes front, secure, auth and hosts of the server; listens. Nobody is answered before the loop runs. */
enum err doors_open(struct server *s, const struct server_where *where, struct server_why *why);
/* Can other machines reach it? */
bool doors_lead_outside(const struct server *s);
