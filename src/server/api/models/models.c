// SPDX-License-Identifier: Apache-2.0
#include "server/api/models/models.h"

#include <stdlib.h>

#include "base/conf.h"
#include "server/answerer/answerer.h"
#include "server/answerer/language_model.h"
#include "server/engine/engine.h"
#include "server/models/named.h"

enum { FAMILIES = 2 }; /* whose names may be left out, of one option */

static void destroy(struct models *m)
{
    if (!m)
        return;
    puller_destroy(m->puller);
    shelf_close(m->shelf);
    for (int i = 0; i < NAMED_COUNT; i++)
        free(m->real[i]);
    free(m);
}

static const char *option_of(const struct conf *c, int named)
{
    const char *const options[NAMED_COUNT] = {[NAMED_LLM] = c->llm_model,
                                              [NAMED_EMBED] = c->embed_model,
                                              [NAMED_STT] = c->stt_model,
                                              [NAMED_TTS] = c->tts_model};
    return options[named];
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
    for (int i = 0; i < NAMED_COUNT; i++)
        m->real[i] = option_of(c, i)[0] ? realpath(option_of(c, i), nullptr) : nullptr;
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

/* Is it the one of this name, or its file? */
static bool is_meant(const struct models *m, const struct model *installed, const char *name,
                     const char *family, const char *real)
{
    char path[MODELS_PATH_BYTES];
    if (model_is_called(installed->name, name, family))
        return true;
    return real && models_dir_file(shelf_dir(m->shelf), installed, path) == OK &&
           strcmp(path, real) == 0;
}

/* Under one name there may be a Whisper and a Parakeet: while one of their recognisers runs, its own is meant. */
static bool is_of_other(const char *const families[FAMILIES], const char *family,
                        const char *driver)
{
    bool runs_one = false;
    for (int i = 0; i < FAMILIES && families[i]; i++)
        runs_one = runs_one || strcmp(families[i], driver) == 0;
    return runs_one && strcmp(family, driver) != 0;
}

/* `driver`: of the engine that loads what is named; "": none runs. */
static bool is_named(const struct models *m, const struct model *installed, int named,
                     const char *driver)
{
    static const char *const families[NAMED_COUNT][FAMILIES] = {
        [NAMED_LLM] = {""},
        [NAMED_EMBED] = {""},
        [NAMED_STT] = {"whisper", "parakeet"},
        [NAMED_TTS] = {"piper"}};
    const char *name = option_of(m->server->conf, named);
    for (int i = 0; i < FAMILIES && families[named][i]; i++)
        if (!is_of_other(families[named], families[named][i], driver) &&
            is_meant(m, installed, name, families[named][i], m->real[named]))
            return true;
    return false;
}

/* By the options of an engine that stays the same while the server runs. */
static enum model_use use_by_options(const struct models *m, const struct model *installed)
{
    const struct server *s = m->server;
    const struct {
        int named;
        const struct engine *engine;
        const char *drivers; /* that load what is named */
    } rows[] = {{NAMED_EMBED, s->embed, "llama"},
                {NAMED_STT, s->stt, "whisper,parakeet"},
                {NAMED_TTS, s->tts, "piper,kokoro"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_info now = {.driver = ""};
        if (rows[i].engine)
            engine_info(rows[i].engine, &now);
        if (is_named(m, installed, rows[i].named, now.driver))
            return str_listed(str_of(rows[i].drivers), str_of(now.driver)) ? USE_NOW : USE_NAMED;
    }
    return USE_NONE;
}

/* The recogniser, started anew, wants the voice detector that it was started with. */
static bool is_heard_with(const struct models *m, const struct model *installed)
{
    char path[MODELS_PATH_BYTES];
    struct engine_info info;
    if (!m->server->stt || models_dir_file(shelf_dir(m->shelf), installed, path) != OK)
        return false;
    engine_info(m->server->stt, &info);
    return strcmp(path, info.vad) == 0;
}

enum model_use models_use(const struct models *m, const struct model *installed)
{
    const struct server *s = m->server;
    const struct conf *c = s->conf;
    struct answerer_info now;
    answerer_info(s->answerer, &now);
    const char *real = strcmp(now.model, c->llm_model) == 0 ? m->real[NAMED_LLM] : nullptr;
    if (strcmp(now.driver, "llama") == 0 && is_meant(m, installed, now.model, "", real))
        return USE_NOW;
    if (is_heard_with(m, installed))
        return USE_NOW;
    enum model_use use = use_by_options(m, installed);
    if (use != USE_NONE)
        return use;
    if (!language_model_is_elsewhere(c) && is_named(m, installed, NAMED_LLM, ""))
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
