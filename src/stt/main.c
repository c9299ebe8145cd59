// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-stt: sound in, words out.
 */
#include <stdio.h>

#include "stt/pool.h"
#include "stt/stream.h"

/* A thread may wait for a decoder that another stream is about to give back, so there are as many as
 * decoders may be; they are not what limits the work. Streams that wait for speech need none. */
enum { THREADS = POOL_MAX, STREAMS = 4 * POOL_MAX };

static const struct stt_driver *const drivers[] = {&stt_sphinx, &stt_scripted};
enum { DRIVERS = sizeof drivers / sizeof *drivers };

static const struct stt_driver *driver;       /* const after load */
static struct buf words = BUF(STT_WORDS_MAX); /* protocol thread: the documents' text so far */
static const char *read_dirs[DRIVERS + 1];    /* const after start; NULL ends it */

static enum err find_driver(struct str name, char *why)
{
    for (size_t i = 0; i < DRIVERS; i++) {
        if (str_eq(name, str_of(drivers[i]->name))) {
            driver = drivers[i];
            return OK;
        }
    }
    snprintf(why, STT_WHY_BYTES,
             "there is no speech recogniser \"%.*s\"; there are sphinx and scripted",
             STR_FMT(str_sub(name, 0, utf8_prefix(name, 40))));
    return ERR_UNSUPPORTED;
}

static enum err load(const struct msg_load *m, struct worker_ready *ret_ready, char *why)
{
    try(find_driver(m->driver, why));
    const struct stt_load request = {m->model_dir, m->model, m->options, m->threads};
    struct stt_loaded loaded;
    try(driver->load(&request, &loaded, why));
    stream_use(driver, loaded.rate_hz);
    *ret_ready = (struct worker_ready){
        .driver = driver->name,
        .model = loaded.model,
        .languages = loaded.languages,
        .notes = loaded.notes,
        .rate_hz = loaded.rate_hz,
        .slots = loaded.slots,
    };
    return OK;
}

static void unload(void)
{
    if (driver != nullptr && driver->unload != nullptr)
        driver->unload();
    buf_finish(&words);
}

/* Text beyond the cap is left out: a model of the first eight megabytes is as good. */
static void collect_words(const struct msg_stt_words *m)
{
    size_t room = words.cap - words.n;
    (void)buf_add(&words, str_sub(m->text, 0, room)); /* without memory the model is of less text */
    if (m->more)
        return;
    struct buf whole = words;
    words = (struct buf){.cap = STT_WORDS_MAX};
    if (driver->words != nullptr)
        driver->words(whole);
    else
        buf_finish(&whole);
}

static void control(uint16_t type, const union msg *msg)
{
    if (type == MSG_stt_words)
        collect_words(&msg->stt_words);
}

int main(int argc, char **argv)
{
    static const struct worker_role role = {
        .name = "stt",
        .max_threads = THREADS,
        .max_streams = STREAMS,
        .read_dirs = read_dirs,
        .load = load,
        .unload = unload,
        .control = control,
        .open = stream_open,
        .message = stream_message,
        .close = stream_close,
    };
    for (size_t i = 0, n = 0; i < DRIVERS; i++)
        if (drivers[i]->read_dir != nullptr && drivers[i]->read_dir() != nullptr)
            read_dirs[n++] = drivers[i]->read_dir();
    return worker_main(&role, argc, argv);
}
