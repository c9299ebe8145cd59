// SPDX-License-Identifier: Apache-2.0
/* The engines of the server: started by its configuration, looked at together. Loop thread. */
#pragma once

#include "server/api/server.h"

/* And the answerer. Fills s->talk. On failure with a sentence; engines_stop follows. */
enum err engines_start(struct server *s, struct server_why *why);
void engines_stop(struct server *s); /* also of those that were never started */
/* Those that there may be; NULL for one that there is not. The language model is the one that answers, not one that
 * is being loaded beside it. */
enum { SERVER_ENGINES = 5 };
void server_engines(const struct server *s, const struct engine *into[SERVER_ENGINES]);
bool engines_ready(const struct server *s);
