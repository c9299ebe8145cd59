// SPDX-License-Identifier: Apache-2.0
#include "server/answerer/language_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/models/catalogue.h"
#include "server/models/memory_room.h"
#include "server/models/models_dir.h"
#include "server/net/fetch.h"

enum {
    LOAD_MS = 15 * 60 * 1000, /* a large model from a slow disk */
    URL_MAX = 1024,
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

static bool is_known(const char *name)
{
    struct model_list catalogue;
    if (catalogue_read(&catalogue) != OK)
        return false;
    bool is = model_list_find(&catalogue, str_of(name)) != nullptr;
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

static enum err use_installed(const struct models_dir *dir, const struct model *m,
                              struct language_model *memory)
{
    try(models_dir_file(dir, m, memory->path));
    snprintf(memory->sha256, sizeof memory->sha256, "%.*s", STR_FMT(m->sha256));
    snprintf(memory->name, sizeof memory->name, "%.*s", STR_FMT(m->name));
    return OK;
}

/* A file that is not there is told by the engine, as the path that was given. */
static void use_file(const char *given, const struct models_dir *dir, const struct model_list *list,
                     struct language_model *memory)
{
    char *real = given[0] ? realpath(given, nullptr) : nullptr;
    const struct model *m = find_installed(dir, list, given, real);
    snprintf(memory->path, sizeof memory->path, "%s", real ? real : given);
    if ((!m || use_installed(dir, m, memory) != OK) && !real && is_known(given))
        snprintf(memory->wrong, sizeof memory->wrong,
                 "the model %s is not installed; 'repartee pull %s' brings it", given, given);
    free(real);
}

static enum err read_installed(const struct conf *c, const char *data, struct models_dir *dir,
                               struct model_list *list, struct language_model *memory)
{
    struct model_list_why why = {};
    enum err err = models_dir_init(dir, c->models_dir, data);
    if (err == OK)
        err = models_dir_read(dir, list, &why);
    if (err != OK)
        snprintf(memory->wrong, sizeof memory->wrong,
                 "%.90s/models.lock cannot be read (%.60s); restore it, or remove it and pull the "
                 "models anew",
                 dir->path, why.text[0] ? why.text : err_text(err));
    return err;
}

static void find_file(const struct conf *c, const char *data, const char *given,
                      struct language_model *memory)
{
    struct models_dir dir;
    struct model_list list;
    if (read_installed(c, data, &dir, &list, memory) != OK)
        return;
    use_file(given, &dir, &list, memory);
    model_list_free(&list);
}

static uint32_t cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 1024 ? (uint32_t)n : 1;
}

/* Three quarters of the memory are the language model's. llm.template is for the model of llm.model, whose own is missing; any other one has its own. */
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

static bool is_header_text(const char *key)
{
    while (*key > ' ' && *key < 0x7f)
        key++;
    return !*key;
}

const char *language_model_wrong(const struct conf *c, const struct language_model *llm)
{
    if (llm->wrong[0])
        return llm->wrong;
    if (!language_model_is_elsewhere(c))
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

static struct engine_config begin_config(const struct conf *c, const char *driver)
{
    return (struct engine_config){.role = "llm",
                                  .driver = driver,
                                  .options = c->llm_script,
                                  .start_ms = LOAD_MS,
                                  .threads = c->llm_threads ? (uint32_t)c->llm_threads : cores()};
}

static void put_model(const struct conf *c, bool is_configured, struct language_model *memory,
                      struct engine_config *config)
{
    put_options(c, is_configured, memory->options);
    config->model = memory->path;
    config->sha256 = memory->sha256;
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
        find_file(c, data, c->llm_model, memory);
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
                           struct str name, struct language_model *memory)
{
    const struct model *m = model_list_find(list, name);
    if (!m) {
        snprintf(memory->wrong, sizeof memory->wrong, "the model %.*s is not installed",
                 STR_FMT(str_sub(name, 0, MODEL_NAME_MAX)));
        return ERR_NOTFOUND;
    }
    if (!str_eq(m->kind, S("llm"))) {
        snprintf(memory->wrong, sizeof memory->wrong, "%.*s is no language model: its kind is %.*s",
                 STR_FMT(m->name), STR_FMT(m->kind));
        return ERR_INVALID;
    }
    return use_installed(dir, m, memory);
}

enum err language_model_named(const struct conf *c, const char *data, struct str name,
                              struct language_model *memory, struct engine_config *ret_config)
{
    struct models_dir dir;
    struct model_list list;
    try(read_installed(c, data, &dir, &list, memory));
    enum err err = find_named(&dir, &list, name, memory);
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
    uint64_t file = stat(llm->path, &about) == 0 && about.st_size > 0 ? (uint64_t)about.st_size : 0;
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
