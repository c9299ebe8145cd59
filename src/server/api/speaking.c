// SPDX-License-Identifier: Apache-2.0
#include "server/api/speaking.h"

#include "base/conf.h"
#include "base/mem.h"
#include "server/api/server.h"
#include "server/engine/engine.h"
#include "server/engine/mouth/mouth.h"
#include "server/talk/clause.h"

enum { SILENCE_MS = 30000 };

struct speaking {
    const struct speaking_events *events;
    void *arg;
    struct job *job;
    struct clause_splitter clauses;
    struct timer silence; /* of the engine; stopped while it waits for the client */
    uint32_t silence_ms;
    size_t unread; /* bytes that the client has not taken and the engine got no credit for */
    uint32_t owed; /* clauses, and in the end tts_done, that the engine has not said yet */
    uint32_t samples;
};

void speaking_destroy(struct speaking *y)
{
    if (!y)
        return;
    job_cancel(y->job);
    timer_stop(&y->silence);
    clause_free(&y->clauses);
    free(y);
}

/* It begins anew with each word of the engine. */
static void watch_silence(struct speaking *y)
{
    if (y->owed && !y->unread)
        timer_start(&y->silence, y->silence_ms);
    else
        timer_stop(&y->silence); /* it waits for the client */
}

static void on_sound(struct speaking *y, struct str bytes)
{
    watch_silence(y);
    enum err err = y->events->sound(y->arg, bytes);
    if (err == OK) {
        job_consumed(y->job, bytes.n);
    } else if (err == ERR_AGAIN) {
        y->unread += bytes.n;
        watch_silence(y); /* who does not go on is dropped with his connection */
    } else {
        y->events->ended(y->arg, err, nullptr);
    }
}

static void on_clause(struct speaking *y)
{
    y->owed -= y->owed > 0;
    watch_silence(y);
}

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct speaking *y = arg;
    if (type == MSG_audio)
        on_sound(y, msg->audio.samples);
    else if (type == MSG_tts_clause)
        on_clause(y);
    else if (type == MSG_tts_done)
        y->samples = msg->tts_done.samples;
}

void speaking_resume(struct speaking *y)
{
    size_t unread = y->unread;
    y->unread = 0;
    if (!y->job)
        return;
    job_consumed(y->job, unread);
    watch_silence(y);
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

static enum err send_clauses(struct speaking *y)
{
    struct str clause;
    size_t end;
    while (clause_next(&y->clauses, &clause, &end)) {
        const struct msg_tts_text text = {clause};
        try(job_send(y->job, MSG_tts_text, &text));
        y->owed++;
    }
    watch_silence(y);
    return OK;
}

enum err speaking_text(struct speaking *y, struct str text)
{
    if (!y->job)
        return ERR_ENGINE;
    try(clause_feed(&y->clauses, text));
    return send_clauses(y);
}

enum err speaking_stop(struct speaking *y)
{
    const struct msg_tts_finish finish = {};
    if (!y->job)
        return ERR_ENGINE;
    y->owed++; /* its last word */
    clause_finish(&y->clauses);
    try(send_clauses(y));
    return job_send(y->job, MSG_tts_finish, &finish);
}

/* Where a voice elsewhere is asked first, ours has its time after that one's. */
static uint32_t silence_ms(const struct conf *c)
{
    return SILENCE_MS + (c->tts_url[0] ? MOUTH_AHEAD_MS + (uint32_t)c->tts_first_sound_ms : 0);
}

enum err speaking_open(struct server *s, const struct speaking_wish *wish,
                       const struct speaking_events *events, void *arg,
                       struct speaking **ret_speaking)
{
    static const struct job_events job_events = {.message = on_message, .ended = on_ended};
    const struct msg_tts_open open = {.voice = wish->voice.n ? wish->voice
                                                             : conf_standard_voice(s->conf),
                                      .rate_hz = wish->rate_hz,
                                      .speed = (float)wish->speed,
                                      .format = wish->format};
    struct speaking *y = mem_zero(1, sizeof *y);
    if (!y)
        return ERR_NOMEM;
    y->silence_ms = silence_ms(s->conf);
    y->events = events;
    y->arg = arg;
    clause_init(&y->clauses);
    timer_init(&y->silence, s->loop, on_silence, y);
    enum err err = engine_open(s->tts, &job_events, y, &y->job);
    if (err == OK)
        err = job_send(y->job, MSG_tts_open, &open);
    if (err != OK) {
        speaking_destroy(y);
        return err;
    }
    *ret_speaking = y;
    return OK;
}

enum err speaking_begin(struct server *s, const struct speaking_wish *wish,
                        const struct speaking_events *events, void *arg,
                        struct speaking **ret_speaking)
{
    struct speaking *y = nullptr;
    try(speaking_open(s, wish, events, arg, &y));
    enum err err = speaking_text(y, wish->text);
    if (err == OK)
        err = speaking_stop(y);
    if (err != OK) {
        speaking_destroy(y);
        return err;
    }
    *ret_speaking = y;
    return OK;
}
