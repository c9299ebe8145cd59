// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of the store fails in turn, ours and SQLite's: the call says so or does its work,
 * nothing is leaked, nothing is half done, and the next call works.
 */
#include <sqlite3.h>

#include "own_fault.h"
#include "rag_store.h"
#include "server/rag/quote.h"

static sqlite3_mem_methods real_memory;

static void *sqlite_malloc(int size)
{
    return own_fault_is_due() ? nullptr : real_memory.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size)
{
    return own_fault_is_due() ? nullptr : real_memory.xRealloc(p, size);
}

static int set_up_memory(void **)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK)
        return 1;
    sqlite3_mem_methods memory = real_memory;
    memory.xMalloc = sqlite_malloc;
    memory.xRealloc = sqlite_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
}

/* Runs `action` with the first, the second, … allocation failing, until none is left to fail. */
static unsigned with_every_failure(enum err (*action)(void))
{
    unsigned n = 0, refused = 0;
    bool failed;
    do {
        own_fault_arm(++n);
        enum err err = action();
        failed = own_fault_disarm();
        assert_true(err == OK || err == ERR_NOMEM);
        refused += err != OK;
        assert_true(n < 20000);
    } while (failed);
    assert_true(refused > 0);
    return n;
}

static enum err ask(void)
{
    struct terms terms;
    struct rag_hits found = {};
    struct quote quote;
    struct arena *arena = arena_create(1024 * 1024);
    if (!arena)
        return ERR_NOMEM;
    terms_of(S("Why do cats purr and sleep?"), &terms);
    quote_init(&quote);
    enum err err = store_search(store, S("me"), &terms, 5, arena, &found);
    if (err == OK)
        err = quote_answer(&quote, &found);
    if (err == OK) {
        assert_int_equal(found.count, 1);
        assert_str(buf_str(&quote.text), "Cats purr when they are content. They sleep a lot.");
    }
    quote_finish(&quote);
    arena_destroy(arena);
    return err;
}

static void a_question(void **)
{
    add("me", "cats.txt", "Cats purr when they are content. They sleep a lot.");
    with_every_failure(ask);
    assert_ok(ask());
}

static struct blob *bytes;

static enum err accept(void)
{
    struct rag_document d = {.name = S("n"), .source = S("n"), .kind = S("text"), .bytes = bytes};
    return store_accept(store, S("me"), &d, 1, job);
}

static void accepting(void **)
{
    bytes = blob_create(S("fox"));
    with_every_failure(accept);
    blob_unref(bytes);
    assert_int_equal(list("me"), 1); /* it was stored once, whatever was tried */
    assert_ok(work());
    assert_int_equal(hits("me", "fox"), 1);
}

/* Allocations that fail cost no attempt that the document could be blamed for. */
static enum err take_and_complete(void)
{
    struct store_work w;
    enum err err = store_take(store, 0, &w);
    if (err == ERR_NOTFOUND)
        return OK;
    if (err != OK)
        return err;
    err = complete_with(w.document, S("title"), blob_str(w.bytes));
    int64_t document = w.document;
    store_work_finish(&w);
    if (err != OK) {
        unsigned due = own_fault_pause();
        assert_ok(store_put_back(store, document));
        own_fault_go_on(due);
    }
    return err;
}

static void completing(void **)
{
    accept_for("me", "a.txt", "The red fox. # It is red.");
    with_every_failure(take_and_complete);
    assert_ok(take_and_complete());
    assert_int_equal(hits("me", "fox"), 1);
    assert_string_equal(job_now("me").state, "done");
}

static enum err delete(void)
{
    enum err err = store_delete(store, S("me"), str_of(listed_id));
    return err == ERR_NOTFOUND ? OK : err;
}

static void deleting(void **)
{
    add("me", "a.txt", "fox");
    list("me");
    with_every_failure(delete);
    assert_int_equal(list("me"), 0);
    assert_int_equal(hits("me", "fox"), 0);
}

static enum err look(void)
{
    struct rag_job j;
    struct rag_stats stats;
    struct store_list all = {};
    const struct rag_part part = {S(""), RAG_LIST_MAX};
    autobuf text = BUF(1000);
    struct arena *arena = arena_create(1024 * 1024);
    enum err err = arena ? store_list(store, S("me"), part, arena, &all) : ERR_NOMEM;
    free(all.rows);
    arena_destroy(arena);
    try(err);
    try(store_job(store, S("me"), str_of(job), &j));
    try(store_words(store, true, &text));
    return store_stats(store, &stats);
}

static void looking(void **)
{
    add("me", "a.txt", "fox");
    with_every_failure(look);
}

static enum err open_and_close(void)
{
    struct store *s;
    try(store_open(path, &s));
    store_close(s);
    return OK;
}

static void opening(void **)
{
    add("me", "a.txt", "fox");
    store_close(store);
    store = nullptr;
    with_every_failure(open_and_close);
    assert_ok(store_open(path, &store));
    assert_int_equal(hits("me", "fox"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_question), TEST(accepting), TEST(completing),
        TEST(deleting),   TEST(looking),   TEST(opening),
    };
    return cmocka_run_group_tests_name("rag/nomem", tests, set_up_memory, nullptr);
}
