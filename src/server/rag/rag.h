// SPDX-License-Identifier: Apache-2.0
/*
 * Retrieval: documents in, passages out. The facade of this folder; everything that touches the disk
 * happens on a lane of its own, results come back to the loop. Loop thread only.
 *
 * A document is acknowledged when `accepted` says OK: its bytes and its place in the queue are then
 * committed with synchronous=FULL, and whatever happens it will be ingested, at the next start if
 * need be. Documents belong to an owner; those of the owner "" (the manual) are everybody's to read.
 *
 * Callbacks fire exactly once, never from inside the call, and never after the matching cancel.
 */
#pragma once

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/rag/words.h"

struct loop;
struct rag;

/* How untrusted bytes become text: the server hands over engine/reader.h in this shape. */
struct rag_reader_events {
    void (*text)(void *arg, struct str piece);
    void (*done)(void *arg, struct str title, struct str notes);
    void (*failed)(void *arg, enum err err, const char *sentence);
};
struct rag_reader {
    enum err (*start)(void *with, const char *kind, const char *name, int fd, uint64_t size,
                      const struct rag_reader_events *events, void *arg, void **ret_handle);
    void (*cancel)(void *handle);
    void *with;
};

/* Opens or makes DATA/documents.db, and goes on with the jobs that were waiting. ERR_UNSUPPORTED:
 * SQLite is older than 3.53.2; ERR_CONFLICT: another process has it; ERR_IO: it is damaged. */
enum err rag_open(struct loop *loop, const char *data_dir, const struct rag_reader *reader,
                  struct rag **ret_rag);
void rag_close(struct rag *rag); /* takes NULL */

/* --- ingestion --- */

enum { RAG_OWNER_MAX = 64, RAG_ID_CHARS = 32, RAG_NAME_MAX = 255, RAG_SOURCE_MAX = 2048 };
struct rag_document {
    struct str name;   /* file name or title: data, never a path */
    struct str kind;   /* "text", "markdown", "html" */
    struct str source; /* where it came from: the same source again replaces the old version */
    struct blob *bytes;
};
/* The kind by the file name's ending and the declared type; NULL when we cannot read it. */
const char *rag_kind(struct str name, struct str content_type);

/* One job for all of `documents`, which are copied or referenced. ERR_INVALID: a name or source is too
 * long; ERR_BUSY; ERR_NOMEM. `accepted` may say ERR_NOSPACE, ERR_IO: then nothing is stored. */
typedef void (*rag_accepted_fn)(void *arg, enum err err, const char *job_id);
enum err rag_ingest(struct rag *rag, struct str owner, const struct rag_document *documents,
                    size_t count, rag_accepted_fn accepted, void *arg);

struct rag_job {
    char id[RAG_ID_CHARS + 1];
    const char *state; /* "queued", "running", "done", "failed" */
    uint32_t documents, chunks, skipped, failed;
    uint32_t finished; /* of the documents: stored or failed */
    char error[240];   /* the first failure, a sentence */
};
typedef void (*rag_job_fn)(void *arg, enum err err, const struct rag_job *job);
enum err rag_job(struct rag *rag, struct str owner, struct str id, rag_job_fn fn, void *arg);
/* fn(arg) after every document that was finished or failed, of any job. NULL: none. */
void rag_on_progress(struct rag *rag, void (*fn)(void *arg), void *arg);

/* --- finding --- */

struct rag_hit {
    struct str doc_id;
    uint32_t chunk_id;
    struct str title; /* "Documents › Adding" */
    struct str text;
    struct str source; /* "documents.md" */
    double score;      /* 0..1: how much of the question's subject it covers */
};
struct rag_hits {
    struct rag_hit *hit;
    size_t count;
    struct terms terms; /* what was looked for, with weights; slices are not valid any more */
    bool fits;          /* false: the best passage is not about the question */
};
struct rag_query;
/* `hits` lives until rag_query_end, and may be put into another order. */
typedef void (*rag_hits_fn)(void *arg, enum err err, const struct rag_hits *hits);
enum err rag_query(struct rag *rag, struct str owner, struct str text, uint32_t k, rag_hits_fn fn,
                   void *arg, struct rag_query **ret_query);
/* Frees the query and its hits; before the callback it cancels. Takes NULL. */
void rag_query_end(struct rag_query *q);

/* --- keeping --- */

struct rag_listed {
    struct str id, title, source, kind, state, error;
    struct str note; /* "1 hidden parts left out" */
    uint64_t bytes, chunks;
    int64_t created_s;
    bool shared; /* everybody's: cannot be deleted here */
};
/* A part of the owner's documents and everybody's, in the order of acceptance: at most `limit` of those
 * behind the document named `after` ("": from the first). `more`: it is not the last part. ERR_NOTFOUND:
 * there is no document `after` (any more). */
enum { RAG_LIST_MAX = 10000 };
struct rag_part {
    struct str after;
    uint32_t limit; /* 1..RAG_LIST_MAX */
};
typedef void (*rag_list_fn)(void *arg, enum err err, const struct rag_listed *list, size_t count,
                            bool more);
enum err rag_list(struct rag *rag, struct str owner, struct rag_part part, rag_list_fn fn,
                  void *arg);
typedef void (*rag_done_fn)(void *arg, enum err err);
enum err rag_delete(struct rag *rag, struct str owner, struct str id, rag_done_fn fn, void *arg);
/* The text of all documents, or only of those that are everybody's, at most 4 MiB; the caller refs what
 * it keeps. */
typedef void (*rag_words_fn)(void *arg, enum err err, struct blob *text);
enum err rag_words(struct rag *rag, bool everybody, rag_words_fn fn, void *arg);

struct rag_stats {
    uint64_t documents, chunks;
    uint64_t jobs_waiting;
    uint64_t shared_waiting; /* of them everybody's, without those that stopped the server before */
};
void rag_stats(const struct rag *rag, struct rag_stats *ret_stats);
