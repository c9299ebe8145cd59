// SPDX-License-Identifier: Apache-2.0
/* Documents in, passages out, with everything that gets in the way. */
#include "rag_pipeline.h"

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
    assert_string_equal(first_note, "2 hidden parts left out");
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
    hold = true;
    ingest("a.txt", "fox");
    until(reading.waits);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){1, before.rlim_max};
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
        TEST(what_cannot_be_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("rag/pipeline", tests, nullptr, nullptr);
}
