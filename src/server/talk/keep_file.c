// SPDX-License-Identifier: Apache-2.0
#include "server/talk/keep_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/rag/sql.h"

enum { SCHEMA_VERSION = 1, PATH_BYTES = 4200 };

static const char schema[] =
    "CREATE TABLE sessions(id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, used INTEGER NOT NULL,"
    " said TEXT NOT NULL) STRICT;"
    "CREATE INDEX sessions_used ON sessions(used);"
    "CREATE TABLE secret(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "PRAGMA user_version = 1;";

struct keep_file {
    struct store *sql;
    char aside[PATH_BYTES];
    bool unclean;     /* the journal may hold what was deleted */
    int64_t shift_ms; /* owed to every row */
};

static enum err path_of(const char *data, const char *ending, char into[PATH_BYTES])
{
    int n = snprintf(into, PATH_BYTES, "%s/sessions.db%s", data, ending);
    return n < PATH_BYTES ? OK : ERR_TOOBIG;
}

/* --- opening --- */

struct opening {
    struct store *sql;
    int version;
    bool damaged;
};

/* To be asked at once: what follows a failure, such as a rollback, may succeed. */
static enum err noted(struct opening *o, enum err err)
{
    if (err != OK && sql_is_damaged(o->sql))
        o->damaged = true;
    return err;
}

static enum err create_schema(struct store *s, void *arg)
{
    return noted(arg, sql_exec(s, schema));
}

static enum err check_pages(struct opening *o)
{
    autostmt *q = nullptr;
    try(noted(o, sql_query(o->sql, "PRAGMA quick_check(1)", nullptr, 0, &q)));
    try(noted(o, sql_step(q)));
    o->damaged = !str_eq(sql_text(q, 0), S("ok"));
    return o->damaged ? ERR_IO : OK;
}

static enum err check_table(struct opening *o, const char *select)
{
    autostmt *q = nullptr;
    return noted(o, sql_query(o->sql, select, nullptr, 0, &q));
}

static enum err set_up(struct opening *o)
{
    try(noted(o, sql_exec(o->sql, "PRAGMA cell_size_check=ON; PRAGMA journal_mode=WAL;"
                                  "PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
                                  "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=256;"
                                  "PRAGMA journal_size_limit=1048576;")));
    try(noted(o, sql_version(o->sql, &o->version)));
    if (o->version > SCHEMA_VERSION)
        return ERR_UNSUPPORTED;
    if (o->version == 0)
        try(sql_transaction(o->sql, create_schema, o));
    try(check_pages(o));
    try(check_table(o, "SELECT rowid, id, owner, used, said FROM sessions"));
    return check_table(o, "SELECT id, bytes FROM secret");
}

static enum err try_open(const char *path, struct store **ret_sql, enum keep_found *ret_found)
{
    struct opening o = {};
    try(sql_open(path, true, &o.sql));
    enum err err = set_up(&o);
    if (err == OK) {
        *ret_sql = o.sql;
        return OK;
    }
    if (o.version > SCHEMA_VERSION)
        *ret_found = KEEP_FOUND_NEWER;
    else if (o.damaged)
        *ret_found = KEEP_FOUND_DAMAGED;
    sql_close(o.sql);
    return err;
}

static enum err move(const char *data, const char *from, const char *to)
{
    char old[PATH_BYTES], fresh[PATH_BYTES];
    try(path_of(data, from, old));
    try(path_of(data, to, fresh));
    if (unlink(fresh) != 0 && errno != ENOENT)
        return err_from_errno(errno);
    return rename(old, fresh) == 0 || errno == ENOENT ? OK : err_from_errno(errno);
}

static enum err unlink_if_there(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? OK : err_from_errno(errno);
}

static enum err delete_file(const char *data, const char *ending)
{
    char path[PATH_BYTES];
    try(path_of(data, ending, path));
    return unlink_if_there(path);
}

/* The journal goes first: beside a new file of the old name it would be taken for that one's. */
static enum err set_aside(const char *data)
{
    try(delete_file(data, "-shm"));
    try(move(data, "-wal", ".aside-wal"));
    return move(data, "", ".aside");
}

enum err keep_file_open(const char *data, struct keep_file **ret_f, enum keep_found *ret_found)
{
    char path[PATH_BYTES];
    enum keep_found found = KEEP_FOUND_GOOD;
    struct keep_file *f = mem_zero(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    enum err err = path_of(data, ".aside", f->aside);
    if (err == OK)
        err = path_of(data, "", path);
    if (err == OK)
        err = try_open(path, &f->sql, &found);
    if (found != KEEP_FOUND_GOOD) {
        enum keep_found again;
        err = set_aside(data);
        if (err == OK)
            err = try_open(path, &f->sql, &again);
    }
    if (err != OK) {
        free(f);
        return err;
    }
    *ret_f = f;
    *ret_found = found;
    return OK;
}

void keep_file_close(struct keep_file *f)
{
    if (!f)
        return;
    sql_close(f->sql);
    free(f);
}

enum err keep_file_erase(const char *data)
{
    static const char *const endings[] = {"", "-wal", "-shm", ".aside", ".aside-wal"};
    enum err err = OK;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        enum err one = delete_file(data, endings[i]);
        if (err == OK)
            err = one;
    }
    return err;
}

/* --- reading --- */

enum err keep_file_secret(struct keep_file *f, char ret_secret[KEEP_SECRET_BYTES])
{
    autostmt *q = nullptr;
    try(sql_query(f->sql, "SELECT bytes FROM secret WHERE id = 1", nullptr, 0, &q));
    enum err err = sql_step(q);
    struct str bytes = err == OK ? sql_text(q, 0) : S("");
    if (bytes.n == KEEP_SECRET_BYTES) {
        memcpy(ret_secret, bytes.p, KEEP_SECRET_BYTES);
        return OK;
    }
    if (err != OK && err != ERR_NOTFOUND)
        return err;
    char fresh[KEEP_SECRET_BYTES];
    random_bytes(fresh, sizeof fresh);
    sqlite3_reset(q);
    try(sql_do(f->sql, "INSERT OR REPLACE INTO secret(id, bytes) VALUES(1, ?)",
               SQL_ARGS(SQL_B(((struct str){fresh, sizeof fresh})))));
    memcpy(ret_secret, fresh, sizeof fresh);
    return OK;
}

enum err keep_file_load(struct keep_file *f, int64_t oldest_ms, uint32_t max,
                        enum err (*fn)(void *arg, const struct keep_row *row), void *arg,
                        size_t *ret_bad)
{
    size_t bad = 0;
    autostmt *q = nullptr;
    try(sql_query(f->sql,
                  "SELECT rowid, id, owner, used, said FROM sessions WHERE used > ?"
                  " ORDER BY used DESC LIMIT ?",
                  SQL_ARGS(SQL_I(oldest_ms), SQL_I(max)), &q));
    enum err err;
    while ((err = sql_step(q)) == OK) {
        const struct keep_row row = {.id = sql_text(q, 1),
                                     .owner = sql_text(q, 2),
                                     .used_ms = sqlite3_column_int64(q, 3),
                                     .said = sql_text(q, 4)};
        if (fn(arg, &row) != ERR_INVALID)
            continue;
        bad++;
        /* Of the row that a statement stands on that is allowed. On a full disk it stays, and is
         * met again. */
        const struct sql_arg rowid = SQL_I(sqlite3_column_int64(q, 0));
        if (sql_do(f->sql, "DELETE FROM sessions WHERE rowid = ?", &rowid, 1) != OK)
            continue;
    }
    if (err != ERR_NOTFOUND)
        return err;
    *ret_bad = bad;
    return OK;
}

/* --- writing --- */

static enum err shift(struct keep_file *f)
{
    if (f->shift_ms != 0)
        try(sql_do(f->sql, "UPDATE sessions SET used = used + ?", SQL_ARGS(SQL_I(f->shift_ms))));
    f->shift_ms = 0;
    return OK;
}

enum err keep_file_shift(struct keep_file *f, int64_t by_ms)
{
    f->shift_ms += by_ms;
    return shift(f);
}

enum err keep_file_clamp(struct keep_file *f, int64_t now_ms)
{
    return sql_do(f->sql, "UPDATE sessions SET used = ?1 WHERE used > ?1", SQL_ARGS(SQL_I(now_ms)));
}

enum err keep_file_put(struct keep_file *f, const struct keep_row *row)
{
    try(shift(f));
    return sql_do(
        f->sql,
        "INSERT INTO sessions(id, owner, used, said) VALUES(?, ?, ?, ?) ON CONFLICT(id)"
        " DO UPDATE SET used = excluded.used, said = excluded.said",
        SQL_ARGS(SQL_T(row->id), SQL_T(row->owner), SQL_I(row->used_ms), SQL_T(row->said)));
}

/* What was deleted is overwritten in the file, but the journal still has it. */
static enum err empty_journal(struct keep_file *f)
{
    f->unclean = true;
    try(sql_empty_journal(f->sql));
    f->unclean = false;
    return OK;
}

static enum err delete_aside(const struct keep_file *f)
{
    char journal[PATH_BYTES + 4];
    snprintf(journal, sizeof journal, "%s-wal", f->aside);
    try(unlink_if_there(journal));
    return unlink_if_there(f->aside);
}

struct deletion {
    struct str owner, id;
};

static enum err delete_rows(struct store *s, void *arg)
{
    const struct deletion *d = arg;
    return sql_do(s, "DELETE FROM sessions WHERE owner = ? AND (id = ? OR ? = '')",
                  SQL_ARGS(SQL_T(d->owner), SQL_T(d->id), SQL_T(d->id)));
}

enum err keep_file_delete(struct keep_file *f, struct str owner, struct str id)
{
    struct deletion d = {owner, id};
    try(sql_transaction_in_need(f->sql, delete_rows, &d, true));
    if (id.n > 0 && sqlite3_changes(f->sql->db) == 0 && !f->unclean)
        return ERR_NOTFOUND;
    enum err err = empty_journal(f);
    /* A single one that is known now was begun after that. */
    enum err other = id.n == 0 ? delete_aside(f) : OK;
    return err != OK ? err : other;
}

enum err keep_file_prune(struct keep_file *f, int64_t oldest_ms, uint32_t max)
{
    struct stat about;
    try(shift(f));
    if (stat(f->aside, &about) == 0 && (int64_t)about.st_mtim.tv_sec * 1000 <= oldest_ms)
        try(delete_aside(f));
    int before = sqlite3_total_changes(f->sql->db);
    try(sql_do(f->sql, "DELETE FROM sessions WHERE used <= ?", SQL_ARGS(SQL_I(oldest_ms))));
    try(sql_do(f->sql,
               "DELETE FROM sessions WHERE rowid IN"
               " (SELECT rowid FROM sessions ORDER BY used DESC LIMIT -1 OFFSET ?)",
               SQL_ARGS(SQL_I(max))));
    bool nothing = sqlite3_total_changes(f->sql->db) == before && !f->unclean;
    return nothing ? OK : empty_journal(f);
}
