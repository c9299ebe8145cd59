// SPDX-License-Identifier: Apache-2.0
/* A facade on a real loop with its lanes, in a folder of its own for each test; a reader that does as the
 * test says; and short words for what is asked. */
#pragma once

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/loop/loop.h"
#include "server/rag/rag.h"
#include "unit.h"

static struct loop *loop;
static struct rag *rag;
static char folder[64];

/* --- a reader --- */

static struct reading {
    const struct rag_reader_events *events;
    void *arg;
    struct buf text;
    char name[64];
    struct deferred go;
    bool waits; /* for the test to let it go on */
} reading;
static int busy_times, readings, cancels;
static bool hold;
static const char *fail_with;

static inline void reader_goes(void *)
{
    struct reading r = reading;
    reading = (struct reading){};
    if (fail_with) {
        r.events->failed(r.arg, ERR_MEDIA, fail_with);
    } else {
        struct str text = buf_str(&r.text);
        r.events->text(r.arg, str_sub(text, 0, text.n / 2));
        r.events->text(r.arg, str_sub(text, text.n / 2, text.n));
        r.events->done(r.arg, str_of(r.name), S("2 hidden parts left out"));
    }
    buf_finish(&r.text);
}

static inline enum err reader_start(void *with, const char *kind, const char *name, int fd,
                                    uint64_t size, const struct rag_reader_events *events,
                                    void *arg, void **ret_handle)
{
    assert_ptr_equal(with, &reading);
    assert_string_equal(kind, "text");
    if (busy_times > 0) {
        busy_times--;
        return ERR_BUSY;
    }
    reading = (struct reading){.events = events, .arg = arg, .text = BUF(1 << 24), .waits = hold};
    snprintf(reading.name, sizeof reading.name, "%s", name);
    assert_ok(buf_reserve(&reading.text, size));
    assert_int_equal(pread(fd, reading.text.p, size, 0), size);
    reading.text.n = size;
    deferred_init(&reading.go, loop, reader_goes, nullptr);
    if (!hold)
        deferred_call(&reading.go);
    readings++;
    *ret_handle = &reading;
    return OK;
}

static inline void reader_cancel(void *handle)
{
    assert_ptr_equal(handle, &reading);
    deferred_cancel(&reading.go);
    buf_finish(&reading.text);
    reading = (struct reading){};
    cancels++;
}

static const struct rag_reader reader = {reader_start, reader_cancel, &reading};

/* --- around each test --- */

static inline int begin(void **)
{
    snprintf(folder, sizeof folder, "/tmp/rag_pipeline_XXXXXX");
    if (!mkdtemp(folder) || loop_create(&loop) != OK)
        return 1;
    busy_times = readings = cancels = 0;
    hold = false;
    fail_with = nullptr;
    return rag_open(loop, folder, &reader, &rag) == OK ? 0 : 1;
}

static inline int finish(void **)
{
    rag_close(rag);
    rag = nullptr;
    loop_destroy(loop);
    clock_fake(UINT64_MAX);
    static const char *const names[] = {"", ".lock", "-wal", "-shm"};
    for (size_t i = 0; i < countof(names); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/documents.db%s", folder, names[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static inline void reopen(void)
{
    rag_close(rag);
    rag = nullptr;
    assert_ok(rag_open(loop, folder, &reader, &rag));
}

/* Steps until it is so; the lanes are real threads, so the loop waits for them. */
#define until(condition)                                                                           \
    do {                                                                                           \
        for (int steps_ = 0; !(condition); steps_++) {                                             \
            assert_true(steps_ < 3000);                                                            \
            loop_step(loop, 20);                                                                  \
        }                                                                                          \
    } while (0)

/* --- asking --- */

static int answers;
static enum err last_err;
static char last_job[RAG_ID_CHARS + 1];

static inline void on_accepted(void *, enum err err, const char *job_id)
{
    assert_true(loop_on_thread(loop));
    answers++;
    last_err = err;
    if (err == OK)
        memcpy(last_job, job_id, sizeof last_job);
}

static inline enum err try_ingest(const char *name, const char *bytes)
{
    struct rag_document d = {.name = str_of(name),
                             .source = str_of(name),
                             .kind = S("text"),
                             .bytes = blob_create(str_of(bytes))};
    assert_non_null(d.bytes);
    enum err err = rag_ingest(rag, S("me"), &d, 1, on_accepted, nullptr);
    blob_unref(d.bytes);
    return err;
}

static inline void ingest(const char *name, const char *bytes)
{
    answers = 0;
    assert_ok(try_ingest(name, bytes));
    assert_int_equal(answers, 0); /* never from inside the call */
    until(answers == 1);
    assert_ok(last_err);
}

static inline uint64_t waiting(void)
{
    struct rag_stats s;
    rag_stats(rag, &s);
    return s.jobs_waiting;
}

static size_t found;
static inline void on_hits(void *arg, enum err err, const struct rag_hits *hits)
{
    assert_ok(err);
    answers++;
    found = hits->count;
    if (found && arg)
        snprintf(arg, 64, "%.*s", STR_FMT(hits->hit[0].text));
}

static inline size_t hits_for(const char *question)
{
    struct rag_query *q;
    answers = 0;
    assert_ok(rag_query(rag, S("me"), str_of(question), 5, on_hits, nullptr, &q));
    assert_int_equal(answers, 0);
    until(answers == 1);
    rag_query_end(q);
    return found;
}

static struct rag_job job;
static inline void on_job(void *, enum err err, const struct rag_job *j)
{
    last_err = err;
    job = *j;
    answers++;
}

static inline const char *job_state(void)
{
    answers = 0;
    assert_ok(rag_job(rag, S("me"), str_of(last_job), on_job, nullptr));
    until(answers == 1);
    assert_ok(last_err);
    return job.state;
}

static char first_id[RAG_ID_CHARS + 1];
static size_t listed;
static char first_note[64];
static inline void on_list(void *, enum err err, const struct rag_listed *list, size_t count, bool)
{
    assert_ok(err);
    listed = count;
    if (count)
        snprintf(first_id, sizeof first_id, "%.*s", STR_FMT(list[0].id));
    if (count)
        snprintf(first_note, sizeof first_note, "%.*s", STR_FMT(list[0].note));
    answers++;
}

static inline size_t list(void)
{
    answers = 0;
    assert_ok(rag_list(rag, S("me"), (struct rag_part){S(""), RAG_LIST_MAX}, on_list, nullptr));
    until(answers == 1);
    return listed;
}

static inline void on_done(void *, enum err err)
{
    last_err = err;
    answers++;
}

static inline void delete_first(void)
{
    list();
    answers = 0;
    assert_ok(rag_delete(rag, S("me"), str_of(first_id), on_done, nullptr));
    until(answers == 1);
}

static int progress;
static inline void on_progress(void *)
{
    progress++;
}

static inline void on_words(void *arg, enum err err, struct blob *text)
{
    assert_ok(err);
    *(struct blob **)arg = blob_ref(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
