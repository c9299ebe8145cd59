// SPDX-License-Identifier: Apache-2.0
/* What was accepted is not lost: not by closing, not by deleting, not when memory is short. */
#include "alloc_fault.h"
#include "rag_pipeline.h"

/* A document that was accepted is not given up because the server had no room for its text just then. */
static void short_memory_costs_no_document(void **)
{
    hold = true;
    ingest("a.txt", "The red fox jumps.");
    until(reading.waits);
    hold = false;
    alloc_fault_arm(0);
    reader_goes(nullptr);
    assert_true(alloc_fault_disarm());
    until(waiting() == 0);
    assert_int_equal(readings, 2);
    assert_string_equal(job_state(), "done");
    assert_true(hits_for("fox") > 0);
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
    assert_ok(rag_list(rag, S("me"), (struct rag_part){S(""), RAG_LIST_MAX}, on_list, nullptr));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(closing_at_any_time_loses_nothing),
        TEST(closing_answers_what_was_asked),
        TEST(deleting_what_is_being_read_is_no_harm),
        TEST(short_memory_costs_no_document),
    };
    return cmocka_run_group_tests_name("rag/loss", tests, nullptr, nullptr);
}
