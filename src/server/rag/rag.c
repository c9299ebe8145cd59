// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/rag/rag_parts.h"

enum { LANE_CAPACITY = 256 };

static enum err post(struct lane *lane, struct rag *rag, struct op *op,
                     void (*run)(struct lane_job *), void (*done)(struct lane_job *))
{
    op->rag = rag;
    op->job = (struct lane_job){.run = run, .done = done};
    return rag->closing ? ERR_DRAINING : lane_post(lane, &op->job);
}

enum err op_write(struct rag *rag, struct op *op, void (*run)(struct lane_job *),
                  void (*done)(struct lane_job *))
{
    return post(rag->write_lane, rag, op, run, done);
}

enum err op_read(struct rag *rag, struct op *op, void (*run)(struct lane_job *),
                 void (*done)(struct lane_job *))
{
    return post(rag->read_lane, rag, op, run, done);
}

void op_count(struct op *op)
{
    op->has_stats = store_stats(op->rag->writer, &op->stats) == OK;
}

void op_tell(const struct op *op)
{
    if (op->has_stats)
        op->rag->stats = op->stats;
}

bool op_copy(struct str s, char **ret_copy)
{
    *ret_copy = mem_strdup(s);
    return *ret_copy;
}

/* --- opening and closing --- */

static void on_kick(void *arg)
{
    ingest_kick(arg);
}

static void on_again(void *arg)
{
    ingest_again(arg);
}

static enum err open_stores(struct rag *rag, const char *data_dir)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/documents.db", data_dir) >= (int)sizeof path)
        return ERR_TOOBIG;
    try(store_open(path, &rag->writer));
    try(store_open_reader(path, &rag->reader));
    try(store_stats(rag->reader, &rag->stats));
    try(lane_create(rag->loop, "documents", LANE_CAPACITY, &rag->write_lane));
    return lane_create(rag->loop, "search", LANE_CAPACITY, &rag->read_lane);
}

enum err rag_open(struct loop *loop, const char *data_dir, const struct rag_reader *reader,
                  struct rag **ret_rag)
{
    struct rag *rag = mem_zero(1, sizeof *rag);
    if (!rag)
        return ERR_NOMEM;
    rag->loop = loop;
    rag->documents = *reader;
    rag->opened_ms = clock_ms();
    deferred_init(&rag->kick, loop, on_kick, rag);
    timer_init(&rag->again, loop, on_again, rag);
    enum err err = open_stores(rag, data_dir);
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
    ingest_stop(rag);
    deferred_cancel(&rag->kick);
    timer_stop(&rag->again);
    lane_destroy(rag->read_lane);
    lane_destroy(rag->write_lane);
    /* Not settled for no fault of its own. Failing to say so costs it one attempt. */
    if (rag->unsettled)
        (void)store_put_back(rag->writer, rag->unsettled);
    store_close(rag->reader);
    store_close(rag->writer);
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
    a->op.err =
        store_accept(a->op.rag->writer, str_of(a->owner), a->documents, a->count, a->job_id);
    op_count(&a->op);
}

static void accept_done(struct lane_job *job)
{
    struct accept_op *a = (struct accept_op *)job;
    struct rag *rag = a->op.rag;
    op_tell(&a->op);
    if (a->op.err == OK) {
        rag->more = true;
        if (!rag->closing)
            deferred_call(&rag->kick);
    }
    a->accepted(a->arg, a->op.err, a->job_id);
    accept_free(a);
}

static enum err copy_one(const struct rag_document *from, struct rag_document *to)
{
    if (from->name.n > RAG_NAME_MAX || from->source.n > RAG_SOURCE_MAX)
        return ERR_INVALID;
    const struct str texts[] = {from->name, from->source, from->kind};
    struct str *const into[] = {&to->name, &to->source, &to->kind};
    for (int i = 0; i < 3; i++) {
        char *text;
        if (!op_copy(texts[i], &text))
            return ERR_NOMEM;
        *into[i] = (struct str){text, texts[i].n};
    }
    to->bytes = blob_ref(from->bytes);
    return OK;
}

static enum err accept_copy(struct accept_op *a, struct str owner,
                            const struct rag_document *documents, size_t count)
{
    a->documents = mem_zero(count, sizeof *a->documents);
    if (!a->documents || !op_copy(owner, &a->owner))
        return ERR_NOMEM;
    enum err err = OK;
    while (a->count < count && err == OK) {
        err = copy_one(&documents[a->count], &a->documents[a->count]);
        a->count++; /* also a half copied one, so that it is freed */
    }
    return err;
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
        err = op_write(rag, &a->op, accept_run, accept_done);
    if (err != OK)
        accept_free(a);
    return err;
}
