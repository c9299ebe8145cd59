// SPDX-License-Identifier: Apache-2.0
/* Questions to the store and their answers; deleting, too. */
#include <stdatomic.h>
#include <stdlib.h>

#include "server/rag/rag_parts.h"

enum { HITS_ARENA = 4 * 1024 * 1024, LIST_ARENA = 64 * 1024 * 1024, WORDS_MAX = 4 * 1024 * 1024 };

/* --- finding --- */

struct rag_query {
    struct op op;
    char *owner, *text;
    uint32_t k;
    struct arena *arena;
    struct rag_hits hits;
    rag_hits_fn fn; /* loop: NULL once cancelled */
    void *arg;
    bool answered;        /* loop */
    atomic_bool departed; /* nobody waits for the answer any more */
};

static void query_free(struct rag_query *q)
{
    arena_destroy(q->arena);
    free(q->owner);
    free(q->text);
    free(q);
}

static void query_run(struct lane_job *job)
{
    struct rag_query *q = (struct rag_query *)job;
    if (atomic_load_explicit(&q->departed, memory_order_relaxed))
        return;
    struct terms terms;
    terms_of(str_of(q->text), &terms);
    q->op.err = store_search(q->op.rag->reader, str_of(q->owner), &terms, q->k, q->arena, &q->hits);
}

static void query_done(struct lane_job *job)
{
    struct rag_query *q = (struct rag_query *)job;
    q->answered = true;
    if (q->fn)
        q->fn(q->arg, q->op.err, &q->hits);
    else
        query_free(q);
}

enum err rag_query(struct rag *rag, struct str owner, struct str text, uint32_t k, rag_hits_fn fn,
                   void *arg, struct rag_query **ret_query)
{
    struct rag_query *q = mem_zero(1, sizeof *q);
    if (!q)
        return ERR_NOMEM;
    q->fn = fn;
    q->arg = arg;
    q->k = k;
    q->arena = arena_create(HITS_ARENA);
    enum err err =
        q->arena && op_copy(owner, &q->owner) && op_copy(text, &q->text) ? OK : ERR_NOMEM;
    if (err == OK)
        err = op_read(rag, &q->op, query_run, query_done);
    if (err != OK)
        query_free(q);
    else
        *ret_query = q;
    return err;
}

void rag_query_end(struct rag_query *q)
{
    if (!q)
        return;
    q->fn = nullptr;
    atomic_store_explicit(&q->departed, true, memory_order_relaxed);
    if (q->answered)
        query_free(q);
}

/* --- jobs --- */

struct job_op {
    struct op op;
    char *owner, *id;
    struct rag_job job;
    rag_job_fn fn;
    void *arg;
};

static void job_free(struct job_op *j)
{
    free(j->owner);
    free(j->id);
    free(j);
}

static void job_run(struct lane_job *job)
{
    struct job_op *j = (struct job_op *)job;
    j->op.err = store_job(j->op.rag->reader, str_of(j->owner), str_of(j->id), &j->job);
}

static void job_done(struct lane_job *job)
{
    struct job_op *j = (struct job_op *)job;
    j->fn(j->arg, j->op.err, &j->job);
    job_free(j);
}

enum err rag_job(struct rag *rag, struct str owner, struct str id, rag_job_fn fn, void *arg)
{
    struct job_op *j = mem_zero(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    j->fn = fn;
    j->arg = arg;
    enum err err = op_copy(owner, &j->owner) && op_copy(id, &j->id) ? OK : ERR_NOMEM;
    if (err == OK)
        err = op_read(rag, &j->op, job_run, job_done);
    if (err != OK)
        job_free(j);
    return err;
}

/* --- keeping --- */

struct list_op {
    struct op op;
    char *owner, *after;
    uint32_t limit;
    struct arena *arena;
    struct store_list list;
    rag_list_fn fn;
    void *arg;
};

static void list_free(struct list_op *l)
{
    free(l->list.rows);
    arena_destroy(l->arena);
    free(l->owner);
    free(l->after);
    free(l);
}

static void list_run(struct lane_job *job)
{
    struct list_op *l = (struct list_op *)job;
    const struct rag_part part = {str_of(l->after), l->limit};
    l->op.err = store_list(l->op.rag->reader, str_of(l->owner), part, l->arena, &l->list);
}

static void list_done(struct lane_job *job)
{
    struct list_op *l = (struct list_op *)job;
    l->fn(l->arg, l->op.err, l->list.rows, l->list.count, l->list.more);
    list_free(l);
}

enum err rag_list(struct rag *rag, struct str owner, struct rag_part part, rag_list_fn fn,
                  void *arg)
{
    struct list_op *l = mem_zero(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->fn = fn;
    l->arg = arg;
    l->limit = part.limit;
    l->arena = arena_create(LIST_ARENA);
    bool ok = l->arena && op_copy(owner, &l->owner) && op_copy(part.after, &l->after);
    enum err err = ok ? OK : ERR_NOMEM;
    if (err == OK)
        err = op_read(rag, &l->op, list_run, list_done);
    if (err != OK)
        list_free(l);
    return err;
}

struct delete_op {
    struct op op;
    char *owner, *id;
    rag_done_fn fn;
    void *arg;
};

static void delete_free(struct delete_op *d)
{
    free(d->owner);
    free(d->id);
    free(d);
}

static void delete_run(struct lane_job *job)
{
    struct delete_op *d = (struct delete_op *)job;
    d->op.err = store_delete(d->op.rag->writer, str_of(d->owner), str_of(d->id));
    op_count(&d->op);
}

static void delete_done(struct lane_job *job)
{
    struct delete_op *d = (struct delete_op *)job;
    struct rag *rag = d->op.rag;
    op_tell(&d->op);
    d->fn(d->arg, d->op.err);
    if (d->op.err == OK && timer_armed(&rag->again) && !rag->closing)
        timer_start(&rag->again, 0); /* it may have made the room that was waited for */
    if (d->op.err == OK && rag->on_progress)
        rag->on_progress(rag->progress_arg);
    delete_free(d);
}

enum err rag_delete(struct rag *rag, struct str owner, struct str id, rag_done_fn fn, void *arg)
{
    struct delete_op *d = mem_zero(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->fn = fn;
    d->arg = arg;
    enum err err = op_copy(owner, &d->owner) && op_copy(id, &d->id) ? OK : ERR_NOMEM;
    if (err == OK)
        err = op_write(rag, &d->op, delete_run, delete_done);
    if (err != OK)
        delete_free(d);
    return err;
}

struct words_op {
    struct op op;
    bool everybody;
    struct blob *text;
    rag_words_fn fn;
    void *arg;
};

static void words_run(struct lane_job *job)
{
    struct words_op *w = (struct words_op *)job;
    autobuf text = BUF(WORDS_MAX);
    w->op.err = store_words(w->op.rag->reader, w->everybody, &text);
    if (w->op.err == OK) {
        w->text = blob_create(buf_str(&text));
        w->op.err = w->text ? OK : ERR_NOMEM;
    }
}

static void words_done(struct lane_job *job)
{
    struct words_op *w = (struct words_op *)job;
    w->fn(w->arg, w->op.err, w->text);
    blob_unref(w->text);
    free(w);
}

enum err rag_words(struct rag *rag, bool everybody, rag_words_fn fn, void *arg)
{
    struct words_op *w = mem_zero(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->everybody = everybody;
    w->fn = fn;
    w->arg = arg;
    enum err err = op_read(rag, &w->op, words_run, words_done);
    if (err != OK)
        free(w);
    return err;
}
