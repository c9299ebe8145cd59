// SPDX-License-Identifier: Apache-2.0
/* The engines of the old model and the new one, and what each move of the table does with them. */
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "server/answerer/answerer_parts.h"
#include "server/answerer/choice.h"

enum { TICK_MS = 50 };

static const char changed_text[] =
    "the language model was changed before this answer was complete; please ask again";

/* --- engines --- */

static struct engine_info info_of(const struct engine *e)
{
    struct engine_info info;
    engine_info(e, &info);
    return info;
}

/* One that is only tried must not end a server that has not been ready yet. */
static bool is_tried(const struct answerer *a)
{
    return a->state == CHANGE_STARTING || a->state == CHANGE_ALONE ||
           a->state == CHANGE_WARMING_ALONE;
}

static void on_engine_state(void *arg, struct engine *e)
{
    struct answerer *a = arg;
    if (e == a->llm && !is_tried(a))
        a->events->on_state(a->arg, e);
    deferred_call(&a->look); /* no engine may be ended from inside its callback */
}

enum err change_create(struct answerer *a, const struct spec *s, struct engine **into)
{
    struct engine_config config = s->config;
    config.on_state = on_engine_state;
    config.arg = a;
    return engine_create(a->loop, &config, into);
}

static bool has_died(const struct engine_info *info, uint32_t restarts)
{
    return info->state == ENGINE_DOWN || info->state == ENGINE_STOPPED ||
           info->restarts != restarts;
}

static bool is_quiet(const struct engine_info *info)
{
    return info->live + info->waiting + info->leaving == 0;
}

/* Whoever answers could do so now. */
static bool is_up(const struct answerer *a)
{
    return a->now->is_quote || (a->llm && info_of(a->llm).state == ENGINE_READY);
}

/* --- those that end their last answers --- */

static void dismiss(struct answerer *a, struct engine *e, const struct spec *s)
{
    if (!e)
        return;
    check(a->leaving_count < LEAVING_MAX); /* answerer_prepare has looked */
    struct leaving *l = &a->leaving[a->leaving_count++];
    *l = (struct leaving){.engine = e,
                          .restarts = info_of(e).restarts,
                          .until_ms = clock_ms() + (uint64_t)a->conf->turn_ms};
    snprintf(l->name, sizeof l->name, "%s", s->memory.file.name);
}

static bool may_go(const struct leaving *l)
{
    struct engine_info info = info_of(l->engine);
    return is_quiet(&info) || has_died(&info, l->restarts) || clock_ms() >= l->until_ms;
}

static void sweep(struct answerer *a, bool all)
{
    for (size_t i = a->leaving_count; i-- > 0;) {
        if (!all && !may_go(&a->leaving[i]))
            continue;
        struct engine *e = a->leaving[i].engine;
        a->leaving[i] = a->leaving[--a->leaving_count];
        engine_end(e, ERR_CHANGING, changed_text);
    }
}

/* --- the first token --- */

static void on_warm_message(void *, enum msg_type, const union msg *) {}

static void on_warm_ended(void *arg, enum err err, const char *text)
{
    struct answerer *a = arg;
    a->warming = nullptr;
    a->warm_err = err;
    snprintf(a->warm_text, sizeof a->warm_text, "%s", text);
    deferred_call(&a->look);
}

static enum err send_warming(struct job *j)
{
    const struct msg_llm_segment hello = {.role = S("user"), .trusted = true, .text = S("Hello.")};
    const struct msg_llm_generate generate = {
        .max_tokens = 1, .temperature = 0.7f, .top_p = 0.9f, .top_k = 40, .stop_json = S("[]")};
    try(job_send(j, MSG_llm_open, &(struct msg_llm_open){S("")}));
    try(job_send(j, MSG_llm_segment, &hello));
    return job_send(j, MSG_llm_generate, &generate);
}

static void stop_warming(struct answerer *a)
{
    job_cancel(a->warming);
    a->warming = nullptr;
}

static void warm(struct answerer *a, struct engine *e)
{
    static const struct job_events events = {.message = on_warm_message, .ended = on_warm_ended};
    enum err err = engine_open(e, &events, a, &a->warming);
    if (err == OK)
        err = send_warming(a->warming);
    if (err == OK)
        return;
    stop_warming(a);
    on_warm_ended(a, err, "");
}

/* --- what is told --- */

void change_note(struct answerer *a, enum err err, const char *text)
{
    if (a->fail_err != OK)
        return;
    a->fail_err = err;
    snprintf(a->fail_text, sizeof a->fail_text, "%s", text && text[0] ? text : err_text(err));
}

static void note_engine(struct answerer *a, const struct engine_info *info)
{
    if (info->last_words[0])
        change_note(a, info->refusal[0] ? ERR_INVALID : ERR_ENGINE, info->last_words);
    else
        change_note(a, ERR_ENGINE,
                    "its engine ended before it could answer; perhaps memory is too short for it");
}

static void tell_who(struct answerer *a)
{
    struct answerer_now now;
    answerer_now(a, &now);
    a->events->on_change(a->arg, &now);
}

static void tell_progress(struct answerer *a)
{
    if (a->watch)
        a->watch->progress(a->watch_arg, change_name(a->state));
}

void change_tell_end(struct answerer *a, bool is_kept)
{
    const struct answerer_watch *w = a->watch;
    a->watch = nullptr;
    if (w && a->fail_err != OK)
        w->ended(a->watch_arg, a->fail_err, a->fail_text, false);
    else if (w)
        w->ended(a->watch_arg, OK, spec_name(a, a->now), is_kept);
}

static bool keep_choice(struct answerer *a)
{
    struct choice c;
    snprintf(c.llm, sizeof c.llm, "%s", a->now->is_quote ? "quote" : a->now->memory.file.name);
    language_model_told(a->conf, c.instead_of, sizeof c.instead_of);
    enum err err = a->now->is_told ? choice_forget(a->data) : choice_write(a->data, &c);
    if (err != OK)
        log_warn("the next start will not know that %s answers: %.200s/models.choice cannot be "
                 "written (%s)",
                 spec_name(a, a->now), a->data, err_text(err));
    return err == OK;
}

/* --- the states --- */

static void begin_beside(struct answerer *a)
{
    enum err err = change_create(a, a->next, &a->fresh);
    if (err != OK)
        change_note(a, err, nullptr);
}

/* In the place of whoever answered. */
static void begin_alone(struct answerer *a, const struct spec *s)
{
    struct engine *old = a->llm;
    stop_warming(a);
    a->llm = nullptr;
    tell_who(a); /* first: who loses his answer may ask again at once */
    engine_end(old, ERR_CHANGING, changed_text);
    sweep(a, true);
    enum err err = s->is_quote ? OK : change_create(a, s, &a->llm);
    if (err != OK)
        change_note(a, err, nullptr);
    tell_who(a);
}

static void swap(struct answerer *a)
{
    struct spec *old = a->now;
    a->now = a->next;
    a->next = old;
}

/* The new one answers from now on, or the old one as before. */
static void settle(struct answerer *a, enum change from, bool is_new)
{
    struct engine *old = a->llm;
    stop_warming(a);
    if (is_new && from != CHANGE_WARMING_ALONE && from != CHANGE_STARTING) {
        a->llm = a->fresh;
        a->fresh = nullptr;
        dismiss(a, old, a->now);
    }
    engine_destroy(a->fresh);
    a->fresh = nullptr;
    if (is_new)
        swap(a);
    tell_who(a);
    if (is_new && a->llm)
        a->events->on_state(a->arg, a->llm);
    bool is_kept = is_new && (from == CHANGE_STARTING || keep_choice(a));
    if (a->fail_err == OK) {
        a->failed[0] = 0;
        log_info("%s answers now", spec_name(a, a->now));
    } else if (a->fail_err != ERR_DRAINING) {
        snprintf(a->failed, sizeof a->failed, "%s", spec_name(a, a->next));
        snprintf(a->failed_why, sizeof a->failed_why, "%s", a->fail_text);
        log_warn("%s does not answer, %s %s: %s", a->failed, spec_name(a, a->now),
                 is_up(a) ? "does as before" : "does not come back yet", a->fail_text);
    }
    change_tell_end(a, is_kept);
}

static void enter(struct answerer *a, enum change from, bool is_new)
{
    switch (a->state) {
    case CHANGE_LOADING:
        begin_beside(a);
        break;
    case CHANGE_WARMING:
        warm(a, a->fresh);
        break;
    case CHANGE_WARMING_ALONE:
        warm(a, a->llm);
        break;
    case CHANGE_WAITING:
        tell_who(a);
        break;
    case CHANGE_ALONE:
    case CHANGE_STARTING:
        begin_alone(a, a->next);
        break;
    case CHANGE_RESTORING:
        begin_alone(a, a->now);
        break;
    case CHANGE_NONE:
        settle(a, from, is_new);
        return;
    case CHANGE_STATES:
        unreachable_state();
    }
    tell_progress(a);
}

void change_take(struct answerer *a, enum change_move move)
{
    enum change from = a->state, to = change_next(from, move);
    check(to != CHANGE_STATES);
    uint32_t limit_ms = change_limit_ms(to, (uint32_t)a->conf->turn_ms);
    bool is_new = move == CHANGE_WARM || (from == CHANGE_STARTING && move == CHANGE_LOADED);
    a->state = to;
    a->until_ms = limit_ms ? clock_ms() + limit_ms : 0;
    enter(a, from, is_new);
    deferred_call(&a->look);
}

/* --- what moves it --- */

static bool is_old_quiet(const struct answerer *a)
{
    if (a->leaving_count > 0 || a->events->is_awaited(a->arg))
        return false;
    struct engine_info info = a->llm ? info_of(a->llm) : (struct engine_info){};
    return is_quiet(&info);
}

/* Of the engine that is being tried. */
static bool find_trial(struct answerer *a, const struct engine *e, enum change_move *ret_move)
{
    if (!e) {
        *ret_move = CHANGE_FAIL; /* it could not be started, which has been noted */
        return true;
    }
    struct engine_info info = info_of(e);
    bool is_warming = a->state == CHANGE_WARMING || a->state == CHANGE_WARMING_ALONE;
    if (has_died(&info, 0)) {
        note_engine(a, &info);
        *ret_move = CHANGE_FAIL;
        return true;
    }
    if (!is_warming) {
        *ret_move = CHANGE_LOADED;
        return info.state == ENGINE_READY;
    }
    if (a->warming)
        return false;
    *ret_move = a->warm_err == OK ? CHANGE_WARM : CHANGE_FAIL;
    if (a->warm_err != OK)
        change_note(a, a->warm_err, a->warm_text);
    return true;
}

/* The old one. When it does not come at once it is tried again and again as ever, but no change is kept from others
 * by that: one to a smaller model may be what helps. */
static bool find_restored(struct answerer *a, enum change_move *ret_move)
{
    struct engine_info info = a->llm ? info_of(a->llm) : (struct engine_info){};
    *ret_move = is_up(a) ? CHANGE_LOADED : CHANGE_FAIL;
    return is_up(a) || !a->llm || has_died(&info, 0);
}

static bool find_event(struct answerer *a, enum change_move *ret_move)
{
    switch (a->state) {
    case CHANGE_NONE:
        return false;
    case CHANGE_WAITING:
        *ret_move = CHANGE_QUIET;
        return is_old_quiet(a);
    case CHANGE_RESTORING:
        return find_restored(a, ret_move);
    case CHANGE_LOADING:
    case CHANGE_WARMING:
        return find_trial(a, a->fresh, ret_move);
    default:
        return find_trial(a, a->llm, ret_move);
    }
}

static bool find_move(struct answerer *a, enum change_move *ret_move)
{
    if (find_event(a, ret_move))
        return true;
    if (!a->until_ms || clock_ms() < a->until_ms)
        return false;
    if (a->state != CHANGE_WAITING)
        change_note(a, ERR_LATE, "its engine took too long to load it and to begin");
    *ret_move = CHANGE_TIMEOUT;
    return true;
}

bool change_is_needless(const struct answerer *a)
{
    return spec_is_same(a->now, a->next) && is_up(a);
}

static void begin(struct answerer *a)
{
    a->is_asked = false;
    if (change_is_needless(a))
        change_tell_end(a, keep_choice(a));
    else if (a->next->is_quote)
        settle(a, CHANGE_NONE, true);
    else
        change_take(a, a->is_apart ? CHANGE_APART : CHANGE_BESIDE);
}

/* Without memory for it, an engine that shall answer is tried again and again. */
static void revive(struct answerer *a)
{
    bool is_missing = !a->llm && !a->now->is_quote;
    if (is_missing && (a->state == CHANGE_NONE || a->state == CHANGE_RESTORING) &&
        change_create(a, a->now, &a->llm) == OK)
        tell_who(a);
}

static void look(void *arg)
{
    struct answerer *a = arg;
    enum change_move move;
    sweep(a, false);
    revive(a);
    if (a->is_asked)
        begin(a);
    while (find_move(a, &move))
        change_take(a, move);
    if (a->state != CHANGE_NONE || a->leaving_count > 0 || (!a->llm && !a->now->is_quote))
        timer_start(&a->tick, TICK_MS);
}

void change_init(struct answerer *a)
{
    timer_init(&a->tick, a->loop, look, a);
    deferred_init(&a->look, a->loop, look, a);
}
