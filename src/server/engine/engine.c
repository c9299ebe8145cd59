// SPDX-License-Identifier: Apache-2.0
/* What every engine has, whoever does its work: what it was told, its state, its end. */
#include <stdlib.h>

#include "base/clock.h"
#include "server/engine/engine_parts.h"

enum { START_MS = 60000 }; /* until `ready` */

void engine_set_state(struct engine *e, enum engine_state state)
{
    e->state = state;
    e->since_ms = clock_ms();
    if (e->on_state)
        e->on_state(e->arg, e);
}

const char *engine_state_name(enum engine_state s)
{
    static const char *const name[] = {"starting", "ready", "down", "stopped"};
    return name[s];
}

void engine_keep_text(char **owned, struct str s)
{
    free(*owned);
    *owned = mem_strdup(s);
}

static enum err copy_config(struct engine *e, const struct engine_config *config)
{
    const struct {
        char **to;
        const char *from;
    } texts[] = {
        {&e->role, config->role},
        {&e->driver, config->driver},
        {&e->model_dir, config->model_dir},
        {&e->model, config->model},
        {&e->options, config->options},
        {&e->sha256, config->sha256},
        {&e->vad, config->vad},
        {&e->vad_sha256, config->vad_sha256},
        {&e->sha256_beside, config->sha256_beside},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i].to = mem_strdup(str_of(texts[i].from ? texts[i].from : ""));
        if (!*texts[i].to)
            return ERR_NOMEM;
    }
    e->threads = config->threads;
    e->start_ms = config->start_ms ? config->start_ms : START_MS;
    e->on_state = config->on_state;
    e->on_learnt = config->on_learnt;
    e->arg = config->arg;
    return OK;
}

enum err engine_create(struct loop *loop, const struct engine_config *config, struct engine **ret_e)
{
    struct engine *e = mem_zero(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;
    e->loop = loop;
    e->backend = config->remote ? &backend_remote : &backend_child;
    e->waiting_tail = &e->waiting;
    e->in = BUF(2 * (WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES) + 256 * 1024);
    e->out = BUF(WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES);
    enum err err = copy_config(e, config);
    if (err == OK)
        err = buf_reserve(&e->out, WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES);
    e->filter = config->mouth ? &mouth_filter : nullptr;
    if (err == OK && e->filter)
        err = e->filter->begin(e, config);
    if (err == OK)
        err = e->backend->begin(e, config);
    if (err != OK) {
        engine_destroy(e);
        return err;
    }
    *ret_e = e;
    return OK;
}

void engine_destroy(struct engine *e)
{
    engine_end(e, ERR_DRAINING, "the server is shutting down");
}

void engine_end(struct engine *e, enum err err, const char *text)
{
    if (!e)
        return;
    e->state = ENGINE_STOPPED;
    jobs_end_all(e, err, text);
    if (e->filter)
        e->filter->stop(e);
    e->backend->stop(e);
    timer_stop(&e->timer);
    blob_unref(e->words);
    buf_finish(&e->in);
    buf_finish(&e->out);
    char *owned[] = {e->role,          e->driver,       e->model_dir,   e->model,     e->options,
                     e->program,       e->ready_driver, e->ready_model, e->languages, e->notes,
                     e->voices,        e->refusal,      e->sha256,      e->vad,       e->vad_sha256,
                     e->sha256_beside, e->last_words};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(e);
}

void engine_info(const struct engine *e, struct engine_info *ret_info)
{
    *ret_info = (struct engine_info){
        .role = e->role,
        .driver = e->ready_driver ? e->ready_driver : e->driver,
        .model = e->ready_model ? e->ready_model : "",
        .languages = e->languages ? e->languages : "",
        .notes = e->notes ? e->notes : "",
        .vad = e->vad,
        .voices = e->voices ? e->voices : "",
        .refusal = e->refusal ? e->refusal : "",
        .refusal_passes = e->refusal_passes,
        .last_words = e->last_words ? e->last_words : "",
        .state = e->state,
        .since_ms = e->since_ms,
        .rate_hz = e->rate_hz,
        .slots = e->slots,
        .live = e->live_count,
        .waiting = e->waiting_count,
        .leaving = e->leaving_count,
        .restarts = e->restarts,
        .pid = e->child ? child_pid(e->child) : 0,
        .learnt = !e->words || e->learnt,
    };
}

uint64_t engine_guarded(const struct engine *e, enum guard guard)
{
    return e->guarded[guard];
}
