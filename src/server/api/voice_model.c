// SPDX-License-Identifier: Apache-2.0
#include "server/api/voice_model.h"

#include <string.h>

#include "base/cores.h"

enum {
    LOAD_MS = 3 * 60 * 1000, /* a large voice from a slow disk */
    OTHER_THREADS = 2,
    THREADS_MAX = 4, /* more are hardly faster: a step of a voice is small */
};

static uint32_t usual_threads(void)
{
    uint32_t n = cores_online();
    return n < THREADS_MAX ? n : THREADS_MAX;
}

const char *voice_model_choose(const struct conf *c, const char *data, struct model_named *memory,
                               struct engine_config *ret_config)
{
    bool is_left_open = strcmp(c->tts_driver, "auto") == 0;
    const char *driver = !is_left_open ? c->tts_driver : c->tts_model[0] ? "auto" : "builtin";
    *ret_config = (struct engine_config){
        .role = "tts", .driver = driver, .options = c->tts_script, .threads = OTHER_THREADS};
    if (strcmp(driver, "builtin") == 0 || strcmp(driver, "scripted") == 0)
        return nullptr;
    model_find_named(c->tts_model, "piper", c->models_dir, data, memory);
    ret_config->model = memory->path;
    ret_config->sha256 = memory->sha256;
    ret_config->sha256_beside = memory->sha256_beside;
    ret_config->start_ms = LOAD_MS;
    ret_config->threads = c->tts_threads ? (uint32_t)c->tts_threads : usual_threads();
    return memory->wrong[0] ? memory->wrong : nullptr;
}
