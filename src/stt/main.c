// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-stt: sound in, words out; with --ears, only who finds speech and decodes, for a server whose words come
 * from a recogniser elsewhere.
 */
#include <stdio.h>

#include "base/mem.h"
#include "stt/decode.h"
#include "stt/pool.h"
#include "stt/stream.h"
#include "stt/vad.h"
#include "stt/watch.h"
#include "wire/driver_name.h"

/* As many as decoders, or windows that are heard at once, may be; they are not what limits the work. Streams that only
 * decode or watch need none of these; there is always a thread for them. The server keeps them below STREAMS
 * (ENGINE_LIGHT_MAX). */
enum { LIGHT_THREADS = 4, THREADS = POOL_MAX + LIGHT_THREADS, STREAMS = 1024 };

static const struct stt_driver *const drivers[] = {&stt_sphinx, &stt_whisper, &stt_parakeet,
                                                   &stt_scripted};
enum { DRIVERS = sizeof drivers / sizeof *drivers };

static const struct stt_driver *driver;       /* const after load; NULL with --ears */
static char notes[320];                       /* const after load */
static struct buf words = BUF(STT_WORDS_MAX); /* protocol thread: the documents' text so far */
static const char *read_dirs[DRIVERS + 1];    /* const after start; NULL ends it */

static void say_learnt(uint32_t telling, enum err err, const char *why)
{
    const struct msg_stt_learnt learnt = {telling, (uint32_t)err, str_of(why)};
    (void)worker_tell(MSG_stt_learnt, &learnt); /* a server that is gone needs no word */
}

static void say_guarded(enum guard guard)
{
    (void)worker_tell(MSG_stt_guarded, &(struct msg_stt_guarded){guard}); /* as above */
}

static enum err load(const struct msg_load *m, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES])
{
    const void *chosen;
    try(driver_choose(m->driver, (const void *const *)drivers, DRIVERS, "recogniser", why,
                      &chosen));
    driver = chosen;
    const struct stt_load request = {.model_dir = m->model_dir,
                                     .model = m->model,
                                     .options = m->options,
                                     .sha256 = m->sha256,
                                     .threads = m->threads,
                                     .learnt = say_learnt,
                                     .guarded = say_guarded};
    struct stt_loaded loaded;
    try(vad_load(m->vad, m->vad_sha256, why));
    try(driver->load(&request, &loaded, why));
    stream_use(driver, loaded.rate_hz);
    snprintf(notes, sizeof notes, "%s; speech found by %s", loaded.notes, vad_name());
    *ret_ready = (struct worker_ready){
        .driver = driver->name,
        .model = loaded.model,
        .languages = loaded.languages,
        .notes = notes,
        .rate_hz = loaded.rate_hz,
        .slots = loaded.slots,
    };
    return OK;
}

static enum err load_ears(const struct msg_load *m, struct worker_ready *ret_ready,
                          char why[WORKER_WHY_BYTES])
{
    try(vad_load(m->vad, m->vad_sha256, why));
    snprintf(notes, sizeof notes, "speech found by %s", vad_name());
    *ret_ready = (struct worker_ready){.driver = "local", .notes = notes, .slots = 1};
    return OK;
}

static void unload(void)
{
    if (driver != nullptr && driver->unload != nullptr)
        driver->unload();
    vad_unload();
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
    if (driver->words != nullptr) {
        driver->words(whole, m->telling);
        return;
    }
    buf_finish(&whole);
    say_learnt(m->telling, OK, ""); /* it hears as well as it ever will */
}

static void control(uint16_t type, const union msg *msg)
{
    if (type == MSG_stt_words)
        collect_words(&msg->stt_words);
}

/* --- a stream is what its first message says --- */

struct job {
    struct decode *decode; /* one of the three, once the first message has come */
    struct watch *watch;
    void *stream;
};

static enum err job_open(struct worker_stream *s, void **ret_state)
{
    (void)s;
    struct job *j = mem_zero(1, sizeof *j);
    if (j == nullptr)
        return ERR_NOMEM;
    *ret_state = j;
    return OK;
}

static enum err job_begin(struct job *j, struct worker_stream *s, uint16_t type)
{
    if (type == MSG_decode_open)
        return decode_create(s, &j->decode);
    if (type == MSG_vad_open)
        return watch_create(s, &j->watch);
    return driver != nullptr ? stream_open(s, &j->stream) : ERR_UNSUPPORTED;
}

static enum err job_message(void *state, struct worker_stream *s, uint16_t type,
                            const union msg *msg)
{
    struct job *j = state;
    if (j->decode == nullptr && j->watch == nullptr && j->stream == nullptr)
        try(job_begin(j, s, type));
    if (j->decode != nullptr)
        return decode_message(j->decode, type, msg);
    return j->watch != nullptr ? watch_message(j->watch, type, msg)
                               : stream_message(j->stream, s, type, msg);
}

static void job_close(void *state)
{
    struct job *j = state;
    decode_destroy(j->decode);
    watch_destroy(j->watch);
    if (j->stream != nullptr)
        stream_close(j->stream);
    free(j);
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
        .open = job_open,
        .message = job_message,
        .close = job_close,
    };
    static const struct worker_role ears = {
        .name = "ears",
        .program = "stt --ears",
        .max_threads = LIGHT_THREADS,
        .max_streams = STREAMS,
        .load = load_ears,
        .unload = unload,
        .open = job_open,
        .message = job_message,
        .close = job_close,
    };
    if (worker_take_flag(&argc, argv, "--ears"))
        return worker_main(&ears, argc, argv);
    for (size_t i = 0, n = 0; i < DRIVERS; i++)
        if (drivers[i]->read_dir != nullptr && drivers[i]->read_dir() != nullptr)
            read_dirs[n++] = drivers[i]->read_dir();
    return worker_main(&role, argc, argv);
}
