// SPDX-License-Identifier: Apache-2.0
/*
 * Answers judged as a reader would: documents of strangers beside the manual, questions in other words
 * than theirs, and of each the words that its answer must hold (test/data/answers). RAG_PRINT=1 shows
 * what is answered.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "rag_store.h"
#include "read/document.h"
#include "read_file.h"
#include "server/rag/quote.h"

static const char *const folders[] = {"docs", "test/data/answers"};

static void add_file(const char *in, const char *name)
{
    char where[600];
    snprintf(where, sizeof where, "%s/%s", in, name);
    autobuf bytes = BUF(1024 * 1024);
    read_file(where, &bytes);
    struct document d;
    document_init(&d);
    assert_ok(document_read(S(""), str_of(name), buf_str(&bytes), &d));
    accept_for("me", where, where);
    struct store_work w;
    assert_ok(store_take(store, 0, &w));
    assert_ok(complete_with(w.document, buf_str(&d.title), buf_str(&d.text)));
    store_work_finish(&w);
    document_finish(&d);
}

static int begin_with_documents(void **state)
{
    if (begin(state) != 0)
        return 1;
    for (size_t i = 0; i < countof(folders); i++) {
        DIR *all = opendir(folders[i]);
        assert_non_null(all);
        for (struct dirent *e; (e = readdir(all)) != nullptr;)
            if (e->d_name[0] != '.' && !str_starts(str_of(e->d_name), S("questions")))
                add_file(folders[i], e->d_name);
        closedir(all);
    }
    return 0;
}

/* The last part of a path. */
static struct str base_name(struct str source)
{
    size_t from = source.n;
    while (from > 0 && source.p[from - 1] != '/')
        from--;
    return str_sub(source, from, source.n);
}

static bool is_right(const struct quote *quote, const struct rag_hits *hits, struct str source,
                     struct str words)
{
    if (str_eq(source, S("-")))
        return quote->cited_count == 0;
    return quote->cited_count > 0 && str_eq(base_name(hits->hit[quote->cited[0]].source), source) &&
           str_find(buf_str(&quote->text), words) < quote->text.n;
}

static bool try_one(struct str question, struct str source, struct str words)
{
    struct found f = find("me", question);
    struct quote quote;
    quote_init(&quote);
    assert_ok(quote_answer(&quote, &f.hits));
    bool right = is_right(&quote, &f.hits, source, words);
    if (!right || getenv("RAG_PRINT"))
        print_message("# %s %.*s\n#     = %.*s\n", right ? "     " : "WRONG", STR_FMT(question),
                      STR_FMT(buf_str(&quote.text)));
    quote_finish(&quote);
    arena_destroy(f.arena);
    return right;
}

struct score {
    size_t own, own_right, foreign, foreign_right;
};

static struct score try_all(const char *name)
{
    struct score score = {};
    autobuf file = BUF(1024 * 1024);
    read_file(name, &file);
    struct str rest = buf_str(&file), line, question, source;
    while (str_cut(&rest, '\n', &line)) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        assert_true(str_cut(&line, '|', &question) && str_cut(&line, '|', &source));
        source = str_trim(source);
        bool right = try_one(str_trim(question), source, str_trim(line));
        bool foreign = str_eq(source, S("-"));
        *(foreign ? &score.foreign : &score.own) += 1;
        *(foreign ? &score.foreign_right : &score.own_right) += right;
    }
    print_message("# %s: %zu of %zu answered, %zu of %zu refused\n", name, score.own_right,
                  score.own, score.foreign_right, score.foreign);
    return score;
}

static void most_questions_are_answered(void **)
{
    struct score s = try_all("test/data/answers/questions.txt");
    assert_true(s.own >= 40 && s.own_right * 100 >= s.own * 85);
    assert_true(s.foreign >= 6 && s.foreign_right + 1 >= s.foreign);
}

static void also_of_more_questions(void **)
{
    struct score s = try_all("test/data/answers/questions-more.txt");
    assert_true(s.own >= 25 && s.own_right * 100 >= s.own * 75);
    assert_true(s.foreign >= 4 && s.foreign_right + 1 >= s.foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(most_questions_are_answered, begin_with_documents, finish),
        cmocka_unit_test_setup_teardown(also_of_more_questions, begin_with_documents, finish),
    };
    return cmocka_run_group_tests_name("rag/answers", tests, nullptr, nullptr);
}
