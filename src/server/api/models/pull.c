// SPDX-License-Identifier: Apache-2.0
/* POST /models/pull, whose stream tells how it goes, and POST /models/cancel. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "server/api/models/models.h"
#include "server/api/models/pull_command.h"
#include "server/net/sse.h"

enum {
    BODY_MAX = 8 * 1024,
    EVENT_MAX = 8 * 1024,
    QUEUE_MAX = 16 * 1024, /* who is slower misses some of the progress */
    SILENCES = 20, /* of fetch.silence_ms: the program is silent while it hashes what is there */
};

/* --- who waits --- */

static void waiter_free(struct waiter *w)
{
    sse_drop(w->sse);
    free(w);
}

static void waiter_fail(struct waiter *w, enum err err, const char *message, const char *param)
{
    exchange_error(w->x, err, message, param);
    waiter_free(w);
}

static void leave(struct models *m, const struct waiter *w)
{
    for (struct waiter **at = &m->waiters; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            return;
        }
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct waiter *w = arg;
    if (w->server->models)
        leave(w->server->models, w);
    waiter_free(w);
}

static void join(struct models *m, struct waiter *w)
{
    w->next = m->waiters;
    m->waiters = w;
}

/* Also the last event: a client that it does not reach, for want of memory, sees a stream that breaks off. */
static void tell(const struct waiter *w, const char *event, struct json_out *j)
{
    json_end(j);
    if (json_finish(j) == OK)
        (void)sse_send(w->sse, event, 0, buf_str(j->to));
    else
        exchange_doom(w->x);
}

static void send_progress(const struct models *m, const struct waiter *w)
{
    autobuf body = BUF(EVENT_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "name", str_of(m->name));
    json_kint(&j, "done", m->done);
    json_kint(&j, "total", m->total);
    tell(w, "progress", &j);
}

static void end_stream(struct waiter *w, const char *name, enum err err, const char *sentence)
{
    autobuf body = BUF(EVENT_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    if (err == OK) {
        json_kstr(&j, "name", str_of(name));
    } else {
        json_kstr(&j, "code", str_of(err_code(err)));
        json_kstr(&j, "message", str_of(sentence));
    }
    tell(w, err == OK ? "done" : "error", &j);
    sse_end(w->sse);
    free(w);
}

/* It has cancelled. */
static void end_cancel(struct waiter *w, const char *name, enum err how)
{
    autobuf body = BUF(EVENT_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "canceled", str_of(name));
    json_end(&j);
    enum err err = json_finish(&j);
    if (how == OK)
        waiter_fail(w, ERR_CONFLICT, "the model was there before its pull could be canceled",
                    "name");
    else if (err != OK)
        waiter_fail(w, err, nullptr, nullptr);
    else {
        exchange_reply(w->x, 200, "application/json", buf_str(&body));
        waiter_free(w);
    }
}

/* --- the pull --- */

static void on_progress(void *arg, int64_t done, int64_t total)
{
    struct models *m = arg;
    m->done = done;
    m->total = total;
    for (struct waiter *w = m->waiters; w; w = w->next)
        if (w->sse && exchange_queued(w->x) <= QUEUE_MAX)
            send_progress(m, w);
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct models *m = arg;
    struct waiter *w = m->waiters;
    m->puller = nullptr;
    m->waiters = nullptr;
    if (err == OK)
        log_info("the model %s was pulled", m->name);
    else
        log_warn("the model %s was not pulled (%s): %s", m->name, err_code(err), sentence);
    while (w) {
        struct waiter *next = w->next;
        if (w->cancels)
            end_cancel(w, m->name, err);
        else
            end_stream(w, m->name, err, sentence);
        w = next;
    }
}

static enum err start(struct models *m, const struct wish_words *words, const struct wish *wish)
{
    static const struct puller_events events = {.progress = on_progress, .ended = on_ended};
    const struct server *s = m->server;
    struct pull_command command;
    enum err err = pull_command_init(&command, s->conf, s->data, shelf_dir(m->shelf), words);
    const struct puller_spec spec = {
        .program = "/proc/self/exe",
        .argv = command.argv,
        .env = command.env,
        .silence_ms = (uint64_t)s->conf->fetch_silence_ms * SILENCES,
    };
    if (err == OK)
        err = puller_start(s->loop, &spec, &events, m, &m->puller);
    pull_command_finish(&command);
    if (err != OK)
        return err;
    snprintf(m->name, sizeof m->name, "%s", wish->name);
    snprintf(m->source, sizeof m->source, "%.*s", STR_FMT(wish->model.file[0].source));
    m->done = 0;
    m->total = model_size(&wish->model);
    m->is_ending = false;
    log_debug("the model %s is being pulled", m->name);
    return OK;
}

void models_drain(struct server *s)
{
    struct models *m = s->models;
    if (m && m->puller) {
        m->is_ending = true;
        puller_cancel(m->puller, ERR_DRAINING,
                      "the server is shutting down; pull the model again, what has come is kept");
    }
}

/* --- what is wanted --- */

struct request {
    struct str name, source, sha256, more_sha256, kind, as;
};

static enum err refuse(struct json_why *why, enum err err, const char *param, const char *text)
{
    *why = (struct json_why){};
    snprintf(why->param, sizeof why->param, "%s", param);
    snprintf(why->text, sizeof why->text, "%s", text);
    return err;
}

static enum err read_request(struct str body, struct json_doc **ret_doc, struct request *r,
                             struct json_why *why)
{
    static const struct json_field fields[] = {
        {"name", JSON_STR, offsetof(struct request, name)},
        {"source", JSON_STR, offsetof(struct request, source), .min = 1, .max = MODEL_SOURCE_MAX},
        {"sha256", JSON_STR, offsetof(struct request, sha256), .min = SHA256_HEX,
         .max = SHA256_HEX},
        {"more_sha256", JSON_STR, offsetof(struct request, more_sha256), .min = SHA256_HEX,
         .max = SHA256_HEX},
        {"kind", JSON_STR, offsetof(struct request, kind), .one_of = "llm|stt|tts|embed|vad"},
        {"as", JSON_STR, offsetof(struct request, as), .min = 1, .max = MODEL_NAME_MAX},
    };
    try(json_parse(body, ret_doc, why));
    try(json_read(json_root(*ret_doc), fields, sizeof fields / sizeof *fields, JSON_STRICT, r,
                  why));
    if (!r->name.p == !r->source.p)
        return refuse(why, ERR_INVALID, r->name.p ? "source" : "name",
                      "send the name of a model that GET /models lists, or a source");
    if (r->sha256.n && !sha256_is_good(r->sha256))
        return refuse(why, ERR_INVALID, "sha256",
                      "it takes 64 hexadecimal digits in small letters");
    if (r->more_sha256.n && (!r->sha256.n || !sha256_is_good(r->more_sha256)))
        return refuse(why, ERR_INVALID, "more_sha256",
                      "it stands beside sha256 and takes 64 hexadecimal digits in small letters");
    if (r->as.n && !model_name_is_good(r->as))
        return refuse(why, ERR_INVALID, "as",
                      "a model's name takes letters, digits, \".\", - and _");
    return OK;
}

static enum err take_wish(const struct models *m, const struct request *r,
                          const struct wish_words *words, struct wish *wish, struct json_why *why)
{
    if (r->name.p && !model_list_find(shelf_catalogue(m->shelf), r->name))
        return refuse(why, ERR_NOTFOUND, "name",
                      "no model is known by this name; GET /models lists them");
    switch (wish_take(shelf_catalogue(m->shelf), words, wish)) {
    case WISH_SOURCE:
        return refuse(why, ERR_INVALID, "source",
                      "a source is hf:owner/repo:file or an https address");
    case WISH_KIND:
        return refuse(why, ERR_INVALID, "kind", "the file does not tell what it is for; say it");
    case WISH_NAME:
        return refuse(why, ERR_INVALID, "as",
                      "the file's name makes no good name for a model; give it one");
    case WISH_SHA256:
        return refuse(why, ERR_INVALID, "sha256", "an address needs the SHA-256 of its file");
    case WISH_MORE_SHA256:
        return refuse(why, ERR_INVALID, "more_sha256",
                      "a voice is two files; send the SHA-256 of the .onnx.json beside it, too");
    case WISH_NO_MORE:
        return refuse(why, ERR_INVALID, "more_sha256", "the model is one file; leave it out");
    case WISH_NOMEM:
        return ERR_NOMEM;
    case WISH_GOOD:
        break;
    }
    return OK;
}

/* Another pull, or a newer one of this name, is in its way. */
static enum err may_begin(const struct models *m, const struct wish *wish, struct json_why *why)
{
    char text[sizeof why->text];
    if (m->server->draining)
        return ERR_DRAINING;
    if (!m->puller)
        return OK;
    if (!str_eq_nocase(str_of(wish->name), str_of(m->name)))
        snprintf(text, sizeof text, "%s is being pulled; wait for its end, or cancel it", m->name);
    else if (m->is_ending)
        snprintf(text, sizeof text, "%s is being canceled; try again", m->name);
    else if (!str_eq(wish->model.file[0].source, str_of(m->source)))
        snprintf(text, sizeof text, "%s is being pulled from elsewhere; wait for its end", m->name);
    else
        return OK;
    return refuse(why, ERR_CONFLICT, "name", text);
}

/* Also one from a source, which no list knows by this name. */
static bool is_under_way(const struct models *m, const struct request *r)
{
    return m->puller && !m->is_ending && r->name.p && str_eq_nocase(r->name, str_of(m->name));
}

/* The stream is open: a pull that cannot be started is its last event. */
static void begin_or_join(struct models *m, const struct wish_words *words, const struct wish *wish,
                          struct waiter *w)
{
    enum err err = m->puller ? OK : start(m, words, wish);
    if (err != OK) {
        end_stream(w, wish->name, err, err_text(err));
        return;
    }
    join(m, w);
    send_progress(m, w);
}

static void pull_request(struct exchange *x, void *arg, struct str body)
{
    struct waiter *w = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    struct request r = {};
    struct wish wish;
    struct models *m = nullptr;
    enum err err = read_request(body, &doc, &r, &why);
    const struct wish_words words = {.source = r.name.p ? r.name : r.source,
                                     .sha256 = r.sha256,
                                     .kind = r.kind,
                                     .as = r.as,
                                     .more_sha256 = r.more_sha256};
    if (err == OK)
        err = models_of(w->server, &m);
    bool joins = err == OK && is_under_way(m, &r);
    if (err == OK && !joins)
        err = take_wish(m, &r, &words, &wish, &why);
    if (err == OK && !joins)
        err = may_begin(m, &wish, &why);
    if (err == OK)
        err = sse_open(x, &w->sse);
    if (err == OK)
        begin_or_join(m, &words, &wish, w);
    else
        waiter_fail(w, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
    json_doc_destroy(doc);
}

static void cancel_request(struct exchange *x, void *arg, struct str body)
{
    static const struct json_field fields[] = {
        {"name", JSON_STR, offsetof(struct request, name), .required = true}};
    (void)x;
    struct waiter *w = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    struct request r = {};
    struct models *m = w->server->models;
    enum err err = json_parse(body, &doc, &why);
    if (err == OK)
        err = json_read(json_root(doc), fields, 1, JSON_STRICT, &r, &why);
    if (err == OK && (!m || !m->puller || !str_eq_nocase(r.name, str_of(m->name))))
        err = refuse(&why, ERR_NOTFOUND, "name", "no pull of this name is under way");
    json_doc_destroy(doc);
    if (err != OK) {
        waiter_fail(w, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
        return;
    }
    w->cancels = true;
    m->is_ending = true;
    join(m, w);
    puller_cancel(m->puller, ERR_CANCELED, "it was canceled; what has come is kept");
}

static void begin(struct server *s, struct exchange *x, const struct exchange_events *events)
{
    struct waiter *w = mem_zero(1, sizeof *w);
    if (!w) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    w->server = s;
    w->x = x;
    exchange_read_body(x, BODY_MAX, events, w);
}

void handle_model_pull(struct server *s, struct exchange *x, const struct principal *who,
                       struct str id)
{
    (void)who, (void)id;
    static const struct exchange_events events = {.on_request = pull_request, .on_gone = on_gone};
    begin(s, x, &events);
}

void handle_model_cancel(struct server *s, struct exchange *x, const struct principal *who,
                         struct str id)
{
    (void)who, (void)id;
    static const struct exchange_events events = {.on_request = cancel_request, .on_gone = on_gone};
    begin(s, x, &events);
}
