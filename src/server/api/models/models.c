// SPDX-License-Identifier: Apache-2.0
#include "server/api/models/models.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"
#include "server/answerer/answerer.h"
#include "server/answerer/language_model.h"
#include "server/engine/engine.h"

static void destroy(struct models *m)
{
    if (!m)
        return;
    puller_destroy(m->puller);
    shelf_close(m->shelf);
    free(m->llm_path);
    free(m->embed_path);
    free(m->stt_path);
    free(m);
}

enum err models_of(struct server *s, struct models **ret_m)
{
    const struct conf *c = s->conf;
    if (s->models) {
        *ret_m = s->models;
        return OK;
    }
    struct models *m = mem_zero(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->server = s;
    enum err err = shelf_open(s->loop, c->models_dir, s->data, c->llm_threads, &m->shelf);
    if (err != OK) {
        destroy(m);
        return err;
    }
    /* Once: they do not change, and the disk is not to be asked for each request. */
    m->llm_path = c->llm_model[0] ? realpath(c->llm_model, nullptr) : nullptr;
    m->embed_path = c->embed_model[0] ? realpath(c->embed_model, nullptr) : nullptr;
    m->stt_path = c->stt_model[0] ? realpath(c->stt_model, nullptr) : nullptr;
    s->models = m;
    *ret_m = m;
    return OK;
}

void models_end(struct server *s)
{
    destroy(s->models);
    s->models = nullptr;
}

/* --- who uses what --- */

static bool is_called(struct str name, const char *option, const char *family)
{
    char full[2 * MODEL_NAME_MAX + 2];
    if (str_eq_nocase(name, str_of(option)))
        return true;
    int n = snprintf(full, sizeof full, "%s-%s", family, option);
    return family[0] && n < (int)sizeof full && str_eq_nocase(name, str_of(full));
}

/* By an option, with its name, with that without the family, or with its file. */
static bool is_named(const struct models *m, const struct model *installed, const char *option,
                     const char *family, const char *real)
{
    char path[MODELS_PATH_BYTES];
    if (is_called(installed->name, option, family))
        return true;
    return real && models_dir_file(shelf_dir(m->shelf), installed, path) == OK &&
           strcmp(path, real) == 0;
}

static bool runs(const struct engine *e, const char *driver)
{
    struct engine_info info = {.driver = ""};
    if (e)
        engine_info(e, &info);
    return strcmp(info.driver, driver) == 0;
}

/* By the options of an engine that stays the same while the server runs. */
static enum model_use use_by_options(const struct models *m, const struct model *installed)
{
    const struct conf *c = m->server->conf;
    const struct {
        const char *option, *family, *real;
        bool runs;
    } engines[] = {
        {c->embed_model, "", m->embed_path, runs(m->server->embed, "llama")},
        {c->stt_model, "whisper", m->stt_path, runs(m->server->stt, "whisper")},
    };
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (is_named(m, installed, engines[i].option, engines[i].family, engines[i].real))
            return engines[i].runs ? USE_NOW : USE_NAMED;
    return USE_NONE;
}

enum model_use models_use(const struct models *m, const struct model *installed)
{
    const struct server *s = m->server;
    const struct conf *c = s->conf;
    struct answerer_info now;
    answerer_info(s->answerer, &now);
    const char *real = strcmp(now.model, c->llm_model) == 0 ? m->llm_path : nullptr;
    if (strcmp(now.driver, "llama") == 0 && is_named(m, installed, now.model, "", real))
        return USE_NOW;
    enum model_use use = use_by_options(m, installed);
    if (use != USE_NONE)
        return use;
    if (!language_model_is_elsewhere(c) && is_named(m, installed, c->llm_model, "", m->llm_path))
        return USE_NAMED;
    return answerer_holds(s->answerer, installed->name) ? USE_HELD : USE_NONE;
}

/* What a visitor may know of a model that is none of models.lock, whose name is its path. */
static struct str shown(const char *name, bool for_operator)
{
    const char *slash = strrchr(name, '/');
    return str_of(slash && !for_operator ? slash + 1 : name);
}

void models_put_answers(const struct server *s, bool for_operator, struct json_out *j)
{
    static const char kept[] = "it would not answer; whoever runs this server can see why";
    struct answerer_info now;
    answerer_info(s->answerer, &now);
    json_obj(j);
    json_kstr(j, "driver", str_of(now.driver));
    json_kstr(j, "model", shown(now.model, for_operator));
    json_key(j, "change");
    if (now.change_to) {
        json_obj(j);
        json_kstr(j, "to", shown(now.change_to, for_operator));
        json_kstr(j, "state", str_of(now.change_state));
        json_end(j);
    } else {
        json_put_null(j);
    }
    json_key(j, "failed");
    if (now.failed) {
        json_obj(j);
        json_kstr(j, "model", shown(now.failed, for_operator));
        json_kstr(j, "message", str_of(for_operator ? now.failed_why : kept));
        json_end(j);
    } else {
        json_put_null(j);
    }
    json_end(j);
}
