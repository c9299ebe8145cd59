// SPDX-License-Identifier: Apache-2.0
/* A server that speaks HTTP is asked for the list of its models. */
#include <stdio.h>

#include "base/clock.h"
#include "server/engine/remote/parts.h"

enum {
    DOUBT_MS = 300000, /* a server with nothing at our path may have been started anew */
};

/* One that lists no models has one, which it uses whatever it is called; whether it is such a server the first job
 * shows. */
static void is_there(struct remote *r)
{
    if (r->missed && clock_ms() < r->missed_until_ms) {
        remote_is_broken(
            r, &verdict_closed[r->role->kind],
            "there is nothing at %.150s%s (HTTP %d); does %s.url end in /v1, as the server "
            "has it?",
            r->url, r->role->path, r->missed, r->role->name);
        return;
    }
    const char *wanted = r->engine->model;
    struct remote_models m = {.count = 1};
    snprintf(m.name, sizeof m.name, "%s", wanted[0] ? wanted : "whisper-1");
    remote_is_ready(r, &m);
}

static void judge_status(struct remote *r, int status)
{
    if (status == 401 || status == 403)
        remote_is_broken(
            r, &verdict_closed[r->role->kind],
            "the server at %.150s refuses %s (HTTP %d); set %s.key_file to a file that "
            "holds its key",
            r->url, r->key[0] ? "the key" : "requests without a key", status, r->role->name);
    else if ((status == 404 || status == 405) && !r->role->lists_models)
        is_there(r);
    else if (status == 404 || status == 405)
        remote_is_broken(
            r, &verdict_closed[r->role->kind],
            "there is no list of models at %.150s/models (HTTP %d); does %s.url end in "
            "/v1, as the server has it?",
            r->url, status, r->role->name);
    else if (status >= 300 && status < 400)
        remote_is_broken(
            r, &verdict_closed[r->role->kind],
            "the server at %.150s leads elsewhere (HTTP %d), which is not followed; set "
            "%s.url to the final address",
            r->url, status, r->role->name);
    else
        remote_is_broken(r, &verdict_away[r->role->kind],
                         "the server at %.150s is not ready: it answers HTTP %d", r->url, status);
}

static void judge(struct remote *r, const struct fetch_result *result)
{
    r->lists_none = result->err == OK && (result->status == 404 || result->status == 405);
    r->missed = r->lists_none ? r->missed : 0;
    if (result->err != OK) {
        remote_is_broken(r, &verdict_away[r->role->kind], "there is no %s at %.150s (%s)",
                         r->role->server, r->url, result->why);
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
        remote_probe_later(r);
    else if (err != OK)
        remote_is_broken(r, &verdict_closed[r->role->kind],
                         "what %.150s/models answers is no list of models; %s.url must be the "
                         "address of an OpenAI-compatible server, with its /v1",
                         r->url, r->role->name);
    else
        remote_judge_models(r, &m);
}

static void end(struct remote *r)
{
    fetch_cancel(r->probe);
    r->probe = nullptr;
    buf_finish(&r->probe_body);
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct remote *r = arg;
    r->probe = nullptr;
    if (result->err == ERR_NOMEM)
        remote_probe_later(r);
    else
        judge(r, result);
}

static void on_body(void *arg, struct str bytes)
{
    struct remote *r = arg;
    enum err err = buf_add(&r->probe_body, bytes);
    if (err == OK)
        return;
    fetch_cancel(r->probe);
    on_done(r, &(struct fetch_result){.err = err, .why = "its list is too long", .fd = -1});
}

static enum err begin(struct remote *r, uint32_t connect_ms)
{
    static const struct fetch_events events = {.body = on_body, .done = on_done};
    const struct fetch_request request = {
        .url = r->models_url, .key = r->key, .connect_ms = connect_ms};
    r->probe_body = BUF(REMOTE_BODY_BYTES_MAX);
    return fetch_start(r->fetcher, &request, &events, r, &r->probe);
}

const struct remote_asking remote_asking_models = {.begin = begin, .end = end};

void remote_look_for_path(struct remote *r, int status)
{
    if (r->lists_none && !r->is_proven) { /* else it is that job's fault, or passes */
        r->missed = status;
        r->missed_until_ms = clock_ms() + DOUBT_MS;
        r->failures = REMOTE_FAILURES_MAX;
    }
    remote_look(r);
}
