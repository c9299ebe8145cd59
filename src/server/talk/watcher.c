// SPDX-License-Identifier: Apache-2.0
#include "server/talk/watcher.h"

#include "base/mem.h"
#include "server/engine/engine.h"
#include "server/talk/samples.h"

struct watcher {
    const struct watcher_events *events;
    void *arg;
    struct job *job;
};

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct watcher *w = arg;
    if (type == MSG_vad_frames)
        w->events->frames(w->arg, msg->vad_frames.speech);
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct watcher *w = arg;
    const struct watcher_events *events = w->events;
    void *owner = w->arg;
    free(w);
    events->ended(owner, err, text);
}

enum err watcher_begin(struct engine *stt, uint32_t rate_hz, const struct watcher_events *events,
                       void *arg, struct watcher **ret_w)
{
    static const struct job_events job_events = {.message = on_message, .ended = on_ended};
    struct watcher *w = mem_zero(1, sizeof *w);
    if (w == nullptr)
        return ERR_NOMEM;
    w->events = events;
    w->arg = arg;
    enum err err = engine_open_light(stt, &job_events, w, &w->job);
    if (err == OK)
        err = job_send(w->job, MSG_vad_open, &(struct msg_vad_open){rate_hz});
    if (err != OK)
        watcher_drop(w);
    else
        *ret_w = w;
    return err;
}

enum err watcher_sound(struct watcher *w, const int16_t *samples, size_t count)
{
    return samples_send(w->job, samples, count);
}

size_t watcher_backlog(const struct watcher *w)
{
    return job_backlog(w->job);
}

void watcher_drop(struct watcher *w)
{
    if (w == nullptr)
        return;
    job_cancel(w->job);
    free(w);
}
