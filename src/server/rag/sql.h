// SPDX-License-Identifier: Apache-2.0
/*
 * SQLite, as the store's files use it, and the file of conversations (talk/keep_file.c). A connection is used
 * by one thread at a time.
 */
#pragma once

#include <sqlite3.h>

#include "server/rag/store.h"

struct store {
    sqlite3 *db;
    int lock;  /* descriptor: one writer of this file in the world; -1 for a reader */
    bool torn; /* a transaction has failed and could not be rolled back yet */
    bool
        insecure; /* what is deleted is not overwritten: to be mended before the next transaction */
};

/* Opened with lowered limits, nothing in the file trusted; with `create` made when there is none, for
 * this user's eyes only. ERR_UNSUPPORTED: this SQLite is too old. */
enum err sql_open(const char *path, bool create, struct store **ret_store);
void sql_close(struct store *s);                         /* takes NULL */
enum err sql_version(struct store *s, int *ret_version); /* the file's user_version; 0: a new one */

enum err sql_make_secure(struct store *s);

/* SQLite's result as ours. */
enum err sql_err(sqlite3 *db, int result);
/* Did the last call fail because of what the file holds, and not because of the disk or of memory? */
bool sql_is_damaged(struct store *s);
enum err sql_exec(struct store *s, const char *sql);

struct sql_arg {
    enum : uint8_t { SQL_INT, SQL_TEXT, SQL_BLOB } type;
    int64_t number;
    struct str bytes;
};
#define SQL_I(n) ((struct sql_arg){.type = SQL_INT, .number = (int64_t)(n)})
#define SQL_T(s) ((struct sql_arg){.type = SQL_TEXT, .bytes = (s)})
#define SQL_B(s) ((struct sql_arg){.type = SQL_BLOB, .bytes = (s)})

/* A statement with its arguments bound, to be stepped; they must outlive it. */
enum err sql_query(struct store *s, const char *sql, const struct sql_arg *args, size_t count,
                   sqlite3_stmt **ret_stmt);
/* Rebinds and starts a statement anew. */
enum err sql_again(sqlite3_stmt *stmt, const struct sql_arg *args, size_t count);
/* One row: OK; none (any more): ERR_NOTFOUND. */
enum err sql_step(sqlite3_stmt *stmt);
/* A statement without rows, from the beginning to the end. */
enum err sql_do(struct store *s, const char *sql, const struct sql_arg *args, size_t count);

#define SQL_ARGS(...)                                                                              \
    (const struct sql_arg[]){__VA_ARGS__}, sizeof((struct sql_arg[]){__VA_ARGS__}) /               \
                                               sizeof(struct sql_arg)

/* Valid until the next step. */
struct str sql_text(sqlite3_stmt *stmt, int column);
void sql_copy(char *into, size_t room, struct str text); /* cut to fit, NUL-terminated */

/* In one transaction: all of `fn` or nothing. */
enum err sql_transaction(struct store *s, enum err (*fn)(struct store *s, void *arg), void *arg);

/* The same where a full disk does not let it: the journal and the pages that are of no use are given back, and
 * it is tried once more. With `reserve`,
 * for what makes room, the reserve is given up besides (room.h). */
enum err sql_transaction_in_need(struct store *s, enum err (*fn)(struct store *s, void *arg),
                                 void *arg, bool reserve);
/* Into the file, which may have to grow. ERR_BUSY: a program that reads the file keeps it from being emptied. */
enum err sql_empty_journal(struct store *s);
/* Gives unused pages back to the disk, as far as the file was made for that; then empties the journal. */
void sql_shrink(struct store *s);
/* The folder that the file lies in. */
void sql_folder(struct store *s, char *into, size_t size);

static inline void sql_finalize(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}
#define autostmt __attribute__((cleanup(sql_finalize))) sqlite3_stmt

/* Shared by those who complete and those who delete: the passages of one document, and its row. */
enum err chunks_delete(struct store *s, int64_t document);
enum err document_delete(struct store *s, int64_t document);
/* The document's job learns that it has failed, and why. */
enum err count_failure(struct store *s, int64_t document, struct str sentence);
/* The token by which the index knows an owner: hexadecimal, so that it is one word whatever it is. */
enum { OWNER_TOKEN_MAX = 2 * RAG_OWNER_MAX + 2 };
void owner_token(struct str owner, char into[OWNER_TOKEN_MAX]);
