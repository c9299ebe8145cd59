// SPDX-License-Identifier: Apache-2.0
/* A store in a folder of its own for each test, and short words for what tests do with it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/rag/store.h"
#include "unit.h"

static char folder[64], path[96], job[RAG_ID_CHARS + 1];
static struct store *store;

static inline int begin(void **)
{
    snprintf(folder, sizeof folder, "/tmp/rag_store_XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/documents.db", folder);
    return store_open(path, &store) == OK ? 0 : 1;
}

static inline int finish(void **)
{
    store_close(store);
    store = nullptr;
    static const char *const endings[] = {"", ".lock", "-wal", "-shm"};
    for (size_t i = 0; i < countof(endings); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static inline void reopen(void)
{
    store_close(store);
    assert_ok(store_open(path, &store));
}

static inline void accept_for(const char *owner, const char *source, const char *bytes)
{
    struct rag_document d = {.name = str_of(source),
                             .source = str_of(source),
                             .kind = S("text"),
                             .bytes = blob_create(str_of(bytes))};
    assert_non_null(d.bytes);
    assert_ok(store_accept(store, str_of(owner), &d, 1, job));
    blob_unref(d.bytes);
}

static inline enum err complete_with(int64_t document, struct str title, struct str text)
{
    return store_complete(store, document, &(struct store_reading){.title = title, .text = text});
}

/* Takes the next document and completes it with its own bytes for a text. */
static inline enum err work(void)
{
    struct store_work w;
    try(store_take(store, 0, &w));
    enum err err = complete_with(w.document, str_of(w.name), blob_str(w.bytes));
    store_work_finish(&w);
    return err;
}

static inline void add(const char *owner, const char *source, const char *bytes)
{
    accept_for(owner, source, bytes);
    assert_ok(work());
}

struct found {
    struct arena *arena;
    struct rag_hits hits;
};

static inline struct found find(const char *owner, struct str question)
{
    struct found f = {.arena = arena_create(1024 * 1024)};
    struct terms terms;
    assert_non_null(f.arena);
    terms_of(question, &terms);
    assert_ok(store_search(store, str_of(owner), &terms, 5, f.arena, &f.hits));
    return f;
}

static inline size_t hits(const char *owner, const char *question)
{
    struct found f = find(owner, str_of(question));
    arena_destroy(f.arena);
    return f.hits.count;
}

static inline struct rag_job job_now(const char *owner)
{
    struct rag_job j;
    assert_ok(store_job(store, str_of(owner), str_of(job), &j));
    return j;
}

static char listed_id[RAG_ID_CHARS + 1], listed_state[16];
static inline size_t list(const char *owner) /* remembers the last one's id and state */
{
    struct arena *arena = arena_create(1024 * 1024);
    struct store_list all;
    assert_non_null(arena);
    const struct rag_part part = {S(""), RAG_LIST_MAX};
    assert_ok(store_list(store, str_of(owner), part, arena, &all));
    if (all.count) {
        const struct rag_listed *last = &all.rows[all.count - 1];
        snprintf(listed_id, sizeof listed_id, "%.*s", STR_FMT(last->id));
        snprintf(listed_state, sizeof listed_state, "%.*s", STR_FMT(last->state));
    }
    free(all.rows);
    arena_destroy(arena);
    return all.count;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
