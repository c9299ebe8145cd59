// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/check.h"
#include "server/rag/rag_parts.h"

enum {
    LANE_CAPACITY = 256,
    HITS_ARENA = 4 * 1024 * 1024,
    LIST_ARENA = 64 * 1024 * 1024,
    WORDS_CAP = 5 * 1024 * 1024
};

enum err op_post(struct rag *rag, struct op *op, void (*run)(struct lane_job *),
                 void (*done)(struct lane_job *))
{
    op->rag = rag;
    op->job = (struct lane_job){.run = run, .done = done};
    return rag->closing ? ERR_DRAINING : lane_post(rag->lane, &op->job);
}

static enum err copy(struct str s, char **ret)
{
    *ret = mem_strdup(s);
    return *ret ? OK : ERR_NOMEM;
}

/* --- opening and closing --- */

static void on_kick(void *arg)
{
    ingest_kick(arg);
}

enum err rag_open(struct loop *loop, const char *data_dir, const struct rag_reader *reader,
                  struct rag **ret_rag)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/documents.db", data_dir) >= (int)sizeof path)
        return ERR_TOOBIG;
    struct rag *rag = mem_zero(1, sizeof *rag);
    if (!rag)
        return ERR_NOMEM;
    rag->loop = loop;
    rag->reader = *reader;
    deferred_init(&rag->kick, loop, on_kick, rag);
    enum err err = store_open(path, &rag->store);
    if (err == OK)
        err = store_stats(rag->store, &rag->stats);
    if (err == OK)
        err = lane_create(loop, "store", LANE_CAPACITY, &rag->lane);
    if (err != OK) {
        rag_close(rag);
        return err;
    }
    rag->more = true;
    deferred_call(&rag->kick);
    *ret_rag = rag;
    return OK;
}

void rag_close(struct rag *rag)
{
    if (!rag)
        return;
    rag->closing = true;
    deferred_cancel(&rag->kick);
    ingest_stop(rag);
    lane_destroy(rag->lane);
    store_close(rag->store);
    free(rag);
}

void rag_on_progress(struct rag *rag, void (*fn)(void *arg), void *arg)
{
    rag->on_progress = fn;
    rag->progress_arg = arg;
}

void rag_stats(const struct rag *rag, struct rag_stats *ret_stats)
{
    *ret_stats = rag->stats;
}

/* --- accepting documents --- */

struct accept_op {
    struct op op;
    char *owner;
    struct rag_document *documents; /* texts owned, bytes referenced */
    size_t count;
    char job_id[RAG_ID_CHARS + 1];
    struct rag_stats stats;
    rag_accepted_fn accepted;
    void *arg;
};

static void accept_free(struct accept_op *a)
{
    for (size_t i = 0; i < a->count; i++) {
        free((char *)a->documents[i].name.p);
        free((char *)a->documents[i].source.p);
        free((char *)a->documents[i].kind.p);
        blob_unref(a->documents[i].bytes);
    }
    free(a->documents);
    free(a->owner);
    free(a);
}

static void accept_run(struct lane_job *job)
{
    struct accept_op *a = (struct accept_op *)job;
    struct store *s = a->op.rag->store;
    a->op.err = store_accept(s, str_of(a->owner), a->documents, a->count, a->job_id);
    if (a->op.err == OK)
        (void)store_stats(s, &a->stats); /* figures that are a little old harm nobody */
}

static void accept_done(struct lane_job *job)
{
    struct accept_op *a = (struct accept_op *)job;
    struct rag *rag = a->op.rag;
    if (a->op.err == OK) {
        rag->stats = a->stats;
        rag->more = true;
        if (!rag->closing)
            deferred_call(&rag->kick);
    }
    a->accepted(a->arg, a->op.err, a->job_id);
    accept_free(a);
}

static enum err accept_copy(struct accept_op *a, struct str owner,
                            const struct rag_document *documents, size_t count)
{
    try(copy(owner, &a->owner));
    a->documents = mem_zero(count, sizeof *a->documents);
    if (!a->documents)
        return ERR_NOMEM;
    for (; a->count < count; a->count++) {
        const struct rag_document *from = &documents[a->count];
        struct rag_document *to = &a->documents[a->count];
        const struct str texts[] = {from->name, from->source, from->kind};
        struct str *const into[] = {&to->name, &to->source, &to->kind};
        to->bytes = blob_ref(from->bytes);
        for (int i = 0; i < 3; i++) {
            char *text = mem_strdup(texts[i]);
            *into[i] = (struct str){text, text ? texts[i].n : 0};
        }
        if (!to->name.p || !to->source.p || !to->kind.p) {
            a->count++; /* so that what was copied is freed */
            return ERR_NOMEM;
        }
    }
    return OK;
}

enum err rag_ingest(struct rag *rag, struct str owner, const struct rag_document *documents,
                    size_t count, rag_accepted_fn accepted, void *arg)
{
    struct accept_op *a = mem_zero(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->accepted = accepted;
    a->arg = arg;
    enum err err = accept_copy(a, owner, documents, count);
    if (err == OK)
        err = op_post(rag, &a->op, accept_run, accept_done);
    if (err != OK)
        accept_free(a);
    return err;
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
    j->op.err = store_job(j->op.rag->store, str_of(j->owner), str_of(j->id), &j->job);
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
    enum err err = copy(owner, &j->owner);
    if (err == OK)
        err = copy(id, &j->id);
    if (err == OK)
        err = op_post(rag, &j->op, job_run, job_done);
    if (err != OK)
        job_free(j);
    return err;
}

/* --- finding --- */

struct rag_query {
    struct op op;
    char *owner, *text;
    uint32_t k;
    struct arena *arena;
    struct rag_hits hits;
    rag_hits_fn fn; /* loop: NULL once cancelled */
    void *arg;
    bool answered;
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
    struct terms terms;
    terms_of(str_of(q->text), &terms);
    q->op.err = store_search(q->op.rag->store, str_of(q->owner), &terms, q->k, q->arena, &q->hits);
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
    enum err err = q->arena ? copy(owner, &q->owner) : ERR_NOMEM;
    if (err == OK)
        err = copy(text, &q->text);
    if (err == OK)
        err = op_post(rag, &q->op, query_run, query_done);
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
    if (q->answered)
        query_free(q);
}

/* --- keeping --- */

struct list_op {
    struct op op;
    char *owner;
    struct arena *arena;
    struct rag_listed *list;
    size_t count;
    rag_list_fn fn;
    void *arg;
};

static void list_free(struct list_op *l)
{
    free(l->list);
    arena_destroy(l->arena);
    free(l->owner);
    free(l);
}

static void list_run(struct lane_job *job)
{
    struct list_op *l = (struct list_op *)job;
    l->op.err = store_list(l->op.rag->store, str_of(l->owner), l->arena, &l->list, &l->count);
}

static void list_done(struct lane_job *job)
{
    struct list_op *l = (struct list_op *)job;
    l->fn(l->arg, l->op.err, l->list, l->count);
    list_free(l);
}

enum err rag_list(struct rag *rag, struct str owner, rag_list_fn fn, void *arg)
{
    struct list_op *l = mem_zero(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->fn = fn;
    l->arg = arg;
    l->arena = arena_create(LIST_ARENA);
    enum err err = l->arena ? copy(owner, &l->owner) : ERR_NOMEM;
    if (err == OK)
        err = op_post(rag, &l->op, list_run, list_done);
    if (err != OK)
        list_free(l);
    return err;
}

struct delete_op {
    struct op op;
    char *owner, *id;
    struct rag_stats stats;
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
    struct store *s = d->op.rag->store;
    d->op.err = store_delete(s, str_of(d->owner), str_of(d->id));
    if (d->op.err == OK)
        (void)store_stats(s, &d->stats);
}

static void delete_done(struct lane_job *job)
{
    struct delete_op *d = (struct delete_op *)job;
    struct rag *rag = d->op.rag;
    if (d->op.err == OK)
        rag->stats = d->stats;
    d->fn(d->arg, d->op.err);
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
    enum err err = copy(owner, &d->owner);
    if (err == OK)
        err = copy(id, &d->id);
    if (err == OK)
        err = op_post(rag, &d->op, delete_run, delete_done);
    if (err != OK)
        delete_free(d);
    return err;
}

struct words_op {
    struct op op;
    struct blob *text;
    rag_words_fn fn;
    void *arg;
};

static void words_run(struct lane_job *job)
{
    struct words_op *w = (struct words_op *)job;
    autobuf text = BUF(WORDS_CAP);
    w->op.err = store_words(w->op.rag->store, &text);
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

enum err rag_words(struct rag *rag, rag_words_fn fn, void *arg)
{
    struct words_op *w = mem_zero(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->fn = fn;
    w->arg = arg;
    enum err err = op_post(rag, &w->op, words_run, words_done);
    if (err != OK)
        free(w);
    return err;
}
