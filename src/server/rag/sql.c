// SPDX-License-Identifier: Apache-2.0
/* The few calls that wrap SQLite. */
#include "server/rag/sql.h"

#include <errno.h>
#include <stdio.h>

#include "server/rag/room.h"

#define SHRINK_STEP "PRAGMA incremental_vacuum(64)"
enum { SHRINK_STEPS = 256 };

static enum err disk_err(int system_errno)
{
    /* A limit on the size of files is a small disk to us. */
    bool full = system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
    return full ? ERR_NOSPACE : ERR_IO;
}

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
        if (db && sqlite3_extended_errcode(db) == SQLITE_IOERR_NOMEM)
            return ERR_NOMEM;
        return disk_err(db ? sqlite3_system_errno(db) : 0);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ERR_DENIED;
    default:
        return ERR_IO;
    }
}

bool sql_is_damaged(struct store *s)
{
    switch (sqlite3_errcode(s->db) & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_ERROR: /* other tables and columns than ours */
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return true;
    default:
        return false;
    }
}

static enum err exec(struct store *s, const char *sql)
{
    return sql_err(s->db, sqlite3_exec(s->db, sql, nullptr, nullptr, nullptr));
}

/* Rolling back takes memory, too. Until it is done nothing else may be: what seemed to be written would be
 * rolled back as well, and what is read would be old. */
static enum err mend(struct store *s)
{
    if (s->torn && !sqlite3_get_autocommit(s->db)) /* some errors roll back by themselves */
        try(exec(s, "ROLLBACK"));
    s->torn = false;
    return OK;
}

enum err sql_exec(struct store *s, const char *sql)
{
    try(mend(s));
    return exec(s, sql);
}

static int bind(sqlite3_stmt *stmt, int at, const struct sql_arg *arg)
{
    const char *bytes = arg->bytes.p ? arg->bytes.p : "";
    switch (arg->type) {
    case SQL_INT:
        return sqlite3_bind_int64(stmt, at, arg->number);
    case SQL_TEXT:
        return sqlite3_bind_text64(stmt, at, bytes, arg->bytes.n, SQLITE_STATIC, SQLITE_UTF8);
    case SQL_BLOB:
        return sqlite3_bind_blob64(stmt, at, bytes, arg->bytes.n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

enum err sql_again(sqlite3_stmt *stmt, const struct sql_arg *args, size_t count)
{
    sqlite3_reset(stmt);
    for (size_t i = 0; i < count; i++)
        try(sql_err(sqlite3_db_handle(stmt), bind(stmt, (int)i + 1, &args[i])));
    return OK;
}

enum err sql_query(struct store *s, const char *sql, const struct sql_arg *args, size_t count,
                   sqlite3_stmt **ret_stmt)
{
    sqlite3_stmt *stmt = nullptr;
    try(mend(s));
    enum err err = sql_err(s->db, sqlite3_prepare_v2(s->db, sql, -1, &stmt, nullptr));
    if (err == OK)
        err = sql_again(stmt, args, count);
    if (err == OK)
        *ret_stmt = stmt;
    else
        sqlite3_finalize(stmt);
    return err;
}

enum err sql_step(sqlite3_stmt *stmt)
{
    int result = sqlite3_step(stmt);
    return result == SQLITE_DONE ? ERR_NOTFOUND : sql_err(sqlite3_db_handle(stmt), result);
}

enum err sql_do(struct store *s, const char *sql, const struct sql_arg *args, size_t count)
{
    autostmt *stmt = nullptr;
    try(sql_query(s, sql, args, count, &stmt));
    enum err err = sql_step(stmt);
    return err == ERR_NOTFOUND ? OK : err;
}

struct str sql_text(sqlite3_stmt *stmt, int column)
{
    const char *p = (const char *)sqlite3_column_blob(stmt, column);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}

void sql_copy(char *into, size_t room, struct str text)
{
    size_t n = utf8_prefix(text, room - 1);
    if (n)
        memcpy(into, text.p, n);
    into[n] = 0;
}

enum err sql_make_secure(struct store *s)
{
    try(sql_exec(s, "PRAGMA secure_delete=ON"));
    s->insecure = false;
    return OK;
}

enum err sql_transaction(struct store *s, enum err (*fn)(struct store *s, void *arg), void *arg)
{
    if (s->insecure)
        try(sql_make_secure(s));
    enum err err = sql_exec(s, s->lock < 0 ? "BEGIN" : "BEGIN IMMEDIATE");
    if (err == OK)
        err = fn(s, arg);
    if (err == OK)
        err = sql_exec(s, "COMMIT");
    if (err != OK) {
        s->torn = true;
        (void)mend(s); /* or when it is used next */
    }
    return err;
}

/* A program that reads the file keeps the journal from being emptied, which is a row of the answer and no
 * error. */
enum err sql_empty_journal(struct store *s)
{
    autostmt *q = nullptr;
    try(sql_query(s, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, 0, &q));
    try(sql_step(q));
    return sqlite3_column_int(q, 0) == 0 ? OK : ERR_BUSY;
}

static enum err unused_pages(struct store *s, int64_t *ret_count)
{
    autostmt *q = nullptr;
    try(sql_query(s, "PRAGMA freelist_count", nullptr, 0, &q));
    try(sql_step(q));
    *ret_count = sqlite3_column_int64(q, 0);
    return OK;
}

/* In steps that need little of the journal. */
void sql_shrink(struct store *s)
{
    int64_t before = INT64_MAX, unused = 0;
    enum err err = sql_empty_journal(s);
    for (int i = 0; i < SHRINK_STEPS && err == OK; i++) {
        err = unused_pages(s, &unused);
        if (err != OK || unused == 0 || unused >= before)
            return;
        before = unused;
        err = sql_exec(s, SHRINK_STEP);
        if (err == OK)
            err = sql_empty_journal(s);
    }
}

void sql_folder(struct store *s, char *into, size_t size)
{
    struct str path = str_of(sqlite3_db_filename(s->db, "main"));
    while (path.n > 0 && path.p[path.n - 1] != '/')
        path.n--;
    snprintf(into, size, "%.*s", STR_FMT(path));
}

enum err sql_transaction_in_need(struct store *s, enum err (*fn)(struct store *s, void *arg),
                                 void *arg, bool reserve)
{
    enum err err = sql_transaction(s, fn, arg);
    if (err != ERR_NOSPACE)
        return err;
    char folder[4096];
    sql_folder(s, folder, sizeof folder);
    if (reserve)
        room_give_reserve(folder);
    sql_shrink(s);
    err = sql_transaction(s, fn, arg);
    if (err == OK && reserve) {
        sql_shrink(s);
        room_reserve(folder);
    }
    return err;
}
