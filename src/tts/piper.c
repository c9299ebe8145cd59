// SPDX-License-Identifier: Apache-2.0
/*
 * Voices of Piper, by ONNX Runtime: text becomes phonemes by espeak-ng's rules, or letters where the voice was trained on
 * such, and these become sound in one model. A model of several speakers is as many voices; and the built-in ones are there
 * beside it. Sound leaves while the rest is computed (piper/speech.h).
 */
#include <stdio.h>

#include "base/cores.h"
#include "base/mem.h"
#include "tts/builtin.h"
#include "tts/driver.h"
#include "tts/espeak.h"
#include "tts/onnx/samples.h"
#include "tts/piper/file.h"
#include "tts/piper/speech.h"
#include "tts/unicode.h"

enum {
    NOTES_BYTES = 200,
    PHONEMES_BYTES = 4 * ESPEAK_PHONEMES_MAX, /* letters and accents apart */
};
static_assert((int)TTS_WHY_BYTES == (int)SESSION_WHY_BYTES);

struct piper_voice {
    struct tts_voice base;
    int64_t speaker; /* below 0: there is only one */
    char long_name[BUILTIN_NAME_BYTES];
};

static struct piper_file file;     /* const after start, and its mapping gone */
static struct speech *speech;      /* const after start */
static struct piper_voice *voices; /* const after load */
static size_t voices_n;            /* const after load */
static uint32_t threads, at_once;  /* const after load; at_once: utterances that are computed */
static char notes[NOTES_BYTES];    /* const after start */

/* --- load --- */

static const char *piper_read_dir(void)
{
    return tts_builtin.read_dir();
}

/* The model's name means its first speaker, as Piper has it. */
static enum err make_voices(void)
{
    const struct voice_json *json = &file.json;
    voices_n = json->speakers ? json->speakers_n + 1 : 1;
    voices = mem_zero(voices_n, sizeof *voices);
    if (!voices)
        return ERR_NOMEM;
    for (size_t i = 0; i < voices_n; i++)
        voices[i] = (struct piper_voice){
            .base = {.driver = &tts_piper,
                     .name = file.name,
                     .language = json->language,
                     .rate_hz = json->rate_hz},
            .speaker = !json->speakers ? -1
                       : i == 0        ? 0
                                       : (int64_t)json->speakers[i - 1].id,
        };
    for (size_t i = 1; i < voices_n; i++)
        voices[i].base.name =
            builtin_other_name(json->speakers[i - 1].name, file.name, voices[i].long_name);
    return OK;
}

static enum err check_language(char why[TTS_WHY_BYTES])
{
    const struct voice_json *json = &file.json;
    if (json->kind == PHONEMES_TEXT || espeak_has_language(str_of(json->espeak)))
        return OK;
    snprintf(why, TTS_WHY_BYTES,
             "espeak-ng has no rules for the voice's language, %.31s; install the package "
             "espeak-ng-data, or choose another voice with tts.model",
             json->espeak);
    return ERR_UNSUPPORTED;
}

static enum err piper_load(const struct tts_load *load, char why[TTS_WHY_BYTES])
{
    try(tts_builtin.load(load, why));
    try(piper_file_open(load, &file, why));
    try(check_language(why));
    threads = load->threads ? load->threads : 1;
    at_once = cores_online() / threads;
    try(make_voices());
    try(unicode_prepare());
    return session_prepare();
}

static void piper_unload(void)
{
    speech_destroy(speech);
    speech = nullptr;
    session_close_all();
    free(voices);
    voices = nullptr;
    piper_file_close(&file);
    tts_builtin.unload();
}

static enum err put_phonemes(struct str phrase, struct buf *into)
{
    autobuf raw = BUF(ESPEAK_PHONEMES_MAX);
    if (file.json.kind == PHONEMES_TEXT)
        try(unicode_lower(phrase, &raw));
    else
        try(espeak_phonemes(file.json.espeak, phrase, '\0', &raw));
    return unicode_decompose(buf_str(&raw), into);
}

/* What is said to try the voice: long enough for several pieces. */
static enum err say_trial(struct phoneme_ids *ids, char why[TTS_WHY_BYTES])
{
    autobuf phonemes = BUF(PHONEMES_BYTES);
    try(put_phonemes(
        S("Hello, I am ready, and this is how I sound when I say a sentence that is not too short."),
        &phonemes));
    struct str rest = buf_str(&phonemes);
    if (phonemes_next(&file.json, &rest, ids))
        return OK;
    snprintf(why, TTS_WHY_BYTES, "the voice knows no phoneme of its language");
    return ERR_INVALID;
}

static enum err make_speech(char why[TTS_WHY_BYTES])
{
    autofree struct phoneme_ids *ids = mem_zero(1, sizeof *ids);
    if (!ids)
        return ERR_NOMEM;
    try(say_trial(ids, why));
    try(session_open_all(threads, why));
    return speech_create(file.onnx, file.json.rate_hz, ids, voices[0].speaker,
                         at_once ? at_once : 1, &speech, why);
}

static enum err piper_start(char why[TTS_WHY_BYTES])
{
    enum err err = make_speech(why);
    piper_file_unmap(&file);
    if (err == OK)
        snprintf(notes, sizeof notes, "%u Hz, %u speaker%s, %s, %u threads", file.json.rate_hz,
                 file.json.speakers_n, file.json.speakers_n == 1 ? "" : "s",
                 speech_is_cut(speech) ? "in pieces" : "whole", threads);
    return err;
}

static const char *piper_notes(void)
{
    return notes;
}

/* --- voices --- */

static enum err piper_voices(struct buf *into)
{
    for (size_t i = 0; i < voices_n; i++)
        try(buf_addf(into, "%s, ", voices[i].base.name));
    return tts_builtin.voices(into);
}

static enum err piper_languages(struct buf *into)
{
    return tts_builtin.languages(into);
}

static enum err piper_voice_open(struct str name, struct tts_voice **ret_voice)
{
    for (size_t i = 0; i < voices_n; i++) {
        if (name.n == 0 || str_eq(name, str_of(voices[i].base.name))) {
            *ret_voice = &voices[i].base;
            return OK;
        }
    }
    return tts_builtin.voice_open(name, ret_voice);
}

static void piper_voice_close(struct tts_voice *voice)
{
    if (voice->driver != &tts_piper)
        voice->driver->voice_close(voice);
}

/* --- speaking --- */

struct utterance {
    const struct tts_listener *listener;
    uint32_t rate_hz;
    float gain; /* of its samples */
    struct session_stop stop;
};

static bool on_sound(void *arg, const float *samples, size_t count)
{
    const struct utterance *u = arg;
    return samples_hand_over(u->listener, u->rate_hz, u->gain, samples, count);
}

static void on_gone(void *arg)
{
    struct utterance *u = arg;
    session_stop_set(&u->stop);
    speech_wake(speech);
}

static enum err say_all(const struct piper_voice *voice, struct str phonemes, float speed,
                        struct utterance *u, char why[TTS_WHY_BYTES])
{
    const struct voice_json *json = &file.json;
    const struct speech_scales scales = {json->noise_scale, json->length_scale / speed,
                                         json->noise_w};
    const struct speech_hearer hearer = {on_sound, u, &u->stop};
    autofree struct phoneme_ids *ids = mem_zero(1, sizeof *ids);
    if (!ids)
        return ERR_NOMEM;
    while (phonemes_next(json, &phonemes, ids))
        try(speech_say(speech, ids, voice->speaker, scales, &hearer, why));
    return OK;
}

static enum err piper_synthesise(struct tts_voice *base, struct str phrase, float speed,
                                 const struct tts_listener *listener, char why[TTS_WHY_BYTES])
{
    struct utterance u = {
        .listener = listener, .rate_hz = base->rate_hz, .gain = speech_gain(speech)};
    autobuf phonemes = BUF(PHONEMES_BYTES);
    try(put_phonemes(phrase, &phonemes));
    session_stop_init(&u.stop);
    if (listener->watch)
        listener->watch(listener->to, on_gone, &u);
    enum err err = say_all((const struct piper_voice *)base, buf_str(&phonemes), speed, &u, why);
    if (listener->watch)
        listener->watch(listener->to, nullptr, nullptr);
    session_stop_finish(&u.stop);
    return err;
}

static bool ignore_piece(void *to, const int16_t *samples, size_t count)
{
    (void)to, (void)samples, (void)count;
    return true;
}

/* Touches the memory that later phrases use. */
static void piper_warm_up(void)
{
    char why[TTS_WHY_BYTES];
    tts_builtin.warm_up();
    (void)piper_synthesise(&voices[0].base, S("Hello, I am ready."), 1,
                           &(struct tts_listener){.piece = ignore_piece}, why);
}

const struct tts_driver tts_piper = {
    .name = "piper",
    .read_dir = piper_read_dir,
    .load = piper_load,
    .start = piper_start,
    .unload = piper_unload,
    .warm_up = piper_warm_up,
    .notes = piper_notes,
    .voices = piper_voices,
    .languages = piper_languages,
    .voice_open = piper_voice_open,
    .voice_close = piper_voice_close,
    .synthesise = piper_synthesise,
};
