// SPDX-License-Identifier: Apache-2.0
/* POST /rag/ingest: documents as multipart files or as {"text","title"}. Answered with 202 when every
 * byte is committed (server/rag/rag.h), not before. The whole file name, which may be a path, tells which
 * document it is; its last part is what people see. */
#include <stdio.h>

#include "base/conf.h"
#include "base/confine.h"
#include "base/json.h"
#include "server/api/route.h"
#include "server/net/multipart.h"
#include "server/rag/rag.h"

enum { FILES_MAX = 64, TITLE_MAX = 200 };

struct file {
    char *source; /* owned: the name as it came */
    const char *kind;
    struct buf bytes;
};

struct ingestion {
    struct server *server;
    struct exchange *x; /* NULL once the client is gone */
    struct principal who;
    struct multipart *form; /* NULL: JSON */
    struct buf json;
    struct file *file; /* FILES_MAX of them, allocated with the first */
    size_t files;
    char why[160];
    bool posted; /* the store has it: `accepted` frees */
};

static void ingestion_free(struct ingestion *g)
{
    g->server->uploads--;
    multipart_destroy(g->form);
    buf_finish(&g->json);
    for (size_t i = 0; i < g->files; i++) {
        free(g->file[i].source);
        buf_finish(&g->file[i].bytes);
    }
    free(g->file);
    free(g);
}

static void fail(struct ingestion *g, enum err err, const char *message, const char *param)
{
    exchange_error(g->x, err, message, param);
    ingestion_free(g);
}

static void on_accepted(void *arg, enum err err, const char *job_id)
{
    struct ingestion *g = arg;
    if (g->x && err == OK) {
        char body[96];
        int n = snprintf(body, sizeof body, "{\"job\":\"%s\"}", job_id);
        exchange_reply(g->x, 202, "application/json", (struct str){body, (size_t)n});
    } else if (g->x) {
        exchange_error(g->x, err, nullptr, nullptr);
    }
    ingestion_free(g);
}

/* What follows the last slash, cut to what a line can show. */
static struct str name_of(struct str source)
{
    size_t from = source.n;
    while (from > 0 && source.p[from - 1] != '/')
        from--;
    struct str name = str_sub(source, from, source.n);
    return str_sub(name, 0, utf8_prefix(name, RAG_NAME_MAX));
}

/* Hands the files over; the bytes move into blobs. */
static enum err post(struct ingestion *g)
{
    struct rag_document documents[FILES_MAX] = {};
    enum err err = OK;
    size_t n = 0;
    for (; n < g->files && err == OK; n++) {
        struct file *f = &g->file[n];
        documents[n] = (struct rag_document){.name = name_of(str_of(f->source)),
                                             .kind = str_of(f->kind),
                                             .source = str_of(f->source),
                                             .bytes = blob_create(buf_str(&f->bytes))};
        err = documents[n].bytes ? OK : ERR_NOMEM;
        buf_finish(&f->bytes);
    }
    if (err == OK)
        err = rag_ingest(g->server->rag, str_of(g->who.owner), documents, n, on_accepted, g);
    for (size_t i = 0; i < n; i++)
        blob_unref(documents[i].bytes);
    g->posted = err == OK;
    return err;
}

static enum err add_file(struct ingestion *g, struct str source, const char *kind,
                         struct file **ret)
{
    if (g->files == FILES_MAX)
        return ERR_TOOBIG;
    if (source.n > RAG_SOURCE_MAX) {
        snprintf(g->why, sizeof g->why, "a file's name is longer than %d bytes", RAG_SOURCE_MAX);
        return ERR_INVALID;
    }
    if (!g->file)
        g->file = mem_zero(FILES_MAX, sizeof *g->file);
    if (!g->file)
        return ERR_NOMEM;
    char *copy = mem_strdup(source);
    if (!copy)
        return ERR_NOMEM;
    struct file *f = &g->file[g->files++];
    f->source = copy;
    f->kind = kind;
    f->bytes = BUF((size_t)g->server->conf->rag_max_doc);
    *ret = f;
    return OK;
}

/* --- multipart --- */

static enum err on_part(void *arg, const struct multipart_part *part)
{
    struct ingestion *g = arg;
    struct file *f;
    if (!part->filename.p || part->filename.n == 0) {
        snprintf(g->why, sizeof g->why, "every part must be a file with a name");
        return ERR_INVALID;
    }
    const char *kind = rag_kind(part->filename, part->type);
    if (!kind) {
        struct str name = name_of(part->filename);
        snprintf(g->why, sizeof g->why, "\"%.*s\" is not Markdown, text or HTML",
                 (int)utf8_prefix(name, 80), name.p);
        return ERR_MEDIA;
    }
    return add_file(g, part->filename, kind, &f);
}

static enum err on_data(void *arg, struct str bytes)
{
    struct ingestion *g = arg;
    struct file *f = &g->file[g->files - 1];
    enum err err = buf_add(&f->bytes, bytes);
    if (err == ERR_TOOBIG)
        snprintf(g->why, sizeof g->why, "\"%.*s\" is larger than %lld bytes",
                 (int)utf8_prefix(name_of(str_of(f->source)), 80), name_of(str_of(f->source)).p,
                 (long long)g->server->conf->rag_max_doc);
    return err;
}

static enum err on_part_end(void *arg)
{
    (void)arg;
    return OK;
}

/* --- JSON --- */

static enum err read_json(struct ingestion *g, struct json_why *why)
{
    struct {
        struct str text, title;
    } r = {};
    static const struct json_field fields[] = {
        {"text", JSON_STR, 0, .required = true},
        {"title", JSON_STR, sizeof(struct str), .required = true, .min = 1, .max = TITLE_MAX},
    };
    struct json_doc *doc = nullptr;
    struct file *f;
    try(json_parse(buf_str(&g->json), &doc, why));
    enum err err = json_read(json_root(doc), fields, 2, JSON_STRICT, &r, why);
    if (err == OK && str_find_byte(r.title, '\0') < r.title.n) { /* names are kept as C has them */
        *why = (struct json_why){"title must not hold a NUL", "title"};
        err = ERR_INVALID;
    }
    if (err == OK)
        err = add_file(g, r.title, "markdown", &f);
    if (err == OK)
        err = buf_add(&f->bytes, r.text);
    json_doc_destroy(doc);
    return err;
}

/* --- the request --- */

static void on_body(struct exchange *x, void *arg, struct str bytes)
{
    (void)x;
    struct ingestion *g = arg;
    enum err err = g->form ? multipart_feed(g->form, bytes) : buf_add(&g->json, bytes);
    if (err != OK)
        fail(g, err, g->why[0] ? g->why : nullptr, nullptr);
}

static void on_body_end(struct exchange *x, void *arg)
{
    (void)x;
    struct ingestion *g = arg;
    struct json_why why = {};
    enum err err = g->form ? multipart_finish(g->form) : read_json(g, &why);
    if (err == OK && g->files == 0) {
        err = ERR_INVALID;
        snprintf(why.text, sizeof why.text, "there is no file in the request");
    }
    if (err == OK)
        err = post(g);
    if (err != OK)
        fail(g, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct ingestion *g = arg;
    g->x = nullptr;
    if (!g->posted)
        ingestion_free(g);
}

void handle_ingest(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)id;
    static const struct exchange_events events = {
        .on_body = on_body, .on_body_end = on_body_end, .on_gone = on_gone};
    static const struct multipart_events form_events = {
        .on_part = on_part, .on_data = on_data, .on_part_end = on_part_end};
    if (!confine_has_landlock()) {
        exchange_error(x, ERR_UNSUPPORTED, confine_refusal, nullptr);
        return;
    }
    struct ingestion *g = s->uploads < s->conf->max_uploads ? mem_zero(1, sizeof *g) : nullptr;
    if (!g) {
        exchange_error(x, ERR_BUSY, nullptr, nullptr);
        return;
    }
    s->uploads++;
    g->server = s;
    g->x = x;
    g->who = *who;
    g->json = BUF((size_t)s->conf->rag_max_doc);
    struct str type = http_value(exchange_head(x), "content-type");
    enum err err = OK;
    if (str_starts(type, S("multipart/")))
        err = multipart_create(type, FILES_MAX, &form_events, g, &g->form);
    else if (!str_starts(type, S("application/json")))
        err = ERR_MEDIA;
    if (err != OK)
        fail(g, err, "send multipart/form-data with files, or application/json", nullptr);
    else
        exchange_stream_body(x, (size_t)s->conf->max_body, &events, g);
}
