// SPDX-License-Identifier: Apache-2.0
/* An answerer whose engines are the test's: what engine/ offers is played here. Included by one file a program. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/mem.h"
#include "server/answerer/answerer.h"
#include "server/loop/loop.h"
#include "unit.h"

enum { MADE_MAX = 128 };

struct job {
    struct engine *engine;
    const struct job_events *events;
    void *arg;
};

struct engine {
    struct engine_info info;
    char name[40]; /* of the model's file, without its ending */
    char last_words[80];
    bool is_gone;
    struct job *job;
    void (*on_state)(void *arg, struct engine *e);
    void *arg;
};

static struct {
    struct loop *loop;
    struct conf conf;
    char data[64];
    struct answerer *a;
    struct answerer_now now;
    struct answerer_why why;
    struct engine *made[MADE_MAX]; /* those that have not been destroyed */
    size_t made_count;
    enum err create_err, last_end_err;
    unsigned states, ends, begun;
    enum err end_err;
    bool end_is_kept, awaited;
    char end_text[300], progress[200];
} rig;

/* --- what engine/ does --- */

static inline void settle(void)
{
    for (int i = 0; i < 4; i++)
        loop_step(rig.loop, 0);
}

enum err engine_create(struct loop *, const struct engine_config *config, struct engine **ret_e)
{
    struct engine *e = rig.create_err == OK ? mem_zero(1, sizeof *e) : nullptr;
    if (!e || rig.made_count == MADE_MAX) {
        free(e);
        return ERR_NOMEM;
    }
    const char *name = strrchr(config->model ? config->model : "", '/');
    snprintf(e->name, sizeof e->name, "%s", name ? name + 1 : "");
    e->name[strcspn(e->name, ".")] = 0;
    e->info = (struct engine_info){.role = "llm",
                                   .driver = config->driver,
                                   .model = e->name,
                                   .refusal = "",
                                   .last_words = e->last_words,
                                   .state = ENGINE_STARTING};
    e->on_state = config->on_state;
    e->arg = config->arg;
    e->on_state(e->arg, e);
    rig.made[rig.made_count++] = e;
    *ret_e = e;
    return OK;
}

void job_cancel(struct job *j)
{
    if (!j)
        return;
    j->engine->job = nullptr;
    free(j);
}

void engine_end(struct engine *e, enum err err, const char *)
{
    if (!e)
        return;
    rig.last_end_err = err;
    for (size_t i = 0; i < rig.made_count; i++)
        if (rig.made[i] == e)
            rig.made[i--] = rig.made[--rig.made_count];
    free(e->job);
    free(e);
}

void engine_destroy(struct engine *e)
{
    engine_end(e, ERR_DRAINING, "");
}

void engine_info(const struct engine *e, struct engine_info *ret_info)
{
    *ret_info = e->info;
}

enum err engine_open(struct engine *e, const struct job_events *events, void *arg,
                     struct job **ret_job)
{
    struct job *j = mem_zero(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    *j = (struct job){e, events, arg};
    e->job = *ret_job = j;
    return OK;
}

enum err job_send(struct job *, enum msg_type type, const void *)
{
    void *room = malloc(8); /* for the frame */
    free(room);
    return room && msg_from_server(type) ? OK : ERR_NOMEM;
}

/* --- what engines do --- */

static inline bool is_alive(const struct engine *e)
{
    for (size_t i = 0; i < rig.made_count; i++)
        if (rig.made[i] == e)
            return true;
    return false;
}

static inline size_t alive(void)
{
    return rig.made_count;
}

static inline struct engine *newest(void)
{
    return rig.made_count ? rig.made[rig.made_count - 1] : nullptr;
}

static inline struct engine *engine_of(const char *name)
{
    for (size_t i = rig.made_count; i-- > 0;)
        if (strcmp(rig.made[i]->name, name) == 0)
            return rig.made[i];
    return nullptr;
}

static inline void ready(struct engine *e)
{
    e->info.state = ENGINE_READY;
    e->on_state(e->arg, e);
    settle();
}

static inline void warmed(struct engine *e, enum err err)
{
    struct job *j = e->job;
    e->job = nullptr;
    j->events->ended(j->arg, err, err == OK ? "" : "it has no word");
    free(j);
    settle();
}

/* As a process does: the state first, then the jobs. */
static inline void die(struct engine *e, const char *words)
{
    assert_non_null(e);
    snprintf(e->last_words, sizeof e->last_words, "%s", words);
    e->info.refusal = e->last_words;
    e->info.state = ENGINE_DOWN;
    e->on_state(e->arg, e);
    if (e->job)
        warmed(e, ERR_ENGINE);
    settle();
}

static inline void pass_ms(uint64_t ms)
{
    clock_fake(clock_us() + ms * 1000);
    settle();
}

/* --- who watches --- */

static inline void on_change(void *, const struct answerer_now *now)
{
    rig.now = *now;
}

static inline void on_state(void *, struct engine *)
{
    rig.states++;
}

static inline void on_progress(void *arg, const char *state)
{
    size_t n = strlen(rig.progress);
    if (arg == &rig)
        snprintf(rig.progress + n, sizeof rig.progress - n, "%s ", state);
}

static inline void on_end(void *arg, enum err err, const char *text, bool is_kept)
{
    if (arg != &rig)
        return;
    rig.ends++;
    rig.end_err = err;
    rig.end_is_kept = is_kept;
    snprintf(rig.end_text, sizeof rig.end_text, "%s", text);
}

static const struct answerer_watch rig_watch = {.progress = on_progress, .ended = on_end};

static inline enum err prepare(const char *name)
{
    return answerer_prepare(rig.a, str_of(name), &rig.why);
}

static inline void ask(const char *name)
{
    rig.progress[0] = 0;
    assert_ok(prepare(name));
    answerer_begin(rig.a, &rig_watch, &rig);
    settle();
}

/* The change's state, as clients see it. */
static inline const char *state(void)
{
    struct answerer_info info;
    answerer_info(rig.a, &info);
    return info.change_state ? info.change_state : "none";
}

#define assert_holds(name, want) assert_int_equal(answerer_holds(rig.a, S(name)), want)

static inline bool has_choice(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/models.choice", rig.data);
    return access(path, F_OK) == 0;
}

/* --- the whole --- */

static inline void rig_conf(const char *name, const char *value)
{
    struct conf_err why;
    assert_ok(conf_set(&rig.conf, str_of(name), str_of(value), "test", &why));
}

static inline bool is_awaited(void *)
{
    return rig.awaited;
}

static inline void start_again(void)
{
    static const struct answerer_events events = {
        .on_change = on_change, .on_state = on_state, .is_awaited = is_awaited};
    rig.ends = rig.states = rig.begun = 0;
    rig.end_err = rig.create_err = OK;
    rig.progress[0] = rig.end_text[0] = 0;
    assert_ok(answerer_create(rig.loop, &rig.conf, rig.data, &events, nullptr, &rig.a, &rig.why));
    answerer_now(rig.a, &rig.now);
    settle();
}

/* "": the quote answerer. The engine is ready. */
static inline void start_with(const char *model)
{
    rig_conf("llm.model", model);
    start_again();
    if (rig.now.llm)
        ready(rig.now.llm);
}

static inline void rig_stop(void)
{
    char path[100];
    answerer_destroy(rig.a);
    rig.a = nullptr;
    rig.now = (struct answerer_now){};
    settle();
    assert_int_equal(alive(), 0);
    snprintf(path, sizeof path, "%s/models.choice", rig.data);
    (void)unlink(path);
}

static inline void put_file(const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", rig.data, name);
    FILE *f = fopen(path, "w");
    assert_true(f && fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define RIG_MODEL(name, kind)                                                                      \
    "{\"name\":\"" name "\",\"kind\":\"" kind "\",\"source\":\"hf:a/b:c.gguf\",\"sha256\":\""                  \
    "abababababababababababababababababababababababababababababababab\",\"size\":5,\"file\":\""    \
    kind "/" name ".gguf\"}"

// clang-format off
static const char rig_lock[] =
    "{\"version\":1,\"models\":["
    RIG_MODEL("one", "llm") "," RIG_MODEL("two", "llm") "," RIG_MODEL("three", "llm") ","
    RIG_MODEL("huge", "llm") "," RIG_MODEL("gone", "llm") "," RIG_MODEL("vectors", "embed") "]}";
// clang-format on

static inline int rig_set_up(void **)
{
    static const char *const names[] = {"one", "two", "three"};
    char path[120];
    memset(&rig, 0, sizeof rig);
    clock_fake(5000000);
    snprintf(rig.data, sizeof rig.data, "/tmp/repartee-answerer-XXXXXX");
    if (!mkdtemp(rig.data) || loop_create(&rig.loop) != OK || conf_init(&rig.conf) != OK)
        return 1;
    static const char *const folders[] = {"models", "models/llm", "models/embed"};
    for (size_t i = 0; i < countof(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", rig.data, folders[i]);
        if (mkdir(path, 0700) != 0)
            return 1;
    }
    put_file("models/models.lock", rig_lock);
    for (size_t i = 0; i < countof(names); i++) {
        snprintf(path, sizeof path, "models/llm/%s.gguf", names[i]);
        put_file(path, "GGUF.");
    }
    put_file("models/embed/vectors.gguf", "GGUF.");
    put_file("models/llm/huge.gguf", "");
    snprintf(path, sizeof path, "%s/models/llm/huge.gguf", rig.data);
    return truncate(path, (off_t)1 << 42);
}

static inline int rig_forget(const char *path, const struct stat *, int, struct FTW *)
{
    return remove(path);
}

static inline int rig_tear_down(void **)
{
    answerer_destroy(rig.a);
    loop_step(rig.loop, 0);
    (void)nftw(rig.data, rig_forget, 8, FTW_DEPTH | FTW_PHYS);
    conf_finish(&rig.conf);
    clock_fake(UINT64_MAX);
    loop_destroy(rig.loop);
    return 0;
}
