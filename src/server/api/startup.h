// SPDX-License-Identifier: Apache-2.0
/*
 * What happens once the server stands: the manual (embedded, or a folder of the operator's) becomes
 * the first knowledge base, everybody's to read; and the recogniser learns the documents' words, now
 * and whenever they change. As soon as more than one person may talk here, it learns only from what all
 * of them may read: what is understood well must not tell what is in somebody's papers. Loop thread.
 */
#pragma once

#include "base/err.h"

struct server;
struct startup;

/* `docs`: a folder, or NULL or "" for the manual. */
enum err startup_begin(struct server *s, const char *docs, struct startup **ret_startup);
void startup_end(struct startup *st); /* takes NULL; the store is closed already */
/* Now and then: has the number of people changed? */
void startup_tick(struct startup *st);
/* The recogniser has learnt what it was told, or has said that it cannot. */
void startup_learnt(struct startup *st);
/* The first documents are in the store and the recogniser knows their words, or that has failed, or takes
 * too long. Once true it stays so: documents that come later are learnt by the way. */
bool startup_is_over(const struct startup *st);
