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
    job.finished = over;
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
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT * FROM (SELECT id, title, source, kind, state, error, bytes, chunks,"
                  " created, owner = '', number FROM documents WHERE owner IN (?, '')"
                  " ORDER BY number DESC LIMIT ?) ORDER BY number",
                  SQL_ARGS(SQL_T(owner), SQL_I(STORE_LIST_MAX)), &q));
    struct rag_listed *list = nullptr;
    size_t count = 0, room = 0;
    enum err err;
    while ((err = sql_step(q)) == OK) {
        err = mem_grow((void **)&list, &room, count + 1, sizeof *list);
        if (err == OK)
            err = list_row(q, arena, &list[count]);
        if (err != OK)
            break;
        count++;
    }
    if (err != ERR_NOTFOUND) {
        free(list);
        return err;
    }
    *ret_list = list;
    *ret_count = count;
    return OK;
}

enum err store_words(struct store *s, bool everybody, struct buf *into)
{
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT c.heading, c.text FROM chunks c JOIN documents d ON d.number = c.document"
                  " WHERE ? OR d.owner = '' ORDER BY c.id",
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

enum err store_stats(struct store *s, struct rag_stats *ret_stats)
{
    autostmt *q = nullptr;
    try(sql_query(s,
                  "SELECT coalesce(sum(state = 'done'), 0),"
                  " coalesce(sum(state IN ('queued', 'running')), 0),"
                  " coalesce(sum(chunks), 0),"
                  " coalesce(sum(owner = '' AND (state = 'running' OR state = 'queued'"
                  " AND attempts < ?)), 0) FROM documents",
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
