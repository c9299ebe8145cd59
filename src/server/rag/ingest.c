// SPDX-License-Identifier: Apache-2.0
/*
 * The pipeline: take a document from the queue (lane) → read it in a confined process (loop) → cut,
 * index, complete (lane) → the next. One document at a time: the readers' work must not starve the
 * conversation. Whatever happens to this process, the queue in the store knows where it was.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "server/rag/rag_parts.h"

enum { TEXT_MAX = 16 * 1024 * 1024 };

struct ingest {
    struct op op; /* on the lane; between two posts the reader works */
    struct store_work work;
    void *reader;
    struct buf text;
    char *title, *error; /* owned */
    struct rag_stats stats;
};

static void ingest_free(struct ingest *i)
{
    store_work_finish(&i->work);
    buf_finish(&i->text);
    free(i->title);
    free(i->error);
    free(i);
}

static void leave(struct ingest *i)
{
    struct rag *rag = i->op.rag;
    rag->ingest = nullptr;
    ingest_free(i);
}

/* --- the end of a document --- */

static void settle_run(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    struct store *s = i->op.rag->store;
    struct str id = str_of(i->work.id);
    if (!i->error) {
        struct str title = str_of(i->title && i->title[0] ? i->title : i->work.name);
        i->op.err = store_complete(s, id, title, buf_str(&i->text));
    }
    if (i->error || i->op.err != OK)
        i->op.err = store_fail(s, id, i->error ? i->error : err_text(i->op.err));
    (void)store_stats(s, &i->stats); /* figures that are a little old harm nobody */
}

static void settle_done(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    struct rag *rag = i->op.rag;
    if (i->error)
        log_warn("document \"%.80s\" was not ingested: %s", i->work.name, i->error);
    if (i->op.err != OK)
        log_error("the document store refuses to write: %s", err_text(i->op.err));
    rag->stats = i->stats;
    rag->more = i->op.err == OK; /* a store that does not write is not asked again and again */
    leave(i);
    if (rag->on_progress)
        rag->on_progress(rag->progress_arg);
    if (!rag->closing)
        deferred_call(&rag->kick);
}

static void settle(struct ingest *i, const char *error)
{
    i->reader = nullptr;
    i->error = error ? mem_strdup(str_of(error)) : nullptr;
    i->op.err = OK;
    /* Refused when the lane is full: the document stays "running" and is taken up at the next start. */
    if ((error && !i->error) || op_post(i->op.rag, &i->op, settle_run, settle_done) != OK)
        leave(i);
}

/* --- reading --- */

static void on_text(void *arg, struct str piece)
{
    struct ingest *i = arg;
    if (i->op.err == OK)
        i->op.err = buf_add(&i->text, piece);
}

static void on_done(void *arg, struct str title, struct str notes)
{
    (void)notes;
    struct ingest *i = arg;
    i->title = mem_strdup(str_sub(title, 0, utf8_prefix(title, RAG_NAME_MAX)));
    settle(i, i->op.err == OK ? nullptr : err_text(i->op.err));
}

static void on_failed(void *arg, enum err err, const char *sentence)
{
    (void)err;
    settle(arg, sentence);
}

static enum err start_reader(struct ingest *i)
{
    static const struct rag_reader_events events = {
        .text = on_text, .done = on_done, .failed = on_failed};
    const struct rag_reader *r = &i->op.rag->reader;
    struct str bytes = blob_str(i->work.bytes);
    int fd = memfd_create("document", MFD_CLOEXEC);
    if (fd < 0)
        return ERR_BUSY;
    enum err err = OK;
    while (bytes.n && err == OK) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        err = n > 0 ? OK : ERR_NOMEM;
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.n);
    }
    if (err == OK)
        err = r->start(r->with, i->work.kind, i->work.name, fd, i->work.bytes->n, &events, i,
                       &i->reader);
    close(fd);
    return err;
}

/* --- the beginning --- */

static void take_run(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    i->op.err = store_take(i->op.rag->store, &i->work);
}

static void take_done(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    struct rag *rag = i->op.rag;
    if (i->op.err != OK || rag->closing) {
        if (i->op.err != OK && i->op.err != ERR_NOTFOUND)
            log_error("the document store does not answer: %s", err_text(i->op.err));
        leave(i);
        return;
    }
    rag->more = true;
    enum err err = start_reader(i);
    if (err != OK)
        settle(i, err_text(err));
}

void ingest_kick(struct rag *rag)
{
    if (rag->ingest || !rag->more || rag->closing)
        return;
    struct ingest *i = mem_zero(1, sizeof *i);
    if (!i)
        return; /* the next document that is accepted kicks again */
    i->text = BUF(TEXT_MAX);
    rag->ingest = i;
    rag->more = false;
    if (op_post(rag, &i->op, take_run, take_done) != OK) {
        rag->ingest = nullptr;
        rag->more = true;
        ingest_free(i);
    }
}

void ingest_stop(struct rag *rag)
{
    struct ingest *i = rag->ingest;
    if (i && i->reader) {
        rag->reader.cancel(i->reader);
        leave(i);
    }
}
