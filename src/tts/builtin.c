// SPDX-License-Identifier: Apache-2.0
/*
 * What speaks when nothing has been downloaded: flite for its four English voices, espeak-ng for
 * every language tag. Voices carry their own driver, so nothing is left to decide once one is open.
 */
#include "tts/builtin.h"

#include <stdio.h>

#include "base/log.h"
#include "tts/driver.h"

static bool have_espeak; /* const after load */

static const char *builtin_read_dir(void)
{
    return have_espeak ? tts_espeak.read_dir() : nullptr;
}

/* English goes on without espeak-ng's data. */
static enum err builtin_load(const struct tts_load *load, char why[TTS_WHY_BYTES])
{
    try(tts_flite.load(load, why));
    have_espeak = tts_espeak.load(load, why) == OK;
    if (!have_espeak)
        log_warn("only English can be spoken: %s", why);
    return OK;
}

static void builtin_unload(void)
{
    if (have_espeak)
        tts_espeak.unload();
}

static void builtin_warm_up(void)
{
    tts_flite.warm_up();
    if (have_espeak)
        tts_espeak.warm_up();
}

static enum err builtin_voices(struct buf *into)
{
    try(tts_flite.voices(into));
    if (!have_espeak)
        return OK;
    try(buf_add(into, S(", ")));
    return tts_espeak.voices(into);
}

static enum err builtin_languages(struct buf *into)
{
    return have_espeak ? tts_espeak.languages(into) : tts_flite.languages(into);
}

static enum err builtin_voice_open(struct str name, struct tts_voice **ret_voice)
{
    enum err err = tts_flite.voice_open(name, ret_voice);
    if (err != ERR_NOTFOUND || !have_espeak)
        return err;
    return tts_espeak.voice_open(name, ret_voice);
}

static void builtin_voice_close(struct tts_voice *voice)
{
    voice->driver->voice_close(voice);
}

static enum err builtin_synthesise(struct tts_voice *voice, struct str phrase, float speed,
                                   const struct tts_listener *listener, char why[TTS_WHY_BYTES])
{
    return voice->driver->synthesise(voice, phrase, speed, listener, why);
}

const char *builtin_other_name(const char *name, const char *model, char room[BUILTIN_NAME_BYTES])
{
    struct tts_voice *voice;
    if (builtin_voice_open(str_of(name), &voice) != OK)
        return name;
    builtin_voice_close(voice);
    snprintf(room, BUILTIN_NAME_BYTES, "%.31s-%.31s", model, name);
    return room;
}

const struct tts_driver tts_builtin = {
    .name = "builtin",
    .read_dir = builtin_read_dir,
    .load = builtin_load,
    .unload = builtin_unload,
    .warm_up = builtin_warm_up,
    .voices = builtin_voices,
    .languages = builtin_languages,
    .voice_open = builtin_voice_open,
    .voice_close = builtin_voice_close,
    .synthesise = builtin_synthesise,
};
