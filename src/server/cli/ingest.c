// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/cli/connect.h"
#include "server/cli/file.h"
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
    struct buf body; /* the batch, as multipart/form-data */
    uint32_t batched, sent, left_out;
    uint64_t documents, chunks, skipped, failed;
};

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

/* Waits for the job's end and adds its figures up. */
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
            return cli_fail(g->c, "the server's answer is not JSON");
        const struct json_val *j = json_root(doc);
        struct str state = json_str(json_get(j, "state"));
        bool over = str_eq(state, S("done")) || str_eq(state, S("failed"));
        if (over) {
            g->documents += (uint64_t)json_int(json_get(j, "documents"), 0);
            g->chunks += (uint64_t)json_int(json_get(j, "chunks"), 0);
            g->skipped += (uint64_t)json_int(json_get(j, "skipped"), 0);
            g->failed += (uint64_t)json_int(json_get(j, "failed"), 0);
            struct str error = json_str(json_get(j, "error"));
            if (error.n)
                cli_fail(g->c, "%.*s", STR_FMT(error));
        }
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
        return cli_fail(g->c, "there is not enough memory");
    char type[96];
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
    autobuf answer = BUF(0);
    int code = connection_json(g->c, g->k, "POST", "/rag/ingest", type, buf_str(&g->body), &answer);
    g->sent += g->batched;
    g->batched = 0;
    buf_clear(&g->body);
    if (code != EXIT_OK)
        return code;
    struct json_doc *doc;
    struct json_why why;
    if (json_parse(buf_str(&answer), &doc, &why) != OK)
        return cli_fail(g->c, "the server's answer is not JSON");
    code = wait_for(g, json_str(json_get(json_root(doc), "job")));
    json_doc_destroy(doc);
    if (isatty(STDERR_FILENO) && !g->c->json)
        fprintf(stderr, "\r\033[K%u files, %llu passages", g->sent, (unsigned long long)g->chunks);
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

static int add_file(struct ingesting *g, const char *path, bool named)
{
    if (!rag_kind(str_of(path), S(""))) {
        if (named)
            return cli_fail(g->c, "%s is not Markdown, text or HTML", path);
        g->left_out++; /* a folder may hold other things */
        return EXIT_OK;
    }
    autobuf bytes = BUF(FILE_MAX);
    int code = read_whole_file(g->c, path, &bytes);
    if (code != EXIT_OK)
        return code;
    if (g->body.n + bytes.n > BATCH_BYTES || g->batched == BATCH_FILES)
        code = send_batch(g);
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (code == EXIT_OK && append(g, path, buf_str(&bytes)) != OK)
        return cli_fail(g->c, "there is not enough memory");
    g->batched++;
    return code;
}

static int add_path(struct ingesting *g, const char *path, bool named, int depth);

static int add_folder(struct ingesting *g, const char *path, int depth)
{
    DIR *dir = opendir(path);
    if (!dir)
        return cli_fail(g->c, "%s cannot be read: %s", path, strerror(errno));
    int code = EXIT_OK;
    for (struct dirent *e; code == EXIT_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        char inner[4096];
        if (snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) < (int)sizeof inner)
            code = add_path(g, inner, false, depth + 1);
    }
    closedir(dir);
    return code;
}

static int add_path(struct ingesting *g, const char *path, bool named, int depth)
{
    struct stat about;
    if ((named ? stat : lstat)(path, &about) != 0)
        return cli_fail(g->c, "%s cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(about.st_mode) && depth < DEPTH_MAX)
        return add_folder(g, path, depth);
    return S_ISREG(about.st_mode) ? add_file(g, path, named) : EXIT_OK;
}

static int report(const struct ingesting *g)
{
    if (isatty(STDERR_FILENO) && !g->c->json)
        fputs("\r\033[K", stderr);
    if (g->c->json)
        printf("{\"documents\":%llu,\"chunks\":%llu,\"skipped\":%llu,\"failed\":%llu}\n",
               (unsigned long long)g->documents, (unsigned long long)g->chunks,
               (unsigned long long)g->skipped, (unsigned long long)g->failed);
    else
        printf("%llu documents with %llu passages added, %llu known already, %llu failed%s\n",
               (unsigned long long)(g->documents - g->failed), (unsigned long long)g->chunks,
               (unsigned long long)g->skipped, (unsigned long long)g->failed,
               g->left_out ? ", other files left out" : "");
    return g->failed ? EXIT_FAILED : EXIT_OK;
}

int cli_ingest(struct cli *c)
{
    if (c->argc < 2)
        return cli_misuse(c, "name the files or folders to add");
    struct ingesting g = {.c = c, .body = BUF(BATCH_BYTES + FILE_MAX + 4096)};
    int code = connect_server(c, CONNECT_READY, &g.k);
    for (int i = 1; i < c->argc && code == EXIT_OK; i++)
        code = add_path(&g, c->argv[i], true, 0);
    if (code == EXIT_OK)
        code = send_batch(&g);
    if (code == EXIT_OK)
        code = report(&g);
    disconnect_server(g.k);
    buf_finish(&g.body);
    return code;
}
