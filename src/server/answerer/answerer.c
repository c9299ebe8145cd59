// SPDX-License-Identifier: Apache-2.0
#include "server/answerer/answerer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/memory_room.h"
#include "server/answerer/answerer_parts.h"
#include "server/answerer/choice.h"

static enum err refuse(struct answerer_why *why, enum err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static enum err refuse(struct answerer_why *why, enum err err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, ap);
    va_end(ap);
    return err;
}

const char *spec_name(const struct answerer *a, const struct spec *s)
{
    if (s->is_quote)
        return "quote";
    return s->memory.file.name[0] ? s->memory.file.name : a->conf->llm_model;
}

bool spec_is_same(const struct spec *a, const struct spec *b)
{
    if (a->is_quote || b->is_quote)
        return a->is_quote == b->is_quote;
    return strcmp(a->memory.file.path, b->memory.file.path) == 0 &&
           strcmp(a->memory.file.sha256, b->memory.file.sha256) == 0;
}

/* --- who can answer --- */

static bool choose_told(const struct answerer *a, struct spec *s)
{
    *s = (struct spec){.is_told = true};
    s->is_quote = !language_model_choose(a->conf, a->data, &s->memory, &s->config);
    return !s->memory.file.wrong[0];
}

/* One that runs here can be changed for another one that runs here. */
static bool is_of_this_machine(const struct answerer *a)
{
    const struct spec *s = a->now;
    return s->is_quote || strcmp(s->config.driver, "llama") == 0;
}

static bool is_told(const struct answerer *a, struct str name)
{
    if (a->told_quote)
        return str_eq(name, S("quote"));
    return str_eq(name, str_of(a->conf->llm_model)) ||
           (a->told_name[0] && str_eq_nocase(name, str_of(a->told_name)));
}

/* `s` for this name, or a sentence why not. */
static enum err choose(const struct answerer *a, struct str name, struct spec *s,
                       struct answerer_why *why)
{
    enum err err = OK;
    if (is_told(a, name)) {
        if (!choose_told(a, s))
            err = ERR_NOTFOUND;
    } else if (str_eq(name, S("quote"))) {
        *s = (struct spec){.is_quote = true};
    } else {
        *s = (struct spec){};
        err = language_model_named(a->conf, a->data, name, &s->memory, &s->config);
    }
    if (err == OK)
        return OK;
    return refuse(why, err, "%s", s->memory.file.wrong[0] ? s->memory.file.wrong : err_text(err));
}

/* --- memory --- */

/* What the weights of the models that are loaded hold in the page cache. The kernel calls that free. */
static uint64_t held_bytes(const struct answerer *a)
{
    struct engine_info info = {};
    uint64_t held = 0;
    if (a->llm)
        engine_info(a->llm, &info);
    held += info.pid ? memory_of_files("", info.pid) : 0;
    for (size_t i = 0; i < a->leaving_count; i++) {
        engine_info(a->leaving[i].engine, &info);
        held += info.pid ? memory_of_files("", info.pid) : 0;
    }
    return held;
}

static enum err find_room(struct answerer *a, struct answerer_why *why)
{
    struct memory_room room;
    const struct language_model *model = &a->next->memory;
    if (access(model->file.path, R_OK) != 0) /* told before the old one has left for it */
        return refuse(why, ERR_NOTFOUND, "the file of %s is not there or may not be read: %.180s",
                      spec_name(a, a->next), model->file.path);
    uint64_t need = language_model_bytes(a->conf, model), held = held_bytes(a);
    uint64_t least = language_model_least_bytes(a->conf, model);
    memory_room("", &room);
    uint64_t free = room.free_bytes - (held < room.free_bytes ? held : room.free_bytes);
    if (least > room.total_bytes)
        return refuse(why, ERR_TOOBIG,
                      "%s needs about %llu MiB of memory, and %llu MiB are all there are here",
                      spec_name(a, a->next), (unsigned long long)(least >> 20),
                      (unsigned long long)(room.total_bytes >> 20));
    /* Where no model is loaded, nothing is won by waiting for its end. */
    bool is_only = a->now->is_quote && a->leaving_count == 0;
    a->is_apart = !is_only && (need > free || strcmp(a->conf->llm_beside, "never") == 0);
    return OK;
}

/* --- a change --- */

enum err answerer_prepare(struct answerer *a, struct str name, struct answerer_why *why)
{
    if (a->draining)
        return refuse(why, ERR_DRAINING, "the server is shutting down");
    if (!is_of_this_machine(a))
        return refuse(
            why, ERR_CONFLICT,
            "the %s language model answers, as the options say; only one that runs on this "
            "machine can be changed for another",
            a->now->config.driver);
    if (a->is_asked || a->state != CHANGE_NONE)
        return refuse(why, ERR_CONFLICT,
                      "the language model is being changed to %s already; please wait for that",
                      spec_name(a, a->next));
    if (a->leaving_count == LEAVING_MAX)
        return refuse(why, ERR_CONFLICT,
                      "the models before this one are still ending their answers; please try again "
                      "in a moment");
    try(choose(a, name, a->next, why));
    return a->next->is_quote || change_is_needless(a) ? OK : find_room(a, why);
}

void answerer_begin(struct answerer *a, const struct answerer_watch *watch, void *arg)
{
    a->is_asked = true;
    a->fail_err = OK;
    a->watch = watch;
    a->watch_arg = arg;
    deferred_call(&a->look);
}

void answerer_unwatch(struct answerer *a, const void *arg)
{
    if (a->watch && a->watch_arg == arg)
        a->watch = nullptr;
}

void answerer_drain(struct answerer *a)
{
    if (!a)
        return;
    bool is_under_way = a->is_asked || a->state != CHANGE_NONE;
    a->draining = true;
    if (!is_under_way)
        return;
    change_note(a, ERR_DRAINING, "the server is shutting down");
    if (a->is_asked)
        change_tell_end(a, false);
    else
        change_take(a, CHANGE_DRAIN);
    a->is_asked = false;
}

/* --- the start --- */

/* Whom the options name is not asked for while the choice holds. */
static bool find_choice(struct answerer *a)
{
    struct choice c;
    char told[CHOICE_TOLD_BYTES];
    struct answerer_why why;
    enum err err = choice_read(a->data, &c);
    if (err != OK && err != ERR_NOTFOUND)
        log_warn("%.200s/models.choice cannot be read (%s); the options say who answers", a->data,
                 err_text(err));
    if (err != OK)
        return false;
    language_model_told(a->conf, told, sizeof told);
    if (strcmp(told, c.instead_of) != 0) {
        log_info("the options name another language model than when %s was chosen; they count",
                 c.llm);
        if ((err = choice_forget(a->data)) != OK)
            log_warn("%.200s/models.choice cannot be removed: %s", a->data, err_text(err));
        return false;
    }
    if (!is_of_this_machine(a) || is_told(a, str_of(c.llm)))
        return false;
    if (choose(a, str_of(c.llm), a->next, &why) == OK)
        return true;
    snprintf(a->failed, sizeof a->failed, "%s", c.llm);
    snprintf(a->failed_why, sizeof a->failed_why, "%.279s", why.text);
    log_warn("%s was chosen to answer, but cannot (%s); the options say who does", c.llm, why.text);
    return false;
}

static enum err start(struct answerer *a, struct answerer_why *why)
{
    (void)choose_told(a, a->now);
    const char *wrong = language_model_wrong(a->conf, &a->now->memory);
    if (wrong)
        return refuse(why, ERR_INVALID, "%s", wrong);
    a->told_quote = a->now->is_quote;
    snprintf(a->told_name, sizeof a->told_name, "%s", a->now->memory.file.name);
    bool is_chosen = find_choice(a);
    if (is_chosen && a->next->is_quote) {
        struct spec *told = a->now;
        a->now = a->next;
        a->next = told;
    } else if (is_chosen) {
        change_take(a, CHANGE_CHOSEN);
        return OK;
    }
    return a->now->is_quote ? OK : change_create(a, a->now, &a->llm);
}

enum err answerer_create(struct loop *loop, const struct conf *conf, const char *data,
                         const struct answerer_events *events, void *arg, struct answerer **ret_a,
                         struct answerer_why *ret_why)
{
    struct answerer *a = mem_zero(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->loop = loop;
    a->conf = conf;
    a->data = data;
    a->events = events;
    a->arg = arg;
    a->now = &a->spec[0];
    a->next = &a->spec[1];
    change_init(a);
    enum err err = start(a, ret_why);
    if (err != OK) {
        answerer_destroy(a);
        return err;
    }
    *ret_a = a;
    return OK;
}

void answerer_destroy(struct answerer *a)
{
    if (!a)
        return;
    job_cancel(a->warming);
    engine_destroy(a->fresh);
    engine_destroy(a->llm);
    for (size_t i = 0; i < a->leaving_count; i++)
        engine_destroy(a->leaving[i].engine);
    timer_stop(&a->tick);
    deferred_cancel(&a->look);
    free(a);
}

/* --- what others see --- */

void answerer_now(const struct answerer *a, struct answerer_now *ret_now)
{
    bool is_there = a->llm || a->now->is_quote;
    bool is_away = a->state == CHANGE_ALONE || a->state == CHANGE_WARMING_ALONE ||
                   a->state == CHANGE_RESTORING;
    *ret_now = (struct answerer_now){
        .llm = a->llm,
        .takes_new = is_there && !is_away && a->state != CHANGE_WAITING,
        .answers = is_there && !is_away,
    };
}

void answerer_info(const struct answerer *a, struct answerer_info *ret_info)
{
    bool is_under_way = a->is_asked || a->state != CHANGE_NONE;
    *ret_info = (struct answerer_info){
        .driver = a->now->is_quote ? "quote" : a->now->config.driver,
        .model = spec_name(a, a->now),
        .change_to = is_under_way ? spec_name(a, a->next) : nullptr,
        .change_state = !is_under_way ? nullptr
                        : a->is_asked ? change_name(CHANGE_LOADING)
                                      : change_name(a->state),
        .failed = a->failed[0] ? a->failed : nullptr,
        .failed_why = a->failed[0] ? a->failed_why : nullptr,
    };
}

static bool is_named(const char *model, struct str name)
{
    return model[0] && str_eq_nocase(str_of(model), name);
}

bool answerer_holds(const struct answerer *a, struct str name)
{
    bool is_under_way = a->is_asked || a->state != CHANGE_NONE;
    bool holds = is_named(a->told_name, name) || is_named(a->now->memory.file.name, name) ||
                 (is_under_way && is_named(a->next->memory.file.name, name));
    for (size_t i = 0; i < a->leaving_count && !holds; i++)
        holds = is_named(a->leaving[i].name, name);
    return holds;
}
