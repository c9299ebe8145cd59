// SPDX-License-Identifier: Apache-2.0
/*
 * Retrieval and quoting judged by the manual: the pages of docs/ as a user's files, test/data/questions.txt as
 * questions that were written without looking at the words of the pages. RAG_PRINT=1 shows the answers.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "read/document.h"
#include "read_file.h"
#include "server/rag/quote.h"
#include "server/rag/store.h"
#include "unit.h"

enum { QUESTIONS_MAX = 100, K = 5 };
struct question {
    struct str text, page;
};
struct questions {
    struct question q[QUESTIONS_MAX];
    size_t count;
    struct buf file;
};
static struct questions held_out, more, strangers;
static char folder[] = "/tmp/rag_questions_XXXXXX";
static struct store *store;

static void read_questions(const char *path, struct questions *into)
{
    into->file = BUF(1024 * 1024);
    read_file(path, &into->file);
    struct str rest = buf_str(&into->file), line, text;
    while (str_cut(&rest, '\n', &line)) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        assert_true(into->count < QUESTIONS_MAX && str_cut(&line, '|', &text));
        into->q[into->count++] = (struct question){str_trim(text), str_trim(line)};
    }
    assert_true(into->count > 20);
}

static void accept_page(const char *name)
{
    char path[300], job[RAG_ID_CHARS + 1];
    snprintf(path, sizeof path, "docs/%s", name);
    autobuf bytes = BUF(1024 * 1024);
    read_file(path, &bytes);
    struct rag_document d = {.name = str_of(name),
                             .source = str_of(name),
                             .kind = S("markdown"),
                             .bytes = blob_create(buf_str(&bytes))};
    assert_non_null(d.bytes);
    assert_ok(store_accept(store, S("me"), &d, 1, job));
    blob_unref(d.bytes);
}

static void complete_all(void)
{
    struct store_work w;
    while (store_take(store, 0, &w) == OK) {
        struct document d;
        document_init(&d);
        assert_ok(document_read(str_of(w.kind), str_of(w.name), blob_str(w.bytes), &d));
        const struct store_reading reading = {.title = buf_str(&d.title), .text = buf_str(&d.text)};
        assert_ok(store_complete(store, w.document, &reading));
        document_finish(&d);
        store_work_finish(&w);
    }
}

static int begin(void **)
{
    char path[100];
    read_questions("test/data/questions.txt", &held_out);
    read_questions("test/data/questions-more.txt", &more);
    read_questions("test/data/questions-strangers.txt", &strangers);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/documents.db", folder);
    assert_ok(store_open(path, &store));
    DIR *docs = opendir("docs");
    assert_non_null(docs);
    for (struct dirent *e; (e = readdir(docs)) != nullptr;)
        if (str_ends(str_of(e->d_name), S(".md")))
            accept_page(e->d_name);
    closedir(docs);
    complete_all();
    return 0;
}

static int finish(void **)
{
    store_close(store);
    buf_finish(&held_out.file);
    buf_finish(&more.file);
    buf_finish(&strangers.file);
    static const char *const names[] = {"", ".lock", "-wal", "-shm"};
    for (size_t i = 0; i < countof(names); i++) {
        char path[100];
        snprintf(path, sizeof path, "%s/documents.db%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static bool is_foreign(const struct question *q)
{
    return str_eq(q->page, S("-"));
}

struct found {
    struct arena *arena;
    struct rag_hits hits;
};

static struct found find(struct str text)
{
    struct found f = {.arena = arena_create(1024 * 1024)};
    struct terms terms;
    assert_non_null(f.arena);
    terms_of(text, &terms);
    assert_ok(store_search(store, S("me"), &terms, K, f.arena, &f.hits));
    return f;
}

/* The right page is quoted, or nothing for what is foreign. */
static bool is_right(struct str text, const struct question *q)
{
    struct found f = find(text);
    struct quote quote;
    quote_init(&quote);
    assert_ok(quote_answer(&quote, &f.hits));
    bool right = is_foreign(q)
                     ? quote.cited_count == 0
                     : quote.cited_count > 0 && str_eq(f.hits.hit[quote.cited[0]].source, q->page);
    quote_finish(&quote);
    arena_destroy(f.arena);
    return right;
}

static void show(const struct question *q)
{
    struct found f = find(q->text);
    struct quote quote;
    quote_init(&quote);
    assert_ok(quote_answer(&quote, &f.hits));
    printf("\n# %.*s  [%.*s]%s\n", STR_FMT(q->text), STR_FMT(q->page),
           is_right(q->text, q) ? "" : "   <<<<<< WRONG");
    for (size_t i = 0; i < f.hits.terms.count; i++)
        printf("#   %s %.2f", f.hits.terms.term[i].stem[0], f.hits.terms.term[i].weight);
    printf("   fits %d\n", f.hits.fits);
    for (size_t i = 0; i < f.hits.count; i++)
        printf("#   %.3f %.*s\n", f.hits.hit[i].score, STR_FMT(f.hits.hit[i].title));
    printf("# = %.*s\n", STR_FMT(buf_str(&quote.text)));
    quote_finish(&quote);
    arena_destroy(f.arena);
}

/* How many of them are wrong, of those with an answer and of the foreign ones. */
struct wrong {
    size_t own, foreign;
};
static struct wrong try_all(const struct questions *all)
{
    struct wrong wrong = {};
    for (size_t i = 0; i < all->count; i++) {
        const struct question *q = &all->q[i];
        if (getenv("RAG_PRINT"))
            show(q);
        if (is_right(q->text, q))
            continue;
        print_message("not right: %.*s\n", STR_FMT(q->text));
        if (is_foreign(q))
            wrong.foreign++;
        else
            wrong.own++;
    }
    return wrong;
}

static void every_question_finds_its_page(void **)
{
    struct wrong wrong = try_all(&held_out);
    assert_int_equal(wrong.own, 0);
    assert_int_equal(wrong.foreign, 0);
}

/* In quite other words than the manual's, without a model: most of them still, and of 20 foreign ones
 * hardly any is given an answer. */
static void other_words_find_their_page_mostly(void **)
{
    struct wrong wrong = try_all(&more);
    assert_true(wrong.own <= 8);
    assert_true(wrong.foreign <= 2);
}

/* Of people who have never seen the manual; it was then completed by what they asked. */
static void strangers_find_their_page_mostly(void **)
{
    struct wrong wrong = try_all(&strangers);
    assert_true(strangers.count >= 90 && wrong.own <= 8);
}

/* A recogniser drops and mishears words: without one of its content words a question mostly still
 * finds its page, and nothing foreign begins to fit. */
static void mostly_also_with_a_word_lost(void **)
{
    size_t tried = 0, right = 0;
    for (size_t i = 0; i < held_out.count; i++) {
        const struct question *q = &held_out.q[i];
        struct str rest = q->text;
        struct word w;
        struct terms terms;
        terms_of(rest, &terms);
        while (word_next(&rest, &w)) {
            if (w.function || terms.count < 2)
                continue;
            autobuf without = BUF(1000);
            size_t at = (size_t)(w.text.p - q->text.p);
            assert_ok(buf_add(&without, str_sub(q->text, 0, at)));
            assert_ok(buf_add(&without, rest));
            bool ok = is_right(buf_str(&without), q);
            if (getenv("RAG_PRINT") && !ok)
                printf("# lost: %.*s  [%.*s]\n", STR_FMT(buf_str(&without)), STR_FMT(q->page));
            if (is_foreign(q))
                assert_true(ok);
            else
                tried++, right += ok;
        }
    }
    print_message("%zu of %zu questions with a lost word find their page\n", right, tried);
    assert_true(tried > 40 && right * 100 >= tried * 85);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_question_finds_its_page),
        cmocka_unit_test(other_words_find_their_page_mostly),
        cmocka_unit_test(strangers_find_their_page_mostly),
        cmocka_unit_test(mostly_also_with_a_word_lost),
    };
    return cmocka_run_group_tests_name("rag/questions", tests, begin, finish);
}
