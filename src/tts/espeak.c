// SPDX-License-Identifier: Apache-2.0
/*
 * Languages other than English by espeak-ng's formant synthesis. The library is one global machine
 * (one voice, one callback), so it runs under a lock, phrase by phrase: it speaks a whole phrase into
 * memory, a thousand times faster than real time, and hands the sound over after the lock is free.
 *
 * espeak-ng is GPL-3.0-or-later; it is what makes the program repartee-tts, and no other, a work
 * under that licence. A voice's name is a language tag such as en-gb, de or pt-br.
 */
#include <espeak-ng/espeak_ng.h>
#include <espeak-ng/speak_lib.h>
#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "tts/driver.h"
#include "tts/espeak.h"
#include "tts/espeak_numbers.h"

enum {
    NAME_MAX_BYTES = ESPEAK_TAG_BYTES,
    BUFFER_MS = 30,
    PIECE_MS = 30,
    NORMAL_WPM = 175,
    VOLUME = 80, /* at its 100 espeak-ng touches full scale, and resampling would clip */
    PHRASE_MAX_SECONDS = 600, /* 240 digits at the slowest pace */
};

struct espeak_voice {
    struct tts_voice base;
    char name[NAME_MAX_BYTES], language[NAME_MAX_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the whole library and `sound` */
static struct buf *sound;                                /* lock: what on_samples fills */
static enum err sound_err;                               /* lock */
static uint32_t rate_hz;                                 /* const after load */
static struct buf names = BUF(16 * 1024), codes = BUF(16 * 1024); /* const after load */

static const char *espeak_read_dir(void)
{
    const char *path = nullptr;
    espeak_Info(&path);
    return path;
}

static int on_samples(short *samples, int count, espeak_EVENT *events)
{
    (void)events;
    if (samples != nullptr && count > 0 && sound_err == OK)
        sound_err = buf_add(sound, (struct str){(const char *)samples, (size_t)count * 2});
    return sound_err == OK ? 0 : 1;
}

/* Language tags may only be looked up, never become a path. */
static bool well_formed(struct str name)
{
    if (name.n == 0 || name.n >= NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return true;
}

/* Under the lock. */
static bool select_voice(const char *name)
{
    espeak_VOICE wanted = {.languages = name};
    return espeak_SetVoiceByProperties(&wanted) == EE_OK;
}

/* A voice may speak several languages: a priority byte, then its tag, over and over. */
static enum err list_voices(void)
{
    const espeak_VOICE **list = espeak_ListVoices(nullptr);
    for (size_t i = 0; list != nullptr && list[i] != nullptr; i++) {
        const char *tag = list[i]->languages + 1;
        if (list[i]->languages[0] == '\0' || !well_formed(str_of(tag)) ||
            espeak_digits_max(str_of(tag)) == 0)
            continue;
        try(buf_addf(&names, "%s%s", names.n > 0 ? ", " : "", tag));
        try(buf_addf(&codes, "%s%s", codes.n > 0 ? "," : "", tag));
    }
    return OK;
}

static enum err espeak_load(const struct tts_load *load, char why[TTS_WHY_BYTES])
{
    (void)load;
    espeak_ng_ERROR_CONTEXT context = nullptr;
    espeak_ng_InitializePath(nullptr);
    if (espeak_ng_Initialize(&context) != ENS_OK ||
        espeak_ng_InitializeOutput(ENOUTPUT_MODE_SYNCHRONOUS, BUFFER_MS, nullptr) != ENS_OK) {
        espeak_ng_ClearErrorContext(&context);
        snprintf(why, TTS_WHY_BYTES,
                 "espeak-ng cannot read its data; install the package espeak-ng-data");
        return ERR_UNSUPPORTED;
    }
    rate_hz = (uint32_t)espeak_ng_GetSampleRate();
    espeak_SetSynthCallback(on_samples);
    espeak_SetParameter(espeakVOLUME, VOLUME, 0);
    return list_voices();
}

static void espeak_unload(void)
{
    espeak_ng_Terminate();
    buf_finish(&names);
    buf_finish(&codes);
}

static enum err espeak_voices(struct buf *into)
{
    return buf_add(into, buf_str(&names));
}

static enum err espeak_languages(struct buf *into)
{
    return buf_add(into, buf_str(&codes));
}

static enum err espeak_voice_open(struct str name, struct tts_voice **ret_voice)
{
    if (name.n == 0)
        name = S("en-gb");
    if (!well_formed(name) || espeak_digits_max(name) == 0)
        return ERR_NOTFOUND;
    struct espeak_voice *v = mem_zero(1, sizeof *v);
    if (v == nullptr)
        return ERR_NOMEM;
    memcpy(v->name, name.p, name.n);
    memcpy(v->language, name.p, str_find_byte(name, '-'));
    pthread_mutex_lock(&lock);
    bool found = select_voice(v->name);
    pthread_mutex_unlock(&lock);
    if (!found) {
        free(v);
        return ERR_NOTFOUND;
    }
    v->base = (struct tts_voice){&tts_espeak, v->name, v->language, rate_hz};
    *ret_voice = &v->base;
    return OK;
}

static void espeak_voice_close(struct tts_voice *base)
{
    free((struct espeak_voice *)base);
}

static enum err speak_into(const char *name, const char *text, size_t bytes, float speed,
                           struct buf *into)
{
    enum err err = ERR_INTERNAL;
    pthread_mutex_lock(&lock);
    sound = into;
    sound_err = OK;
    if (select_voice(name)) {
        espeak_SetParameter(espeakRATE, (int)(NORMAL_WPM * speed), 0);
        espeak_ERROR e =
            espeak_Synth(text, bytes, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, nullptr, nullptr);
        err = sound_err != OK ? sound_err : e == EE_OK ? OK : ERR_INTERNAL;
    }
    sound = nullptr;
    pthread_mutex_unlock(&lock);
    return err;
}

static enum err espeak_synthesise(struct tts_voice *voice, struct str phrase, float speed,
                                  const struct tts_listener *l, char why[TTS_WHY_BYTES])
{
    (void)why;
    autobuf text = BUF(TTS_PHRASE_MAX * 3);
    try(espeak_tame_numbers(phrase, espeak_digits_max(str_of(voice->language)), &text));
    const char *z = buf_z(&text);
    if (z == nullptr)
        return ERR_NOMEM;
    autobuf spoken = BUF((size_t)PHRASE_MAX_SECONDS * 2 * rate_hz);
    try(speak_into(voice->name, z, text.n + 1, speed, &spoken));

    const int16_t *samples = (const int16_t *)spoken.p;
    size_t count = spoken.n / 2, step = rate_hz * PIECE_MS / 1000;
    for (size_t at = 0; at < count; at += step)
        if (!l->piece(l->to, samples + at, count - at < step ? count - at : step))
            return ERR_CANCELED;
    return OK;
}

/* --- phonemes --- */

/* How a clause ended, of the library's number for it; its upper bits say more. */
enum {
    CLAUSE_MASK = 0x000fffff,
    CLAUSE_PERIOD = 40 | 0x80000,
    CLAUSE_COMMA = 20 | 0x1000 | 0x40000,
    CLAUSE_QUESTION = 40 | 0x2000 | 0x80000,
    CLAUSE_EXCLAMATION = 45 | 0x3000 | 0x80000,
    CLAUSE_COLON = 30 | 0x40000,
    CLAUSE_SEMICOLON = 30 | 0x1000 | 0x40000,
};

/* The rules end a sentence behind "Dr.", too; a phrase is one sentence at most, so only its end has a full stop. */
static const char *mark_of(int clause, bool is_last)
{
    switch (clause & CLAUSE_MASK) {
    case CLAUSE_PERIOD:
        return is_last ? "." : " ";
    case CLAUSE_COMMA:
        return is_last ? "," : ", ";
    case CLAUSE_QUESTION:
        return is_last ? "?" : "? ";
    case CLAUSE_EXCLAMATION:
        return is_last ? "!" : "! ";
    case CLAUSE_COLON:
        return is_last ? ":" : ": ";
    case CLAUSE_SEMICOLON:
        return is_last ? ";" : "; ";
    default:
        return is_last ? "" : " ";
    }
}

/* Where words of another language stand in between, its tag is put before them: "(en)". */
static enum err put_phonemes(struct str phonemes, struct buf *into)
{
    bool is_tag = false;
    for (size_t i = 0; i < phonemes.n; i++) {
        char c = phonemes.p[i];
        is_tag = is_tag || c == '(';
        if (!is_tag)
            try(buf_add_byte(into, c));
        is_tag = is_tag && c != ')';
    }
    return OK;
}

/* Under the lock. */
static enum err say_clauses(const char *text, char tie, struct buf *into)
{
    const int mode = espeakPHONEMES_IPA | (tie ? espeakPHONEMES_TIE | (unsigned char)tie << 8 : 0);
    const void *rest = text;
    while (rest) {
        const void *from = rest;
        int clause = 0;
        const char *phonemes =
            espeak_TextToPhonemesWithTerminator(&rest, espeakCHARS_UTF8, mode, &clause);
        try(put_phonemes(str_trim(str_of(phonemes)), into));
        bool is_last = !rest || rest == from || *(const char *)rest == '\0';
        try(buf_add(into, str_of(mark_of(clause, is_last))));
        if (is_last)
            break;
    }
    return OK;
}

bool espeak_has_language(struct str language)
{
    char name[NAME_MAX_BYTES] = "";
    if (rate_hz == 0 || !well_formed(language) || espeak_digits_max(language) == 0)
        return false; /* rate_hz: the library has its data */
    memcpy(name, language.p, language.n);
    pthread_mutex_lock(&lock);
    bool found = select_voice(name);
    pthread_mutex_unlock(&lock);
    return found;
}

enum err espeak_phonemes(const char *language, struct str phrase, char tie, struct buf *into)
{
    autobuf text = BUF(phrase.n * 3 + 1);
    try(espeak_tame_numbers(phrase, espeak_digits_max(str_of(language)), &text));
    const char *z = buf_z(&text);
    if (z == nullptr)
        return ERR_NOMEM;
    pthread_mutex_lock(&lock);
    enum err err = select_voice(language) ? say_clauses(z, tie, into) : ERR_NOTFOUND;
    pthread_mutex_unlock(&lock);
    return err;
}

/* Reads the rules that all languages share, and opens the standard language. */
static void espeak_warm_up(void)
{
    autobuf spoken = BUF((size_t)PHRASE_MAX_SECONDS * 2 * rate_hz);
    (void)speak_into("en-gb", "Hello.", 7, 1.0f, &spoken);
}

const struct tts_driver tts_espeak = {
    .name = "espeak-ng",
    .read_dir = espeak_read_dir,
    .load = espeak_load,
    .unload = espeak_unload,
    .warm_up = espeak_warm_up,
    .voices = espeak_voices,
    .languages = espeak_languages,
    .voice_open = espeak_voice_open,
    .voice_close = espeak_voice_close,
    .synthesise = espeak_synthesise,
};
