// SPDX-License-Identifier: Apache-2.0
/* The facade on a real loop with its lanes: documents in, passages out; with a reader that does as the
 * test says, and with everything that gets in the way. */
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

static void reader_goes(void *)
{
    struct reading r = reading;
    reading = (struct reading){};
    if (fail_with) {
        r.events->failed(r.arg, ERR_MEDIA, fail_with);
    } else {
        struct str text = buf_str(&r.text);
        r.events->text(r.arg, str_sub(text, 0, text.n / 2));
        r.events->text(r.arg, str_sub(text, text.n / 2, text.n));
        r.events->done(r.arg, str_of(r.name), S(""));
    }
    buf_finish(&r.text);
}

static enum err reader_start(void *with, const char *kind, const char *name, int fd, uint64_t size,
                             const struct rag_reader_events *events, void *arg, void **ret_handle)
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

static void reader_cancel(void *handle)
{
    assert_ptr_equal(handle, &reading);
    deferred_cancel(&reading.go);
    buf_finish(&reading.text);
    reading = (struct reading){};
    cancels++;
}

static const struct rag_reader reader = {reader_start, reader_cancel, &reading};

/* --- around each test --- */

static int begin(void **)
{
    snprintf(folder, sizeof folder, "/tmp/rag_pipeline_XXXXXX");
    if (!mkdtemp(folder) || loop_create(&loop) != OK)
        return 1;
    busy_times = readings = cancels = 0;
    hold = false;
    fail_with = nullptr;
    return rag_open(loop, folder, &reader, &rag) == OK ? 0 : 1;
}

static int finish(void **)
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

static void reopen(void)
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

static void on_accepted(void *, enum err err, const char *job_id)
{
    assert_true(loop_on_thread(loop));
    answers++;
    last_err = err;
    if (err == OK)
        memcpy(last_job, job_id, sizeof last_job);
}

static enum err try_ingest(const char *name, const char *bytes)
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

static void ingest(const char *name, const char *bytes)
{
    answers = 0;
    assert_ok(try_ingest(name, bytes));
    assert_int_equal(answers, 0); /* never from inside the call */
    until(answers == 1);
    assert_ok(last_err);
}

static uint64_t waiting(void)
{
    struct rag_stats s;
    rag_stats(rag, &s);
    return s.jobs_waiting;
}

static size_t found;
static void on_hits(void *arg, enum err err, const struct rag_hits *hits)
{
    assert_ok(err);
    answers++;
    found = hits->count;
    if (found && arg)
        snprintf(arg, 64, "%.*s", STR_FMT(hits->hit[0].text));
}

static size_t hits_for(const char *question)
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
static void on_job(void *, enum err err, const struct rag_job *j)
{
    last_err = err;
    job = *j;
    answers++;
}

static const char *job_state(void)
{
    answers = 0;
    assert_ok(rag_job(rag, S("me"), str_of(last_job), on_job, nullptr));
    until(answers == 1);
    assert_ok(last_err);
    return job.state;
}

static char first_id[RAG_ID_CHARS + 1];
static size_t listed;
static void on_list(void *, enum err err, const struct rag_listed *list, size_t count)
{
    assert_ok(err);
    listed = count;
    if (count)
        snprintf(first_id, sizeof first_id, "%.*s", STR_FMT(list[0].id));
    answers++;
}

static size_t list(void)
{
    answers = 0;
    assert_ok(rag_list(rag, S("me"), on_list, nullptr));
    until(answers == 1);
    return listed;
}

static void on_done(void *, enum err err)
{
    last_err = err;
    answers++;
}

static void delete_first(void)
{
    list();
    answers = 0;
    assert_ok(rag_delete(rag, S("me"), str_of(first_id), on_done, nullptr));
    until(answers == 1);
}

static int progress;
static void on_progress(void *)
{
    progress++;
}

static void on_words(void *arg, enum err err, struct blob *text)
{
    assert_ok(err);
    *(struct blob **)arg = blob_ref(text);
}

/* --- the tests --- */

static void from_bytes_to_hits_and_away_again(void **)
{
    progress = 0;
    rag_on_progress(rag, on_progress, nullptr);
    ingest("a.txt", "The red fox jumps over the fence.");
    until(waiting() == 0);
    assert_int_equal(progress, 1);
    assert_string_equal(job_state(), "done");
    assert_int_equal(hits_for("what does the fox jump over?"), 1);
    struct blob *words = nullptr;
    assert_ok(rag_words(rag, true, on_words, &words));
    until(words != nullptr); // NOLINT: on_words sets it, from the loop
    assert_true(str_find(blob_str(words), S("fox")) < words->n);
    blob_unref(words);
    delete_first();
    assert_ok(last_err);
    assert_int_equal(progress, 2);
    assert_int_equal(hits_for("fox"), 0);
    assert_int_equal(list(), 0);
    struct rag_stats s;
    rag_stats(rag, &s);
    assert_int_equal(s.documents + s.chunks, 0);
}

static void one_after_another_and_failures_do_not_stop_it(void **)
{
    fail_with = "the file is broken";
    ingest("broken.txt", "x");
    until(waiting() == 0);
    fail_with = nullptr;
    assert_string_equal(job_state(), "failed");
    assert_string_equal(job.error, "the file is broken");
    for (int i = 0; i < 20; i++) {
        char name[16], text[32];
        snprintf(name, sizeof name, "%d.txt", i);
        snprintf(text, sizeof text, "fox number%d", i);
        assert_ok(try_ingest(name, text));
    }
    until(readings == 21 && waiting() == 0);
    assert_int_equal(hits_for("number7"), 1);
    assert_int_equal(list(), 21);
}

static void a_question_does_not_wait_for_an_ingest(void **)
{
    ingest("small.txt", "fox");
    until(waiting() == 0);
    autobuf big = BUF(1 << 23);
    while (big.n < 2 * 1024 * 1024)
        assert_ok(buf_addf(&big, "Sentence %zu of a large document. ", big.n));
    ingest("big.txt", buf_z(&big));
    for (int i = 0; i < 20; i++)
        assert_true(hits_for("fox") >= 1);
    assert_int_equal(waiting(), 1); /* all of them were answered before it was done */
    until(waiting() == 0);
}

static void nothing_fires_after_the_end_of_a_query(void **)
{
    struct rag_query *q[10];
    answers = 0;
    for (int i = 0; i < 10; i++)
        assert_ok(rag_query(rag, S("me"), S("fox"), 5, on_hits, nullptr, &q[i]));
    for (int i = 0; i < 10; i += 2)
        rag_query_end(q[i]);
    until(answers == 5);
    hits_for("fox"); /* the lane has seen them all */
    assert_int_equal(answers, 1);
    for (int i = 1; i < 10; i += 2)
        rag_query_end(q[i]);
    rag_query_end(nullptr);
}

static void a_full_lane_says_busy_and_forgets_nothing(void **)
{
    struct rag_query *q[400];
    size_t n = 0;
    answers = 0;
    while (n < countof(q) && rag_query(rag, S("me"), S("fox"), 5, on_hits, nullptr, &q[n]) == OK)
        n++;
    assert_true(n >= 256 && n < countof(q));
    until(answers == (int)n);
    for (size_t i = 0; i < n; i++)
        rag_query_end(q[i]);
}

static void a_full_writing_lane_only_delays_the_pipeline(void **)
{
    hold = true;
    ingest("a.txt", "fox");
    until(reading.waits);
    answers = 0;
    int posted = 0;
    while (rag_delete(rag, S("me"), S("0123"), on_done, nullptr) == OK)
        posted++;
    assert_true(posted >= 250);
    assert_err(try_ingest("b.txt", "frog"), ERR_BUSY);
    reader_goes(nullptr); /* finds no room to settle */
    until(answers == posted);
    clock_fake(clock_us() + 10 * 1000 * 1000);
    until(waiting() == 0);
    assert_int_equal(hits_for("fox"), 1);
}

static void a_busy_reader_is_tried_again(void **)
{
    busy_times = 3;
    ingest("a.txt", "fox");
    for (int i = 0; i < 1000 && readings == 0; i++) {
        loop_step(loop, 10);
        clock_fake(clock_us() + 1000 * 1000);
    }
    until(waiting() == 0);
    assert_int_equal(readings, 1);
    assert_int_equal(hits_for("fox"), 1);
}

/* As on a full disk: what is written does not get there. */
static void a_store_that_cannot_write_is_waited_for(void **)
{
    struct rlimit before, none;
    struct stat st;
    char wal[128];
    hold = true;
    ingest("a.txt", "fox");
    until(reading.waits);
    snprintf(wal, sizeof wal, "%s/documents.db-wal", folder);
    assert_int_equal(stat(wal, &st), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){(rlim_t)st.st_size, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    reader_goes(nullptr);
    answers = 0;
    assert_ok(try_ingest("b.txt", "frog"));
    until(answers == 1);
    assert_int_equal(last_err, ERR_NOSPACE); /* refused, not lost */
    assert_int_equal(hits_for("fox"), 0);    /* questions are answered all the same */
    assert_int_equal(waiting(), 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    for (int i = 0; i < 100 && waiting(); i++) {
        clock_fake(clock_us() + 60 * 1000 * 1000);
        loop_step(loop, 20);
    }
    until(waiting() == 0);
    assert_int_equal(readings, 1); /* it was not read again */
    assert_int_equal(hits_for("fox"), 1);
    hold = false;
    ingest("b.txt", "frog");
    until(waiting() == 0);
    assert_int_equal(hits_for("frog"), 1);
}

static void closing_at_any_time_loses_nothing(void **)
{
    hold = true;
    ingest("a.txt", "fox");
    for (int i = 0; i < 10; i++) { /* more often than a suspect may be begun */
        until(reading.waits);
        reopen();
        assert_int_equal(cancels, i + 1);
    }
    for (int steps = 0; steps < 30; steps++) { /* at other moments, too */
        reopen();
        for (int i = 0; i < steps % 6; i++)
            loop_step(loop, 1);
    }
    until(reading.waits);
    hold = false;
    reopen();
    until(waiting() == 0);
    assert_int_equal(hits_for("fox"), 1);
}

static void closing_answers_what_was_asked(void **)
{
    struct rag_query *q, *cancelled;
    hold = true;
    ingest("a.txt", "fox");
    until(reading.waits);
    answers = 0;
    assert_ok(try_ingest("b.txt", "frog"));
    assert_ok(rag_query(rag, S("me"), S("fox"), 5, on_hits, nullptr, &q));
    assert_ok(rag_query(rag, S("me"), S("fox"), 5, on_hits, nullptr, &cancelled));
    assert_ok(rag_list(rag, S("me"), on_list, nullptr));
    assert_ok(rag_job(rag, S("me"), str_of(last_job), on_job, nullptr));
    assert_ok(rag_delete(rag, S("me"), S("none"), on_done, nullptr));
    rag_query_end(cancelled);
    rag_close(rag);
    rag = nullptr;
    assert_int_equal(answers, 5);
    rag_query_end(q); /* outlives it */
    hold = false;
    assert_ok(rag_open(loop, folder, &reader, &rag));
    until(waiting() == 0);
    assert_int_equal(hits_for("frog"), 1);
}

static void deleting_what_is_being_read_is_no_harm(void **)
{
    hold = true;
    ingest("a.txt", "fox");
    until(reading.waits);
    delete_first();
    assert_ok(last_err);
    reader_goes(nullptr);
    until(hits_for("fox") == 0 && list() == 0 && waiting() == 0);
    assert_string_equal(job_state(), "failed");
}

static void what_cannot_be_is_refused_at_once(void **)
{
    char name[RAG_NAME_MAX + 2];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    answers = 0;
    assert_err(try_ingest(name, "x"), ERR_INVALID);
    struct rag *second;
    assert_err(rag_open(loop, folder, &reader, &second), ERR_CONFLICT);
    assert_err(rag_open(loop, "/nonexistent/folder", &reader, &second), ERR_NOTFOUND);
    hits_for("fox");
    assert_int_equal(answers, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_bytes_to_hits_and_away_again),
        TEST(one_after_another_and_failures_do_not_stop_it),
        TEST(a_question_does_not_wait_for_an_ingest),
        TEST(nothing_fires_after_the_end_of_a_query),
        TEST(a_full_lane_says_busy_and_forgets_nothing),
        TEST(a_full_writing_lane_only_delays_the_pipeline),
        TEST(a_busy_reader_is_tried_again),
        TEST(a_store_that_cannot_write_is_waited_for),
        TEST(closing_at_any_time_loses_nothing),
        TEST(closing_answers_what_was_asked),
        TEST(deleting_what_is_being_read_is_no_harm),
        TEST(what_cannot_be_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("rag/pipeline", tests, nullptr, nullptr);
}
