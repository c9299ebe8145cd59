// SPDX-License-Identifier: Apache-2.0
/*
 * Documents, passages and jobs in one SQLite file with a full-text index (FTS5) of word stems. The
 * source of truth; there is nothing beside it that could disagree. A store is used by one thread at a
 * time: one writer, which holds the lock on the file, and a reader for those who must not wait for it.
 *
 * Every statement is prepared and carries the owner; the words of a query reach MATCH only in quotes.
 * Opened with DEFENSIVE, untrusted schema, lowered limits, WAL, synchronous=FULL, secure_delete.
 */
#pragma once

#include "server/rag/rag.h"

struct store;
/* Opens or makes it. ERR_CONFLICT: another writer has it; ERR_UNSUPPORTED: this SQLite is too old, or
 * the file was made by a newer Repartee; ERR_IO: damaged. */
enum err store_open(const char *path, struct store **ret_store);
/* Of a file that a writer has open: sees what is committed, never waits for the writer. */
enum err store_open_reader(const char *path, struct store **ret_store);
void store_close(struct store *s); /* takes NULL */

/* --- the writer's --- */

/* One transaction: the job and its documents, durable when it returns OK. A document whose newest
 * version this owner and source have already is counted as skipped. */
enum err store_accept(struct store *s, struct str owner, const struct rag_document *documents,
                      size_t count, char ret_job[RAG_ID_CHARS + 1]);

/* The oldest waiting document, of those that are everybody's first, marked as being worked on;
 * ERR_NOTFOUND: none waits.
 *
 * One that was begun ATTEMPTS_TRUSTED times and not finished may have stopped the server. It waits until
 * all others are done and the server has been up for a while, twice as long each time (ERR_AGAIN until
 * then), and is failed after ATTEMPTS_MAX: a server that is killed again and again for other reasons
 * loses nothing, and one that a document kills is of use for longer and longer times. */
enum { STORE_ATTEMPTS_TRUSTED = 2, STORE_ATTEMPTS_MAX = 6, STORE_SUSPECT_MS = 3000 };
struct store_work {
    int64_t document;
    char *name, *kind;  /* owned */
    struct blob *bytes; /* owned */
};
enum err store_take(struct store *s, uint64_t uptime_ms, struct store_work *ret_work);
void store_work_finish(struct store_work *w);
/* It was not the document's fault: it waits again, and this attempt does not count. */
enum err store_put_back(struct store *s, int64_t document);
/* It may have been: it waits again, and this attempt counts. */
enum err store_try_again(struct store *s, int64_t document);
/* One transaction: the passages of the text, in the place of those there are; the older versions of the same source gone. OK too when the
 * document was deleted meanwhile, or when a newer version is there already (this one then goes). */
struct store_reading {
    struct str title, text;
    struct str note; /* what a person should know about the reading; "": nothing */
};
enum err store_complete(struct store *s, int64_t document, const struct store_reading *reading);
/* One transaction: it is kept with the reason, in the place of older failures of the same source. */
enum err store_fail(struct store *s, int64_t document, struct str sentence);
/* ERR_NOTFOUND: no such document of this owner's. */
enum err store_delete(struct store *s, struct str owner, struct str id);
/* What a full disk has let leave in part only; store_open does it too. */
enum err store_finish_leaving(struct store *s);

/* --- anybody's --- */

enum err store_job(struct store *s, struct str owner, struct str id, struct rag_job *ret_job);
/* At most k hits, best first; texts are in the arena. Sets the terms' weights by how rare they are
 * among the passages that this owner may read. */
enum err store_search(struct store *s, struct str owner, struct terms *terms, uint32_t k,
                      struct arena *arena, struct rag_hits *ret_hits);
/* As rag_list; the list is freed by the caller. */
struct store_list {
    struct rag_listed *rows;
    size_t count;
    bool more;
};
enum err store_list(struct store *s, struct str owner, struct rag_part part, struct arena *arena,
                    struct store_list *ret_list);
/* Headings and passages, of everybody or of the shared documents only, until `into` is full. */
enum err store_words(struct store *s, bool everybody, struct buf *into);
enum err store_stats(struct store *s, struct rag_stats *ret_stats);
