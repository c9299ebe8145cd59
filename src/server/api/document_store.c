// SPDX-License-Identifier: Apache-2.0
#include "server/api/document_store.h"

#include "server/engine/reader.h"
#include "server/rag/rag.h"

/* rag does not know engines, so the reader's callbacks are passed on. One document is read at a time:
 * s->ingest_reader says for whom. */
static void on_reader_text(void *arg, struct str piece)
{
    struct server *s = arg;
    s->ingest_reader.events->text(s->ingest_reader.arg, piece);
}

static void on_reader_done(void *arg, struct str title, struct str notes)
{
    struct server *s = arg;
    s->ingest_reader.events->done(s->ingest_reader.arg, title, notes);
}

static void on_reader_failed(void *arg, enum err err, const char *sentence)
{
    struct server *s = arg;
    s->ingest_reader.events->failed(s->ingest_reader.arg, err, sentence);
}

static enum err start_reader(void *with, const char *kind, const char *name, int fd, uint64_t size,
                             const struct rag_reader_events *events, void *arg, void **ret_handle)
{
    static const struct reader_events passed_on = {
        .text = on_reader_text, .done = on_reader_done, .failed = on_reader_failed};
    struct server *s = with;
    const struct reader_file file = {.kind = kind, .name = name, .fd = fd, .size = size};
    struct reader *r;
    try(reader_start(s->loop, &file, &passed_on, s, &r));
    s->ingest_reader.events = events;
    s->ingest_reader.arg = arg;
    *ret_handle = r;
    return OK;
}

static void cancel_reader(void *handle)
{
    reader_cancel(handle);
}

enum err document_store_open(struct server *s, struct server_why *why)
{
    const struct rag_reader reader = {.start = start_reader, .cancel = cancel_reader, .with = s};
    enum err err = rag_open(s->loop, s->data, &reader, &s->rag);
    if (err == ERR_CONFLICT)
        return server_refuse(why, err,
                             "another Repartee is using %s; stop it, or name another directory "
                             "with --data",
                             s->data);
    if (err == ERR_UNSUPPORTED)
        return server_refuse(why, err,
                             "%s/documents.db was made by a newer Repartee, or SQLite is older "
                             "than 3.53.2; update",
                             s->data);
    if (err == ERR_NOSPACE)
        return server_refuse(
            why, err,
            "the disk of %.200s is full, so that its documents.db cannot be opened; "
            "free some space",
            s->data);
    if (err != OK)
        return server_refuse(
            why, err,
            "the document store %s/documents.db cannot be opened (%s); restore it from a copy, or move it away to begin anew",
            s->data, err_text(err));
    return OK;
}
