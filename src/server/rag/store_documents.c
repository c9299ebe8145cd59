// SPDX-License-Identifier: Apache-2.0
/* Documents and jobs: accepted, taken, completed or failed, listed, deleted. */
#include <openssl/evp.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/rag/chunk.h"
#include "server/rag/sql.h"

enum { WORDS_MAX = 4 * 1024 * 1024 };

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

/* --- accepting --- */

struct acceptance {
    struct str owner;
    const struct rag_document *documents;
    size_t count;
    char *job;
};

static enum err is_known(struct store *s, struct str owner, const struct rag_document *d,
                         const char *hash, bool *ret_known)
{
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT 1 FROM documents WHERE owner = ? AND source = ? AND hash = ?"
                    " AND state <> 'failed'",
                    &q));
    try(sql_bind(q, 1, owner));
    try(sql_bind(q, 2, d->source));
    try(sql_bind(q, 3, str_of(hash)));
    enum err err = sql_step(q);
    *ret_known = err == OK;
    return err == ERR_NOTFOUND ? OK : err;
}

static enum err insert_document(struct store *s, const struct acceptance *a,
                                const struct rag_document *d, const char *hash)
{
    char id[RAG_ID_CHARS + 1];
    random_hex(id, RAG_ID_CHARS / 2);
    sqlite3_stmt *q = nullptr;
    try(sql_prepare(s,
                    "INSERT INTO documents(id, owner, job, name, title, source, kind, hash,"
                    " bytes, state, created) VALUES(?,?,?,?,?,?,?,?,?,'queued',?)",
                    &q));
    const struct str texts[] = {str_of(id), a->owner,  str_of(a->job), d->name,
                                d->name,    d->source, d->kind,        str_of(hash)};
    enum err err = OK;
    for (int i = 0; i < 8 && err == OK; i++)
        err = sql_bind(q, i + 1, texts[i]);
    if (err == OK)
        err =
            sql_err(s->db, sqlite3_bind_blob64(q, 9, d->bytes->bytes, d->bytes->n, SQLITE_STATIC));
    if (err == OK)
        err = sql_err(s->db, sqlite3_bind_int64(q, 10, clock_wall_ms()));
    return sql_finish(q, err);
}

static enum err accept_all(struct store *s, void *arg)
{
    struct acceptance *a = arg;
    int skipped = 0;
    for (size_t i = 0; i < a->count; i++) {
        char hash[65];
        bool known;
        try(hash_of(blob_str(a->documents[i].bytes), hash));
        try(is_known(s, a->owner, &a->documents[i], hash, &known));
        if (known)
            skipped++;
        else
            try(insert_document(s, a, &a->documents[i], hash));
    }
    sqlite3_stmt *q = nullptr;
    try(sql_prepare(s, "INSERT INTO jobs(id, owner, skipped, created) VALUES(?,?,?,?)", &q));
    enum err err = sql_bind(q, 1, str_of(a->job));
    if (err == OK)
        err = sql_bind(q, 2, a->owner);
    if (err == OK)
        err = sql_err(s->db, sqlite3_bind_int(q, 3, skipped));
    if (err == OK)
        err = sql_err(s->db, sqlite3_bind_int64(q, 4, clock_wall_ms()));
    return sql_finish(q, err);
}

enum err store_accept(struct store *s, struct str owner, const struct rag_document *documents,
                      size_t count, char ret_job[RAG_ID_CHARS + 1])
{
    char job[RAG_ID_CHARS + 1];
    random_hex(job, RAG_ID_CHARS / 2);
    struct acceptance a = {owner, documents, count, job};
    try(sql_transaction(s, accept_all, &a));
    memcpy(ret_job, job, sizeof job);
    return OK;
}

/* --- working --- */

static enum err set_state(struct store *s, struct str id, const char *sql)
{
    sqlite3_stmt *q = nullptr;
    try(sql_prepare(s, sql, &q));
    return sql_finish(q, sql_bind(q, 1, id));
}

static enum err give_up_on_killers(struct store *s)
{
    sqlite3_stmt *q = nullptr;
    try(sql_prepare(s,
                    "UPDATE documents SET state = 'failed',"
                    " error = 'this document stopped its reader twice'"
                    " WHERE state = 'queued' AND attempts >= ?",
                    &q));
    return sql_finish(q, sql_err(s->db, sqlite3_bind_int(q, 1, STORE_ATTEMPTS_MAX)));
}

static enum err copy_work(sqlite3_stmt *q, struct store_work *work)
{
    snprintf(work->id, sizeof work->id, "%.*s", RAG_ID_CHARS, sql_text(q, 0).p);
    work->name = mem_strdup(sql_text(q, 1));
    work->kind = mem_strdup(sql_text(q, 2));
    work->bytes = blob_create(sql_text(q, 3));
    return work->name && work->kind && work->bytes ? OK : ERR_NOMEM;
}

enum err store_take(struct store *s, struct store_work *ret_work)
{
    try(give_up_on_killers(s));
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT id, name, kind, bytes FROM documents WHERE state = 'queued'"
                    " ORDER BY created, rowid LIMIT 1",
                    &q));
    try(sql_step(q));
    struct store_work work = {};
    enum err err = copy_work(q, &work);
    sqlite3_reset(q);
    if (err == OK)
        err = set_state(s, str_of(work.id),
                        "UPDATE documents SET state = 'running',"
                        " attempts = attempts + 1 WHERE id = ?");
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

enum err store_fail(struct store *s, struct str id, const char *sentence)
{
    sqlite3_stmt *q = nullptr;
    try(sql_prepare(s, "UPDATE documents SET state = 'failed', error = ? WHERE id = ?", &q));
    enum err err = sql_bind(q, 1, str_of(sentence));
    if (err == OK)
        err = sql_bind(q, 2, id);
    return sql_finish(q, err);
}

/* --- completing --- */

/* FTS5 with external content must be told the old words to forget them. */
static enum err delete_chunks(struct store *s, struct str document)
{
    sqlite3_stmt *q = nullptr;
    try(sql_prepare(s,
                    "INSERT INTO words(words, rowid, heading, text)"
                    " SELECT 'delete', id, heading, text FROM chunks WHERE document = ?",
                    &q));
    try(sql_finish(q, sql_bind(q, 1, document)));
    return set_state(s, document, "DELETE FROM chunks WHERE document = ?");
}

static enum err insert_chunk(struct store *s, sqlite3_stmt *chunk, sqlite3_stmt *words,
                             struct str document, struct str owner, int number,
                             const struct chunk *c)
{
    sqlite3_reset(chunk);
    try(sql_bind(chunk, 1, document));
    try(sql_bind(chunk, 2, owner));
    try(sql_err(s->db, sqlite3_bind_int(chunk, 3, number)));
    try(sql_bind(chunk, 4, str_of(c->heading)));
    try(sql_bind(chunk, 5, c->text));
    enum err err = sql_step(chunk);
    if (err != ERR_NOTFOUND)
        return err == OK ? ERR_INTERNAL : err;
    sqlite3_reset(words);
    try(sql_err(s->db, sqlite3_bind_int64(words, 1, sqlite3_last_insert_rowid(s->db))));
    try(sql_bind(words, 2, str_of(c->heading)));
    try(sql_bind(words, 3, c->text));
    err = sql_step(words);
    return err == ERR_NOTFOUND ? OK : err == OK ? ERR_INTERNAL : err;
}

static enum err insert_chunks(struct store *s, struct str document, struct str owner,
                              struct str text, int *ret_count)
{
    autostmt *chunk = nullptr, *words = nullptr;
    try(sql_prepare(s,
                    "INSERT INTO chunks(document, owner, number, heading, text)"
                    " VALUES(?,?,?,?,?)",
                    &chunk));
    try(sql_prepare(s, "INSERT INTO words(rowid, heading, text) VALUES(?,?,?)", &words));
    struct chunker chunker;
    struct chunk c;
    int n = 0;
    chunker_init(&chunker, text);
    while (chunker_next(&chunker, &c))
        try(insert_chunk(s, chunk, words, document, owner, n++, &c));
    *ret_count = n;
    return OK;
}

/* The older versions of the same source leave in the moment the new one is there. */
static enum err drop_older(struct store *s, struct str id, struct str owner, struct str source)
{
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT id FROM documents WHERE owner = ? AND source = ? AND id <> ?"
                    " AND state = 'done'",
                    &q));
    try(sql_bind(q, 1, owner));
    try(sql_bind(q, 2, source));
    try(sql_bind(q, 3, id));
    enum err err;
    while ((err = sql_step(q)) == OK) {
        char old[RAG_ID_CHARS + 1];
        snprintf(old, sizeof old, "%.*s", RAG_ID_CHARS, sql_text(q, 0).p);
        try(delete_chunks(s, str_of(old)));
        try(set_state(s, str_of(old), "DELETE FROM documents WHERE id = ?"));
    }
    return err == ERR_NOTFOUND ? OK : err;
}

struct completion {
    struct str id, title, text;
};

static enum err complete(struct store *s, void *arg)
{
    const struct completion *c = arg;
    autostmt *q = nullptr;
    try(sql_prepare(s, "SELECT owner, source FROM documents WHERE id = ?", &q));
    try(sql_bind(q, 1, c->id));
    enum err err = sql_step(q);
    if (err != OK)
        return err == ERR_NOTFOUND ? OK : err; /* deleted while it was being read */
    autobuf owner = BUF(4096), source = BUF(8192);
    try(buf_add(&owner, sql_text(q, 0)));
    try(buf_add(&source, sql_text(q, 1)));
    sqlite3_reset(q);
    int count;
    try(delete_chunks(s, c->id));
    try(insert_chunks(s, c->id, buf_str(&owner), c->text, &count));
    try(drop_older(s, c->id, buf_str(&owner), buf_str(&source)));
    sqlite3_stmt *done = nullptr;
    try(sql_prepare(s,
                    "UPDATE documents SET state = 'done', error = '', chunks = ?, title = ?"
                    " WHERE id = ?",
                    &done));
    err = sql_err(s->db, sqlite3_bind_int(done, 1, count));
    if (err == OK)
        err = sql_bind(done, 2, c->title);
    if (err == OK)
        err = sql_bind(done, 3, c->id);
    return sql_finish(done, err);
}

enum err store_complete(struct store *s, struct str id, struct str title, struct str text)
{
    struct completion c = {id, title, text};
    return sql_transaction(s, complete, &c);
}

/* --- telling --- */

enum err store_job(struct store *s, struct str owner, struct str id, struct rag_job *ret_job)
{
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT j.skipped, count(d.id), coalesce(sum(d.state = 'done'), 0),"
                    " coalesce(sum(d.state = 'failed'), 0), coalesce(sum(d.state = 'running'), 0),"
                    " coalesce(sum(d.chunks), 0), coalesce(max(d.error), '')"
                    " FROM jobs j LEFT JOIN documents d ON d.job = j.id"
                    " WHERE j.id = ? AND j.owner = ? GROUP BY j.id",
                    &q));
    try(sql_bind(q, 1, id));
    try(sql_bind(q, 2, owner));
    try(sql_step(q));
    int all = sqlite3_column_int(q, 1), done = sqlite3_column_int(q, 2);
    int failed = sqlite3_column_int(q, 3), running = sqlite3_column_int(q, 4);
    struct rag_job job = {
        .state = done + failed < all    ? running || done + failed ? "running" : "queued"
                 : all && failed == all ? "failed"
                                        : "done",
        .documents = (uint32_t)all,
        .failed = (uint32_t)failed,
        .skipped = (uint32_t)sqlite3_column_int(q, 0),
        .chunks = (uint32_t)sqlite3_column_int(q, 5),
    };
    snprintf(job.id, sizeof job.id, "%.*s", STR_FMT(str_sub(id, 0, RAG_ID_CHARS)));
    struct str error = sql_text(q, 6);
    snprintf(job.error, sizeof job.error, "%.*s", (int)utf8_prefix(error, sizeof job.error - 1),
             error.p ? error.p : "");
    *ret_job = job;
    return OK;
}

static enum err list_row(sqlite3_stmt *q, struct arena *arena, struct rag_listed *row)
{
    struct str *const texts[] = {&row->id,   &row->title, &row->source,
                                 &row->kind, &row->state, &row->error};
    for (int i = 0; i < 6; i++)
        try(arena_str(arena, sql_text(q, i), texts[i]));
    row->bytes = (uint64_t)sqlite3_column_int64(q, 6);
    row->chunks = (uint64_t)sqlite3_column_int64(q, 7);
    row->created_s = sqlite3_column_int64(q, 8) / 1000;
    row->shared = sqlite3_column_int(q, 9);
    return OK;
}

enum err store_list(struct store *s, struct str owner, struct arena *arena,
                    struct rag_listed **ret_list, size_t *ret_count)
{
    enum { LIST_MAX = 10000 };
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT id, title, source, kind, state, error, length(bytes), chunks, created,"
                    " owner = '' FROM documents WHERE owner IN (?, '')"
                    " ORDER BY created, rowid LIMIT 10000",
                    &q));
    try(sql_bind(q, 1, owner));
    struct rag_listed *list = nullptr;
    size_t count = 0, room = 0;
    enum err err;
    while ((err = sql_step(q)) == OK && count < LIST_MAX) {
        err = mem_grow((void **)&list, &room, count + 1, sizeof *list);
        if (err == OK)
            err = list_row(q, arena, &list[count]);
        if (err != OK)
            break;
        count++;
    }
    if (err != ERR_NOTFOUND && err != OK) {
        free(list);
        return err;
    }
    *ret_list = list;
    *ret_count = count;
    return OK;
}

struct deletion {
    struct str owner, id;
};

static enum err delete_document(struct store *s, void *arg)
{
    const struct deletion *d = arg;
    autostmt *q = nullptr;
    try(sql_prepare(s, "SELECT 1 FROM documents WHERE id = ? AND owner = ?", &q));
    try(sql_bind(q, 1, d->id));
    try(sql_bind(q, 2, d->owner));
    try(sql_step(q)); /* a foreign document is not found */
    sqlite3_reset(q);
    try(delete_chunks(s, d->id));
    return set_state(s, d->id, "DELETE FROM documents WHERE id = ?");
}

enum err store_delete(struct store *s, struct str owner, struct str id)
{
    struct deletion d = {owner, id};
    return sql_transaction(s, delete_document, &d);
}

enum err store_words(struct store *s, struct buf *into)
{
    autostmt *q = nullptr;
    try(sql_prepare(s, "SELECT heading, text FROM chunks ORDER BY id", &q));
    enum err err;
    while ((err = sql_step(q)) == OK) {
        struct str heading = sql_text(q, 0), text = sql_text(q, 1);
        if (into->n + heading.n + text.n + 2 > WORDS_MAX)
            return OK; /* enough to learn the words from */
        try(buf_add(into, heading));
        try(buf_add_byte(into, '\n'));
        try(buf_add(into, text));
        try(buf_add_byte(into, '\n'));
    }
    return err == ERR_NOTFOUND ? OK : err;
}

enum err store_stats(struct store *s, struct rag_stats *ret_stats)
{
    autostmt *q = nullptr;
    try(sql_prepare(s,
                    "SELECT coalesce(sum(state = 'done'), 0),"
                    " coalesce(sum(state IN ('queued', 'running')), 0),"
                    " coalesce(sum(chunks), 0) FROM documents",
                    &q));
    try(sql_step(q));
    *ret_stats = (struct rag_stats){
        .documents = (uint64_t)sqlite3_column_int64(q, 0),
        .jobs_waiting = (uint64_t)sqlite3_column_int64(q, 1),
        .chunks = (uint64_t)sqlite3_column_int64(q, 2),
    };
    return OK;
}
