// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-tts: text in, sound out. This is the only program that links espeak-ng, and so the only
 * one that is distributed under GPL-3.0-or-later.
 */
#include "tts/again.h"
#include "tts/choose.h"
#include "tts/stream.h"
#include "wire/driver_name.h"

/* Threads wait for listeners more than they compute, and a waiting one must not keep another answer
 * from its first sound: one for each stream. */
enum { STREAMS = 64 };

static const struct tts_driver *const drivers[] = {&tts_builtin, &tts_flite,  &tts_espeak,
                                                   &tts_piper,   &tts_kokoro, &tts_scripted};
enum { DRIVERS = sizeof drivers / sizeof *drivers };
static const struct tts_driver *driver; /* const after load */
static struct buf languages = BUF(16 * 1024);
static struct buf voices = BUF(WIRE_PAYLOAD_MAX - 64);
static const char *read_dirs[] = {nullptr, nullptr}; /* const after load */

static enum err load(const struct msg_load *m, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES])
{
    const void *chosen;
    struct tts_load request = {.model_dir = m->model_dir,
                               .model = m->model,
                               .options = m->options,
                               .sha256 = m->sha256,
                               .sha256_beside = m->sha256_beside,
                               .threads = m->threads};
    struct str name = str_eq(m->driver, S("auto")) ? choose_driver(&request) : m->driver;
    try(driver_choose(name, (const void *const *)drivers, DRIVERS, "speech", why, &chosen));
    driver = chosen;
    if (driver->load != nullptr)
        try(driver->load(&request, why));
    buf_clear(&languages);
    try(driver->languages(&languages));
    buf_clear(&voices);
    try(driver->voices(&voices));
    struct tts_voice *voice;
    try(driver->voice_open(S(""), &voice));
    stream_use(driver);
    read_dirs[0] = driver->read_dir();
    *ret_ready = (struct worker_ready){
        .driver = driver->name,
        .model = voice->name,
        .languages = buf_z(&languages),
        .notes = driver->notes != nullptr ? driver->notes() : "", /* looked at after start */
        .rate_hz = voice->rate_hz,
        .slots = STREAMS,
    };
    driver->voice_close(voice);
    return OK;
}

static enum err start(char why[WORKER_WHY_BYTES])
{
    if (driver->start != nullptr)
        try(driver->start(why));
    try(worker_tell(MSG_tts_voices, &(struct msg_tts_voices){buf_str(&voices)}));
    if (driver->warm_up != nullptr)
        driver->warm_up();
    return OK;
}

static void unload(void)
{
    if (driver != nullptr && driver->unload != nullptr)
        driver->unload();
    again_finish();
    buf_finish(&languages);
    buf_finish(&voices);
}

int main(int argc, char **argv)
{
    static const struct worker_role role = {
        .name = "tts",
        .max_threads = STREAMS,
        .max_streams = STREAMS,
        .read_dirs = read_dirs,
        .load = load,
        .start = start,
        .unload = unload,
        .open = stream_open,
        .message = stream_message,
        .close = stream_close,
    };
    return worker_main(&role, argc, argv);
}
