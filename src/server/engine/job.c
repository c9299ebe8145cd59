// SPDX-License-Identifier: Apache-2.0
/* Jobs: who waits, who runs, what may be sent, and the one way in which each of them ends. */
#include "base/check.h"
#include "base/clock.h"
#include "server/engine/engine_parts.h"

enum {
    LEAVING_MAX =
        2048, /* more are not measured: an engine that lets none of them go costs no more */
    GRANT_BYTES = WIRE_CREDIT / 4,
    LENGTH_FIELD_BYTES = 4,
};

/* Which count it belongs to now. */
static uint32_t *count_of(const struct job *j)
{
    struct engine *e = j->engine;
    if (j->leaving)
        return &e->leaving_count;
    if (j->light)
        return j->started ? &e->light_count : &e->light_waiting;
    return j->started ? &e->live_count : &e->waiting_count;
}

static void unlink_job(struct job *j)
{
    struct engine *e = j->engine;
    *j->link = j->next;
    if (j->next)
        j->next->link = j->link;
    else if (!j->started)
        e->waiting_tail = j->link;
    --*count_of(j);
    j->next = nullptr;
    j->link = nullptr;
}

/* In front of a list, not in `waiting`. */
static void push_job(struct job *j, struct job **list)
{
    j->next = *list;
    j->link = list;
    if (j->next)
        j->next->link = &j->next;
    *list = j;
    ++*count_of(j);
}

static void free_when_quiet(struct job *j)
{
    if (j->in_callback || j->leaving)
        return; /* whoever called back does it; the engine's last word does it */
    buf_finish(&j->backlog);
    free(j);
}

static void drop_filtered(struct job *j)
{
    if (j->filtered)
        j->engine->filter->drop(j);
    j->filtered = nullptr;
}

static void begin_leaving(struct job *j)
{
    const struct engine *e = j->engine;
    if (e->state != ENGINE_READY || e->leaving_count >= LEAVING_MAX)
        return; /* a dead one says nothing any more */
    buf_finish(&j->backlog);
    j->canceled_us = clock_us();
    j->leaving = true;
    push_job(j, &j->engine->leaving);
}

static void end_leaving(struct job *j)
{
    unlink_job(j);
    j->leaving = false;
    free_when_quiet(j);
}

static void has_left(struct job *j)
{
    histogram_observe_us(&j->engine->cancel_seconds, clock_us() - j->canceled_us);
    end_leaving(j);
}

/* Takes the job out of the engine; with events its owner hears of it. */
static void job_finish(struct job *j, enum err err, const char *text)
{
    if (j->dead)
        return;
    j->dead = true;
    unlink_job(j);
    drop_filtered(j);
    j->events->ended(j->arg, err, text);
    free_when_quiet(j);
}

/* Sends what waits, as far as credit goes. */
static enum err flush(struct job *j)
{
    while (j->backlog.n) {
        struct frame f;
        size_t used;
        check(frame_next(buf_str(&j->backlog), &f, &used) == OK); /* we encoded it */
        uint32_t cost = msg_cost(f.type, (uint32_t)f.payload.n);
        if (cost > j->credit)
            break;
        try(engine_write(j->engine, str_sub(buf_str(&j->backlog), 0, used)));
        j->told = true;
        j->credit -= cost;
        buf_eat(&j->backlog, used);
    }
    return OK;
}

/* The oldest that need not wait any longer. */
static struct job *next_to_start(const struct engine *e)
{
    struct job *j = e->waiting;
    while (j && !j->light && e->live_count >= e->slots)
        j = j->next;
    return e->state == ENGINE_READY ? j : nullptr;
}

/* The engine is told, where it knows of it. */
static void break_off(struct job *j)
{
    struct engine *e = j->engine;
    j->dead = true;
    unlink_job(j);
    drop_filtered(j);
    if (!j->told)
        return;
    const struct msg_cancel cancel = {};
    buf_clear(&e->out);
    if (msg_encode(&e->out, MSG_cancel, j->stream, &cancel) == OK)
        (void)engine_write(e, buf_str(&e->out)); /* fails only when the child is gone */
    begin_leaving(j);
}

static struct job *find_spare(const struct engine *e)
{
    for (struct job *j = e->live; j; j = j->next)
        if (j->spare)
            return j;
    return nullptr;
}

/* A spare job leaves its slot to one that waits for it. False: there is none. */
static bool give_way(const struct engine *e)
{
    struct job *j = e->waiting_count ? find_spare(e) : nullptr;
    if (!j)
        return false;
    break_off(j);
    j->events->ended(j->arg, ERR_BUSY, "others need the engine");
    free_when_quiet(j);
    return true;
}

void jobs_start_waiting(struct engine *e)
{
    for (;;) {
        struct job *j = next_to_start(e);
        if (!j && e->state == ENGINE_READY && give_way(e))
            continue;
        if (!j)
            return;
        unlink_job(j);
        j->started = true;
        j->credit = e->remote ? UINT64_MAX : WIRE_CREDIT; /* nothing waits within one process */
        push_job(j, &e->live);
        if (flush(j) != OK)
            return; /* the child is gone: its end ends the job */
        if (j->filtered)
            e->filter->go_on(j);
    }
}

void jobs_expire(struct engine *e, uint64_t now_ms)
{
    bool ready = e->state == ENGINE_READY;
    while (e->waiting && now_ms >= e->waiting->waiting_until_ms)
        job_finish(e->waiting, ready ? ERR_BUSY : ERR_ENGINE,
                   ready ? "every place is taken; please try again in a moment"
                         : "the engine is still starting; please try again in a moment");
}

static void end_waiting(struct engine *e, uint32_t newest, enum err err, const char *text)
{
    while (e->waiting && (int32_t)(e->waiting->stream - newest) <= 0)
        job_finish(e->waiting, err, text);
}

/* Those that there are now: an owner who begins anew when he hears of it waits for the next life. */
void jobs_end_waiting(struct engine *e, enum err err, const char *text)
{
    end_waiting(e, e->next_stream, err, text);
}

void jobs_end_all(struct engine *e, enum err err, const char *text)
{
    uint32_t newest = e->next_stream;
    for (struct job *j = e->leaving, *next; j; j = next) {
        next = j->next;
        end_leaving(j);
    }
    while (e->live) /* nothing starts in a dead engine */
        job_finish(e->live, err, text);
    end_waiting(e, newest, err, text);
}

bool jobs_pending(const struct engine *e)
{
    return e->waiting != nullptr;
}

void jobs_add(struct job *j)
{
    struct engine *e = j->engine;
    j->link = e->waiting_tail;
    *e->waiting_tail = j;
    e->waiting_tail = &j->next;
    ++*count_of(j);
    jobs_start_waiting(e);
    if (!j->started)
        engine_watch_closely(e);
}

enum err job_send(struct job *j, enum msg_type type, const void *msg)
{
    const struct job_filter *filter = j->engine->filter;
    return filter ? filter->send(j, type, msg) : job_put(j, type, msg);
}

void job_break(struct job *j, enum err err, const char *text)
{
    if (j->dead)
        return;
    struct engine *e = j->engine;
    break_off(j);
    j->events->ended(j->arg, err, text);
    free_when_quiet(j);
    jobs_start_waiting(e);
}

enum err job_put(struct job *j, enum msg_type type, const void *msg)
{
    size_t before = j->backlog.n;
    enum err err = msg_encode(&j->backlog, type, j->stream, msg);
    if (err != OK) {
        j->backlog.n = before;
        return err == ERR_TOOBIG ? ERR_BUSY : err;
    }
    if (!j->started || before)
        return OK;
    return flush(j);
}

size_t job_backlog(const struct job *j)
{
    return j->backlog.n;
}

static void grant(struct job *j, size_t bytes)
{
    j->consumed += (uint32_t)bytes;
    if (j->consumed < GRANT_BYTES || !j->started || j->dead)
        return;
    struct engine *e = j->engine;
    const struct msg_credit credit = {j->consumed};
    buf_clear(&e->out);
    /* A grant that cannot be sent means that the child is going, or memory is short: keep it. */
    if (msg_encode(&e->out, MSG_credit, j->stream, &credit) == OK &&
        engine_write(e, buf_str(&e->out)) == OK)
        j->consumed = 0;
}

void job_consumed(struct job *j, size_t bytes)
{
    grant(j, bytes);
}

void job_cancel(struct job *j)
{
    if (!j || j->dead)
        return;
    struct engine *e = j->engine;
    break_off(j);
    free_when_quiet(j);
    jobs_start_waiting(e);
}

const struct histogram *engine_cancel_seconds(const struct engine *e)
{
    return &e->cancel_seconds;
}

/* Messages after which the engine has nothing more to say in a job. */
static bool is_last(uint16_t type)
{
    return type == MSG_stt_final || type == MSG_decode_done || type == MSG_llm_done ||
           type == MSG_tts_done || type == MSG_read_done || type == MSG_embed_done;
}

static struct job *find(struct job *list, uint32_t stream)
{
    for (struct job *j = list; j; j = j->next)
        if (j->stream == stream)
            return j;
    return nullptr;
}

/* A frame of a job that was cancelled: the engine could not know yet, or it knows now. */
static void hear_leaving(struct engine *e, const struct frame *f)
{
    if (f->type != MSG_canceled && f->type != MSG_fail && !is_last(f->type))
        return;
    struct job *j = find(e->leaving, f->stream);
    if (j)
        has_left(j);
}

static void deliver(struct job *j, const struct frame *f, const union msg *msg)
{
    /* The owner counts contents; the length field in front of them is dealt with here. */
    if (msg_cost(f->type, (uint32_t)f->payload.n))
        grant(j, LENGTH_FIELD_BYTES);
    j->in_callback = true;
    j->events->message(j->arg, f->type, msg);
    j->in_callback = false;
}

enum err jobs_dispatch(struct engine *e, const struct frame *f)
{
    union msg msg;
    if (!msg_from_engine(f->type) || msg_decode(f, &msg) != OK)
        return ERR_SYNTAX;
    struct job *j = find(e->live, f->stream);
    if (!j) {
        hear_leaving(e, f);
        return OK;
    }
    if (f->type == MSG_canceled)
        return ERR_SYNTAX; /* nobody has cancelled it */
    if (f->type == MSG_credit) {
        j->credit += msg.credit.bytes;
        (void)flush(j); /* fails only when the child is gone, which ends the job */
        if (j->filtered)
            e->filter->go_on(j);
        return OK;
    }
    if (f->type == MSG_fail) {
        enum err err =
            msg.fail.err > OK && msg.fail.err < ERR_COUNT ? (enum err)msg.fail.err : ERR_ENGINE;
        char text[240] = {};
        memcpy(text, msg.fail.text.p, utf8_prefix(msg.fail.text, sizeof text - 1));
        job_finish(j, err, text[0] ? text : err_text(err));
    } else {
        deliver(j, f, &msg);
        if (j->leaving && is_last(f->type))
            has_left(j);
        else if (j->dead)
            free_when_quiet(j);
        else if (is_last(f->type))
            job_finish(j, OK, "");
    }
    jobs_start_waiting(e);
    return OK;
}
