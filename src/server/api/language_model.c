// SPDX-License-Identifier: Apache-2.0
#include "server/api/language_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOAD_MS = 15 * 60 * 1000 }; /* a large model from a slow disk */

/* A model that is named is meant to answer. */
static const char *driver_of(const struct conf *c)
{
    bool is_left_open = strcmp(c->llm_driver, "auto") == 0;
    return !is_left_open ? c->llm_driver : c->llm_model[0] ? "llama" : "quote";
}

/* One that is not there is told by the engine, as the path that was given. */
static void find_file(const char *given, char into[4096])
{
    char *real = given[0] ? realpath(given, nullptr) : nullptr;
    snprintf(into, 4096, "%s", real ? real : given);
    free(real);
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

bool language_model_choose(const struct conf *c, struct language_model *memory,
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
        find_file(c->llm_model, memory->path);
        put_options(c, memory->options);
        ret_config->model = memory->path;
        ret_config->options = memory->options;
    }
    return true;
}

bool embedding_model_choose(const struct conf *c, struct language_model *memory,
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
        find_file(c->embed_model, memory->path);
        snprintf(memory->options, sizeof memory->options, "gpu_layers=%lld",
                 (long long)c->embed_gpu_layers);
        ret_config->model = memory->path;
        ret_config->options = memory->options;
    }
    return true;
}
