// SPDX-License-Identifier: Apache-2.0
/*
 * What happens once the server stands: the manual (embedded, or a folder of the operator's) becomes
 * the first knowledge base, everybody's to read; and the recogniser learns the documents' words, now
 * and whenever they change. Loop thread.
 */
#pragma once

#include "base/err.h"

struct server;
struct startup;

/* `docs`: a folder, or NULL or "" for the manual. */
enum err startup_begin(struct server *s, const char *docs, struct startup **ret_startup);
void startup_end(struct startup *st); /* takes NULL; the store is closed already */
/* The first documents are in the store. */
bool startup_is_over(const struct startup *st);
