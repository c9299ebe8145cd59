// SPDX-License-Identifier: Apache-2.0
#include "server/answerer/language_model.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/cores.h"
#include "base/memory_room.h"
#include "server/engine/remote/address.h"

enum {
    LOAD_MS = 15 * 60 * 1000, /* a large model from a slow disk */
};
/* Of a model that the catalogue does not know, beside its weights. */
constexpr uint64_t COMPUTE_BYTES = 256u << 20;
/* Of a token it remembers less the larger it is, in proportion: 23 KiB of 100 MB, 128 KiB of 4.9 GB. */
enum { TOKEN_OF_FILE = 1 << 15, TOKEN_BYTES_MIN = 24 * 1024 };
enum { CONTEXT_USUAL = 8192, CONTEXT_MIN = 1024 }; /* tokens */

/* A server or a model that is named is meant to answer. */
static const char *driver_of(const struct conf *c)
{
    bool is_left_open = strcmp(c->llm_driver, "auto") == 0;
    return !is_left_open     ? c->llm_driver
           : c->llm_url[0]   ? "remote"
           : c->llm_model[0] ? "llama"
                             : "quote";
}

bool language_model_is_elsewhere(const struct conf *c)
{
    return strcmp(driver_of(c), "remote") == 0;
}

/* Three quarters of the memory are the language model's. llm.template is for the model of llm.model, whose own is
 * missing; any other one has its own. */
static void put_options(const struct conf *c, bool is_configured, char into[512])
{
    bool has_template = is_configured && c->llm_template[0];
    struct memory_room room;
    memory_room("", &room);
    uint64_t mib = room.total_bytes == UINT64_MAX ? 0 : room.total_bytes / 4 * 3 >> 20;
    snprintf(into, 512, "context=%lld,parallel=%lld,gpu_layers=%lld,room=%llu%s%.200s",
             (long long)c->llm_context, (long long)c->llm_parallel, (long long)c->llm_gpu_layers,
             (unsigned long long)(mib < UINT32_MAX ? mib : 0), has_template ? ",template=" : "",
             has_template ? c->llm_template : "");
}

const char *language_model_wrong(const struct conf *c, const struct language_model *llm)
{
    if (llm->file.wrong[0])
        return llm->file.wrong;
    return language_model_is_elsewhere(c) ? remote_address_wrong(REMOTE_LLM, c->llm_url, c->llm_key)
                                          : nullptr;
}

static struct engine_config begin_config(const struct conf *c, const char *driver)
{
    return (struct engine_config){.role = "llm",
                                  .driver = driver,
                                  .options = c->llm_script,
                                  .start_ms = LOAD_MS,
                                  .threads =
                                      c->llm_threads ? (uint32_t)c->llm_threads : cores_online()};
}

static void put_model(const struct conf *c, bool is_configured, struct language_model *memory,
                      struct engine_config *config)
{
    put_options(c, is_configured, memory->options);
    config->model = memory->file.path;
    config->sha256 = memory->file.sha256;
    config->options = memory->options;
}

bool language_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                           struct engine_config *ret_config)
{
    const char *driver = driver_of(c);
    if (strcmp(driver, "quote") == 0)
        return false;
    *ret_config = begin_config(c, driver);
    if (strcmp(driver, "llama") == 0) {
        model_find_named(c->llm_model, "", c->models_dir, data, &memory->file);
        put_model(c, true, memory, ret_config);
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

static enum err find_named(const struct models_dir *dir, const struct model_list *list,
                           struct str name, struct model_named *file)
{
    const struct model *m = model_list_find(list, name);
    if (!m) {
        snprintf(file->wrong, sizeof file->wrong, "the model %.*s is not installed",
                 STR_FMT(str_sub(name, 0, MODEL_NAME_MAX)));
        return ERR_NOTFOUND;
    }
    if (!str_eq(m->kind, S("llm"))) {
        snprintf(file->wrong, sizeof file->wrong, "%.*s is no language model: its kind is %.*s",
                 STR_FMT(m->name), STR_FMT(m->kind));
        return ERR_INVALID;
    }
    return model_name_installed(dir, m, file);
}

enum err language_model_named(const struct conf *c, const char *data, struct str name,
                              struct language_model *memory, struct engine_config *ret_config)
{
    struct models_dir dir;
    struct model_list list;
    try(model_read_installed(c->models_dir, data, &dir, &list, memory->file.wrong));
    enum err err = find_named(&dir, &list, name, &memory->file);
    if (err == OK) {
        const struct model *told = strcmp(driver_of(c), "llama") == 0
                                       ? model_list_find(&list, str_of(c->llm_model))
                                       : nullptr;
        *ret_config = begin_config(c, "llama");
        put_model(c, told && str_eq_nocase(told->name, name), memory, ret_config);
    }
    model_list_free(&list);
    return err;
}

void language_model_told(const struct conf *c, char *into, size_t size)
{
    snprintf(into, size, "%s %s", driver_of(c), c->llm_model);
}

static uint64_t bytes_with(const struct language_model *llm, uint64_t tokens)
{
    struct stat about;
    uint64_t file =
        stat(llm->file.path, &about) == 0 && about.st_size > 0 ? (uint64_t)about.st_size : 0;
    uint64_t each = file / TOKEN_OF_FILE < TOKEN_BYTES_MIN ? TOKEN_BYTES_MIN : file / TOKEN_OF_FILE;
    return file + COMPUTE_BYTES + tokens * each;
}

uint64_t language_model_bytes(const struct conf *c, const struct language_model *llm)
{
    uint64_t context = c->llm_context ? (uint64_t)c->llm_context : CONTEXT_USUAL;
    return bytes_with(llm, context * (uint64_t)c->llm_parallel);
}

uint64_t language_model_least_bytes(const struct conf *c, const struct language_model *llm)
{
    return c->llm_context ? language_model_bytes(c, llm) : bytes_with(llm, CONTEXT_MIN);
}

bool embedding_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                            struct engine_config *ret_config)
{
    bool is_left_open = strcmp(c->embed_driver, "auto") == 0;
    if (is_left_open && !c->embed_model[0])
        return false;
    *ret_config = (struct engine_config){.role = "embed",
                                         .program = "llm",
                                         .flag = "--embed",
                                         .driver = is_left_open ? "llama" : c->embed_driver,
                                         .options = c->embed_script,
                                         .start_ms = LOAD_MS,
                                         .threads = c->embed_threads ? (uint32_t)c->embed_threads
                                                                     : cores_online()};
    if (strcmp(ret_config->driver, "llama") == 0) {
        model_find_named(c->embed_model, "", c->models_dir, data, &memory->file);
        snprintf(memory->options, sizeof memory->options, "gpu_layers=%lld",
                 (long long)c->embed_gpu_layers);
        ret_config->model = memory->file.path;
        ret_config->sha256 = memory->file.sha256;
        ret_config->options = memory->options;
    }
    return true;
}
