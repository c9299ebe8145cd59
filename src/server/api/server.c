// SPDX-License-Identifier: Apache-2.0
#include "server/api/server.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/confine.h"
#include "base/log.h"
#include "server/access/auth.h"
#include "server/access/limit.h"
#include "server/answerer/answerer.h"
#include "server/api/document_store.h"
#include "server/api/doors.h"
#include "server/api/engines.h"
#include "server/api/route.h"
#include "server/api/secure.h"
#include "server/api/startup.h"
#include "server/net/front.h"
#include "server/net/host.h"
#include "server/rag/rag.h"
#include "server/rag/room.h"
#include "server/talk/keep.h"

constexpr uint64_t ROOM_NEEDED = 256 * 1024; /* to open the two files */
enum {
    TICK_MS = 60000,
    TERMINAL_TICK_MS = 1000,
    DRAIN_CHECK_MS = 50,
};

enum err server_refuse(struct server_why *why, enum err err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, ap);
    va_end(ap);
    return err;
}

/* --- the data directory --- */

static enum err claim_data(struct server *s, const struct server_where *where,
                           struct server_why *why)
{
    enum err err = claim_take(&s->claim, s->data, where->what);
    if (err == ERR_CONFLICT) {
        char holder[CLAIM_HOLDER_BYTES];
        claim_holder(s->data, holder);
        return server_refuse(
            why, err,
            "%s uses %.120s; wait for it or stop it, or name another directory with --data", holder,
            s->data);
    }
    if (err != OK)
        return server_refuse(
            why, err,
            "%.120s/server.lock cannot be written: %s; make the directory writable, or "
            "name another with --data",
            s->data, err_text(err));
    return OK;
}

static void look_at_the_disk(const struct server *s)
{
    if (room_free(s->data) >= ROOM_NEEDED)
        return;
    room_give_reserve(s->data);
    log_warn(
        "the disk of %.200s is full: documents can be asked and deleted, but nothing new is kept; "
        "free some space",
        s->data);
}

/* --- conversations --- */

/* Without the file the server is useful all the same. */
static void open_keep(struct server *s)
{
    if (!s->conf->history_keep) {
        s->keep_is_stuck = keep_file_erase(s->data) != OK;
        if (s->keep_is_stuck)
            log_error("history.keep is off, but %.120s/sessions.db of earlier conversations cannot "
                      "be removed; remove it by hand",
                      s->data);
        return;
    }
    enum err err = keep_open(s->loop, s->data, s->sessions, &s->keep);
    s->keep_is_stuck = err != OK;
    if (err != OK)
        log_error("conversations are not kept on the disk, a restart will forget them: "
                  "%.120s/sessions.db cannot be opened (%s); mend that, or set history.keep to off",
                  s->data, err_text(err));
}

/* "en", "pt-BR": letters, digits and minus signs, as BCP 47 has them. Engines take 16 bytes. */
static enum err check_language(const struct conf *c, struct server_why *why)
{
    size_t n =
        strspn(c->language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    if (n >= 2 && n <= 16 && !c->language[n])
        return OK;
    return server_refuse(why, ERR_INVALID,
                         "language must be a tag such as en, de or pt-BR, not \"%.40s\"",
                         c->language);
}

/* --- life --- */

static void on_tick(void *arg)
{
    struct server *s = arg;
    sessions_sweep(s->sessions);
    keep_tick(s->keep);
    room_reserve(s->data);
    voices_tick(s);
    startup_tick(s->startup);
    timer_start(&s->tick, TICK_MS);
}

static void begin_drain(struct server *s)
{
    s->draining = s->talk.draining = true;
    s->drain_until_ms = clock_ms() + (uint64_t)s->conf->drain_ms;
    log_info("shutting down: %u turns are finishing%s", s->talk.live_count,
             s->talk.live_count ? " (again to stop now)" : "");
    answerer_drain(s->answerer);
    voices_drain(s);
    models_drain(s);
    wyoming_drain(s);
    front_drain(s->front);
}

static void on_drain_check(void *arg)
{
    struct server *s = arg;
    if (!s->draining && front_stats(s->front)->connections_now > 0) {
        timer_start(&s->drain, DRAIN_CHECK_MS);
        return;
    }
    if (!s->draining)
        begin_drain(s);
    uint64_t over = s->drain_until_ms;
    /* Not turns alone: recordings, syntheses and what slow readers have not taken yet. Each connection
     * closes itself after its last answer. */
    uint64_t open = front_stats(s->front)->connections_now + wyoming_connections(s);
    if ((s->talk.live_count == 0 && open == 0) || clock_ms() >= over) {
        if (s->talk.live_count || open)
            log_warn("%u turns and %llu connections did not finish in time", s->talk.live_count,
                     (unsigned long long)open);
        loop_stop(s->loop);
        return;
    }
    timer_start(&s->drain, DRAIN_CHECK_MS);
}

static void on_signal(void *arg)
{
    struct server *s = arg;
    if (s->is_private) { /* told twice: by the command, and by the kernel when the command is gone */
        if (!s->leaving)
            timer_start(&s->drain, 1);
        s->leaving = true;
        return;
    }
    if (s->draining) {
        loop_stop(s->loop);
        return;
    }
    begin_drain(s);
    timer_start(&s->drain, DRAIN_CHECK_MS);
}

/* The terminal is gone, or somebody wants the certificate read anew. */
static void on_hangup(void *arg)
{
    struct server *s = arg;
    if (s->had_terminal && !isatty(STDERR_FILENO))
        on_signal(s);
    else if (s->secure)
        secure_reload(s->secure);
}

/* A closing terminal sends SIGHUP to its first process alone; below make or a script, that is not us. */
static void on_terminal_tick(void *arg)
{
    struct server *s = arg;
    if (!isatty(STDERR_FILENO))
        on_signal(s);
    else
        timer_start(&s->terminal_tick, TERMINAL_TICK_MS);
}

static enum err watch_terminal(struct server *s)
{
    s->had_terminal = isatty(STDERR_FILENO);
    if (s->had_terminal && tcgetpgrp(STDERR_FILENO) == getpgrp()) /* not one that was put behind */
        timer_start(&s->terminal_tick, TERMINAL_TICK_MS);
    return loop_on_signal(s->loop, SIGHUP, on_hangup, s);
}

static void on_impatience(void *arg)
{
    struct server *s = arg;
    s->on_ready(s->on_ready_arg, s, false);
}

static void tell_confinement(void)
{
    if (!confine_has_landlock())
        log_warn(
            "this kernel has no Landlock: engines run less confined, and documents and recordings "
            "are refused");
}

static enum err build(struct server *s, const struct server_where *where, struct server_why *why)
{
    try(loop_create(&s->loop));
    timer_init(&s->tick, s->loop, on_tick, s);
    timer_init(&s->drain, s->loop, on_drain_check, s);
    timer_init(&s->announce, s->loop, on_impatience, s);
    timer_init(&s->terminal_tick, s->loop, on_terminal_tick, s);
    try(sessions_create((uint32_t)s->conf->max_sessions,
                        (uint64_t)s->conf->history_hours * 3600 * 1000, &s->sessions));
    try(limit_create((uint32_t)s->conf->rate_limit, &s->turn_limit));
    try(check_language(s->conf, why));
    try(claim_data(s, where, why)); /* before all that lies there */
    look_at_the_disk(s);
    open_keep(s);
    try(doors_open(s, where, why));
    if (!s->is_private)
        try(wyoming_open(s, why));
    try(document_store_open(s, why));
    room_reserve(s->data);
    if (!s->is_private) /* `repartee doctor` says it in its own words */
        tell_confinement();
    try(engines_start(s, why));
    try(startup_begin(s, where->docs, &s->startup));
    try(loop_on_signal(s->loop, SIGTERM, on_signal, s));
    try(loop_on_signal(s->loop, SIGINT, on_signal, s));
    try(watch_terminal(s));
    timer_start(&s->tick, TICK_MS);
    return OK;
}

enum err server_create(const struct conf *conf, const struct server_where *where,
                       struct server **ret_server, struct server_why *ret_why)
{
    struct server *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->conf = conf;
    s->data = where->data;
    s->is_private = where->is_private;
    s->is_patient = where->is_patient;
    s->claim.fd = -1;
    ret_why->text[0] = 0;
    enum err err = build(s, where, ret_why);
    if (err != OK) {
        if (!ret_why->text[0])
            (void)server_refuse(ret_why, err,
                                "the server cannot start: %s; 'repartee doctor' may tell why",
                                err_text(err));
        server_destroy(s);
        return err;
    }
    (void)doors_url(s, 0, s->url, sizeof s->url);
    *ret_server = s;
    return OK;
}

enum err server_run(struct server *s, struct server_why *ret_why)
{
    loop_run(s->loop);
    *ret_why = s->refused;
    return s->refused.text[0] ? ERR_ENGINE : OK;
}

void server_destroy(struct server *s)
{
    if (!s)
        return;
    front_destroy(s->front); /* ends what is open: turns, waiting requests */
    wyoming_close(s);
    voices_end(s);
    models_end(s);
    while (s->talk.live)
        turn_fail(s->talk.live, ERR_DRAINING, "the server is shutting down");
    rag_close(s->rag);
    startup_end(s->startup);
    engines_stop(s);
    if (s->loop) {
        timer_stop(&s->tick);
        timer_stop(&s->terminal_tick);
        timer_stop(&s->drain);
        timer_stop(&s->announce);
        loop_step(s->loop, 0); /* turns that have just ended free themselves */
    }
    keep_close(s->keep);
    sessions_destroy(s->sessions);
    limit_destroy(s->turn_limit);
    auth_destroy(s->auth);
    host_rules_destroy(s->hosts);
    secure_close(s->secure);
    loop_destroy(s->loop);
    claim_release(&s->claim); /* last: nothing of ours is open any more */
    free(s);
}

const char *server_url(const struct server *s)
{
    return s->url[0] ? s->url : nullptr;
}

bool server_ready(const struct server *s)
{
    return engines_ready(s) && !s->draining && s->startup && startup_is_over(s->startup);
}

void server_on_ready(struct server *s, server_ready_fn fn, void *arg)
{
    s->on_ready = fn;
    s->on_ready_arg = arg;
    timer_start(&s->announce, SERVER_PATIENCE_MS);
}

void server_look(struct server *s)
{
    bool is_ready = server_ready(s);
    s->was_ready = s->was_ready || is_ready;
    if (!s->on_ready || !is_ready)
        return;
    server_ready_fn fn = s->on_ready;
    s->on_ready = nullptr;
    timer_stop(&s->announce);
    fn(s->on_ready_arg, s, true);
}
