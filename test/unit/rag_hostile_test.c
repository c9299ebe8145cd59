// SPDX-License-Identifier: Apache-2.0
/* What hostile questions, documents and files do to the store: nothing. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "rag_store.h"

/* --- hostile things --- */

static void hostile_questions_are_just_words(void **)
{
    add("me", "a.txt", "A quotation mark. NEAR the fox. A star* is born. heading: text, owner.");
    static const char *const questions[] = {"\"",
                                            "'",
                                            "\"\"\"",
                                            "fox\" OR \"x",
                                            "NEAR(fox star)",
                                            "NEAR/2",
                                            "fox*",
                                            "^fox",
                                            "fox AND",
                                            "OR",
                                            "NOT fox",
                                            "heading:fox",
                                            "{heading text}:fox",
                                            "-fox",
                                            "(fox",
                                            "fox)",
                                            "*",
                                            ":",
                                            "+",
                                            "; DROP TABLE documents; --",
                                            "%",
                                            "_",
                                            "\\",
                                            "fox\r\nfox",
                                            "\xff\xfe fox",
                                            "\xc3(",
                                            "f\xccox",
                                            "fox \xf0\x9f\xa6\x8a"};
    for (size_t i = 0; i < countof(questions); i++) {
        struct found f = find("me", str_of(questions[i]));
        if (str_find(str_of(questions[i]), S("fox")) < strlen(questions[i]) &&
            questions[i][0] != 'f')
            assert_int_equal(f.hits.count, 1);
        arena_destroy(f.arena);
    }
    struct found f = find("me", (struct str){"fox\0\0\"star", 10});
    assert_int_equal(f.hits.terms.count, 2);
    assert_int_equal(f.hits.count, 1);
    arena_destroy(f.arena);
    autobuf text = BUF(64 * 1024);
    while (text.n < 10000)
        assert_ok(buf_addf(&text, "w%zu\"", text.n));
    f = find("me", buf_str(&text));
    assert_int_equal(f.hits.count, 0);
    arena_destroy(f.arena);
    buf_clear(&text);
    while (text.n < 10000)
        assert_ok(buf_add_byte(&text, 'x'));
    f = find("me", buf_str(&text));
    arena_destroy(f.arena);
    assert_int_equal(hits("me", "fox"), 1);
}

static void hostile_documents_are_just_text(void **)
{
    char name[RAG_NAME_MAX + 1] = {};
    memset(name, 'n', RAG_NAME_MAX);
    add("me", name, "../../etc/passwd '; DROP TABLE chunks; --");
    assert_int_equal(hits("me", "passwd"), 1);
    struct rag_document d = {.name = S("a\0b"),
                             .source = S("s"),
                             .kind = S("text"),
                             .bytes = blob_create((struct str){"fox\0frog \xff", 10})};
    assert_ok(store_accept(store, S("me"), &d, 1, job));
    blob_unref(d.bytes);
    assert_ok(work());
    struct found f = find("me", S("frog"));
    assert_int_equal(f.hits.count, 1);
    assert_int_equal(f.hits.hit[0].text.n, 10);
    arena_destroy(f.arena);
    add("me", "empty.txt", "");
    assert_int_equal(job_now("me").chunks, 0);
    assert_string_equal(job_now("me").state, "done");
    autobuf big = BUF(1 << 20);
    while (big.n < 512 * 1024)
        assert_ok(buf_addf(&big, "Sentence %zu of a large document. ", big.n));
    assert_ok(buf_add(&big, S("The needle is here.")));
    add("me", "big.txt", buf_z(&big));
    assert_int_equal(hits("me", "needle"), 1);
    assert_true(job_now("me").chunks > 900);
}

static void k_is_kept_and_copies_are_left_out(void **)
{
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.txt", i);
        add("me", name, i < 5 ? "The very same fox." : name);
    }
    assert_int_equal(hits("me", "fox"), 1);
    assert_int_equal(hits("me", "txt"), 5);
    struct arena *arena = arena_create(1024 * 1024);
    struct terms terms;
    struct rag_hits found;
    terms_of(S("txt"), &terms);
    assert_ok(store_search(store, S("me"), &terms, 0, arena, &found));
    assert_int_equal(found.count, 0);
    assert_ok(store_search(store, S("me"), &terms, UINT32_MAX, arena, &found));
    assert_int_equal(found.count, 6);
    arena_destroy(arena);
}

/* --- the file --- */

static void a_reader_sees_what_is_committed(void **)
{
    struct store *reader;
    add("me", "a.txt", "fox");
    assert_ok(store_open_reader(path, &reader));
    add("me", "b.txt", "another fox");
    struct store *writer = store;
    store = reader;
    assert_int_equal(hits("me", "fox"), 2);
    struct rag_document d = {
        .name = S("x"), .source = S("x"), .kind = S("text"), .bytes = blob_create(S("x"))};
    assert_int_not_equal(store_accept(store, S("me"), &d, 1, job), OK);
    blob_unref(d.bytes);
    store = writer;
    store_close(reader);
}

static void there_is_one_writer(void **)
{
    struct store *second;
    assert_err(store_open(path, &second), ERR_CONFLICT);
    add("me", "a.txt", "fox");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0077, 0); /* nobody else may read documents */
}

static void replace_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void a_damaged_or_newer_file_is_refused(void **)
{
    store_close(store);
    store = nullptr;
    char junk[8192];
    memset(junk, 'j', sizeof junk);
    replace_file(junk, sizeof junk);
    assert_err(store_open(path, &store), ERR_IO);
    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA user_version = 99; CREATE TABLE t(x)", nullptr, nullptr, nullptr),
        SQLITE_OK);
    sqlite3_close(db);
    assert_err(store_open(path, &store), ERR_UNSUPPORTED);
    unlink(path);
    assert_ok(store_open(path, &store));
}

/* What an older version indexed is read anew, and found until then. */
static void an_older_file_is_read_anew(void **)
{
    add("me", "a.txt", "The made-up fox.");
    store_close(store);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "ALTER TABLE documents DROP COLUMN note;"
                     "UPDATE words SET text = 'the made up fox'; PRAGMA user_version = 1",
                     nullptr, nullptr, nullptr),
        SQLITE_OK);
    sqlite3_close(db);
    assert_ok(store_open(path, &store));
    assert_int_equal(hits("me", "fox"), 1);
    assert_int_equal(hits("me", "madeup"), 0);
    list("me");
    assert_string_equal(listed_state, "queued");
    assert_ok(work());
    assert_int_equal(hits("me", "madeup"), 1);
    assert_int_equal(hits("me", "fox"), 1); /* its passages are not there twice */
    assert_int_equal(job_now("me").finished, 1);
    reopen();
    assert_err(work(), ERR_NOTFOUND);
}

/* A file that somebody else made may hold views and triggers; they must do nothing. */
static void a_crafted_schema_has_no_effect(void **)
{
    add("me", "a.txt", "fox");
    store_close(store);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER evil AFTER INSERT ON documents BEGIN"
                                  " DELETE FROM chunks; END;",
                                  nullptr, nullptr, nullptr),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_ok(store_open(path, &store));
    add("me", "b.txt", "frog");
    assert_int_equal(hits("me", "fox"), 1);
}

static void words_of_all_documents_are_given_up_to_a_cap(void **)
{
    add("me", "a.txt", "# Heading\n\nfox");
    add("you", "b.txt", "frog");
    add("", "c.txt", "newt");
    autobuf shared = BUF(1000);
    assert_ok(store_words(store, false, &shared));
    assert_int_equal(str_find(buf_str(&shared), S("fox")), shared.n);
    assert_true(str_find(buf_str(&shared), S("newt")) < shared.n);
    autobuf text = BUF(1000);
    assert_ok(store_words(store, true, &text));
    assert_true(str_find(buf_str(&text), S("fox")) < text.n);
    assert_true(str_find(buf_str(&text), S("frog")) < text.n);
    autobuf small = BUF(30);
    assert_ok(store_words(store, true, &small));
    assert_true(small.n > 0 && small.n <= 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hostile_questions_are_just_words),
        TEST(hostile_documents_are_just_text),
        TEST(k_is_kept_and_copies_are_left_out),
        TEST(a_reader_sees_what_is_committed),
        TEST(there_is_one_writer),
        TEST(a_damaged_or_newer_file_is_refused),
        TEST(an_older_file_is_read_anew),
        TEST(a_crafted_schema_has_no_effect),
        TEST(words_of_all_documents_are_given_up_to_a_cap),
    };
    return cmocka_run_group_tests_name("rag/hostile", tests, nullptr, nullptr);
}
