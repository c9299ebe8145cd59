// SPDX-License-Identifier: Apache-2.0
/* The store of documents of this server, whose files repartee-read looks at. Loop thread. */
#pragma once

#include "server/api/server.h"

/* Into s->rag; on failure with a sentence that says what to do. */
enum err document_store_open(struct server *s, struct server_why *why);
