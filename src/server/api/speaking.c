// SPDX-License-Identifier: Apache-2.0
#include "server/api/speaking.h"

#include "base/conf.h"
#include "base/mem.h"
#include "server/api/server.h"
#include "server/engine/engine.h"
#include "server/talk/clause.h"

enum { SILENCE_MS = 30000 };

struct speaking {
    const struct speaking_events *events;
    void *arg;
    struct job *job;
    struct timer silence; /* of the engine; stopped while it waits for the client */
    size_t unread;        /* bytes that the client has not taken and the engine got no credit for */
    uint32_t samples;
};

void speaking_destroy(struct speaking *y)
{
    if (!y)
        return;
    job_cancel(y->job);
    timer_stop(&y->silence);
    free(y);
}

static void on_sound(struct speaking *y, struct str bytes)
{
    timer_start(&y->silence, SILENCE_MS);
    enum err err = y->events->sound(y->arg, bytes);
    if (err == OK) {
        job_consumed(y->job, bytes.n);
    } else if (err == ERR_AGAIN) {
        y->unread += bytes.n;
        timer_stop(&y->silence); /* net/exchange drops a client that does not go on */
    } else {
        y->events->ended(y->arg, err, nullptr);
    }
}

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct speaking *y = arg;
    if (type == MSG_audio)
        on_sound(y, msg->audio.samples);
    else if (type == MSG_tts_done)
        y->samples = msg->tts_done.samples;
}

void speaking_resume(struct speaking *y)
{
    if (y->job) {
        job_consumed(y->job, y->unread);
        timer_start(&y->silence, SILENCE_MS);
    }
    y->unread = 0;
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct speaking *y = arg;
    y->job = nullptr;
    timer_stop(&y->silence);
    y->events->ended(y->arg, err, text && text[0] ? text : nullptr);
}

static void on_silence(void *arg)
{
    struct speaking *y = arg;
    y->events->ended(y->arg, ERR_LATE, "the voice has fallen silent; please try again");
}

uint32_t speaking_samples(const struct speaking *y)
{
    return y->samples;
}

static enum err send_clauses(struct job *job, struct clause_splitter *clauses, struct str all)
{
    struct str clause;
    size_t end;
    try(clause_feed(clauses, all));
    clause_finish(clauses);
    while (clause_next(clauses, &clause, &end)) {
        const struct msg_tts_text text = {clause};
        try(job_send(job, MSG_tts_text, &text));
    }
    return OK;
}

static enum err send_all(const struct server *s, struct job *job, const struct speaking_wish *w)
{
    const struct msg_tts_open open = {.voice = w->voice.n ? w->voice : str_of(s->conf->tts_voice),
                                      .rate_hz = w->rate_hz,
                                      .speed = (float)w->speed,
                                      .format = w->format};
    const struct msg_tts_finish finish = {};
    struct clause_splitter clauses;
    try(job_send(job, MSG_tts_open, &open));
    clause_init(&clauses);
    enum err err = send_clauses(job, &clauses, w->text);
    clause_free(&clauses);
    return err == OK ? job_send(job, MSG_tts_finish, &finish) : err;
}

enum err speaking_begin(struct server *s, const struct speaking_wish *wish,
                        const struct speaking_events *events, void *arg,
                        struct speaking **ret_speaking)
{
    static const struct job_events job_events = {.message = on_message, .ended = on_ended};
    struct speaking *y = mem_zero(1, sizeof *y);
    if (!y)
        return ERR_NOMEM;
    y->events = events;
    y->arg = arg;
    timer_init(&y->silence, s->loop, on_silence, y);
    enum err err = engine_open(s->tts, &job_events, y, &y->job);
    if (err == OK)
        err = send_all(s, y->job, wish);
    if (err != OK) {
        speaking_destroy(y);
        return err;
    }
    timer_start(&y->silence, SILENCE_MS);
    *ret_speaking = y;
    return OK;
}
