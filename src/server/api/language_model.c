// SPDX-License-Identifier: Apache-2.0
#include "server/api/language_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/models/catalogue.h"
#include "server/models/models_dir.h"
#include "server/net/fetch.h"

enum {
    LOAD_MS = 15 * 60 * 1000, /* a large model from a slow disk */
    URL_MAX = 1024,
};

/* A server or a model that is named is meant to answer. */
static const char *driver_of(const struct conf *c)
{
    bool is_left_open = strcmp(c->llm_driver, "auto") == 0;
    return !is_left_open     ? c->llm_driver
           : c->llm_url[0]   ? "remote"
           : c->llm_model[0] ? "llama"
                             : "quote";
}

static bool is_known(const char *name)
{
    struct model_list catalogue;
    if (catalogue_read(&catalogue) != OK)
        return false;
    bool is = model_list_find(&catalogue, str_of(name));
    model_list_free(&catalogue);
    return is;
}

/* An installed model of this name, or whose file this is. */
static const struct model *find_installed(const struct models_dir *dir,
                                          const struct model_list *list, const char *given,
                                          const char *real)
{
    char path[MODELS_PATH_BYTES];
    const struct model *m = model_list_find(list, str_of(given));
    for (size_t i = 0; !m && real && i < list->count; i++)
        if (models_dir_file(dir, &list->model[i], path) == OK && strcmp(path, real) == 0)
            m = &list->model[i];
    return m;
}

/* A file that is not there is told by the engine, as the path that was given. */
static void use_file(const char *given, const struct models_dir *dir, const struct model_list *list,
                     struct language_model *memory)
{
    char *real = given[0] ? realpath(given, nullptr) : nullptr;
    const struct model *m = find_installed(dir, list, given, real);
    snprintf(memory->path, sizeof memory->path, "%s", real ? real : given);
    if (m && models_dir_file(dir, m, memory->path) == OK)
        snprintf(memory->sha256, sizeof memory->sha256, "%.*s", STR_FMT(m->sha256));
    else if (!real && is_known(given))
        snprintf(memory->wrong, sizeof memory->wrong,
                 "the model %s is not installed; 'repartee pull %s' brings it", given, given);
    free(real);
}

static void find_file(const struct conf *c, const char *data, const char *given,
                      struct language_model *memory)
{
    struct models_dir dir;
    struct model_list list;
    struct model_list_why why = {};
    enum err err = models_dir_init(&dir, c->models_dir, data);
    if (err == OK)
        err = models_dir_read(&dir, &list, &why);
    if (err != OK) {
        snprintf(memory->wrong, sizeof memory->wrong,
                 "%.90s/models.lock cannot be read (%.60s); restore it, or remove it and pull the "
                 "models anew",
                 dir.path, why.text[0] ? why.text : err_text(err));
        return;
    }
    use_file(given, &dir, &list, memory);
    model_list_free(&list);
}

static uint32_t cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 1024 ? (uint32_t)n : 1;
}

static void put_options(const struct conf *c, char into[512])
{
    snprintf(into, 512, "context=%lld,parallel=%lld,gpu_layers=%lld%s%.200s",
             (long long)c->llm_context, (long long)c->llm_parallel, (long long)c->llm_gpu_layers,
             c->llm_template[0] ? ",template=" : "", c->llm_template);
}

static bool is_header_text(const char *key)
{
    while (*key > ' ' && *key < 0x7f)
        key++;
    return !*key;
}

const char *language_model_wrong(const struct conf *c, const struct language_model *llm,
                                 const struct language_model *embed)
{
    if (llm->wrong[0] || embed->wrong[0])
        return llm->wrong[0] ? llm->wrong : embed->wrong;
    if (strcmp(driver_of(c), "remote") != 0)
        return nullptr;
    if (!c->llm_url[0])
        return "llm.url must name the server of the remote language model, such as "
               "http://127.0.0.1:8000/v1";
    if (strlen(c->llm_url) > URL_MAX || fetch_check_url(c->llm_url) != OK)
        return "llm.url must be http:// or https://, a host and perhaps a path, such as "
               "http://127.0.0.1:8000/v1; a key belongs into llm.key_file";
    return is_header_text(c->llm_key) ? nullptr
                                      : "llm.key may hold letters, digits and signs of ASCII only";
}

bool language_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                           struct engine_config *ret_config)
{
    const char *driver = driver_of(c);
    if (strcmp(driver, "quote") == 0)
        return false;
    *ret_config =
        (struct engine_config){.role = "llm",
                               .driver = driver,
                               .options = c->llm_script,
                               .start_ms = LOAD_MS,
                               .threads = c->llm_threads ? (uint32_t)c->llm_threads : cores()};
    if (strcmp(driver, "llama") == 0) {
        find_file(c, data, c->llm_model, memory);
        put_options(c, memory->options);
        ret_config->model = memory->path;
        ret_config->sha256 = memory->sha256;
        ret_config->options = memory->options;
    }
    if (strcmp(driver, "remote") == 0) {
        memory->remote = (struct engine_remote){
            .url = c->llm_url,
            .key = c->llm_key,
            .context = (uint32_t)c->llm_context,
            .slots = (uint32_t)c->max_turns,
            .connect_ms = (uint32_t)c->llm_connect_ms,
            .first_token_ms = (uint32_t)c->llm_first_ms,
            .silence_ms = (uint32_t)c->llm_silence_ms,
        };
        ret_config->model = c->llm_model;
        ret_config->remote = &memory->remote;
    }
    return true;
}

bool embedding_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                            struct engine_config *ret_config)
{
    bool is_left_open = strcmp(c->embed_driver, "auto") == 0;
    if (is_left_open && !c->embed_model[0])
        return false;
    *ret_config =
        (struct engine_config){.role = "embed",
                               .program = "llm",
                               .flag = "--embed",
                               .driver = is_left_open ? "llama" : c->embed_driver,
                               .options = c->embed_script,
                               .start_ms = LOAD_MS,
                               .threads = c->embed_threads ? (uint32_t)c->embed_threads : cores()};
    if (strcmp(ret_config->driver, "llama") == 0) {
        find_file(c, data, c->embed_model, memory);
        snprintf(memory->options, sizeof memory->options, "gpu_layers=%lld",
                 (long long)c->embed_gpu_layers);
        ret_config->model = memory->path;
        ret_config->sha256 = memory->sha256;
        ret_config->options = memory->options;
    }
    return true;
}
