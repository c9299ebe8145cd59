// SPDX-License-Identifier: Apache-2.0
/* Opening the store, its schema, and the few calls that wrap SQLite. */
#include <stdlib.h>

#include "server/rag/sql.h"

enum { SQLITE_NEEDED = 3053002, SCHEMA_VERSION = 1 };

static const char schema[] =
    "CREATE TABLE jobs(id TEXT PRIMARY KEY, owner TEXT NOT NULL, skipped INTEGER NOT NULL,"
    " created INTEGER NOT NULL) STRICT;"
    "CREATE TABLE documents(id TEXT PRIMARY KEY, owner TEXT NOT NULL, job TEXT NOT NULL,"
    " name TEXT NOT NULL, title TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,"
    " hash TEXT NOT NULL, bytes BLOB NOT NULL, chunks INTEGER NOT NULL DEFAULT 0,"
    " state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',"
    " created INTEGER NOT NULL) STRICT;"
    "CREATE INDEX documents_state ON documents(state, created);"
    "CREATE INDEX documents_job ON documents(job);"
    "CREATE INDEX documents_source ON documents(owner, source);"
    "CREATE TABLE chunks(id INTEGER PRIMARY KEY, document TEXT NOT NULL, owner TEXT NOT NULL,"
    " number INTEGER NOT NULL, heading TEXT NOT NULL, text TEXT NOT NULL) STRICT;"
    "CREATE INDEX chunks_document ON chunks(document);"
    "CREATE VIRTUAL TABLE words USING fts5(heading, text, content='chunks', content_rowid='id',"
    " tokenize='porter unicode61 remove_diacritics 2');"
    "PRAGMA user_version = 1;";

enum err sql_err(sqlite3 *db, int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_FULL:
        return ERR_NOSPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_CONFLICT;
    case SQLITE_TOOBIG:
        return ERR_TOOBIG;
    case SQLITE_IOERR:
        return db && sqlite3_system_errno(db) ? err_from_errno(sqlite3_system_errno(db)) : ERR_IO;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ERR_DENIED;
    default:
        return ERR_IO;
    }
}

enum err sql_exec(struct store *s, const char *sql)
{
    return sql_err(s->db, sqlite3_exec(s->db, sql, nullptr, nullptr, nullptr));
}

enum err sql_prepare(struct store *s, const char *sql, sqlite3_stmt **ret_stmt)
{
    return sql_err(s->db, sqlite3_prepare_v2(s->db, sql, -1, ret_stmt, nullptr));
}

enum err sql_bind(sqlite3_stmt *stmt, int at, struct str text)
{
    int result =
        sqlite3_bind_text64(stmt, at, text.p ? text.p : "", text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    return sql_err(nullptr, result);
}

enum err sql_step(sqlite3_stmt *stmt)
{
    int result = sqlite3_step(stmt);
    return result == SQLITE_DONE ? ERR_NOTFOUND : sql_err(sqlite3_db_handle(stmt), result);
}

enum err sql_finish(sqlite3_stmt *stmt, enum err so_far)
{
    if (so_far == OK) {
        so_far = sql_step(stmt);
        so_far = so_far == ERR_NOTFOUND ? OK : so_far;
    }
    sqlite3_finalize(stmt);
    return so_far;
}

struct str sql_text(sqlite3_stmt *stmt, int column)
{
    const char *p = (const char *)sqlite3_column_blob(stmt, column);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}

enum err sql_transaction(struct store *s, enum err (*fn)(struct store *s, void *arg), void *arg)
{
    try(sql_exec(s, "BEGIN IMMEDIATE"));
    enum err err = fn(s, arg);
    if (err == OK)
        err = sql_exec(s, "COMMIT");
    if (err != OK && !sqlite3_get_autocommit(s->db))
        (void)sql_exec(s, "ROLLBACK"); /* an error that already rolled back leaves nothing to do */
    return err;
}

static void limit(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 64 * 1024);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 64);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 4);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, 64);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 4);
}

static enum err create_schema(struct store *s, void *arg)
{
    (void)arg;
    return sql_exec(s, schema);
}

static enum err set_up(struct store *s)
{
    static const int defences[][2] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    };
    for (size_t i = 0; i < sizeof defences / sizeof *defences; i++)
        try(sql_err(s->db, sqlite3_db_config(s->db, defences[i][0], defences[i][1], nullptr)));
    limit(s->db);
    sqlite3_busy_timeout(s->db, 0); /* one writer: whoever else has it is a mistake */
    try(sql_exec(s,
                 "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                 "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"));
    autostmt *version = nullptr;
    try(sql_prepare(s, "PRAGMA user_version", &version));
    try(sql_step(version));
    int found = sqlite3_column_int(version, 0);
    sqlite3_reset(version);
    if (found > SCHEMA_VERSION)
        return ERR_UNSUPPORTED; /* made by a newer Repartee */
    return found == 0 ? sql_transaction(s, create_schema, nullptr) : OK;
}

enum err store_open(const char *path, struct store **ret_store)
{
    if (sqlite3_libversion_number() < SQLITE_NEEDED)
        return ERR_UNSUPPORTED;
    struct store *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
    enum err err = sql_err(nullptr, sqlite3_open_v2(path, &s->db, flags, nullptr));
    if (err == OK)
        err = set_up(s);
    /* What was being worked on when the last server ended waits again. */
    if (err == OK)
        err = sql_exec(s, "UPDATE documents SET state = 'queued' WHERE state = 'running'");
    if (err != OK) {
        store_close(s);
        return err;
    }
    *ret_store = s;
    return OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    sqlite3_close_v2(s->db);
    free(s);
}
