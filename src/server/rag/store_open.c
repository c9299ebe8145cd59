// SPDX-License-Identifier: Apache-2.0
/* Opening the store, its defences and its schema. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/rag/sql.h"

enum {
    SQLITE_NEEDED = 3053002, /* older ones can be attacked by a crafted file */
    SCHEMA_VERSION = 1,
    BUSY_MS = 2000,
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
    " error TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL) STRICT;"
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
    "PRAGMA user_version = 1;";

static enum err defend(sqlite3 *db)
{
    static const int switches[][2] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},    {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        try(sql_err(db, sqlite3_db_config(db, switches[i][0], switches[i][1], nullptr)));
    static const int limits[][2] = {
        {SQLITE_LIMIT_SQL_LENGTH, 64 * 1024}, {SQLITE_LIMIT_EXPR_DEPTH, 64},
        {SQLITE_LIMIT_COMPOUND_SELECT, 4},    {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 32},   {SQLITE_LIMIT_TRIGGER_DEPTH, 4},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db, limits[i][0], limits[i][1]);
    return sql_err(db, sqlite3_busy_timeout(db, BUSY_MS));
}

static enum err create_schema(struct store *s, void *arg)
{
    (void)arg;
    return sql_exec(s, schema);
}

static enum err check_version(struct store *s, int *ret_version)
{
    autostmt *q = nullptr;
    try(sql_query(s, "PRAGMA user_version", nullptr, 0, &q));
    try(sql_step(q));
    *ret_version = sqlite3_column_int(q, 0);
    return *ret_version > SCHEMA_VERSION ? ERR_UNSUPPORTED : OK; /* made by a newer Repartee */
}

static enum err set_up_writer(struct store *s)
{
    int version = 0;
    try(sql_exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON;"
                    "PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
                    "PRAGMA journal_size_limit=67108864;"));
    try(check_version(s, &version));
    if (version == 0)
        try(sql_transaction(s, create_schema, nullptr));
    /* What was being worked on when the last server ended waits again. */
    try(sql_exec(s, "UPDATE documents SET state = 'queued' WHERE state = 'running'"));
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

/* SQLite would let everybody read it; the journal gets the same rights. Before the first connection:
 * closing a descriptor of the file would drop the locks of one. */
static enum err make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    close(fd);
    return OK;
}

static enum err open_with(const char *path, bool writer, struct store **ret_store)
{
    if (sqlite3_libversion_number() < SQLITE_NEEDED)
        return ERR_UNSUPPORTED;
    struct store *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->lock = -1;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_NOFOLLOW;
    enum err err = writer ? take_lock(path, &s->lock) : OK;
    if (err == OK && writer)
        err = make_private(path);
    if (err == OK)
        err = sql_err(s->db, sqlite3_open_v2(path, &s->db, flags, nullptr));
    if (err == OK)
        err = defend(s->db);
    if (err == OK)
        err = writer ? set_up_writer(s) : set_up_reader(s);
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
    if (!s)
        return;
    sqlite3_close_v2(s->db);
    if (s->lock >= 0)
        close(s->lock);
    free(s);
}
