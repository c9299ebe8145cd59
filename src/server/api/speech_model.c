// SPDX-License-Identifier: Apache-2.0
#include "server/api/speech_model.h"

#include <stdio.h>
#include <string.h>

#include "base/cores.h"
#include "base/log.h"
#include "server/engine/remote/address.h"
#include "server/models/recogniser.h"

enum {
    LOAD_MS = 5 * 60 * 1000, /* a large model from a slow disk */
    OTHER_THREADS = 2,
    STREAMS = 2,
    MODEL_STREAMS = 16,  /* they share one model */
    REMOTE_STREAMS = 16, /* each keeps its sound, 25 MiB at most, until there are words */
    OPTIONS_MAX = WIRE_PAYLOAD_MAX,
};

static enum err put_options(const struct conf *c, bool has_model, struct buf *options)
{
    long long usual = has_model ? MODEL_STREAMS : STREAMS;
    options->cap = OPTIONS_MAX;
    try(buf_addf(options, "streams=%lld%s%s", c->stt_streams ? (long long)c->stt_streams : usual,
                 c->stt_script[0] ? "," : "", c->stt_script));
    return buf_z(options) ? OK : ERR_NOMEM;
}

void speech_model_finish(struct speech_model *memory)
{
    buf_finish(&memory->options);
}

/* Where nobody has asked for one, a list that cannot be read is in nobody's way. */
static void choose_vad(const struct conf *c, const char *data, struct model_named *vad)
{
    bool is_any = strcmp(c->stt_vad, "auto") == 0;
    if (is_any)
        model_find_of_kind(S("vad"), c->models_dir, data, vad);
    else if (strcmp(c->stt_vad, "builtin") != 0)
        model_find_named(c->stt_vad, "silero", c->models_dir, data, vad);
    if (is_any && vad->wrong[0]) {
        log_warn("%s; the built-in voice detector listens", vad->wrong);
        vad->wrong[0] = 0;
    }
}

static bool is_left_open(const struct conf *c)
{
    return strcmp(c->stt_driver, "auto") == 0;
}

/* A server or a model that is named is meant to hear; of which kind that is, its file says. */
static const char *driver_of(const struct conf *c)
{
    return !is_left_open(c)  ? c->stt_driver
           : c->stt_url[0]   ? "remote"
           : c->stt_model[0] ? "whisper"
                             : "sphinx";
}

/* A name may leave out its family: "base.en" is whisper-base.en. */
static void find_model(const struct conf *c, const char *data, const char **driver,
                       struct model_named *ret_file)
{
    model_find_named(c->stt_model, *driver, c->models_dir, data, ret_file);
    if (!is_left_open(c))
        return;
    if (recogniser_is_parakeet(ret_file->path)) {
        *driver = "parakeet";
        return;
    }
    struct model_named other = {};
    model_find_named(c->stt_model, "parakeet", c->models_dir, data, &other);
    bool is_other = recogniser_is_parakeet(other.path) || (other.wrong[0] && !ret_file->wrong[0]);
    if (is_other && !ret_file->name[0]) {
        *ret_file = other;
        *driver = "parakeet";
    }
}

/* What finds speech stays here, as the ears. */
static const char *choose_remote(const struct conf *c, struct speech_model *memory,
                                 struct engine_config *config)
{
    memory->has_ears = true;
    memory->ears = *config;
    memory->ears.role = "ears";
    memory->ears.program = "stt";
    memory->ears.driver = "local"; /* as it calls itself once it is there */
    memory->ears.flag = "--ears";
    memory->remote = (struct engine_remote){
        .url = c->stt_url,
        .key = c->stt_key,
        .slots = c->stt_streams ? (uint32_t)c->stt_streams : REMOTE_STREAMS,
        .connect_ms = (uint32_t)c->stt_connect_ms,
        .reply_ms = (uint32_t)c->stt_reply_ms,
    };
    config->model = c->stt_model;
    config->remote = &memory->remote;
    return remote_address_wrong(REMOTE_STT, c->stt_url, c->stt_key);
}

const char *speech_model_choose(const struct conf *c, const char *data, struct speech_model *memory,
                                struct engine_config *ret_config)
{
    const char *driver = driver_of(c);
    bool has_model = strcmp(driver, "whisper") == 0 || strcmp(driver, "parakeet") == 0;
    struct model_named *file = &memory->file;
    enum err err = put_options(c, has_model, &memory->options);
    if (err != OK) {
        snprintf(file->wrong, sizeof file->wrong, "stt.script: %s", err_text(err));
        return file->wrong;
    }
    *ret_config = (struct engine_config){
        .role = "stt", .driver = driver, .options = memory->options.p, .threads = OTHER_THREADS};
    choose_vad(c, data, &memory->vad);
    ret_config->vad = memory->vad.path;
    ret_config->vad_sha256 = memory->vad.sha256;
    if (memory->vad.wrong[0])
        return memory->vad.wrong;
    if (strcmp(driver, "remote") == 0)
        return choose_remote(c, memory, ret_config);
    if (!has_model)
        return nullptr;
    find_model(c, data, &ret_config->driver, file);
    ret_config->model = file->path;
    ret_config->sha256 = file->sha256;
    ret_config->start_ms = LOAD_MS;
    ret_config->threads = c->stt_threads ? (uint32_t)c->stt_threads : cores_online();
    return file->wrong[0] ? file->wrong : nullptr;
}
