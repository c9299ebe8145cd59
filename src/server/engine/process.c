// SPDX-License-Identifier: Apache-2.0
/* The engine's process: started, greeted, watched, ended, started again. */
#include <signal.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/engine/engine_parts.h"
#include "server/engine/programs.h"

enum {
    TICK_MS = 1000,      /* a ping each */
    CLOSE_TICK_MS = 100, /* while jobs wait */
    PONG_MS = 5000,      /* without an answer for so long: hung */
    OVERDUE_MS = 15000,  /* busy with jobs that were cancelled so long ago: hung */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 10000,
    HEALTHY_MS = 10000, /* after so long, or so many times the last back-off, it starts anew */
    HEALTHY_TIMES = 10,
    OUT_QUEUE_MAX = 16 * 1024 * 1024,
};

static void start(struct engine *e);

static enum err write_to_child(struct engine *e, struct str bytes)
{
    if (!e->child)
        return ERR_ENGINE;
    /* The protocol thread of an engine does nothing but read: one that does not is hung. */
    if (child_queued(e->child) > OUT_QUEUE_MAX)
        child_kill(e->child, SIGKILL);
    return child_write(e->child, bytes);
}

enum err engine_write(struct engine *e, struct str bytes)
{
    return e->backend->write(e, bytes);
}

static enum err write_control(struct engine *e, enum msg_type type, const void *msg)
{
    buf_clear(&e->out);
    try(msg_encode(&e->out, type, WIRE_STREAM_NONE, msg));
    return engine_write(e, buf_str(&e->out));
}

static enum err tell_words(struct engine *e)
{
    if (e->state != ENGINE_READY)
        return OK;
    struct str text = e->words ? blob_str(e->words) : S("");
    e->telling++;
    do {
        size_t n = utf8_prefix(text, WIRE_PAYLOAD_MAX - 64);
        const struct msg_stt_words words = {
            .telling = e->telling, .more = n < text.n, .text = str_sub(text, 0, n)};
        try(write_control(e, MSG_stt_words, &words));
        text = str_sub(text, n, text.n);
    } while (text.n);
    return OK;
}

static bool is_told(const struct engine *e, const struct blob *text)
{
    return e->words && text && str_eq(blob_str(e->words), blob_str(text));
}

void engine_set_words(struct engine *e, struct blob *text)
{
    if (e->remote || is_told(e, text))
        return; /* a recogniser elsewhere learns nothing */
    e->learnt = false;
    blob_unref(e->words);
    e->words = text ? blob_ref(text) : nullptr;
    if (tell_words(e) != OK)
        log_debug("%s: the documents' words could not be sent", e->role);
}

static enum err on_hello(struct engine *e, const struct msg_hello *hello)
{
    if (hello->version != WIRE_VERSION || !str_eq(hello->role, str_of(e->role))) {
        log_error(
            "%s speaks another version of the engine protocol; install both programs from the "
            "same build",
            e->program);
        return ERR_SYNTAX;
    }
    const struct msg_load load = {
        .driver = str_of(e->driver),
        .model_dir = str_of(e->model_dir),
        .model = str_of(e->model),
        .options = str_of(e->options),
        .threads = e->threads,
        .sha256 = str_of(e->sha256),
        .vad = str_of(e->vad),
        .vad_sha256 = str_of(e->vad_sha256),
        .sha256_beside = str_of(e->sha256_beside),
    };
    return write_control(e, MSG_load, &load);
}

static void on_ready(struct engine *e, const struct msg_ready *ready)
{
    engine_keep_text(&e->ready_driver, ready->driver);
    engine_keep_text(&e->ready_model, ready->model);
    engine_keep_text(&e->languages, ready->languages);
    engine_keep_text(&e->notes, ready->notes);
    engine_keep_text(&e->last_words, S(""));
    e->rate_hz = ready->rate_hz;
    e->slots = ready->slots ? ready->slots : 1;
    e->ping_ms = 0;
    e->overdue_ms = 0;
    engine_set_state(e, ENGINE_READY);
    if (e->words && tell_words(e) != OK)
        return; /* the child is gone again */
    jobs_start_waiting(e);
}

static void on_pong(struct engine *e, const struct msg_pong *pong)
{
    uint64_t now = clock_ms();
    e->ping_ms = 0;
    if (pong->live_streams <= e->live_count + e->light_count)
        e->overdue_ms = 0;
    else if (!e->overdue_ms)
        e->overdue_ms = now + OVERDUE_MS;
}

static void on_learnt(struct engine *e, const struct msg_stt_learnt *m)
{
    if (m->telling != e->telling)
        return; /* newer words are on their way */
    e->learnt = true;
    if (e->on_learnt)
        e->on_learnt(e->arg, e, m->err < ERR_COUNT ? (enum err)m->err : ERR_INTERNAL, m->text);
}

/* What kept it from loading may be different the next time. */
static bool passes(uint32_t err)
{
    return err == ERR_NOMEM || err == ERR_BUSY || err == ERR_IO;
}

static void on_failure(struct engine *e, const struct msg_fail *fail)
{
    struct str sentence = str_sub(fail->text, 0, utf8_prefix(fail->text, 240));
    engine_keep_text(&e->last_words, sentence);
    if (e->state == ENGINE_STARTING && !passes(fail->err))
        engine_keep_text(&e->refusal, sentence);
}

static enum err on_frame(struct engine *e, const struct frame *f)
{
    if (f->stream != WIRE_STREAM_NONE)
        return e->state == ENGINE_READY ? jobs_dispatch(e, f) : ERR_SYNTAX;
    union msg msg;
    if (!msg_from_engine(f->type) || msg_decode(f, &msg) != OK)
        return ERR_SYNTAX;
    switch (f->type) {
    case MSG_hello:
        return e->state == ENGINE_STARTING ? on_hello(e, &msg.hello) : ERR_SYNTAX;
    case MSG_ready:
        if (e->state == ENGINE_STARTING)
            on_ready(e, &msg.ready);
        return OK;
    case MSG_tts_voices:
        engine_keep_text(&e->voices, msg.tts_voices.names);
        return OK;
    case MSG_pong:
        on_pong(e, &msg.pong);
        return OK;
    case MSG_stt_learnt:
        if (e->state != ENGINE_READY)
            return ERR_SYNTAX;
        on_learnt(e, &msg.stt_learnt);
        return OK;
    case MSG_stt_guarded:
        if (msg.stt_guarded.guard == GUARD_NONE || msg.stt_guarded.guard >= GUARD_COUNT)
            return ERR_SYNTAX;
        e->guarded[msg.stt_guarded.guard]++;
        return OK;
    case MSG_fail:
        log_error("%s: %.*s", e->role, STR_FMT(str_sub(msg.fail.text, 0, 240)));
        on_failure(e, &msg.fail);
        return ERR_ENGINE;
    default:
        return ERR_SYNTAX;
    }
}

static void on_bytes(void *arg, struct str bytes)
{
    struct engine *e = arg;
    enum err err = OK;
    /* Most reads hold whole frames: look at them in place, keep only what is cut. */
    if (e->in.n) {
        err = buf_add(&e->in, bytes);
        bytes = buf_str(&e->in);
    }
    size_t at = 0;
    while (err == OK && e->state != ENGINE_DOWN) {
        struct frame f;
        size_t used;
        err = frame_next(str_sub(bytes, at, bytes.n), &f, &used);
        if (err == OK) {
            at += used;
            err = on_frame(e, &f);
        }
    }
    if (err == ERR_AGAIN) {
        err = OK;
        if (e->in.n)
            buf_eat(&e->in, at);
        else
            err = buf_add(&e->in, str_sub(bytes, at, bytes.n));
    }
    if (err != OK && e->child) {
        if (err != ERR_ENGINE)
            log_error("%s does not follow the engine protocol; it is being restarted", e->role);
        child_kill(e->child, SIGKILL);
    }
}

/* Pauses are short beside the time in which it served: one that dies now and then is back at once, one
 * that dies while it starts is left alone for longer and longer. */
static bool was_healthy(const struct engine *e, uint64_t now_ms)
{
    uint64_t enough = e->backoff_ms * HEALTHY_TIMES;
    return e->state == ENGINE_READY &&
           now_ms - e->since_ms >= (enough < HEALTHY_MS ? enough : HEALTHY_MS);
}

/* The socket's end comes first and ends the jobs; the exit status may take a moment longer. */
static void on_end(void *arg)
{
    struct engine *e = arg;
    if (e->state == ENGINE_STOPPED || e->state == ENGINE_DOWN)
        return;
    uint64_t now = clock_ms();
    if (!e->backoff_ms || was_healthy(e, now))
        e->backoff_ms = BACKOFF_MIN_MS;
    else if (e->backoff_ms < BACKOFF_MAX_MS)
        e->backoff_ms = e->backoff_ms * 2 < BACKOFF_MAX_MS ? e->backoff_ms * 2 : BACKOFF_MAX_MS;
    e->restart_ms = now + e->backoff_ms;
    if (e->child)
        child_kill(e->child, SIGKILL); /* a socket that closed alone leaves nothing useful */
    e->learnt = false;
    engine_set_state(e, ENGINE_DOWN);
    char text[120];
    snprintf(text, sizeof text, "the %s engine stopped; it is being restarted, please try again",
             e->role);
    jobs_end_all(e, ERR_ENGINE, text);
    timer_start(&e->timer, e->backoff_ms);
}

static void on_exited(void *arg, int status, int term_signal)
{
    struct engine *e = arg;
    if (e->state != ENGINE_STOPPED) {
        if (term_signal)
            log_warn("%s was ended by signal %d; restarting", e->role, term_signal);
        else
            log_warn("%s ended with status %d; restarting", e->role, status);
    }
    on_end(e);
    child_destroy(e->child);
    e->child = nullptr;
}

static void watch(struct engine *e)
{
    uint64_t now = clock_ms();
    bool late_start = e->state == ENGINE_STARTING && now - e->since_ms > e->start_ms;
    bool no_pong = e->state == ENGINE_READY && e->ping_ms && now - e->ping_ms > PONG_MS;
    bool stuck = e->overdue_ms && now > e->overdue_ms;
    if (late_start || no_pong || stuck) {
        log_error("%s does not answer (%s); it is being restarted", e->role,
                  late_start ? "while starting"
                  : no_pong  ? "no heartbeat"
                             : "busy with nothing");
        child_kill(e->child, SIGKILL);
        e->overdue_ms = 0;
    } else if (e->state == ENGINE_READY) {
        const struct msg_ping ping = {now};
        if (!e->ping_ms)
            e->ping_ms = now;
        (void)write_control(e, MSG_ping, &ping); /* no pong will come, which is noticed */
    }
}

static void on_timer(void *arg)
{
    struct engine *e = arg;
    uint64_t now = clock_ms();
    jobs_expire(e, now);
    if (e->state == ENGINE_DOWN) {
        if (!e->child && now >= e->restart_ms) {
            e->restarts++;
            start(e);
            return;
        }
    } else if (e->child) {
        watch(e);
    }
    timer_start(&e->timer, jobs_pending(e) || e->state == ENGINE_DOWN ? CLOSE_TICK_MS : TICK_MS);
}

void engine_watch_closely(struct engine *e)
{
    /* Only ever sooner: whoever opens jobs all the time must not put the watch off. */
    if (!timer_armed(&e->timer) || e->timer.due_ms > clock_ms() + CLOSE_TICK_MS)
        timer_start(&e->timer, CLOSE_TICK_MS);
}

static void start(struct engine *e)
{
    static const struct child_events events = {
        .read = on_bytes, .end = on_end, .exited = on_exited};
    const char *argv[] = {e->program, "--fd", "3", e->flag, nullptr};
    const struct child_spec spec = {.path = e->program, .argv = argv, .env = program_env(e->role)};
    buf_clear(&e->in);
    engine_keep_text(&e->refusal, S(""));
    engine_set_state(e, ENGINE_STARTING);
    enum err err = child_spawn(e->loop, &spec, &events, e, &e->child);
    if (err != OK) {
        char text[120];
        log_error("%s cannot be started (%s); looked for it at %s", e->role, err_text(err),
                  e->program);
        snprintf(text, sizeof text, "the program of its engine cannot be started (%s)",
                 err_text(err));
        engine_keep_text(&e->last_words, str_of(text));
        on_end(e);
        return;
    }
    timer_start(&e->timer, TICK_MS);
}

static void stop(struct engine *e)
{
    child_destroy(e->child); /* kills it */
    e->child = nullptr;
}

static enum err begin(struct engine *e, const struct engine_config *config)
{
    try(program_path(config->program ? config->program : config->role, &e->program));
    e->flag = config->flag;
    timer_init(&e->timer, e->loop, on_timer, e);
    /* What memory could be short for, a child would have to be ended for: all that is left of a read and of the
     * one before, and a message about its life. */
    try(buf_reserve(&e->in, 2 * (WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES)));
    start(e);
    return OK;
}

const struct backend backend_child = {.begin = begin, .write = write_to_child, .stop = stop};
