// SPDX-License-Identifier: Apache-2.0
/* What there is: jobs, documents, their words and their number. */
#include <stdio.h>
#include <stdlib.h>

#include "server/rag/sql.h"

enum err store_job(struct store *s, struct str owner, struct str id, struct rag_job *ret_job)
{
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT documents, done, failed, skipped, chunks, error, EXISTS(SELECT 1"
                  " FROM documents d WHERE d.state = 'running' AND d.job = j.id)"
                  " FROM jobs j WHERE id = ? AND owner = ?",
                  SQL_ARGS(SQL_T(id), SQL_T(owner)), &q));
    try(sql_step(q));
    struct rag_job job = {
        .documents = (uint32_t)sqlite3_column_int(q, 0),
        .failed = (uint32_t)sqlite3_column_int(q, 2),
        .skipped = (uint32_t)sqlite3_column_int(q, 3),
        .chunks = (uint32_t)sqlite3_column_int(q, 4),
    };
    uint32_t over = (uint32_t)sqlite3_column_int(q, 1) + job.failed;
    job.finished = over < job.documents ? over : job.documents; /* some may have been read anew */
    if (over < job.documents)
        job.state = over || sqlite3_column_int(q, 6) ? "running" : "queued";
    else
        job.state = job.documents && job.failed == job.documents ? "failed" : "done";
    sql_copy(job.id, sizeof job.id, id);
    sql_copy(job.error, sizeof job.error, sql_text(q, 5));
    *ret_job = job;
    return OK;
}

static enum err list_row(sqlite3_stmt *q, struct arena *arena, struct rag_listed *row)
{
    struct str *const texts[] = {&row->id,    &row->title, &row->source, &row->kind,
                                 &row->state, &row->error, &row->note};
    for (int i = 0; i < 7; i++)
        try(arena_str(arena, sql_text(q, i), texts[i]));
    row->bytes = (uint64_t)sqlite3_column_int64(q, 7);
    row->chunks = (uint64_t)sqlite3_column_int64(q, 8);
    row->created_s = sqlite3_column_int64(q, 9) / 1000;
    row->shared = sqlite3_column_int(q, 10);
    return OK;
}

/* Where the part begins: behind this number. */
static enum err place_of(struct store *s, struct str owner, struct str id, int64_t *ret_number)
{
    autostmt *q = nullptr;
    if (id.n == 0) {
        *ret_number = 0;
        return OK;
    }
    try(sql_query(s, "SELECT number FROM documents WHERE id = ? AND owner IN (?, '')",
                  SQL_ARGS(SQL_T(id), SQL_T(owner)), &q));
    try(sql_step(q));
    *ret_number = sqlite3_column_int64(q, 0);
    return OK;
}

/* One row more than asked for shows that there are more. */
static enum err list_rows(sqlite3_stmt *q, uint32_t limit, struct arena *arena,
                          struct store_list *list)
{
    size_t room = 0;
    enum err err;
    while ((err = sql_step(q)) == OK) {
        list->more = list->count == limit;
        if (list->more)
            return OK;
        try(mem_grow((void **)&list->rows, &room, list->count + 1, sizeof *list->rows));
        try(list_row(q, arena, &list->rows[list->count]));
        list->count++;
    }
    return err == ERR_NOTFOUND ? OK : err;
}

enum err store_list(struct store *s, struct str owner, struct rag_part part, struct arena *arena,
                    struct store_list *ret_list)
{
    int64_t from;
    autostmt *q = nullptr;
    uint32_t limit = part.limit < RAG_LIST_MAX ? part.limit : RAG_LIST_MAX;
    try(place_of(s, owner, part.after, &from));
    try(sql_query(
        s,
        "SELECT id, title, source, kind, state, error, note, bytes, chunks, created, owner = ''"
        " FROM documents WHERE owner IN (?, '') AND number > ? ORDER BY number LIMIT ?",
        SQL_ARGS(SQL_T(owner), SQL_I(from), SQL_I(limit + 1)), &q));
    struct store_list list = {};
    enum err err = list_rows(q, limit, arena, &list);
    if (err == OK)
        *ret_list = list;
    else
        free(list.rows);
    return err;
}

enum err store_words(struct store *s, bool everybody, struct buf *into)
{
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT c.heading, c.text FROM chunks c JOIN documents d ON d.number = c.document"
                  " WHERE d.state <> 'leaving' AND (? OR d.owner = '') ORDER BY c.id",
                  SQL_ARGS(SQL_I(everybody)), &q));
    enum err err;
    while ((err = sql_step(q)) == OK) {
        struct str heading = sql_text(q, 0), text = sql_text(q, 1);
        if (into->n + heading.n + text.n + 2 > into->cap)
            return OK; /* enough to learn the words from */
        try(buf_add(into, heading));
        try(buf_add_byte(into, '\n'));
        try(buf_add(into, text));
        try(buf_add_byte(into, '\n'));
    }
    return err == ERR_NOTFOUND ? OK : err;
}

/* Asked for with every change: from an index, not from the rows. */
enum err store_stats(struct store *s, struct rag_stats *ret_stats)
{
    autostmt *q = nullptr;
    try(sql_query(
        s,
        "SELECT (SELECT count(*) FROM documents WHERE state = 'done'),"
        " (SELECT count(*) FROM documents WHERE state IN ('queued', 'running')),"
        " (SELECT coalesce(sum(chunks), 0) FROM documents WHERE state = 'done'),"
        " (SELECT count(*) FROM documents WHERE state IN ('queued', 'running') AND owner = ''"
        " AND (state = 'running' OR attempts < ?))",
        SQL_ARGS(SQL_I(STORE_ATTEMPTS_TRUSTED)), &q));
    try(sql_step(q));
    *ret_stats = (struct rag_stats){
        .documents = (uint64_t)sqlite3_column_int64(q, 0),
        .jobs_waiting = (uint64_t)sqlite3_column_int64(q, 1),
        .chunks = (uint64_t)sqlite3_column_int64(q, 2),
        .shared_waiting = (uint64_t)sqlite3_column_int64(q, 3),
    };
    return OK;
}
