// SPDX-License-Identifier: Apache-2.0
/* The way of a document: accepted, taken, completed or failed. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/rag/chunk.h"
#include "server/rag/room.h"
#include "server/rag/sql.h"

/* --- accepting --- */

static enum err hash_of(struct str bytes, char into[65])
{
    unsigned char digest[32];
    unsigned n = 0;
    if (!EVP_Digest(bytes.p ? bytes.p : "", bytes.n, digest, &n, EVP_sha256(), nullptr) || n != 32)
        return ERR_NOMEM;
    for (int i = 0; i < 32; i++)
        snprintf(into + 2 * i, 3, "%02x", digest[i]);
    return OK;
}

struct acceptance {
    struct str owner;
    const struct rag_document *documents;
    size_t count;
    char *job;
};

/* Whether the newest version of this source, finished or still waiting, has the same bytes. */
static enum err is_known(struct store *s, struct str owner, const struct rag_document *d,
                         struct str hash, bool *ret_known)
{
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT hash FROM documents WHERE owner = ? AND source = ? AND state <> 'failed'"
                  " ORDER BY number DESC LIMIT 1",
                  SQL_ARGS(SQL_T(owner), SQL_T(d->source)), &q));
    enum err err = sql_step(q);
    *ret_known = err == OK && str_eq(sql_text(q, 0), hash);
    return err == ERR_NOTFOUND ? OK : err;
}

/* Bytes on the disk for each byte of a document: itself, its passages, their stems, the index. The
 * journal needs as many for a while, also when it is deleted, since what is deleted is overwritten. */
enum { DISK_PER_BYTE = 5 };
constexpr uint64_t ROOM_TO_MERGE = 1024 * 1024; /* what the index rewrites now and then */

/* What is accepted must find room until it has been read; and room must be left to delete it again. */
static enum err look_for_room(struct store *s, uint64_t bytes)
{
    autostmt *q = nullptr;
    char folder[4096];
    try(sql_query(s,
                  "SELECT (SELECT coalesce(sum(bytes), 0) FROM documents WHERE state IN ('queued',"
                  " 'running')), (SELECT coalesce(max(bytes), 0) FROM documents WHERE"
                  " state <> 'leaving'),"
                  " (SELECT freelist_count FROM pragma_freelist_count()) * (SELECT page_size FROM"
                  " pragma_page_size())",
                  nullptr, 0, &q));
    try(sql_step(q));
    sql_folder(s, folder, sizeof folder);
    uint64_t waiting = bytes + (uint64_t)sqlite3_column_int64(q, 0);
    uint64_t largest = (uint64_t)sqlite3_column_int64(q, 1);
    uint64_t unused = (uint64_t)sqlite3_column_int64(q, 2);
    uint64_t growth = DISK_PER_BYTE * waiting > unused ? DISK_PER_BYTE * waiting - unused : 0;
    uint64_t reserve = room_is_reserved(folder) ? 0 : ROOM_RESERVE;
    uint64_t journal = DISK_PER_BYTE * (largest > waiting ? largest : waiting);
    return room_free(folder) >= ROOM_TO_MERGE + reserve + growth + journal ? OK : ERR_NOSPACE;
}

static enum err insert_document(struct store *s, const struct acceptance *a,
                                const struct rag_document *d, struct str hash)
{
    char id[RAG_ID_CHARS + 1];
    random_hex(id, RAG_ID_CHARS / 2);
    struct str bytes = blob_str(d->bytes);
    try(look_for_room(s, bytes.n));
    try(sql_do(
        s,
        "INSERT INTO documents(id, owner, job, name, title, source, kind, hash, bytes, state,"
        " created) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)",
        SQL_ARGS(SQL_T(str_of(id)), SQL_T(a->owner), SQL_T(str_of(a->job)), SQL_T(d->name),
                 SQL_T(d->name), SQL_T(d->source), SQL_T(d->kind), SQL_T(hash), SQL_I(bytes.n),
                 SQL_I(clock_wall_ms()))));
    return sql_do(s, "INSERT INTO originals(document, bytes) VALUES(?, ?)",
                  SQL_ARGS(SQL_I(sqlite3_last_insert_rowid(s->db)), SQL_B(bytes)));
}

static enum err accept_all(struct store *s, void *arg)
{
    struct acceptance *a = arg;
    size_t skipped = 0;
    for (size_t i = 0; i < a->count; i++) {
        char hash[65];
        bool known;
        try(hash_of(blob_str(a->documents[i].bytes), hash));
        try(is_known(s, a->owner, &a->documents[i], str_of(hash), &known));
        skipped += known;
        if (!known)
            try(insert_document(s, a, &a->documents[i], str_of(hash)));
    }
    return sql_do(s,
                  "INSERT INTO jobs(id, owner, created, documents, skipped) VALUES(?, ?, ?, ?, ?)",
                  SQL_ARGS(SQL_T(str_of(a->job)), SQL_T(a->owner), SQL_I(clock_wall_ms()),
                           SQL_I(a->count - skipped), SQL_I(skipped)));
}

enum err store_accept(struct store *s, struct str owner, const struct rag_document *documents,
                      size_t count, char ret_job[RAG_ID_CHARS + 1])
{
    char job[RAG_ID_CHARS + 1];
    random_hex(job, RAG_ID_CHARS / 2);
    struct acceptance a = {owner, documents, count, job};
    try(sql_transaction_in_need(s, accept_all, &a, false));
    memcpy(ret_job, job, sizeof job);
    return OK;
}

/* --- settling --- */

enum err count_failure(struct store *s, int64_t document, struct str sentence)
{
    return sql_do(s,
                  "UPDATE jobs SET failed = failed + 1,"
                  " error = CASE error WHEN '' THEN ?2 ELSE error END"
                  " WHERE id = (SELECT job FROM documents WHERE number = ?1)",
                  SQL_ARGS(SQL_I(document), SQL_T(sentence)));
}

struct failure {
    int64_t document;
    struct str sentence;
};

/* Of the same source, older and failed as well: nobody will miss them. */
static enum err drop_failed(struct store *s, int64_t document)
{
    for (;;) {
        autostmt *q = nullptr;
        try(sql_query(s,
                      "SELECT o.number FROM documents d JOIN documents o ON o.owner = d.owner"
                      " AND o.source = d.source AND o.number < d.number AND o.state = 'failed'"
                      " WHERE d.number = ? LIMIT 1",
                      SQL_ARGS(SQL_I(document)), &q));
        enum err err = sql_step(q);
        if (err != OK)
            return err == ERR_NOTFOUND ? OK : err;
        int64_t older = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        try(document_delete(s, older));
    }
}

/* ERR_NOTFOUND: it was deleted, and counted then. */
static enum err is_there(struct store *s, int64_t document)
{
    autostmt *q = nullptr;
    try(sql_query(s, "SELECT 1 FROM documents WHERE number = ? AND state <> 'leaving'",
                  SQL_ARGS(SQL_I(document)), &q));
    return sql_step(q);
}

static enum err fail(struct store *s, void *arg)
{
    const struct failure *f = arg;
    enum err err = is_there(s, f->document);
    if (err != OK)
        return err == ERR_NOTFOUND ? OK : err;
    try(count_failure(s, f->document, f->sentence));
    try(drop_failed(s, f->document));
    return sql_do(s, "UPDATE documents SET state = 'failed', error = ?2 WHERE number = ?1",
                  SQL_ARGS(SQL_I(f->document), SQL_T(f->sentence)));
}

enum err store_fail(struct store *s, int64_t document, struct str sentence)
{
    struct failure f = {document, sentence};
    return sql_transaction(s, fail, &f);
}

enum err store_put_back(struct store *s, int64_t document)
{
    return sql_do(s,
                  "UPDATE documents SET state = 'queued', attempts = max(attempts - 1, 0)"
                  " WHERE number = ? AND state = 'running'",
                  SQL_ARGS(SQL_I(document)));
}

enum err store_try_again(struct store *s, int64_t document)
{
    return sql_do(s, "UPDATE documents SET state = 'queued' WHERE number = ? AND state = 'running'",
                  SQL_ARGS(SQL_I(document)));
}

/* --- taking --- */

static enum err give_up(struct store *s)
{
    static const struct str why =
        S("reading this document did not come to an end, however often it was tried");
    for (;;) {
        autostmt *q = nullptr;
        try(sql_query(s, "SELECT number FROM documents WHERE state = 'queued' AND attempts >= ?",
                      SQL_ARGS(SQL_I(STORE_ATTEMPTS_MAX)), &q));
        enum err err = sql_step(q);
        if (err != OK)
            return err == ERR_NOTFOUND ? OK : err;
        int64_t document = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        try(store_fail(s, document, why));
    }
}

static enum err copy_work(sqlite3_stmt *q, struct store_work *work)
{
    work->document = sqlite3_column_int64(q, 0);
    work->name = mem_strdup(sql_text(q, 1));
    work->kind = mem_strdup(sql_text(q, 2));
    work->bytes = blob_create(sql_text(q, 3));
    return work->name && work->kind && work->bytes ? OK : ERR_NOMEM;
}

static enum err any_waits(struct store *s)
{
    autostmt *q = nullptr;
    try(sql_query(s, "SELECT 1 FROM documents WHERE state = 'queued' LIMIT 1", nullptr, 0, &q));
    enum err err = sql_step(q);
    return err == OK ? ERR_AGAIN : err;
}

#define WAITING                                                                                    \
    "SELECT d.number, d.name, d.kind, o.bytes"                                                     \
    " FROM documents d JOIN originals o ON o.document = d.number WHERE d.state = 'queued'"

static enum err take_trusted(struct store *s, struct store_work *work)
{
    autostmt *q = nullptr;
    try(sql_query(s, WAITING " AND d.attempts < ? ORDER BY d.owner <> '', d.number LIMIT 1",
                  SQL_ARGS(SQL_I(STORE_ATTEMPTS_TRUSTED)), &q));
    try(sql_step(q));
    return copy_work(q, work);
}

static enum err take_suspect(struct store *s, uint64_t uptime_ms, struct store_work *work)
{
    try(give_up(s));
    autostmt *q = nullptr;
    try(sql_query(
        s, WAITING " AND ?1 << (d.attempts - ?2) <= ?3 ORDER BY d.attempts, d.number LIMIT 1",
        SQL_ARGS(SQL_I(STORE_SUSPECT_MS), SQL_I(STORE_ATTEMPTS_TRUSTED), SQL_I(uptime_ms)), &q));
    enum err err = sql_step(q);
    return err == OK ? copy_work(q, work) : err == ERR_NOTFOUND ? any_waits(s) : err;
}

enum err store_take(struct store *s, uint64_t uptime_ms, struct store_work *ret_work)
{
    struct store_work work = {};
    enum err err = take_trusted(s, &work);
    if (err == ERR_NOTFOUND)
        err = take_suspect(s, uptime_ms, &work);
    if (err == OK)
        err = sql_do(s,
                     "UPDATE documents SET state = 'running', attempts = attempts + 1"
                     " WHERE number = ?",
                     SQL_ARGS(SQL_I(work.document)));
    if (err != OK) {
        store_work_finish(&work);
        return err;
    }
    *ret_work = work;
    return OK;
}

void store_work_finish(struct store_work *w)
{
    free(w->name);
    free(w->kind);
    blob_unref(w->bytes);
    *w = (struct store_work){};
}

/* --- completing --- */

struct completion {
    int64_t document;
    const struct store_reading *reading;
    char *owner, *source; /* owned */
    int64_t chunks;
    bool gone, outdated;
};

static void completion_finish(struct completion *c)
{
    free(c->owner);
    free(c->source);
    *c = (struct completion){.document = c->document, .reading = c->reading};
}

static enum err read_document(struct store *s, struct completion *c)
{
    autostmt *q = nullptr;
    try(sql_query(
        s,
        "SELECT owner, source, EXISTS(SELECT 1 FROM documents n WHERE n.owner = d.owner AND"
        " n.source = d.source AND n.number > d.number AND n.state = 'done')"
        " FROM documents d WHERE number = ? AND state <> 'leaving'",
        SQL_ARGS(SQL_I(c->document)), &q));
    enum err err = sql_step(q);
    c->gone = err == ERR_NOTFOUND;
    if (err != OK)
        return c->gone ? OK : err;
    c->owner = mem_strdup(sql_text(q, 0));
    c->source = mem_strdup(sql_text(q, 1));
    c->outdated = sqlite3_column_int(q, 2);
    return c->owner && c->source ? OK : ERR_NOMEM;
}

/* Of a path the file's name: the folders above are not what a document is about. */
static struct str file_of(struct str source)
{
    size_t from = source.n;
    while (from > 0 && source.p[from - 1] != '/')
        from--;
    return str_sub(source, from, source.n);
}

/* What the index knows of a passage besides its text: where it stands. */
static enum err put_place(struct buf *into, const struct completion *c, struct str heading)
{
    buf_clear(into);
    try(words_stems(file_of(str_of(c->source)), into));
    if (!str_starts(heading, c->reading->title))
        try(words_stems(c->reading->title, into));
    return words_stems(heading, into);
}

static enum err insert_chunks(struct store *s, struct completion *c)
{
    static const char insert_chunk[] =
        "INSERT INTO chunks(document, number, heading, text) VALUES(?, ?, ?, ?)";
    static const char insert_words[] =
        "INSERT INTO words(rowid, owner, heading, text) VALUES(?, ?, ?, ?)";
    autostmt *chunk = nullptr, *words = nullptr;
    try(sql_query(s, insert_chunk, nullptr, 0, &chunk));
    try(sql_query(s, insert_words, nullptr, 0, &words));
    autobuf place = BUF(64 * 1024), stems = BUF(64 * 1024);
    char token[OWNER_TOKEN_MAX];
    owner_token(str_of(c->owner), token);
    struct chunker chunker;
    struct chunk piece;
    chunker_init(&chunker, c->reading->text);
    while (chunker_next(&chunker, &piece)) {
        struct str heading = str_of(piece.heading);
        buf_clear(&stems);
        try(put_place(&place, c, heading));
        try(words_stems(piece.text, &stems));
        try(sql_again(chunk, SQL_ARGS(SQL_I(c->document), SQL_I(c->chunks), SQL_T(heading),
                                      SQL_T(piece.text))));
        enum err err = sql_step(chunk);
        if (err == ERR_NOTFOUND)
            err = sql_again(words,
                            SQL_ARGS(SQL_I(sqlite3_last_insert_rowid(s->db)), SQL_T(str_of(token)),
                                     SQL_T(buf_str(&place)), SQL_T(buf_str(&stems))));
        if (err == OK)
            err = sql_step(words);
        if (err != ERR_NOTFOUND)
            return err;
        c->chunks++;
    }
    return OK;
}

/* The older versions leave in the moment the new one is there. */
static enum err drop_older(struct store *s, const struct completion *c)
{
    for (;;) {
        autostmt *q = nullptr;
        try(sql_query(
            s,
            "SELECT number FROM documents WHERE owner = ? AND source = ? AND number < ?"
            " AND state IN ('done', 'failed') LIMIT 1",
            SQL_ARGS(SQL_T(str_of(c->owner)), SQL_T(str_of(c->source)), SQL_I(c->document)), &q));
        enum err err = sql_step(q);
        if (err != OK)
            return err == ERR_NOTFOUND ? OK : err;
        int64_t older = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
        try(document_delete(s, older));
    }
}

static enum err complete(struct store *s, void *arg)
{
    struct completion *c = arg;
    completion_finish(c); /* it may be tried twice */
    try(read_document(s, c));
    if (c->gone)
        return OK;
    try(chunks_delete(s, c->document)); /* it may be read anew (store_open) */
    if (!c->outdated)
        try(insert_chunks(s, c));
    try(sql_do(s,
               "UPDATE jobs SET done = done + 1, chunks = chunks + ?2"
               " WHERE id = (SELECT job FROM documents WHERE number = ?1)",
               SQL_ARGS(SQL_I(c->document), SQL_I(c->chunks))));
    if (c->outdated)
        return document_delete(s, c->document);
    try(drop_older(s, c));
    return sql_do(
        s,
        "UPDATE documents SET state = 'done', error = '', chunks = ?2, title = ?3, note = ?4"
        " WHERE number = ?1",
        SQL_ARGS(SQL_I(c->document), SQL_I(c->chunks), SQL_T(c->reading->title),
                 SQL_T(c->reading->note)));
}

enum err store_complete(struct store *s, int64_t document, const struct store_reading *reading)
{
    struct completion c = {.document = document, .reading = reading};
    enum err err = sql_transaction_in_need(s, complete, &c, false);
    completion_finish(&c);
    return err;
}
