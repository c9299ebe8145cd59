// SPDX-License-Identifier: Apache-2.0
#include "server/talk/overhear.h"

#include "base/conf.h"
#include "base/mem.h"
#include "server/engine/engine.h"
#include "server/talk/samples.h"
#include "server/talk/turn.h"
#include "wire/partials.h"

struct overhear {
    const struct overhear_events *events;
    void *arg;
    struct job *job; /* NULL once it is over */
    bool finished;
};

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct overhear *o = arg;
    if (type == MSG_stt_partial)
        o->events->words(o->arg, msg->stt_partial.text, msg->stt_partial.audio_ms, false);
    else if (type == MSG_stt_final)
        o->events->words(o->arg, msg->stt_final.text, msg->stt_final.audio_ms, true);
}

static void on_ended(void *arg, enum err err, const char *text)
{
    (void)text;
    struct overhear *o = arg;
    o->job = nullptr;
    if (err != OK)
        o->events->deaf(o->arg);
}

enum err overhear_begin(struct talk *talk, uint32_t rate_hz, bool adapt,
                        const struct overhear_events *events, void *arg, struct overhear **ret_o)
{
    static const struct job_events job_events = {.message = on_message, .ended = on_ended};
    struct overhear *o = mem_zero(1, sizeof *o);
    if (o == nullptr)
        return ERR_NOMEM;
    o->events = events;
    o->arg = arg;
    const struct msg_stt_open open = {
        .rate_hz = rate_hz,
        .adapt = talk->conf->stt_adapt && adapt,
        .partials = PARTIALS_PROGRESS,
        .language = str_of(talk->conf->language),
    };
    enum err err = engine_open(talk->stt, &job_events, o, &o->job);
    if (err == OK)
        err = job_send(o->job, MSG_stt_open, &open);
    if (err != OK)
        overhear_drop(o);
    else
        *ret_o = o;
    return err;
}

enum err overhear_sound(struct overhear *o, const int16_t *samples, size_t count)
{
    return o->job != nullptr && !o->finished ? samples_send(o->job, samples, count) : OK;
}

void overhear_finish(struct overhear *o)
{
    if (o->job == nullptr || o->finished)
        return;
    o->finished = true;
    /* Without memory for these bytes the judge's own limit decides. */
    (void)job_send(o->job, MSG_stt_finish, &(struct msg_stt_finish){});
}

void overhear_drop(struct overhear *o)
{
    if (o == nullptr)
        return;
    job_cancel(o->job);
    free(o);
}
