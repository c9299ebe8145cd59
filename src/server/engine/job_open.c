// SPDX-License-Identifier: Apache-2.0
/* Who is let in: as many jobs as may wait, and the spare ones that nobody waits for. */
#include "base/clock.h"
#include "server/engine/engine_parts.h"

enum { WAITING_MAX = 64 };

static enum err open_job(struct engine *e, bool light, const struct job_events *events, void *arg,
                         struct job **ret_job)
{
    if (e->state == ENGINE_STOPPED)
        return ERR_DRAINING;
    /* A job may outwait a restart that is near, not one that keeps failing. */
    if (e->state == ENGINE_DOWN && e->restart_ms > clock_ms() + ENGINE_WAIT_MS / 2)
        return ERR_ENGINE;
    if (light ? e->light_count + e->light_waiting >= ENGINE_LIGHT_MAX
              : e->waiting_count >= WAITING_MAX)
        return ERR_BUSY;
    struct job *j = mem_zero(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    j->engine = e;
    j->light = light;
    j->events = events;
    j->arg = arg;
    j->backlog = BUF(JOB_BACKLOG_MAX);
    j->stream = ++e->next_stream ? e->next_stream : ++e->next_stream; /* 0 is no stream */
    j->waiting_until_ms = clock_ms() + ENGINE_WAIT_MS;
    *ret_job = j;
    jobs_add(j);
    return OK;
}

enum err engine_open(struct engine *e, const struct job_events *events, void *arg,
                     struct job **ret_job)
{
    return open_job(e, false, events, arg, ret_job);
}

enum err engine_open_light(struct engine *e, const struct job_events *events, void *arg,
                           struct job **ret_job)
{
    return open_job(e, true, events, arg, ret_job);
}

bool engine_is_spare(const struct engine *e)
{
    if (e->remote || e->mouth || e->state != ENGINE_READY || e->waiting_count)
        return false;
    for (const struct job *j = e->live; j; j = j->next)
        if (!j->spare && !j->light)
            return false;
    return true;
}

enum err engine_open_spare(struct engine *e, const struct job_events *events, void *arg,
                           struct job **ret_job)
{
    if (e->remote || e->mouth)
        return ERR_UNSUPPORTED;
    if (!engine_is_spare(e) || e->live_count >= e->slots)
        return ERR_BUSY;
    try(open_job(e, false, events, arg, ret_job));
    (*ret_job)->spare = true;
    return OK;
}

void job_claim(struct job *j)
{
    if (j)
        j->spare = false;
}
