// SPDX-License-Identifier: Apache-2.0
/*
 * Deleting a document, in one transaction. What is deleted is overwritten, so the journal needs about as much
 * room as the document has; where a full disk has less, the document leaves in pieces instead: it is
 * nobody's from the first one on, and what of it is still there when a piece fails goes at the next
 * deletion or start.
 */
#include "server/rag/room.h"
#include "server/rag/sql.h"

enum { PIECE_CHUNKS = 64, PIECE_BYTES = 256 * 1024 };

enum err chunks_delete(struct store *s, int64_t document)
{
    try(sql_do(s, "DELETE FROM words WHERE rowid IN (SELECT id FROM chunks WHERE document = ?)",
               SQL_ARGS(SQL_I(document))));
    return sql_do(s, "DELETE FROM chunks WHERE document = ?", SQL_ARGS(SQL_I(document)));
}

enum err document_delete(struct store *s, int64_t document)
{
    try(chunks_delete(s, document));
    try(sql_do(s, "DELETE FROM originals WHERE document = ?", SQL_ARGS(SQL_I(document))));
    return sql_do(s, "DELETE FROM documents WHERE number = ?", SQL_ARGS(SQL_I(document)));
}

struct deletion {
    struct str owner, id;
    enum err (*leave)(struct store *s, int64_t document);
};

static enum err delete_one(struct store *s, void *arg)
{
    const struct deletion *d = arg;
    autostmt *q = nullptr;
    try(sql_query(s, "SELECT number, state FROM documents WHERE id = ? AND owner = ?",
                  SQL_ARGS(SQL_T(d->id), SQL_T(d->owner)), &q));
    try(sql_step(q)); /* a foreign document is not found */
    int64_t document = sqlite3_column_int64(q, 0);
    struct str state = sql_text(q, 1);
    bool waits = str_eq(state, S("queued")) || str_eq(state, S("running"));
    sqlite3_reset(q);
    if (waits)
        try(count_failure(s, document, S("it was deleted before it was read")));
    return d->leave(s, document);
}

/* --- in pieces --- */

/* No key has such a name. */
static enum err belong_to_nobody(struct store *s, int64_t document)
{
    return sql_do(s,
                  "UPDATE documents SET owner = char(1), state = 'leaving', title = '', name = '',"
                  " source = '' WHERE number = ?",
                  SQL_ARGS(SQL_I(document)));
}

struct piece {
    int64_t document;
    int64_t chunks, bytes_from, bytes; /* at most so many chunks; of the original */
    bool found;
};

static enum err drop_chunks(struct store *s, void *arg)
{
    struct piece *p = arg;
    const struct sql_arg args[] = {SQL_I(p->document), SQL_I(p->chunks)};
    try(sql_do(s,
               "DELETE FROM words WHERE rowid IN"
               " (SELECT id FROM chunks WHERE document = ? ORDER BY id LIMIT ?)",
               args, 2));
    try(sql_do(s,
               "DELETE FROM chunks WHERE id IN"
               " (SELECT id FROM chunks WHERE document = ? ORDER BY id LIMIT ?)",
               args, 2));
    p->found = sqlite3_changes(s->db) > 0;
    return OK;
}

static enum err drop_all_chunks(struct store *s, int64_t document)
{
    struct piece p = {.document = document, .chunks = PIECE_CHUNKS, .found = true};
    while (p.found) {
        enum err err = sql_transaction(s, drop_chunks, &p);
        bool too_much = err == ERR_NOSPACE && p.chunks > 1;
        if (too_much)
            p.chunks /= 2;
        else
            try(err);
        enum err full = sql_empty_journal(s);
        if (full != OK && full != ERR_BUSY)
            return full;
    }
    return OK;
}

/* In place, so that nothing else of the file is touched. */
static enum err blank(struct store *s, void *arg)
{
    static const char zeros[PIECE_BYTES];
    struct piece *p = arg;
    sqlite3_blob *blob = nullptr;
    enum err err = sql_err(
        s->db, sqlite3_blob_open(s->db, "main", "originals", "bytes", p->document, 1, &blob));
    if (err == OK) {
        int64_t left = sqlite3_blob_bytes(blob) - p->bytes_from;
        p->bytes = left < PIECE_BYTES ? left : PIECE_BYTES;
        if (p->bytes > 0)
            err =
                sql_err(s->db, sqlite3_blob_write(blob, zeros, (int)p->bytes, (int)p->bytes_from));
    }
    int closed = sqlite3_blob_close(blob);
    return err == OK ? sql_err(s->db, closed) : err;
}

static enum err has_original(struct store *s, int64_t document)
{
    autostmt *q = nullptr;
    try(sql_query(s, "SELECT 1 FROM originals WHERE document = ?", SQL_ARGS(SQL_I(document)), &q));
    return sql_step(q);
}

static enum err blank_original(struct store *s, int64_t document)
{
    struct piece p = {.document = document};
    enum err err = has_original(s, document);
    if (err != OK)
        return err == ERR_NOTFOUND ? OK : err;
    do {
        try(sql_transaction(s, blank, &p));
        (void)sql_empty_journal(s);
        p.bytes_from += p.bytes;
    } while (p.bytes == PIECE_BYTES);
    return OK;
}

static enum err drop_rest(struct store *s, void *arg)
{
    const struct piece *p = arg;
    return document_delete(s, p->document);
}

/* What is blank already need not be overwritten, which spares the journal. */
static enum err drop_blank(struct store *s, int64_t document)
{
    struct piece p = {.document = document};
    try(sql_exec(s, "PRAGMA secure_delete=OFF"));
    enum err err = sql_transaction(s, drop_rest, &p);
    s->insecure = true;
    enum err on = sql_make_secure(s);
    return err == OK ? on : err;
}

enum err store_finish_leaving(struct store *s)
{
    for (;;) {
        autostmt *q = nullptr;
        try(sql_query(s, "SELECT number FROM documents WHERE state = 'leaving' LIMIT 1", nullptr, 0,
                      &q));
        enum err err = sql_step(q);
        if (err != OK)
            return err == ERR_NOTFOUND ? OK : err;
        int64_t document = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        try(drop_all_chunks(s, document));
        try(blank_original(s, document));
        try(drop_blank(s, document));
        (void)sql_empty_journal(s);
    }
}

enum err store_delete(struct store *s, struct str owner, struct str id)
{
    struct deletion d = {owner, id, document_delete};
    enum err err = sql_transaction_in_need(s, delete_one, &d, true);
    if (err == OK)
        (void)store_finish_leaving(s); /* of those before: there may be room now */
    if (err != ERR_NOSPACE)
        return err;
    (void)sql_empty_journal(s);
    d.leave = belong_to_nobody;
    try(sql_transaction(s, delete_one, &d));
    if (store_finish_leaving(s) == OK) /* else it is gone all the same, and tried again */
        sql_shrink(s);
    return OK;
}
