// SPDX-License-Identifier: Apache-2.0
/* Opening the store, and its schema. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/rag/sql.h"

enum {
    SCHEMA_VERSION = 2,
    KEEP_JOBS_DAYS = 7,
};

/* The bytes lie apart, so that a change of state does not write them again. `number` is the order of
 * acceptance, which is the order of versions. The index holds stems (words.h), not text. */
static const char schema[] =
    "CREATE TABLE jobs(id TEXT PRIMARY KEY, owner TEXT NOT NULL, created INTEGER NOT NULL,"
    " documents INTEGER NOT NULL, skipped INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,"
    " failed INTEGER NOT NULL DEFAULT 0, chunks INTEGER NOT NULL DEFAULT 0,"
    " error TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE TABLE documents(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " owner TEXT NOT NULL, job TEXT NOT NULL, name TEXT NOT NULL, title TEXT NOT NULL,"
    " source TEXT NOT NULL, kind TEXT NOT NULL, hash TEXT NOT NULL, bytes INTEGER NOT NULL,"
    " chunks INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    " error TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL,"
    " note TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX documents_state ON documents(state, chunks);"
    "CREATE INDEX documents_queue ON documents(number) WHERE state = 'queued';"
    "CREATE INDEX documents_source ON documents(owner, source, number);"
    "CREATE INDEX documents_owner ON documents(owner, chunks);"
    "CREATE TABLE originals(document INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE chunks(id INTEGER PRIMARY KEY, document INTEGER NOT NULL,"
    " number INTEGER NOT NULL, heading TEXT NOT NULL, text TEXT NOT NULL) STRICT;"
    "CREATE INDEX chunks_document ON chunks(document);"
    "CREATE VIRTUAL TABLE words USING fts5(owner, heading, text, tokenize='ascii');"
    "INSERT INTO words(words, rank) VALUES('secure-delete', 1);"
    "PRAGMA user_version = 2;";

/* From version 1: words have other stems now, and documents have notes. All are read anew; until then
 * they are found as they were. */
static const char from_1[] = "ALTER TABLE documents ADD COLUMN note TEXT NOT NULL DEFAULT '';"
                             "UPDATE documents SET state = 'queued', attempts = 0"
                             " WHERE state IN ('done', 'running');"
                             "PRAGMA user_version = 2;";

static enum err change_schema(struct store *s, void *arg)
{
    return sql_exec(s, arg);
}

static enum err check_version(struct store *s, int *ret_version)
{
    try(sql_version(s, ret_version));
    return *ret_version > SCHEMA_VERSION ? ERR_UNSUPPORTED : OK; /* made by a newer Repartee */
}

static enum err set_up_writer(struct store *s)
{
    int version = 0;
    /* The first is for a new file. */
    try(sql_exec(
        s,
        "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON;"
        "PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
        "PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=256;"));
    try(check_version(s, &version));
    if (version < SCHEMA_VERSION)
        try(sql_transaction(s, change_schema, (void *)(version == 0 ? schema : from_1)));
    /* What was being worked on when the last server ended waits again. */
    try(sql_exec(s, "UPDATE documents SET state = 'queued' WHERE state = 'running'"));
    (void)store_finish_leaving(s); /* on a disk that is still full it stays nobody's */
    int64_t old = clock_wall_ms() - (int64_t)KEEP_JOBS_DAYS * 24 * 3600 * 1000;
    return sql_do(s, "DELETE FROM jobs WHERE created < ? AND done + failed >= documents",
                  SQL_ARGS(SQL_I(old)));
}

static enum err set_up_reader(struct store *s)
{
    int version = 0;
    try(sql_exec(s, "PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"));
    try(check_version(s, &version));
    return version == SCHEMA_VERSION ? OK : ERR_UNSUPPORTED;
}

static enum err take_lock(const char *path, int *ret_lock)
{
    char name[4200];
    if (snprintf(name, sizeof name, "%s.lock", path) >= (int)sizeof name)
        return ERR_TOOBIG;
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return ERR_CONFLICT;
    }
    *ret_lock = fd;
    return OK;
}

static enum err set_up(struct store *s, bool writer)
{
    return writer ? set_up_writer(s) : set_up_reader(s);
}

static enum err open_with(const char *path, bool writer, struct store **ret_store)
{
    int lock = -1;
    struct store *s;
    if (writer)
        try(take_lock(path, &lock));
    enum err err = sql_open(path, writer, &s);
    if (err != OK) {
        if (lock >= 0)
            close(lock);
        return err;
    }
    s->lock = lock;
    err = set_up(s, writer);
    if (err != OK) {
        store_close(s);
        return err;
    }
    *ret_store = s;
    return OK;
}

enum err store_open(const char *path, struct store **ret_store)
{
    return open_with(path, true, ret_store);
}

enum err store_open_reader(const char *path, struct store **ret_store)
{
    return open_with(path, false, ret_store);
}

void store_close(struct store *s)
{
    int lock = s ? s->lock : -1;
    sql_close(s);
    if (lock >= 0)
        close(lock);
}
