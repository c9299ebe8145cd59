// SPDX-License-Identifier: Apache-2.0
/*
 * Documents, passages and jobs in one SQLite file with a full-text index (FTS5, BM25, Porter stems).
 * The source of truth; there is nothing beside it that could disagree. Used by one thread, the lane.
 *
 * Every statement is prepared and carries the owner; the words of a query reach MATCH only in quotes.
 * Opened with DEFENSIVE, untrusted schema, lowered limits, WAL, synchronous=FULL.
 */
#pragma once

#include "server/rag/rag.h"

struct store;
enum err store_open(const char *path, struct store **ret_store);
void store_close(struct store *s); /* takes NULL */

/* One transaction: the job and its documents, durable when it returns OK. Documents whose bytes this
 * owner and source have already are counted as skipped. */
enum err store_accept(struct store *s, struct str owner, const struct rag_document *documents,
                      size_t count, char ret_job[RAG_ID_CHARS + 1]);

/* The oldest waiting document, marked as being worked on; ERR_NOTFOUND when there is none. One that
 * was begun ATTEMPTS_MAX times is failed instead: it kills whatever reads it. */
struct store_work {
    char id[RAG_ID_CHARS + 1];
    char *name, *kind;  /* owned */
    struct blob *bytes; /* owned */
};
enum { STORE_ATTEMPTS_MAX = 2 };
enum err store_take(struct store *s, struct store_work *ret_work);
void store_work_finish(struct store_work *w);
/* One transaction: the passages of `text`, the older version of the same source gone. */
enum err store_complete(struct store *s, struct str id, struct str title, struct str text);
enum err store_fail(struct store *s, struct str id, const char *sentence);

enum err store_job(struct store *s, struct str owner, struct str id, struct rag_job *ret_job);
/* Hits, best first; texts are in the arena. Weights of the terms are set by how rare they are. */
enum err store_search(struct store *s, struct str owner, struct terms *terms, uint32_t k,
                      struct arena *arena, struct rag_hits *ret_hits);
enum err store_list(struct store *s, struct str owner, struct arena *arena,
                    struct rag_listed **ret_list, size_t *ret_count);
enum err store_delete(struct store *s, struct str owner, struct str id);
enum err store_words(struct store *s, struct buf *into);
enum err store_stats(struct store *s, struct rag_stats *ret_stats);
