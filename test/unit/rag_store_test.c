// SPDX-License-Identifier: Apache-2.0
/* The store: documents on their way through the queue, versions, owners, being killed. */
#include "rag_store.h"

/* --- the way of a document --- */

static void a_document_is_found_when_it_is_completed(void **)
{
    accept_for("me", "cats.txt", "Cats purr when they are content. They sleep a lot.");
    assert_string_equal(job_now("me").state, "queued");
    assert_int_equal(hits("me", "why do cats purr?"), 0);
    struct store_work w;
    assert_ok(store_take(store, 0, &w));
    assert_string_equal(w.name, "cats.txt");
    assert_string_equal(w.kind, "text");
    assert_string_equal(job_now("me").state, "running");
    assert_ok(complete_with(w.document, S("About cats"), blob_str(w.bytes)));
    store_work_finish(&w);
    struct rag_job j = job_now("me");
    assert_string_equal(j.state, "done");
    assert_int_equal(j.documents, 1);
    assert_int_equal(j.chunks, 1);
    struct found f = find("me", S("why do cats purr?"));
    assert_int_equal(f.hits.count, 1);
    assert_true(f.hits.fits && f.hits.hit[0].score > 0.5);
    assert_str(f.hits.hit[0].title, "About cats");
    assert_str(f.hits.hit[0].source, "cats.txt");
    assert_str(f.hits.hit[0].text, "Cats purr when they are content. They sleep a lot.");
    arena_destroy(f.arena);
    assert_err(store_take(store, 0, &w), ERR_NOTFOUND);
    struct rag_stats stats;
    assert_ok(store_stats(store, &stats));
    assert_int_equal(stats.documents, 1);
    assert_int_equal(stats.chunks, 1);
    assert_int_equal(stats.jobs_waiting, 0);
}

static void the_same_again_is_skipped_and_a_new_version_replaces(void **)
{
    add("me", "a.txt", "The red fox.");
    accept_for("me", "a.txt", "The red fox.");
    assert_int_equal(job_now("me").skipped, 1);
    assert_string_equal(job_now("me").state, "done");
    accept_for("me", "a.txt", "The green frog.");
    assert_int_equal(hits("me", "fox"), 1); /* the old one until the new one is ready */
    assert_ok(work());
    assert_int_equal(hits("me", "fox"), 0);
    assert_int_equal(hits("me", "frog"), 1);
    assert_int_equal(list("me"), 1);
}

/* The version that was accepted last is the one that stays, in whatever order they are finished. */
static void the_last_version_wins(void **)
{
    add("me", "a.txt", "first fox");
    accept_for("me", "a.txt", "second frog");
    accept_for("me", "a.txt", "first fox"); /* as it was, but not as it is now */
    assert_int_equal(job_now("me").skipped, 0);
    assert_ok(work());
    assert_ok(work());
    assert_int_equal(hits("me", "fox"), 1);
    assert_int_equal(hits("me", "frog"), 0);
    accept_for("me", "b.txt", "older owl");
    struct store_work older;
    assert_ok(store_take(store, 0, &older));
    add("me", "b.txt", "newer newt");
    assert_ok(complete_with(older.document, S("b"), blob_str(older.bytes)));
    store_work_finish(&older);
    assert_int_equal(hits("me", "owl"), 0);
    assert_int_equal(hits("me", "newt"), 1);
    assert_int_equal(list("me"), 2);
}

static void a_failure_is_told_and_the_old_version_stays(void **)
{
    add("me", "a.txt", "The red fox.");
    accept_for("me", "a.txt", "unreadable");
    struct store_work w;
    assert_ok(store_take(store, 0, &w));
    assert_ok(store_fail(store, w.document, S("it cannot be read")));
    store_work_finish(&w);
    struct rag_job j = job_now("me");
    assert_string_equal(j.state, "failed");
    assert_string_equal(j.error, "it cannot be read");
    assert_int_equal(hits("me", "fox"), 1);
    assert_int_equal(list("me"), 2);
    assert_string_equal(listed_state, "failed");
    accept_for("me", "a.txt", "unreadable"); /* may be tried again */
    assert_int_equal(job_now("me").skipped, 0);
    assert_ok(work());
    assert_int_equal(list("me"), 1);
}

static void a_job_counts_all_its_documents(void **)
{
    struct rag_document d[3];
    static const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++)
        d[i] = (struct rag_document){.name = str_of(names[i]),
                                     .source = str_of(names[i]),
                                     .kind = S("text"),
                                     .bytes = blob_create(str_of(names[i]))};
    assert_ok(store_accept(store, S("me"), d, 3, job));
    for (int i = 0; i < 3; i++)
        blob_unref(d[i].bytes);
    assert_ok(work());
    assert_string_equal(job_now("me").state, "running");
    struct store_work w;
    assert_ok(store_take(store, 0, &w));
    assert_ok(store_fail(store, w.document, S("no")));
    store_work_finish(&w);
    list("me");
    assert_ok(store_delete(store, S("me"), str_of(listed_id))); /* c, which still waits */
    struct rag_job j = job_now("me");
    assert_string_equal(j.state, "done");
    assert_int_equal(j.documents, 3);
    assert_int_equal(j.failed, 2);
    assert_string_equal(j.error, "no");
}

static void owners_do_not_see_each_other(void **)
{
    add("ann", "a.txt", "Ann keeps an aardvark.");
    char anns_job[RAG_ID_CHARS + 1];
    memcpy(anns_job, job, sizeof job);
    add("", "manual.txt", "The manual mentions a manatee.");
    add("bob", "a.txt", "Bob keeps a badger.");
    assert_int_equal(hits("ann", "aardvark"), 1);
    assert_int_equal(hits("bob", "aardvark"), 0);
    assert_int_equal(hits("bob", "manatee"), 1);
    assert_int_equal(hits("", "badger"), 0);
    assert_int_equal(list("ann"), 2);
    struct rag_job j;
    assert_err(store_job(store, S("bob"), str_of(anns_job), &j), ERR_NOTFOUND);
    list("bob"); /* the last one is bob's */
    assert_err(store_delete(store, S("ann"), str_of(listed_id)), ERR_NOTFOUND);
    assert_int_equal(hits("bob", "badger"), 1);
    /* The names of owners are not part of what is searched, nor can a question break out. */
    static const char *const tricks[] = {"o616e6e", "owner", "o", "\") OR owner : (\"o616e6e"};
    for (size_t i = 0; i < countof(tricks); i++)
        assert_int_equal(hits("bob", tricks[i]), 0);
    /* How rare a word is among ann's documents is nothing that bob's scores tell. */
    struct found before = find("bob", S("badger keeps aardvark"));
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.txt", i);
        add("ann", name, "aardvark");
    }
    struct found after = find("bob", S("badger keeps aardvark"));
    assert_true(before.hits.hit[0].score == after.hits.hit[0].score);
    arena_destroy(before.arena);
    arena_destroy(after.arena);
}

static void a_deleted_document_is_gone_from_the_file_too(void **)
{
    add("me", "a.txt", "The secret word is xylophoneghost.");
    add("me", "b.txt", "Another one.");
    list("me");
    add("me", "c.txt", "xylophoneghost too");
    list("me");
    assert_ok(store_delete(store, S("me"), str_of(listed_id)));
    assert_int_equal(hits("me", "xylophoneghost"), 1);
    list("me"); /* b */
    assert_ok(store_delete(store, S("me"), str_of(listed_id)));
    list("me"); /* a */
    assert_ok(store_delete(store, S("me"), str_of(listed_id)));
    assert_err(store_delete(store, S("me"), str_of(listed_id)), ERR_NOTFOUND);
    assert_int_equal(list("me"), 0);
    store_close(store); /* folds the journal into the file */
    autobuf file = BUF(64 * 1024 * 1024);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        assert_ok(buf_add(&file, (struct str){piece, n}));
    fclose(f);
    assert_int_equal(str_find(buf_str(&file), S("xylophone")), file.n);
    assert_ok(store_open(path, &store));
}

static void a_document_deleted_while_it_is_read_stays_deleted(void **)
{
    accept_for("me", "a.txt", "fox");
    struct store_work w;
    assert_ok(store_take(store, 0, &w));
    list("me");
    assert_ok(store_delete(store, S("me"), str_of(listed_id)));
    assert_ok(complete_with(w.document, S("t"), blob_str(w.bytes)));
    assert_ok(store_fail(store, w.document, S("too late")));
    assert_ok(store_put_back(store, w.document));
    store_work_finish(&w);
    assert_int_equal(hits("me", "fox"), 0);
    assert_int_equal(list("me"), 0);
}

/* --- being killed --- */

static void what_was_begun_is_taken_up_again(void **)
{
    accept_for("me", "a.txt", "fox");
    accept_for("me", "b.txt", "frog");
    struct store_work w;
    assert_ok(store_take(store, 0, &w));
    store_work_finish(&w);
    reopen();
    assert_string_equal(job_now("me").state, "queued");
    assert_ok(work());
    assert_ok(work());
    assert_int_equal(hits("me", "fox"), 1);
    assert_int_equal(hits("me", "frog"), 1);
}

static void a_document_that_kills_waits_behind_the_others_and_is_given_up(void **)
{
    accept_for("me", "killer.txt", "killer");
    struct store_work w;
    for (int i = 0; i < STORE_ATTEMPTS_TRUSTED; i++) {
        assert_ok(store_take(store, 0, &w));
        assert_string_equal(w.name, "killer.txt");
        store_work_finish(&w);
        reopen();
    }
    accept_for("me", "good.txt", "good");
    assert_ok(store_take(store, 1000000, &w)); /* an honest one goes first */
    assert_string_equal(w.name, "good.txt");
    assert_ok(complete_with(w.document, S("good"), S("good")));
    store_work_finish(&w);
    uint64_t wait_ms = STORE_SUSPECT_MS;
    for (int i = STORE_ATTEMPTS_TRUSTED; i < STORE_ATTEMPTS_MAX; i++) {
        assert_err(store_take(store, wait_ms - 1, &w), ERR_AGAIN);
        assert_ok(store_take(store, wait_ms, &w));
        assert_string_equal(w.name, "killer.txt");
        store_work_finish(&w);
        reopen();
        wait_ms *= 2;
    }
    assert_err(store_take(store, 1000000, &w), ERR_NOTFOUND);
    list("me");
    assert_int_equal(hits("me", "killer"), 0);
    struct rag_stats stats;
    assert_ok(store_stats(store, &stats));
    assert_int_equal(stats.jobs_waiting, 0);
}

static void putting_back_costs_no_attempt(void **)
{
    accept_for("me", "a.txt", "fox");
    for (int i = 0; i < 20; i++) {
        struct store_work w;
        assert_ok(store_take(store, 0, &w));
        assert_ok(store_put_back(store, w.document));
        store_work_finish(&w);
        reopen();
    }
    assert_ok(work());
    assert_int_equal(hits("me", "fox"), 1);
}

static void what_is_everybodys_goes_first(void **)
{
    struct rag_stats stats;
    accept_for("me", "a.txt", "fox");
    accept_for("", "b.txt", "frog");
    assert_ok(store_stats(store, &stats));
    assert_int_equal(stats.jobs_waiting, 2);
    assert_int_equal(stats.shared_waiting, 1);
    assert_ok(work());
    assert_int_equal(hits("me", "frog"), 1);
    assert_int_equal(hits("me", "fox"), 0);
    assert_ok(store_stats(store, &stats));
    assert_int_equal(stats.jobs_waiting, 1);
    assert_int_equal(stats.shared_waiting, 0);
    assert_ok(work());
}

static void folders_say_nothing_about_a_document(void **)
{
    struct store_work w;
    accept_for("me", "/home/anna/documents/garden-plan.txt", "The roses stand at the wall.");
    assert_ok(store_take(store, 0, &w));
    assert_ok(complete_with(w.document, S("Roses"), blob_str(w.bytes)));
    store_work_finish(&w);
    for (int i = 0; i < 30; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.txt", i);
        add("me", name, "Filler without a point.");
    }
    assert_int_equal(hits("me", "anna"), 0);
    assert_int_equal(hits("me", "garden plan"), 1);
    struct found f = find("me", S("What does Anna do at home with her documents?"));
    assert_false(f.hits.fits);
    arena_destroy(f.arena);
}

static void of_failures_the_last_stays(void **)
{
    struct store_work w;
    add("me", "a.txt", "fox");
    for (int i = 0; i < 3; i++) {
        accept_for("me", "a.txt", i % 2 ? "broken" : "torn");
        assert_ok(store_take(store, 0, &w));
        assert_ok(store_fail(store, w.document, S("it is broken")));
        store_work_finish(&w);
        assert_int_equal(list("me"), 2);
        assert_string_equal(listed_state, "failed");
        assert_int_equal(job_now("me").failed, 1);
    }
    assert_int_equal(hits("me", "fox"), 1); /* what was there before it is used on */
    add("me", "a.txt", "frog");
    assert_int_equal(list("me"), 1);
}

static size_t part_of(const char *owner, const char *after, uint32_t limit, bool *ret_more)
{
    struct arena *arena = arena_create(1024 * 1024);
    struct store_list part = {};
    assert_non_null(arena);
    assert_ok(
        store_list(store, str_of(owner), (struct rag_part){str_of(after), limit}, arena, &part));
    for (size_t i = 0; i < part.count; i++)
        snprintf(listed_id, sizeof listed_id, "%.*s", STR_FMT(part.rows[i].id));
    *ret_more = part.more;
    free(part.rows);
    arena_destroy(arena);
    return part.count;
}

static void a_list_comes_in_parts(void **)
{
    char last[RAG_ID_CHARS + 1] = "";
    bool more;
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.txt", i);
        add(i % 2 ? "" : "ann", name, name);
        add("bob", name, name);
    }
    assert_int_equal(part_of("ann", "", 2, &more), 2);
    assert_true(more);
    memcpy(last, listed_id, sizeof last);
    assert_int_equal(part_of("ann", last, 2, &more), 2);
    assert_true(more);
    memcpy(last, listed_id, sizeof last);
    assert_int_equal(part_of("ann", last, 2, &more), 1);
    assert_false(more);
    assert_int_equal(part_of("ann", "", 5, &more), 5);
    assert_false(more);
    list("bob"); /* whose last one is no place in ann's list */
    struct arena *arena = arena_create(1024 * 1024);
    struct store_list none;
    assert_err(store_list(store, S("ann"), (struct rag_part){str_of(listed_id), 2}, arena, &none),
               ERR_NOTFOUND);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folders_say_nothing_about_a_document),
        TEST(of_failures_the_last_stays),
        TEST(a_list_comes_in_parts),
        TEST(a_document_is_found_when_it_is_completed),
        TEST(the_same_again_is_skipped_and_a_new_version_replaces),
        TEST(the_last_version_wins),
        TEST(a_failure_is_told_and_the_old_version_stays),
        TEST(a_job_counts_all_its_documents),
        TEST(owners_do_not_see_each_other),
        TEST(a_deleted_document_is_gone_from_the_file_too),
        TEST(a_document_deleted_while_it_is_read_stays_deleted),
        TEST(what_was_begun_is_taken_up_again),
        TEST(a_document_that_kills_waits_behind_the_others_and_is_given_up),
        TEST(putting_back_costs_no_attempt),
        TEST(what_is_everybodys_goes_first),
    };
    return cmocka_run_group_tests_name("rag/store", tests, nullptr, nullptr);
}
