// SPDX-License-Identifier: Apache-2.0
#include "server/api/voice_model.h"

#include <string.h>

#include "base/cores.h"
#include "server/engine/remote/address.h"

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

static const char *choose_mouth(const struct conf *c, struct engine_mouth *mouth,
                                struct engine_config *config)
{
    *mouth = (struct engine_mouth){
        .api = mouth_api_of(c->tts_api, c->tts_url),
        .url = c->tts_url,
        .key = c->tts_key,
        .model = c->tts_remote_model,
        .voice = c->tts_remote_voice,
        .language = c->tts_remote_language,
        .local_voice = c->tts_voice,
        .connect_ms = (uint32_t)c->tts_connect_ms,
        .first_sound_ms = (uint32_t)c->tts_first_sound_ms,
        .reply_ms = (uint32_t)c->tts_reply_ms,
    };
    config->mouth = mouth;
    return remote_address_wrong(REMOTE_TTS, c->tts_url, c->tts_key);
}

static const char *choose_local(const struct conf *c, const char *data, struct model_named *file,
                                struct engine_config *config)
{
    bool is_left_open = strcmp(c->tts_driver, "auto") == 0;
    const char *driver = !is_left_open ? c->tts_driver : c->tts_model[0] ? "auto" : "builtin";
    *config = (struct engine_config){
        .role = "tts", .driver = driver, .options = c->tts_script, .threads = OTHER_THREADS};
    if (strcmp(driver, "builtin") == 0 || strcmp(driver, "scripted") == 0)
        return nullptr;
    model_find_named(c->tts_model, "piper", c->models_dir, data, file);
    config->model = file->path;
    config->sha256 = file->sha256;
    config->sha256_beside = file->sha256_beside;
    config->start_ms = LOAD_MS;
    config->threads = c->tts_threads ? (uint32_t)c->tts_threads : usual_threads();
    return file->wrong[0] ? file->wrong : nullptr;
}

const char *voice_model_choose(const struct conf *c, const char *data, struct voice_model *memory,
                               struct engine_config *ret_config)
{
    const char *wrong = choose_local(c, data, &memory->file, ret_config);
    return wrong || !c->tts_url[0] ? wrong : choose_mouth(c, &memory->mouth, ret_config);
}
