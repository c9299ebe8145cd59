// SPDX-License-Identifier: Apache-2.0
/*
 * The right to serve a data directory: a lock on DATA/server.lock that ends with the process, however
 * it ends. Whoever holds it may take over the socket that a dead server left behind, and open the
 * store; so there is never a second writer. The file names the holder, for the sentence that a second
 * one gets to read. Any thread.
 */
#pragma once

#include "base/err.h"

struct claim {
    int fd; /* -1: not held */
};
enum { CLAIM_HOLDER_BYTES = 96 };

/* `what` is who we are, such as "repartee serve". ERR_CONFLICT: another process holds it. */
enum err claim_take(struct claim *c, const char *data, const char *what);
/* On a claim that is not held it does nothing. */
void claim_release(struct claim *c);
/* "process 4711 (repartee ingest)", or "another process" when the file does not tell (after a
 * wait of 250 ms for one that has only just taken it). */
void claim_holder(const char *data, char into[CLAIM_HOLDER_BYTES]);
