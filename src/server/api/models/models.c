// SPDX-License-Identifier: Apache-2.0
#include "server/api/models/models.h"

#include <stdlib.h>

#include "base/conf.h"
#include "server/engine/engine.h"

static void destroy(struct models *m)
{
    if (!m)
        return;
    puller_destroy(m->puller);
    shelf_close(m->shelf);
    free(m->llm_path);
    free(m->embed_path);
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

static bool is_named(const struct models *m, const struct model *installed, const char *option,
                     const char *real)
{
    char path[MODELS_PATH_BYTES];
    if (str_eq_nocase(installed->name, str_of(option)))
        return true;
    return real && models_dir_file(shelf_dir(m->shelf), installed, path) == OK &&
           strcmp(path, real) == 0;
}

/* An engine loads what the options name. */
enum model_use models_use(const struct models *m, const struct model *installed)
{
    const struct server *s = m->server;
    const struct {
        const char *option, *real;
        const struct engine *engine;
    } users[] = {{s->conf->llm_model, m->llm_path, s->llm},
                 {s->conf->embed_model, m->embed_path, s->embed}};
    enum model_use use = USE_NONE;
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        struct engine_info info = {.driver = ""};
        if (!is_named(m, installed, users[i].option, users[i].real))
            continue;
        if (users[i].engine)
            engine_info(users[i].engine, &info);
        bool is_now = strcmp(info.driver, "llama") == 0;
        use = is_now ? USE_NOW : use == USE_NONE ? USE_NAMED : use;
    }
    return use;
}

void models_put_answers(const struct server *s, struct json_out *j)
{
    struct engine_info info = {.driver = "quote", .model = "quote"};
    if (s->llm)
        engine_info(s->llm, &info);
    json_obj(j);
    json_kstr(j, "driver", str_of(info.driver));
    json_kstr(j, "model", str_of(info.model));
    json_key(j, "change");
    json_put_null(j);
    json_key(j, "failed");
    json_put_null(j);
    json_end(j);
}
