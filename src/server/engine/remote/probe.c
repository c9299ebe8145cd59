// SPDX-License-Identifier: Apache-2.0
/* Is the server there, and has it the model? It is found, watched, lost, found again. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/engine/remote/parts.h"

enum {
    CONNECT_MS = 3000,      /* for a connection that is only to ask whether it is there */
    LIST_MS = 1000,         /* then for the list of models; both together less than doctor waits */
    PROBE_EVERY_MS = 30000, /* while all is well: models are changed, servers go */
    BACKOFF_MIN_MS = 250,
    BACKOFF_MAX_MS = 10000,
    FAILURES_MAX = 2,      /* one may be chance */
    DOUBT_MS = 300000,     /* a server with nothing at our path may have been started anew */
    CONTEXT_TOKENS = 8192, /* of a server that does not say */
    SENTENCE_BYTES = 480,
};

static void begin_probe(struct remote *r);

static void is_ready(struct remote *r, const struct remote_models *m)
{
    struct engine *e = r->engine;
    r->backoff_ms = 0;
    r->failures = 0;
    r->is_heard = false;
    timer_start(&r->timer, PROBE_EVERY_MS);
    if (e->state == ENGINE_READY && e->ready_model && strcmp(e->ready_model, m->name) == 0)
        return;
    r->counts_completion = r->tells_text_alone = r->is_proven = false; /* it may be another one */
    r->took_us = 0;
    r->context = r->context_wanted ? r->context_wanted : m->context ? m->context : CONTEXT_TOKENS;
    char notes[SENTENCE_BYTES];
    snprintf(notes, sizeof notes, "%.150s at %.250s", m->name, r->url);
    engine_keep_text(&e->ready_model, str_of(m->name));
    engine_keep_text(&e->notes, str_of(notes));
    engine_keep_text(&e->refusal, S(""));
    engine_set_state(e, ENGINE_READY);
    jobs_start_waiting(e);
}

static void try_later(struct remote *r)
{
    r->backoff_ms = !r->backoff_ms                       ? BACKOFF_MIN_MS
                    : r->backoff_ms * 2 < BACKOFF_MAX_MS ? r->backoff_ms * 2
                                                         : BACKOFF_MAX_MS;
    timer_start(&r->timer, r->backoff_ms);
}

static void is_broken(struct remote *r, const struct verdict *absence, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void is_broken(struct remote *r, const struct verdict *absence, const char *fmt, ...)
{
    struct engine *e = r->engine;
    char sentence[SENTENCE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, ap);
    va_end(ap);
    if (e->state == ENGINE_READY && ++r->failures < FAILURES_MAX) {
        try_later(r);
        return;
    }
    r->absence = absence;
    bool is_news = e->state != ENGINE_DOWN || !e->refusal || strcmp(e->refusal, sentence) != 0;
    if (is_news)
        r->backoff_ms = 0; /* something happens there */
    try_later(r);
    if (!is_news)
        return;
    log_warn("%s; it is looked for again and again", sentence);
    engine_keep_text(&e->refusal, str_of(sentence));
    engine_keep_text(&e->notes, str_of(sentence));
    engine_set_state(e, ENGINE_DOWN);
    jobs_end_waiting(e, absence->err, absence->sentence);
}

static void judge_models(struct remote *r, const struct remote_models *m)
{
    const char *wanted = r->engine->model;
    if (m->name[0])
        is_ready(r, m);
    else if (m->count == 0)
        is_broken(r, &verdict_away[r->role->kind], "the server at %.150s has no model", r->url);
    else if (wanted[0])
        is_broken(r, &verdict_closed[r->role->kind],
                  "the server at %.100s has no model %.80s; set %s.model to one of its own: %s",
                  r->url, wanted, r->role->name, m->names);
    else
        is_broken(r, &verdict_closed[r->role->kind],
                  "%s.model must name one of the models at %.150s: %s", r->role->name, r->url,
                  m->names);
}

/* One that lists no models has one, which it uses whatever it is called; whether it is such a server the first job
 * shows. */
static void is_there(struct remote *r)
{
    if (r->missed && clock_ms() < r->missed_until_ms) {
        is_broken(r, &verdict_closed[r->role->kind],
                  "there is nothing at %.150s%s (HTTP %d); does %s.url end in /v1, as the server "
                  "has it?",
                  r->url, r->role->path, r->missed, r->role->name);
        return;
    }
    const char *wanted = r->engine->model;
    struct remote_models m = {.count = 1};
    snprintf(m.name, sizeof m.name, "%s", wanted[0] ? wanted : "whisper-1");
    is_ready(r, &m);
}

static void judge_status(struct remote *r, int status)
{
    if (status == 401 || status == 403)
        is_broken(r, &verdict_closed[r->role->kind],
                  "the server at %.150s refuses %s (HTTP %d); set %s.key_file to a file that "
                  "holds its key",
                  r->url, r->key[0] ? "the key" : "requests without a key", status, r->role->name);
    else if ((status == 404 || status == 405) && !r->role->lists_models)
        is_there(r);
    else if (status == 404 || status == 405)
        is_broken(r, &verdict_closed[r->role->kind],
                  "there is no list of models at %.150s/models (HTTP %d); does %s.url end in "
                  "/v1, as the server has it?",
                  r->url, status, r->role->name);
    else if (status >= 300 && status < 400)
        is_broken(r, &verdict_closed[r->role->kind],
                  "the server at %.150s leads elsewhere (HTTP %d), which is not followed; set "
                  "%s.url to the final address",
                  r->url, status, r->role->name);
    else
        is_broken(r, &verdict_away[r->role->kind],
                  "the server at %.150s is not ready: it answers HTTP %d", r->url, status);
}

static void judge(struct remote *r, const struct fetch_result *result)
{
    r->lists_none = result->err == OK && (result->status == 404 || result->status == 405);
    r->missed = r->lists_none ? r->missed : 0;
    if (result->err != OK) {
        is_broken(r, &verdict_away[r->role->kind], "there is no %s at %.150s (%s)", r->role->server,
                  r->url, result->why);
        return;
    }
    if (result->status != 200) {
        judge_status(r, result->status);
        return;
    }
    struct remote_models m;
    enum err err = remote_models_read(buf_str(&r->probe_body), str_of(r->engine->model),
                                      r->role->task, str_of(r->key), &m);
    if (err == ERR_NOMEM)
        try_later(r);
    else if (err != OK)
        is_broken(r, &verdict_closed[r->role->kind],
                  "what %.150s/models answers is no list of models; %s.url must be the "
                  "address of an OpenAI-compatible server, with its /v1",
                  r->url, r->role->name);
    else
        judge_models(r, &m);
}

static void on_probe_done(void *arg, const struct fetch_result *result)
{
    struct remote *r = arg;
    r->probe = nullptr;
    if (result->err == ERR_NOMEM)
        try_later(r);
    else
        judge(r, result);
    buf_finish(&r->probe_body);
}

static void on_probe_body(void *arg, struct str bytes)
{
    struct remote *r = arg;
    enum err err = buf_add(&r->probe_body, bytes);
    if (err == OK)
        return;
    fetch_cancel(r->probe);
    on_probe_done(r, &(struct fetch_result){.err = err, .why = "its list is too long"});
}

static void begin_probe(struct remote *r)
{
    static const struct fetch_events events = {.body = on_probe_body, .done = on_probe_done};
    const struct fetch_request request = {
        .url = r->models_url,
        .key = r->key,
        .connect_ms = r->connect_ms < CONNECT_MS ? r->connect_ms : CONNECT_MS,
    };
    enum err err = fetch_start(r->fetcher, &request, &events, r, &r->probe);
    if (err == OK)
        timer_start(&r->timer, request.connect_ms + LIST_MS);
    else if (err == ERR_NOMEM)
        try_later(r);
    else
        is_broken(r, &verdict_away[r->role->kind], "the server at %.150s cannot be asked (%s)",
                  r->url, err_text(err));
}

/* It has requests of ours, and none of them for so long that it must have hung. */
static bool is_busy(const struct remote *r)
{
    uint64_t now = clock_ms();
    bool is_asked = false;
    for (const struct remote_work *w = r->works; w; w = w->next) {
        if (w->busy_until_ms && w->busy_until_ms <= now)
            return false;
        is_asked = is_asked || w->busy_until_ms;
    }
    return is_asked;
}

/* One that is slow because it is busy with our answers is not gone. */
static void on_timer(void *arg)
{
    struct remote *r = arg;
    if (!r->probe) {
        begin_probe(r);
        return;
    }
    fetch_cancel(r->probe);
    r->probe = nullptr;
    buf_finish(&r->probe_body);
    if (r->engine->state == ENGINE_READY && (r->is_heard || is_busy(r)))
        try_later(r);
    else
        is_broken(r, &verdict_away[r->role->kind], "the server at %.150s does not answer", r->url);
    r->is_heard = false;
}

void remote_look(struct remote *r)
{
    if (!r->probe)
        begin_probe(r);
}

void remote_look_for_path(struct remote *r, int status)
{
    if (r->lists_none && !r->is_proven) { /* else it is that job's fault, or passes */
        r->missed = status;
        r->missed_until_ms = clock_ms() + DOUBT_MS;
        r->failures = FAILURES_MAX;
    }
    remote_look(r);
}

void remote_watch(struct remote *r)
{
    r->probe_body = BUF(REMOTE_BODY_BYTES_MAX);
    timer_init(&r->timer, r->engine->loop, on_timer, r);
    timer_start(&r->timer, 0); /* its failure is news, which nobody may hear inside of this */
}

void remote_unwatch(struct remote *r)
{
    fetch_cancel(r->probe);
    timer_stop(&r->timer);
    buf_finish(&r->probe_body);
}
