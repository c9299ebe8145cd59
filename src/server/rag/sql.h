// SPDX-License-Identifier: Apache-2.0
/* The inside of the store, shared by its three files; the only place where sqlite3.h is seen. */
#pragma once

#include <sqlite3.h>

#include "server/rag/store.h"

struct store {
    sqlite3 *db;
};

/* SQLite's result as ours. */
enum err sql_err(sqlite3 *db, int result);
enum err sql_exec(struct store *s, const char *sql);
enum err sql_prepare(struct store *s, const char *sql, sqlite3_stmt **ret_stmt);
enum err sql_bind(sqlite3_stmt *stmt, int at, struct str text);
/* One row: OK; none: ERR_NOTFOUND. */
enum err sql_step(sqlite3_stmt *stmt);
/* Runs a statement that returns no rows, and finalises it. */
enum err sql_finish(sqlite3_stmt *stmt, enum err so_far);
struct str sql_text(sqlite3_stmt *stmt, int column);

/* In one transaction: all of `fn` or nothing. */
enum err sql_transaction(struct store *s, enum err (*fn)(struct store *s, void *arg), void *arg);

static inline void sql_finalize(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}
#define autostmt __attribute__((cleanup(sql_finalize))) sqlite3_stmt
