// SPDX-License-Identifier: Apache-2.0
/* Finds the files first, so that the progress knows its end, then sends them in batches. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/cli/connect.h"
#include "server/cli/file.h"
#include "server/cli/progress.h"
#include "server/rag/rag.h"

enum {
    BATCH_BYTES = 16 * 1024 * 1024,
    BATCH_FILES = 32,
    DEPTH_MAX = 16,
    POLL_MS = 50,
    FILE_MAX = 32 * 1024 * 1024
};
static const char boundary[] = "repartee-7f3b61c0d25e4a98";

struct ingesting {
    struct cli *c;
    struct connection *k;
    struct progress progress;
    char **file; /* paths, owned */
    size_t files, room;
    struct buf body; /* the batch, as multipart/form-data */
    uint32_t batched, left_out;
    uint64_t sent, documents, chunks, skipped, failed;
    uint64_t unread; /* files of which the server knows nothing */
};

/* --- finding --- */

static int keep_file(struct ingesting *g, const char *path, bool named)
{
    if (!rag_kind(str_of(path), S(""))) {
        if (named)
            return cli_fail(g->c, "%s is not Markdown, text or HTML; convert it to one of them",
                            path);
        g->left_out++; /* a folder may hold other things */
        return EXIT_OK;
    }
    char *copy = mem_strdup(str_of(path));
    if (!copy || mem_grow((void **)&g->file, &g->room, g->files + 1, sizeof *g->file) != OK) {
        free(copy);
        return cli_no_memory(g->c);
    }
    g->file[g->files++] = copy;
    return EXIT_OK;
}

static int find(struct ingesting *g, const char *path, bool named, int depth);

static int find_in_folder(struct ingesting *g, const char *path, int depth)
{
    DIR *dir = opendir(path);
    if (!dir)
        return cli_cannot_read(g->c, path, errno);
    int code = EXIT_OK;
    for (struct dirent *e; code == EXIT_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        char inner[4096];
        if (snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) < (int)sizeof inner)
            code = find(g, inner, false, depth + 1);
    }
    closedir(dir);
    return code;
}

static int find(struct ingesting *g, const char *path, bool named, int depth)
{
    struct stat about;
    if (named && strstr(path, "://"))
        return cli_fail(g->c, "%s is an address; download it (curl -O), then add the file", path);
    if ((named ? stat : lstat)(path, &about) != 0)
        return cli_cannot_read(g->c, path, errno);
    if (S_ISDIR(about.st_mode) && depth < DEPTH_MAX)
        return find_in_folder(g, path, depth);
    return S_ISREG(about.st_mode) ? keep_file(g, path, named) : EXIT_OK;
}

/* --- sending --- */

/* A file name inside quotes: what would end them is percent-encoded, as browsers do. */
static enum err put_name(struct buf *into, const char *name)
{
    for (; *name; name++) {
        if (*name == '"' || *name == '\r' || *name == '\n')
            try(buf_addf(into, "%%%02X", *name));
        else
            try(buf_add_byte(into, *name));
    }
    return OK;
}

static void nap(void)
{
    const struct timespec t = {.tv_nsec = POLL_MS * 1000000L};
    nanosleep(&t, nullptr);
}

static void show_progress(struct ingesting *g, uint64_t finished, uint64_t chunks, bool is_step)
{
    char text[96];
    snprintf(text, sizeof text, "%" PRIu64 " of %zu files, %" PRIu64 " passages",
             g->sent + finished, g->files, g->chunks + chunks);
    progress_show(&g->progress, g->sent + finished, g->files, text, is_step);
}

/* Adds the figures of a job that is over. */
static void add_up(struct ingesting *g, const struct json_val *job)
{
    g->documents += (uint64_t)json_int(json_get(job, "documents"), 0);
    g->chunks += (uint64_t)json_int(json_get(job, "chunks"), 0);
    g->skipped += (uint64_t)json_int(json_get(job, "skipped"), 0);
    g->failed += (uint64_t)json_int(json_get(job, "failed"), 0);
    struct str error = json_str(json_get(job, "error"));
    progress_clear(&g->progress);
    if (error.n)
        cli_fail(g->c, "%.*s", STR_FMT(error));
}

/* Waits for the job's end. */
static int wait_for(struct ingesting *g, struct str job)
{
    char path[96];
    snprintf(path, sizeof path, "/rag/jobs/%.*s", STR_FMT(str_sub(job, 0, 64)));
    for (;;) {
        autobuf answer = BUF(0);
        int code = connection_json(g->c, g->k, "GET", path, "", S(""), &answer);
        if (code != EXIT_OK)
            return code;
        struct json_doc *doc;
        struct json_why why;
        if (json_parse(buf_str(&answer), &doc, &why) != OK)
            return cli_not_json(g->c);
        const struct json_val *j = json_root(doc);
        struct str state = json_str(json_get(j, "state"));
        bool over = str_eq(state, S("done")) || str_eq(state, S("failed"));
        if (over)
            add_up(g, j);
        else
            show_progress(g, (uint64_t)json_int(json_get(j, "finished"), 0),
                          (uint64_t)json_int(json_get(j, "chunks"), 0), false);
        json_doc_destroy(doc);
        if (over)
            return EXIT_OK;
        nap();
    }
}

static int send_batch(struct ingesting *g)
{
    if (g->batched == 0)
        return EXIT_OK;
    if (buf_addf(&g->body, "--%s--\r\n", boundary) != OK)
        return cli_no_memory(g->c);
    char type[96];
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
    autobuf answer = BUF(0);
    int code = connection_json(g->c, g->k, "POST", "/rag/ingest", type, buf_str(&g->body), &answer);
    buf_clear(&g->body);
    if (code != EXIT_OK)
        return code;
    struct json_doc *doc;
    struct json_why why;
    if (json_parse(buf_str(&answer), &doc, &why) != OK)
        return cli_not_json(g->c);
    code = wait_for(g, json_str(json_get(json_root(doc), "job")));
    json_doc_destroy(doc);
    g->sent += g->batched;
    g->batched = 0;
    if (code == EXIT_OK)
        show_progress(g, 0, 0, true);
    return code;
}

static enum err append(struct ingesting *g, const char *name, struct str bytes)
{
    try(buf_addf(&g->body, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"",
                 boundary));
    try(put_name(&g->body, name));
    try(buf_add(&g->body, S("\"\r\nContent-Type: application/octet-stream\r\n\r\n")));
    try(buf_add(&g->body, bytes));
    return buf_add(&g->body, S("\r\n"));
}

static int send_file(struct ingesting *g, const char *path)
{
    autobuf bytes = BUF(FILE_MAX);
    int code = utf8_valid(str_of(path))
                   ? read_whole_file(g->c, path, &bytes)
                   : cli_fail(g->c, "the name %s is not UTF-8; rename it", path);
    if (code != EXIT_OK) { /* said; the others can be added all the same */
        g->unread++;
        g->sent++;
        return EXIT_OK;
    }
    if (g->body.n + bytes.n > BATCH_BYTES || g->batched == BATCH_FILES)
        code = send_batch(g);
    if (code != EXIT_OK)
        return code;
    /* Its whole path is what tells it from others of the same name, however it was typed. */
    char *whole = realpath(path, nullptr);
    if (!whole)
        return cli_cannot_read(g->c, path, errno);
    enum err err = append(g, whole, buf_str(&bytes));
    free(whole);
    if (err != OK)
        return cli_no_memory(g->c);
    g->batched++;
    return EXIT_OK;
}

static int report(const struct ingesting *g)
{
    uint64_t failed = g->failed + g->unread;
    if (g->c->json)
        printf(
            "{\"documents\":%llu,\"chunks\":%llu,\"skipped\":%llu,\"failed\":%llu,\"left_out\":%u}\n",
            (unsigned long long)g->documents, (unsigned long long)g->chunks,
            (unsigned long long)g->skipped, (unsigned long long)failed, g->left_out);
    else
        printf("%llu documents with %llu passages added, %llu known already, %llu failed%s\n",
               (unsigned long long)(g->documents - g->failed), (unsigned long long)g->chunks,
               (unsigned long long)g->skipped, (unsigned long long)failed,
               g->left_out ? ", other files left out" : "");
    return failed ? EXIT_FAILED : EXIT_OK;
}

static int ingest(struct ingesting *g)
{
    int code = EXIT_OK;
    for (int i = 0; i < g->c->count && code == EXIT_OK; i++)
        code = find(g, g->c->operand[i], true, 0);
    if (code == EXIT_OK)
        code = connect_server(g->c, CONNECT_READY, &g->k);
    progress_begin(&g->progress, g->c->json);
    for (size_t i = 0; i < g->files && code == EXIT_OK; i++)
        code = send_file(g, g->file[i]);
    if (code == EXIT_OK)
        code = send_batch(g);
    progress_clear(&g->progress);
    return code == EXIT_OK ? report(g) : code;
}

int cli_ingest(struct cli *c)
{
    struct ingesting g = {.c = c, .body = BUF(BATCH_BYTES + FILE_MAX + 4096)};
    int code = ingest(&g);
    disconnect_server(g.k);
    for (size_t i = 0; i < g.files; i++)
        free(g.file[i]);
    free(g.file);
    buf_finish(&g.body);
    return code;
}
