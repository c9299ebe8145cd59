// SPDX-License-Identifier: Apache-2.0
#include "tts/again.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "audio/kept.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct kept_sounds kept; /* mu */
static _Atomic uint64_t streams;

uint64_t again_stream(void)
{
    return ++streams;
}

/* The rules of the built-in ones are done before one could look it up. Empty: it is not kept. */
static struct str key_of(const struct tts_voice *voice, struct str phrase, char into[KEPT_TEXT_MAX])
{
    size_t name = strlen(voice->name);
    if (!voice->driver->start || name + 1 + phrase.n > KEPT_TEXT_MAX)
        return S("");
    memcpy(into, voice->name, name);
    into[name] = '\n';
    memcpy(into + name + 1, phrase.p, phrase.n);
    return (struct str){into, name + 1 + phrase.n};
}

enum err again_find(const struct tts_voice *voice, struct str phrase, float speed, uint64_t stream,
                    struct buf *into, bool *ret_wanted)
{
    char room[KEPT_TEXT_MAX];
    uint32_t rate_hz;
    struct str key = key_of(voice, phrase, room);
    *ret_wanted = false;
    if (key.n == 0)
        return ERR_NOTFOUND;
    pthread_mutex_lock(&mutex);
    (void)kept_purge(&kept);
    *ret_wanted = kept_wants(&kept, key, speed, stream);
    const struct buf *sound = kept_find(&kept, key, speed, &rate_hz);
    enum err err = sound && buf_add(into, buf_str(sound)) == OK ? OK : ERR_NOTFOUND;
    pthread_mutex_unlock(&mutex);
    return err;
}

void again_keep(const struct tts_voice *voice, struct str phrase, float speed, struct buf *samples)
{
    char room[KEPT_TEXT_MAX];
    struct str key = key_of(voice, phrase, room);
    pthread_mutex_lock(&mutex);
    kept_add(&kept, key, speed, voice->rate_hz, samples);
    pthread_mutex_unlock(&mutex);
}

void again_finish(void)
{
    kept_clear(&kept);
}
