// SPDX-License-Identifier: Apache-2.0
/*
 * The pipeline: take a document from the queue (lane) → read it in a confined process (loop) → cut,
 * index, complete (lane) → the next. One document at a time: the readers' work must not starve the
 * conversation. Whatever happens to this process, the queue in the store knows where it was; and what
 * fails for reasons that pass (a full disk, no memory for a process) is tried again, later and later.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/rag/rag_parts.h"

enum {
    NOTE_MAX = 300, /* bytes */
    TEXT_MAX = 16 * 1024 * 1024,
    WAIT_MIN_MS = 500,
    WAIT_MAX_MS = 60000,
    NOMEM_TRIES = 5, /* then the document is taken to be the reason */
};

struct ingest {
    struct op op; /* on the lane; between two errands the reader works */
    struct store_work work;
    int fd; /* the document's bytes, -1: none */
    uint64_t size;
    void *reader;
    struct buf text;
    enum err text_err;
    bool again; /* its reader died or was too slow, or memory was short: it waits once more */
    char *title, *note; /* owned */
    char error[240];
    unsigned tries;
    void (*retry)(struct ingest *i); /* what the timer calls */
};

static void leave(struct ingest *i)
{
    i->op.rag->ingest = nullptr;
    store_work_finish(&i->work);
    buf_finish(&i->text);
    if (i->fd >= 0)
        close(i->fd);
    free(i->title);
    free(i->note);
    free(i);
}

/* Says it once, then waits longer each time. `retry` may be NULL: another look at the queue will do. */
static void try_later(struct rag *rag, struct ingest *i, void (*retry)(struct ingest *),
                      enum err why)
{
    if (rag->wait_ms == 0 && why != ERR_BUSY)
        log_error("documents wait to be read, and are tried again later: %s", err_text(why));
    rag->wait_ms = rag->wait_ms ? 2 * rag->wait_ms : WAIT_MIN_MS;
    if (rag->wait_ms > WAIT_MAX_MS)
        rag->wait_ms = WAIT_MAX_MS;
    if (i)
        i->retry = retry;
    timer_start(&rag->again, rag->wait_ms);
}

static void set_error(struct ingest *i, const char *sentence)
{
    int n = (int)utf8_prefix(str_of(sentence), sizeof i->error - 1);
    snprintf(i->error, sizeof i->error, "%.*s", n, sentence);
}

/* --- the end of a document --- */

static bool is_documents_fault(const struct ingest *i, enum err err)
{
    return err == ERR_TOOBIG || err == ERR_INVALID || err == ERR_UTF8 ||
           (err == ERR_NOMEM && i->tries >= NOMEM_TRIES);
}

static void settle_run(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    struct store *s = i->op.rag->writer;
    i->op.err = OK;
    if (i->again) {
        i->op.err = store_try_again(s, i->work.document);
        return;
    }
    if (!i->error[0]) {
        const struct store_reading reading = {
            .title = str_of(i->title && i->title[0] ? i->title : i->work.name),
            .text = buf_str(&i->text),
            .note = str_of(i->note),
        };
        i->op.err = store_complete(s, i->work.document, &reading);
        if (is_documents_fault(i, i->op.err))
            set_error(i, err_text(i->op.err));
    }
    if (i->error[0])
        i->op.err = store_fail(s, i->work.document, str_of(i->error));
    op_count(&i->op);
}

static void settle(struct ingest *i);

static void settle_done(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    struct rag *rag = i->op.rag;
    op_tell(&i->op);
    if (i->op.err != OK && !rag->closing) {
        i->tries++;
        try_later(rag, i, settle, i->op.err);
        return;
    }
    rag->wait_ms = 0;
    rag->more = true;
    leave(i);
    if (rag->on_progress)
        rag->on_progress(rag->progress_arg);
    if (!rag->closing)
        deferred_call(&rag->kick);
}

static void settle(struct ingest *i)
{
    i->reader = nullptr;
    enum err err = op_write(i->op.rag, &i->op, settle_run, settle_done);
    if (err != OK)
        try_later(i->op.rag, i, settle, err); /* the lane is full */
}

/* --- reading --- */

static void on_text(void *arg, struct str piece)
{
    struct ingest *i = arg;
    if (i->text_err == OK)
        i->text_err = buf_add(&i->text, piece);
}

static void on_done(void *arg, struct str title, struct str notes)
{
    struct ingest *i = arg;
    i->note = mem_strdup(str_sub(notes, 0, utf8_prefix(notes, NOTE_MAX)));
    i->title = mem_strdup(str_sub(title, 0, utf8_prefix(title, RAG_NAME_MAX)));
    enum err err = i->text_err == OK && !(i->note && i->title) ? ERR_NOMEM : i->text_err;
    i->again = err == ERR_NOMEM; /* which is ours, and may pass */
    if (err != OK)
        set_error(i, err_text(err));
    settle(i);
}

static void on_failed(void *arg, enum err err, const char *sentence)
{
    struct ingest *i = arg;
    i->again = err == ERR_ENGINE || err == ERR_LATE || err == ERR_NOMEM;
    if (i->again)
        log_warn("a document is tried once more: %s", sentence);
    set_error(i, sentence && sentence[0] ? sentence : err_text(err));
    settle(i);
}

static void read_document(struct ingest *i)
{
    static const struct rag_reader_events events = {
        .text = on_text, .done = on_done, .failed = on_failed};
    const struct rag_reader *r = &i->op.rag->documents;
    enum err err =
        r->start(r->with, i->work.kind, i->work.name, i->fd, i->size, &events, i, &i->reader);
    if (err != OK)
        try_later(i->op.rag, i, read_document, err);
}

/* --- the beginning --- */

static enum err put_in_file(struct blob *bytes, int *ret_fd)
{
    int fd = memfd_create("document", MFD_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    struct str rest = blob_str(bytes);
    while (rest.n) {
        ssize_t n = write(fd, rest.p, rest.n);
        if (n <= 0) {
            enum err err = n ? err_from_errno(errno) : ERR_IO;
            close(fd);
            return err;
        }
        rest = str_sub(rest, (size_t)n, rest.n);
    }
    *ret_fd = fd;
    return OK;
}

static void take_run(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    struct rag *rag = i->op.rag;
    i->op.err = store_take(rag->writer, clock_ms() - rag->opened_ms, &i->work);
    if (i->op.err != OK)
        return;
    i->size = i->work.bytes->n;
    i->op.err = put_in_file(i->work.bytes, &i->fd);
    blob_unref(i->work.bytes); /* the file holds them now */
    i->work.bytes = nullptr;
    if (i->op.err != OK)
        i->op.err = store_put_back(rag->writer, i->work.document) == OK ? i->op.err : ERR_IO;
    op_count(&i->op);
}

static void take_done(struct lane_job *job)
{
    struct ingest *i = (struct ingest *)job;
    struct rag *rag = i->op.rag;
    enum err err = i->op.err;
    op_tell(&i->op);
    if (err == OK && !rag->closing) {
        rag->more = true;
        read_document(i);
        return;
    }
    if (err == OK)
        rag->unsettled = i->work.document;
    leave(i);
    if (err == ERR_AGAIN)
        timer_start(&rag->again, STORE_SUSPECT_MS / 4); /* a suspect waits for its time */
    else if (err != OK && err != ERR_NOTFOUND && !rag->closing)
        try_later(rag, nullptr, nullptr, err);
}

void ingest_kick(struct rag *rag)
{
    if (rag->ingest || !rag->more || rag->closing)
        return;
    struct ingest *i = mem_zero(1, sizeof *i);
    if (i) {
        i->fd = -1;
        i->text = BUF(TEXT_MAX);
        i->op.rag = rag;
        rag->ingest = i;
        rag->more = false;
    }
    enum err err = i ? op_write(rag, &i->op, take_run, take_done) : ERR_NOMEM;
    if (err == OK)
        return;
    if (i)
        leave(i);
    try_later(rag, nullptr, nullptr, err);
}

void ingest_again(struct rag *rag)
{
    struct ingest *i = rag->ingest;
    if (i && i->retry) {
        void (*retry)(struct ingest *) = i->retry;
        i->retry = nullptr;
        retry(i);
    } else {
        rag->more = true;
        ingest_kick(rag);
    }
}

void ingest_stop(struct rag *rag)
{
    struct ingest *i = rag->ingest;
    if (!i || (!i->reader && !i->retry))
        return; /* nothing to do, or the lane has it */
    if (i->reader)
        rag->documents.cancel(i->reader);
    rag->unsettled = i->work.document;
    leave(i);
}
