// SPDX-License-Identifier: Apache-2.0
/*
 * kill -9 at random moments of an ingest: a child accepts documents, indexes them on its lanes and tells
 * each acknowledgement through a pipe, until it is killed. Afterwards every acknowledged document must be
 * there, whole and findable, and of a source that was sent again and again the last version. 60 kills, 1,000 with
 * FAULT=full (`make fault`), or as many as KILLS says. (The same over HTTP with the real server: test/fault/ingest.test.js.)
 */
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/loop/loop.h"
#include "server/rag/chunk.h"
#include "server/rag/rag.h"
#include "unit.h"

enum { NUMBERS_MAX = 1 << 20, AT_ONCE = 3, ALIVE_MAX_MS = 80, SHARED_EVERY = 5 };

static char folder[64], path[96];
static bool acknowledged[NUMBERS_MAX];

/* --- documents --- */

/* A few passages long, with words of its own at both ends. */
static void put_text(struct buf *into, unsigned n)
{
    buf_clear(into);
    assert_ok(buf_addf(into, "This is the beginning, head%u. ", n));
    for (unsigned i = 0; i < n * 7 % 60; i++)
        assert_ok(buf_addf(into, "Sentence %u of document %u says nothing of interest. ", i, n));
    assert_ok(buf_addf(into, "This is the end, tail%u.", n));
}

static void put_source(char into[32], unsigned n)
{
    if (n % SHARED_EVERY == 0)
        snprintf(into, 32, "shared.txt");
    else
        snprintf(into, 32, "%u.txt", n);
}

/* --- a reader in the same process --- */

static struct loop *loop;
static struct rag *rag;
static struct {
    struct deferred go;
    const struct rag_reader_events *events;
    void *arg;
    struct buf text;
} reading;

static void read_on(void *)
{
    struct buf text = reading.text;
    reading.text = (struct buf){};
    reading.events->text(reading.arg, buf_str(&text));
    reading.events->done(reading.arg, S("A title"), S(""));
    buf_finish(&text);
}

static enum err reader_start(void *, const char *, const char *, int fd, uint64_t size,
                             const struct rag_reader_events *events, void *arg, void **ret_handle)
{
    reading.events = events;
    reading.arg = arg;
    reading.text = BUF(1 << 20);
    try(buf_reserve(&reading.text, size));
    if (pread(fd, reading.text.p, size, 0) != (ssize_t)size)
        return ERR_IO;
    reading.text.n = size;
    deferred_init(&reading.go, loop, read_on, nullptr);
    deferred_call(&reading.go);
    *ret_handle = &reading;
    return OK;
}

static void reader_cancel(void *)
{
    deferred_cancel(&reading.go);
    buf_finish(&reading.text);
}

static const struct rag_reader reader = {.start = reader_start, .cancel = reader_cancel};

/* --- the child that is killed --- */

static unsigned next_number;
static int tell_fd;

static void send_next(void);

static void on_accepted(void *arg, enum err err, const char *)
{
    unsigned n = (unsigned)(uintptr_t)arg;
    if (err != OK || write(tell_fd, &n, sizeof n) != sizeof n)
        _exit(1);
    send_next();
}

static void send_next(void)
{
    static struct buf text = BUF(1 << 20);
    unsigned n = next_number++;
    char source[32];
    put_source(source, n);
    put_text(&text, n);
    struct rag_document d = {.name = str_of(source),
                             .source = str_of(source),
                             .kind = S("text"),
                             .bytes = blob_create(buf_str(&text))};
    if (!d.bytes || rag_ingest(rag, S("me"), &d, 1, on_accepted, (void *)(uintptr_t)n) != OK)
        _exit(1);
    blob_unref(d.bytes);
}

[[noreturn]] static void live_until_killed(unsigned first, int fd)
{
    next_number = first;
    tell_fd = fd;
    if (loop_create(&loop) != OK || rag_open(loop, folder, &reader, &rag) != OK)
        _exit(1);
    for (int i = 0; i < AT_ONCE; i++)
        send_next();
    loop_run(loop);
    _exit(1);
}

/* Returns the first number that the child surely did not use. */
static unsigned kill_one(unsigned first)
{
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    if (child == 0) {
        close(tell[0]);
        live_until_killed(first, tell[1]);
    }
    assert_true(child > 0);
    close(tell[1]);
    /* Mostly in the midst of its work, sometimes while it opens the store or recovers. */
    struct pollfd first_ack = {.fd = tell[0], .events = POLLIN};
    if (rand() % 4)
        (void)poll(&first_ack, 1, 5000);
    (void)poll(nullptr, 0, rand() % ALIVE_MAX_MS);
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* it did not stop by itself */
    unsigned n, last = first;
    while (read(tell[0], &n, sizeof n) == sizeof n) {
        assert_true(n < NUMBERS_MAX);
        acknowledged[n] = true;
        last = n > last ? n : last;
    }
    close(tell[0]);
    return last + 1 + AT_ONCE;
}

/* --- looking at what is left --- */

static void check_integrity(void)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, nullptr), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(q, 0), "ok");
    sqlite3_finalize(q);
    assert_int_equal(sqlite3_exec(db, "INSERT INTO words(words) VALUES('integrity-check')", nullptr,
                                  nullptr, nullptr),
                     SQLITE_OK);
    sqlite3_close(db);
}

static struct listing {
    unsigned number;
    bool done;
    uint64_t bytes, chunks;
} *listing;
static size_t listed;
static bool answered;
static unsigned shared_number;

static void on_list(void *, enum err err, const struct rag_listed *list, size_t count, bool)
{
    assert_ok(err);
    listing = calloc(count + 1, sizeof *listing);
    assert_non_null(listing);
    for (listed = 0; listed < count; listed++) {
        unsigned n = (unsigned)strtoul(list[listed].source.p, nullptr, 10);
        listing[listed] = (struct listing){n, str_eq(list[listed].state, S("done")),
                                           list[listed].bytes, list[listed].chunks};
    }
    answered = true;
}

static char found_text[4096];
static bool fits;
static void on_hits(void *, enum err err, const struct rag_hits *hits)
{
    assert_ok(err);
    fits = hits->fits;
    snprintf(found_text, sizeof found_text, "%.*s", hits->count ? (int)hits->hit[0].text.n : 0,
             hits->count ? hits->hit[0].text.p : "");
    answered = true;
}

#define until(condition)                                                                           \
    do {                                                                                           \
        for (int steps_ = 0; !(condition); steps_++) {                                             \
            assert_true(steps_ < 100000);                                                          \
            loop_step(loop, 50);                                                                   \
        }                                                                                          \
    } while (0)

static bool is_found(const char *word, unsigned n)
{
    char text[32];
    struct rag_query *q;
    snprintf(text, sizeof text, "%s%u", word, n);
    answered = false;
    assert_ok(rag_query(rag, S("me"), str_of(text), 1, on_hits, nullptr, &q));
    until(answered);
    rag_query_end(q);
    return fits && strstr(found_text, text);
}

static size_t passages_of(struct str text)
{
    struct chunker c;
    struct chunk chunk;
    size_t n = 0;
    chunker_init(&c, text);
    while (chunker_next(&c, &chunk))
        n++;
    return n;
}

static bool is_whole(unsigned n)
{
    autobuf text = BUF(1 << 20);
    put_text(&text, n);
    for (size_t i = 0; i < listed; i++) {
        const struct listing *l = &listing[i];
        if (l->number == (n % SHARED_EVERY ? n : 0))
            return l->done && l->bytes == text.n && l->chunks == passages_of(buf_str(&text)) &&
                   is_found("head", n) && is_found("tail", n);
    }
    return false;
}

static void finish_what_waits(void)
{
    struct rag_stats stats;
    assert_ok(loop_create(&loop));
    assert_ok(rag_open(loop, folder, &reader, &rag));
    for (int i = 0; i < 100000; i++) {
        rag_stats(rag, &stats);
        if (stats.jobs_waiting == 0)
            break;
        loop_step(loop, 20);
        clock_fake(clock_us() + 100 * 1000); /* a suspect must wait for its time */
    }
    assert_int_equal(stats.jobs_waiting, 0);
}

static void every_acknowledged_document_is_there(unsigned end)
{
    size_t count = 0, missing = 0;
    answered = false;
    assert_ok(rag_list(rag, S("me"), (struct rag_part){S(""), RAG_LIST_MAX}, on_list, nullptr));
    until(answered);
    for (unsigned n = 1; n < end; n++) {
        if (n % SHARED_EVERY == 0) {
            shared_number = acknowledged[n] ? n : shared_number;
            continue;
        }
        count += acknowledged[n];
        if (acknowledged[n] && !is_whole(n)) {
            print_message("document %u is missing\n", n);
            missing++;
        }
    }
    print_message("%zu acknowledged documents looked at\n", count);
    assert_int_equal(missing, 0);
    /* Of the shared source the last acknowledged version, or one that was stored but not told. */
    size_t found = 0;
    for (unsigned n = shared_number; n && n <= end; n += SHARED_EVERY)
        found += is_found("head", n) && is_found("tail", n);
    assert_true(found == 1 || shared_number == 0);
    free(listing);
}

static void nothing_acknowledged_is_lost(void **)
{
    const char *setting = getenv("KILLS");
    const char *fault = getenv("FAULT");
    bool is_full = fault && strcmp(fault, "full") == 0;
    int kills = setting ? (int)strtol(setting, nullptr, 10) : is_full ? 1000 : 60;
    unsigned first = 1;
    snprintf(folder, sizeof folder, "/tmp/rag_kill_XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/documents.db", folder);
    for (int i = 0; i < kills; i++) {
        first = kill_one(first);
        if (i % 20 == 19)
            check_integrity();
    }
    finish_what_waits();
    every_acknowledged_document_is_there(first);
    rag_close(rag);
    loop_destroy(loop);
    clock_fake(UINT64_MAX);
    check_integrity();
    static const char *const endings[] = {"", ".lock", "-wal", "-shm"};
    for (size_t i = 0; i < countof(endings); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost)};
    return cmocka_run_group_tests_name("rag/kill", tests, nullptr, nullptr);
}
