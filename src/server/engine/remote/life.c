// SPDX-License-Identifier: Apache-2.0
/* The life of an engine elsewhere, and what its jobs have in common. */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/engine/remote/address.h"
#include "server/engine/remote/parts.h"

enum {
    TICK_MS = 100, /* while jobs wait */
};

/* --- to the owners of jobs --- */

void remote_send(struct remote *r, uint32_t stream, enum msg_type type, const void *msg)
{
    struct frame f;
    size_t used;
    buf_clear(&r->frame);
    check(msg_encode(&r->frame, type, stream, msg) == OK); /* there is room */
    check(frame_next(buf_str(&r->frame), &f, &used) == OK);
    check(jobs_dispatch(r->engine, &f) == OK);
}

void remote_send_failure(struct remote *r, uint32_t stream, enum err err, const char *sentence)
{
    remote_send(r, stream, MSG_fail, &(struct msg_fail){.err = err, .text = str_of(sentence)});
}

static void find_orphans(void *arg)
{
    struct remote *r = arg;
    const struct job *job = r->engine->live;
    while (job) {
        bool is_orphan = job->told && !remote_work_find(r, job->stream);
        if (is_orphan)
            remote_send_failure(r, job->stream, ERR_NOMEM, err_text(ERR_NOMEM));
        job = is_orphan ? r->engine->live : job->next;
    }
}

void remote_work_add(struct remote *r, struct remote_work *w, uint32_t stream)
{
    w->stream = stream;
    w->next = r->works;
    w->link = &r->works;
    if (w->next)
        w->next->link = &w->next;
    r->works = w;
}

void remote_work_remove(struct remote_work *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
}

struct remote_work *remote_work_find(const struct remote *r, uint32_t stream)
{
    struct remote_work *w = r->works;
    while (w && (w->stream != stream || w->is_over))
        w = w->next;
    return w;
}

/* --- life --- */

static void on_tick(void *arg)
{
    struct engine *e = arg;
    const struct verdict *absence = e->remote->absence;
    jobs_expire(e, clock_ms());
    if (e->state == ENGINE_DOWN)
        jobs_end_waiting(e, absence->err, absence->sentence);
    if (jobs_pending(e))
        timer_start(&e->timer, TICK_MS);
}

/* The URL with `path` behind it. */
static enum err join(struct str url, const char *path, char **ret_url)
{
    autobuf whole = BUF(4096);
    try(buf_add(&whole, url));
    try(buf_add(&whole, str_of(path)));
    *ret_url = mem_strdup(buf_str(&whole));
    return *ret_url ? OK : ERR_NOMEM;
}

static enum err copy_texts(struct remote *r, const struct engine_remote *config)
{
    struct str url = str_of(config->url);
    while (str_ends(url, S("/")))
        url.n--;
    try(join(url, "", &r->url));
    r->address = remote_address_of_wyoming(r->url);
    try(join(url, "/models", &r->models_url));
    try(join(url, r->role->path ? r->role->path : "", &r->ask_url));
    try(join(url, r->role->or_path ? r->role->or_path : "", &r->or_url));
    r->key = mem_strdup(str_of(config->key));
    return r->key ? OK : ERR_NOMEM;
}

static enum err begin(struct engine *e, const struct engine_config *config)
{
    struct remote *r = mem_zero(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    e->remote = r;
    r->engine = e;
    r->role = strcmp(e->role, remote_stt.name) != 0                       ? &remote_llm
              : remote_address_of_wyoming(config->remote->url) != nullptr ? &remote_wyoming
                                                                          : &remote_stt;
    r->absence = &verdict_away[r->role->kind];
    e->slots = config->remote->slots;
    e->refusal_passes = true;
    r->context_wanted = config->remote->context;
    r->connect_ms = config->remote->connect_ms;
    r->first_token_ms = config->remote->first_token_ms;
    r->silence_ms = config->remote->silence_ms;
    r->reply_ms = config->remote->reply_ms;
    r->frame = BUF(WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES);
    timer_init(&e->timer, e->loop, on_tick, e);
    remote_watch(r);
    deferred_init(&r->orphans, e->loop, find_orphans, r);
    try(copy_texts(r, config->remote));
    try(buf_reserve(&r->frame, WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES));
    try(fetcher_create(e->loop, &r->fetcher));
    engine_set_state(e, ENGINE_STARTING);
    return OK;
}

static enum err take(struct engine *e, struct str bytes)
{
    struct frame f;
    union msg msg;
    size_t used;
    check(frame_next(bytes, &f, &used) == OK && used == bytes.n && msg_decode(&f, &msg) == OK);
    e->remote->role->take(e->remote, &f, &msg);
    return OK;
}

static void stop(struct engine *e)
{
    struct remote *r = e->remote;
    if (!r)
        return;
    while (r->works)
        r->role->free_work(r->works);
    remote_unwatch(r);
    deferred_cancel(&r->orphans);
    fetcher_destroy(r->fetcher);
    buf_finish(&r->frame);
    char *owned[] = {r->url, r->ask_url, r->or_url, r->models_url, r->key};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(r);
}

const struct backend backend_remote = {.begin = begin, .write = take, .stop = stop};
