// SPDX-License-Identifier: Apache-2.0
/*
 * What the document store costs: passages a second from accepted bytes to findable, and milliseconds a
 * question, beside a bare FTS5 table with the same passages in the same run. The texts are drawn from
 * 20,000 made-up words by Zipf's law, as in a language. Usage: rag_bench [PASSAGES [FOLDER]]
 */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/rag/chunk.h"
#include "server/rag/store.h"

enum {
    VOCABULARY = 20000,
    DOCUMENT_BYTES = 60 * 1024,
    QUESTIONS = 300,
    QUESTION_WORDS = 5,
    FUNCTION_WORDS = 50
};

static uint64_t seed = 1;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) / (double)(UINT64_C(1) << 53);
}

/* Rank r comes with a probability of about 1/r; the first ranks are those of "the", "of", "and", which
 * no question is about. */
static void put_word(struct buf *into, unsigned first)
{
    static const char *const syllables[] = {"ka",  "lo",  "mi", "ren", "sta", "tor", "vu", "wel",
                                            "bro", "chi", "da", "fen", "gal", "hup", "ig", "jon"};
    unsigned rank = (unsigned)(first * exp(uniform() * log((double)VOCABULARY / first)));
    do {
        check(buf_add(into, str_of(syllables[rank % 16])) == OK);
        rank /= 16;
    } while (rank > 0);
}

static void put_text(struct buf *into, size_t bytes)
{
    buf_clear(into);
    while (into->n < bytes) {
        int words = 8 + (int)(uniform() * 12);
        for (int i = 0; i < words; i++) {
            put_word(into, 1);
            check(buf_add(into, i + 1 < words ? S(" ") : S(". ")) == OK);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void report(const char *what, double seconds, size_t passages, double *ms)
{
    qsort(ms, QUESTIONS, sizeof *ms, by_value);
    printf("%-12s %8.0f passages/s   a question: median %6.2f ms   p99 %6.2f ms\n", what,
           (double)passages / seconds, ms[QUESTIONS / 2], ms[QUESTIONS * 99 / 100]);
}

/* --- ours --- */

static size_t bench_store(const char *path, size_t passages, double *ret_seconds, double *ms)
{
    struct store *s;
    check(store_open(path, &s) == OK);
    struct buf text = BUF(1 << 20);
    struct rag_stats stats = {};
    uint64_t begun = clock_us();
    for (int n = 0; stats.chunks < passages; n++) {
        char name[32], job[RAG_ID_CHARS + 1];
        put_text(&text, DOCUMENT_BYTES);
        snprintf(name, sizeof name, "%d.txt", n);
        struct rag_document d = {str_of(name), S("text"), str_of(name),
                                 blob_create(buf_str(&text))};
        struct store_work w;
        check(d.bytes && store_accept(s, S("me"), &d, 1, job) == OK);
        check(store_take(s, 0, &w) == OK);
        const struct store_reading r = {.title = str_of(w.name), .text = blob_str(w.bytes)};
        check(store_complete(s, w.document, &r) == OK);
        store_work_finish(&w);
        blob_unref(d.bytes);
        check(store_stats(s, &stats) == OK);
    }
    *ret_seconds = (double)(clock_us() - begun) / 1e6;
    for (int i = 0; i < QUESTIONS; i++) {
        struct arena *arena = arena_create(1 << 22);
        struct terms terms;
        struct rag_hits hits;
        buf_clear(&text);
        for (int k = 0; k < QUESTION_WORDS; k++) {
            put_word(&text, FUNCTION_WORDS);
            check(buf_add_byte(&text, ' ') == OK);
        }
        begun = clock_us();
        terms_of(buf_str(&text), &terms);
        check(arena && store_search(s, S("me"), &terms, 5, arena, &hits) == OK);
        ms[i] = (double)(clock_us() - begun) / 1e3;
        arena_destroy(arena);
    }
    buf_finish(&text);
    store_close(s);
    return stats.chunks;
}

/* --- the bare table --- */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    check(sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr) == SQLITE_OK);
    return stmt;
}

static void run(sqlite3 *db, const char *sql)
{
    check(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

static size_t insert_document(sqlite3_stmt *insert, struct str text)
{
    struct chunker c;
    struct chunk piece;
    size_t n = 0;
    chunker_init(&c, text);
    while (chunker_next(&c, &piece)) {
        sqlite3_bind_text(insert, 1, piece.text.p, (int)piece.text.n, SQLITE_STATIC);
        check(sqlite3_step(insert) == SQLITE_DONE);
        sqlite3_reset(insert);
        n++;
    }
    return n;
}

static size_t bench_bare(const char *path, size_t passages, double *ret_seconds, double *ms)
{
    sqlite3 *db;
    check(sqlite3_open(path, &db) == SQLITE_OK);
    run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE VIRTUAL TABLE t USING fts5(text, tokenize='porter unicode61')");
    sqlite3_stmt *insert = prepare(db, "INSERT INTO t VALUES(?)");
    struct buf text = BUF(1 << 20);
    size_t n = 0;
    uint64_t begun = clock_us();
    while (n < passages) {
        put_text(&text, DOCUMENT_BYTES);
        run(db, "BEGIN");
        n += insert_document(insert, buf_str(&text));
        run(db, "COMMIT");
    }
    *ret_seconds = (double)(clock_us() - begun) / 1e6;
    sqlite3_finalize(insert);
    sqlite3_stmt *find = prepare(db, "SELECT text FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT 5");
    for (int i = 0; i < QUESTIONS; i++) {
        buf_clear(&text);
        for (int k = 0; k < QUESTION_WORDS; k++) {
            check(buf_add(&text, k ? S(" OR ") : S("")) == OK);
            put_word(&text, FUNCTION_WORDS);
        }
        begun = clock_us();
        sqlite3_bind_text(find, 1, text.p, (int)text.n, SQLITE_STATIC);
        while (sqlite3_step(find) == SQLITE_ROW)
            check(sqlite3_column_text(find, 0));
        sqlite3_reset(find);
        ms[i] = (double)(clock_us() - begun) / 1e3;
    }
    sqlite3_finalize(find);
    buf_finish(&text);
    sqlite3_close(db);
    return n;
}

int main(int argc, char **argv)
{
    size_t passages = argc > 1 ? strtoul(argv[1], nullptr, 10) : 50000;
    char folder[256], path[300];
    snprintf(folder, sizeof folder, "%s/rag_bench_XXXXXX", argc > 2 ? argv[2] : "/tmp");
    check(mkdtemp(folder));
    static double ms[QUESTIONS];
    double seconds;
    for (int bare = 0; bare < 2; bare++) {
        snprintf(path, sizeof path, "%s/%d.db", folder, bare);
        seed = 1; /* the same texts and questions for both */
        size_t n = (bare ? bench_bare : bench_store)(path, passages, &seconds, ms);
        report(bare ? "bare FTS5" : "the store", seconds, n, ms);
        static const char *const endings[] = {"", ".lock", "-wal", "-shm"};
        for (size_t i = 0; i < 4; i++) {
            snprintf(path, sizeof path, "%s/%d.db%s", folder, bare, endings[i]);
            unlink(path);
        }
    }
    return rmdir(folder);
}
