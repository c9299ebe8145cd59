// SPDX-License-Identifier: Apache-2.0
/* GET /rag/jobs, GET and DELETE /rag/documents, POST /rag/query. */
#include <stdio.h>

#include "base/conf.h"
#include "server/api/admit.h"
#include "server/api/events.h"
#include "server/api/route.h"
#include "server/net/sse.h"
#include "server/rag/quote.h"

enum { BODY_MAX = 64 * 1024, ANSWER_MAX = 32 * 1024 * 1024, POLL_MS = 200 };

/* A request that waits for the store. The store's callbacks cannot be called back (but queries can),
 * so the request outlives a client that leaves: `x` is then NULL. */
struct wait {
    struct server *server;
    struct exchange *x;
    struct principal who;
    bool asked; /* the store will call back */

    /* /rag/jobs with SSE */
    struct sse *sse;
    struct timer poll;
    char id[RAG_ID_CHARS + 1];
    struct buf last;

    /* /rag/documents */
    uint32_t limit;

    /* /rag/query */
    struct rag_query *query;
    bool answer;
};

static struct wait *wait_create(struct server *s, struct exchange *x, const struct principal *who,
                                loop_fn on_poll)
{
    struct wait *w = mem_zero(1, sizeof *w);
    if (!w) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return nullptr;
    }
    w->server = s;
    w->x = x;
    w->who = *who;
    w->last = BUF(4096);
    timer_init(&w->poll, s->loop, on_poll, w);
    return w;
}

static void wait_free(struct wait *w)
{
    timer_stop(&w->poll);
    rag_query_end(w->query);
    buf_finish(&w->last);
    free(w);
}

/* The stream of a job says why it ends before the job. */
static void end_stream(struct sse *sse, enum err err, const char *message)
{
    autobuf json = BUF(4096);
    struct json_out j = {.to = &json};
    event_error(&j, err, message);
    sse_send_json(sse, &j);
    sse_end(sse);
}

static void wait_fail(struct wait *w, enum err err, const char *message)
{
    if (w->sse)
        end_stream(w->sse, err, message);
    else if (w->x)
        exchange_error(w->x, err, message, nullptr);
    wait_free(w);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct wait *w = arg;
    sse_drop(w->sse);
    w->sse = nullptr;
    w->x = nullptr;
    timer_stop(&w->poll);
    if (!w->asked)
        wait_free(w);
}

static void wait_reply(struct wait *w, struct json_out *j, const struct buf *body)
{
    enum err err = json_finish(j);
    if (err != OK)
        exchange_error(w->x, err, nullptr, nullptr);
    else
        exchange_reply(w->x, 200, "application/json", buf_str(body));
    wait_free(w);
}

/* --- jobs --- */

static enum err job_json(const struct rag_job *job, struct buf *into)
{
    struct json_out j = {.to = into};
    json_obj(&j);
    json_kstr(&j, "id", str_of(job->id));
    json_kstr(&j, "state", str_of(job->state));
    json_kint(&j, "documents", job->documents);
    json_kint(&j, "finished", job->finished);
    json_kint(&j, "chunks", job->chunks);
    json_kint(&j, "skipped", job->skipped);
    json_kint(&j, "failed", job->failed);
    json_key(&j, "error");
    if (job->error[0])
        json_put_str(&j, str_of(job->error));
    else
        json_put_null(&j);
    json_end(&j);
    return json_finish(&j);
}

static bool job_is_over(const struct rag_job *job)
{
    return job->state[0] == 'd' || job->state[0] == 'f'; /* done, failed */
}

static void on_job(void *arg, enum err err, const struct rag_job *job)
{
    struct wait *w = arg;
    w->asked = false;
    autobuf json = BUF(4096);
    if (!w->x) {
        wait_free(w);
        return;
    }
    if (err == OK)
        err = job_json(job, &json);
    if (err != OK) {
        wait_fail(w, err, err == ERR_NOTFOUND ? "there is no such job" : nullptr);
        return;
    }
    bool wants_stream = http_has(exchange_head(w->x), "accept", S("text/event-stream"));
    if (!wants_stream) {
        exchange_reply(w->x, 200, "application/json", buf_str(&json));
        wait_free(w);
        return;
    }
    if (!w->sse && (err = sse_open(w->x, &w->sse)) != OK) {
        wait_fail(w, err, nullptr);
        return;
    }
    if (!str_eq(buf_str(&json), buf_str(&w->last))) {
        (void)sse_send(w->sse, nullptr, 0, buf_str(&json));
        buf_clear(&w->last);
        (void)buf_add(&w->last, buf_str(&json)); /* else it is only told twice */
    }
    if (job_is_over(job)) {
        sse_end(w->sse);
        wait_free(w);
    } else {
        timer_start(&w->poll, POLL_MS);
    }
}

static void ask_job(void *arg)
{
    struct wait *w = arg;
    enum err err = rag_job(w->server->rag, str_of(w->who.owner), str_of(w->id), on_job, w);
    w->asked = err == OK;
    if (err == ERR_BUSY && w->sse)
        timer_start(&w->poll, POLL_MS); /* the stream goes on when the store has time again */
    else if (err != OK)
        wait_fail(w, err, nullptr);
}

static void job_request(struct exchange *x, void *arg, struct str body)
{
    (void)x, (void)body;
    ask_job(arg);
}

void handle_job(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    static const struct exchange_events events = {.on_request = job_request, .on_gone = on_gone};
    if (id.n != RAG_ID_CHARS) {
        exchange_error(x, ERR_NOTFOUND, "there is no such job", nullptr);
        return;
    }
    struct wait *w = wait_create(s, x, who, ask_job);
    if (!w)
        return;
    memcpy(w->id, id.p, id.n);
    exchange_read_body(x, BODY_MAX, &events, w);
}

/* --- the list --- */

static const char NO_PLACE[] =
    "the document named by after is not there any more; begin again without after";
static const char WRONG_PART[] =
    "only limit, from 1 to 10000, and after, the doc_id that was last seen, may follow the address";

static void on_list(void *arg, enum err err, const struct rag_listed *list, size_t count, bool more)
{
    struct wait *w = arg;
    w->asked = false;
    if (err != OK || !w->x) {
        wait_fail(w, err, err == ERR_NOTFOUND ? NO_PLACE : nullptr);
        return;
    }
    autobuf body = BUF(ANSWER_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_key(&j, "documents");
    json_arr(&j);
    for (size_t i = 0; i < count; i++) {
        json_obj(&j);
        json_kstr(&j, "doc_id", list[i].id);
        json_kstr(&j, "title", list[i].title);
        json_kstr(&j, "source", list[i].source);
        json_kstr(&j, "kind", list[i].kind);
        json_kstr(&j, "state", list[i].state);
        if (list[i].error.n)
            json_kstr(&j, "error", list[i].error);
        if (list[i].note.n)
            json_kstr(&j, "note", list[i].note);
        json_kint(&j, "bytes", (int64_t)list[i].bytes);
        json_kint(&j, "chunks", (int64_t)list[i].chunks);
        json_kint(&j, "created_at", list[i].created_s);
        json_kbool(&j, "shared", list[i].shared);
        json_end(&j);
    }
    json_end(&j);
    json_key(&j, "next");
    char next[96];
    if (more && count > 0) {
        int n = snprintf(next, sizeof next, "/rag/documents?limit=%u&after=%.*s", w->limit,
                         STR_FMT(list[count - 1].id));
        json_put_str(&j, (struct str){next, (size_t)n});
    } else {
        json_put_null(&j);
    }
    json_end(&j);
    wait_reply(w, &j, &body);
}

/* "limit=100&after=0123…"; *ret_param is what is wrong. */
static enum err read_part(struct str query, struct rag_part *part, const char **ret_param)
{
    struct str pair, name;
    int64_t limit = RAG_LIST_MAX;
    while (str_cut(&query, '&', &pair)) {
        (void)str_cut(&pair, '=', &name);
        if (str_eq(name, S("limit"))) {
            *ret_param = "limit";
            if (str_to_i64(pair, &limit) != OK || limit < 1 || limit > RAG_LIST_MAX)
                return ERR_INVALID;
        } else if (str_eq(name, S("after"))) {
            *ret_param = "after";
            part->after = pair;
            if (pair.n != RAG_ID_CHARS)
                return ERR_INVALID;
        } else {
            *ret_param = nullptr;
            return ERR_INVALID;
        }
    }
    part->limit = (uint32_t)limit;
    return OK;
}

static void list_request(struct exchange *x, void *arg, struct str body)
{
    (void)x, (void)body;
    struct wait *w = arg;
    struct rag_part part = {};
    const char *param = nullptr;
    enum err err = read_part(exchange_head(w->x)->query, &part, &param);
    if (err != OK) {
        exchange_error(w->x, err, WRONG_PART, param);
        wait_free(w);
        return;
    }
    w->limit = part.limit;
    err = rag_list(w->server->rag, str_of(w->who.owner), part, on_list, w);
    w->asked = err == OK;
    if (err != OK)
        wait_fail(w, err, nullptr);
}

void handle_documents(struct server *s, struct exchange *x, const struct principal *who,
                      struct str id)
{
    (void)id;
    static const struct exchange_events events = {.on_request = list_request, .on_gone = on_gone};
    struct wait *w = wait_create(s, x, who, nullptr);
    if (w)
        exchange_read_body(x, BODY_MAX, &events, w);
}

/* --- deletion --- */

static void on_deleted(void *arg, enum err err)
{
    struct wait *w = arg;
    w->asked = false;
    if (err != OK || !w->x) {
        wait_fail(w, err, err == ERR_NOTFOUND ? "there is no such document of yours" : nullptr);
        return;
    }
    exchange_reply(w->x, 204, nullptr, S(""));
    wait_free(w);
}

static void delete_request(struct exchange *x, void *arg, struct str body)
{
    (void)x, (void)body;
    struct wait *w = arg;
    enum err err = rag_delete(w->server->rag, str_of(w->who.owner), str_of(w->id), on_deleted, w);
    w->asked = err == OK;
    if (err != OK)
        wait_fail(w, err, nullptr);
}

void handle_document_delete(struct server *s, struct exchange *x, const struct principal *who,
                            struct str id)
{
    static const struct exchange_events events = {.on_request = delete_request, .on_gone = on_gone};
    if (id.n != RAG_ID_CHARS) {
        exchange_error(x, ERR_NOTFOUND, "there is no such document of yours", nullptr);
        return;
    }
    struct wait *w = wait_create(s, x, who, nullptr);
    if (!w)
        return;
    memcpy(w->id, id.p, id.n);
    exchange_read_body(x, BODY_MAX, &events, w);
}

/* --- questions --- */

static enum err put_answer(struct json_out *j, const struct rag_hits *hits)
{
    struct quote q;
    quote_init(&q);
    enum err err = quote_answer(&q, hits);
    if (err == OK) {
        json_kstr(j, "answer", buf_str(&q.text));
        json_key(j, "citations");
        json_arr(j);
        for (size_t i = 0; i < q.cited_count; i++) {
            json_obj(j);
            json_kint(j, "index", (int64_t)i + 1);
            put_hit(j, &hits->hit[q.cited[i]]);
            json_end(j);
        }
        json_end(j);
    }
    quote_finish(&q);
    return err;
}

static void on_hits(void *arg, enum err err, const struct rag_hits *hits)
{
    struct wait *w = arg;
    if (err != OK) {
        wait_fail(w, err, nullptr);
        return;
    }
    autobuf body = BUF(ANSWER_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_key(&j, "hits");
    json_arr(&j);
    for (size_t i = 0; i < hits->count; i++) {
        json_obj(&j);
        put_hit(&j, &hits->hit[i]);
        json_end(&j);
    }
    json_end(&j);
    if (w->answer && (err = put_answer(&j, hits)) != OK) {
        wait_fail(w, err, nullptr);
        return;
    }
    json_end(&j);
    wait_reply(w, &j, &body);
}

struct query_request {
    struct str query;
    int64_t k;
    bool answer;
};

static void query_request(struct exchange *x, void *arg, struct str body)
{
    static const struct json_field fields[] = {
        {"query", JSON_STR, offsetof(struct query_request, query), .required = true, .min = 1,
         .max = TURN_TEXT_MAX},
        {"k", JSON_INT, offsetof(struct query_request, k), .min = 1, .max = 50},
        {"answer", JSON_BOOL, offsetof(struct query_request, answer)},
    };
    struct wait *w = arg;
    struct query_request r = {.k = w->server->conf->rag_k};
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    enum err err = admit_request(w->server, &w->who, x);
    if (err == OK)
        err = json_parse(body, &doc, &why);
    if (err == OK)
        err = json_read(json_root(doc), fields, 3, JSON_STRICT, &r, &why);
    w->answer = r.answer;
    if (err == OK)
        err = rag_query(w->server->rag, str_of(w->who.owner), r.query, (uint32_t)r.k, on_hits, w,
                        &w->query);
    json_doc_destroy(doc);
    if (err != OK) {
        exchange_error(w->x, err, why.text[0] ? why.text : nullptr,
                       why.param[0] ? why.param : nullptr);
        wait_free(w);
    }
}

void handle_query(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)id;
    static const struct exchange_events events = {.on_request = query_request, .on_gone = on_gone};
    struct wait *w = wait_create(s, x, who, nullptr);
    if (w)
        exchange_read_body(x, BODY_MAX, &events, w);
}
