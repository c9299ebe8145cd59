// SPDX-License-Identifier: Apache-2.0
/* Is the server there, and has it the model? It is found, watched, lost, found again. */
#include <stdarg.h>
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
    CONTEXT_TOKENS = 8192, /* of a server that does not say */
    SENTENCE_BYTES = 480,
};

static void hang_up(struct remote *r)
{
    r->is_probing = false;
    r->role->asking->end(r);
}

void remote_is_ready(struct remote *r, const struct remote_models *m)
{
    struct engine *e = r->engine;
    hang_up(r);
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

void remote_probe_later(struct remote *r)
{
    hang_up(r);
    try_later(r);
}

void remote_is_broken(struct remote *r, const struct verdict *absence, const char *fmt, ...)
{
    struct engine *e = r->engine;
    char sentence[SENTENCE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, ap);
    va_end(ap);
    hang_up(r);
    if (e->state == ENGINE_READY && ++r->failures < REMOTE_FAILURES_MAX) {
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

void remote_judge_models(struct remote *r, const struct remote_models *m)
{
    const char *wanted = r->engine->model;
    if (m->name[0])
        remote_is_ready(r, m);
    else if (m->count == 0)
        remote_is_broken(r, &verdict_away[r->role->kind], "the server at %.150s has no model",
                         r->url);
    else if (wanted[0])
        remote_is_broken(
            r, &verdict_closed[r->role->kind],
            "the server at %.100s has no model %.80s; set %s.model to one of its own: %s", r->url,
            wanted, r->role->name, m->names);
    else
        remote_is_broken(r, &verdict_closed[r->role->kind],
                         "%s.model must name one of the models at %.150s: %s", r->role->name,
                         r->url, m->names);
}

static void begin_probe(struct remote *r)
{
    uint32_t connect_ms = r->connect_ms < CONNECT_MS ? r->connect_ms : CONNECT_MS;
    r->is_probing = true;
    enum err err = r->role->asking->begin(r, connect_ms);
    if (err == OK)
        timer_start(&r->timer, connect_ms + LIST_MS);
    else if (err == ERR_NOMEM)
        remote_probe_later(r);
    else
        remote_is_broken(r, &verdict_away[r->role->kind],
                         "the server at %.150s cannot be asked (%s)", r->url, err_text(err));
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
    if (!r->is_probing) {
        begin_probe(r);
        return;
    }
    if (r->engine->state == ENGINE_READY && (r->is_heard || is_busy(r)))
        remote_probe_later(r);
    else
        remote_is_broken(r, &verdict_away[r->role->kind], "the server at %.150s does not answer",
                         r->url);
    r->is_heard = false;
}

void remote_look(struct remote *r)
{
    if (!r->is_probing)
        begin_probe(r);
}

void remote_watch(struct remote *r)
{
    timer_init(&r->timer, r->engine->loop, on_timer, r);
    timer_start(&r->timer, 0); /* its failure is news, which nobody may hear inside of this */
}

void remote_unwatch(struct remote *r)
{
    hang_up(r);
    timer_stop(&r->timer);
}
