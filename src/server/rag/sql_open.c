// SPDX-License-Identifier: Apache-2.0
/* Opening a file of SQLite's, with its defences. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "server/rag/sql.h"

enum {
    SQLITE_NEEDED = 3053002, /* older ones can be attacked by a crafted file */
    BUSY_MS = 2000,
};

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

enum err sql_open(const char *path, bool create, struct store **ret_store)
{
    if (sqlite3_libversion_number() < SQLITE_NEEDED)
        return ERR_UNSUPPORTED;
    struct store *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->lock = -1;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_NOFOLLOW;
    enum err err = create ? make_private(path) : OK;
    if (err == OK)
        err = sql_err(s->db, sqlite3_open_v2(path, &s->db, flags, nullptr));
    if (err == OK)
        err = defend(s->db);
    if (err != OK) {
        sql_close(s);
        return err;
    }
    *ret_store = s;
    return OK;
}

void sql_close(struct store *s)
{
    if (!s)
        return;
    sqlite3_close_v2(s->db);
    free(s);
}

enum err sql_version(struct store *s, int *ret_version)
{
    autostmt *q = nullptr;
    try(sql_query(s, "PRAGMA user_version", nullptr, 0, &q));
    try(sql_step(q));
    *ret_version = sqlite3_column_int(q, 0);
    return OK;
}
