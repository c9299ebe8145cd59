// SPDX-License-Identifier: Apache-2.0
/*
 * Kokoro-82M by ONNX Runtime: text becomes phonemes by espeak-ng's rules, these those of misaki, and an utterance of them sound
 * in one step of the model, in the style of one of its voices. A voice's name begins with the letter of its language. Languages
 * whose phonemes cannot be made here are refused: Japanese and Chinese were trained on others than espeak-ng's. The
 * built-in voices are there beside it.
 */
#include <math.h>
#include <stdio.h>

#include "base/cores.h"
#include "base/mem.h"
#include "tts/builtin.h"
#include "tts/driver.h"
#include "tts/espeak.h"
#include "tts/kokoro/folder.h"
#include "tts/kokoro/misaki.h"
#include "tts/kokoro/tokens.h"
#include "tts/onnx/gate.h"
#include "tts/onnx/samples.h"
#include "tts/onnx/session.h"

enum {
    RATE_HZ = 24000,
    NOTES_BYTES = 200,
    SYMBOLS_BYTES = 3 * ESPEAK_PHONEMES_MAX,
};
static const char standard_name[] = "af_heart"; /* the one that its makers rate best */
static_assert((int)TTS_WHY_BYTES == (int)SESSION_WHY_BYTES);

/* By the first letter of a voice's name. */
static const struct spoken {
    char letter;
    const char *code, *name, *espeak; /* espeak: whose rules say the words; NULL: nobody's */
    enum misaki_rules rules;
} languages[] = {
    {'a', "en", "English", "en-us", MISAKI_AMERICAN},
    {'b', "en", "English", "en-gb", MISAKI_BRITISH},
    {'e', "es", "Spanish", "es", MISAKI_OTHER},
    {'f', "fr", "French", "fr-fr", MISAKI_OTHER},
    {'h', "hi", "Hindi", "hi", MISAKI_OTHER},
    {'i', "it", "Italian", "it", MISAKI_OTHER},
    {'j', "ja", "Japanese", nullptr, MISAKI_OTHER},
    {'p', "pt", "Portuguese", "pt-br", MISAKI_OTHER},
    {'z', "zh", "Chinese", nullptr, MISAKI_OTHER},
};

struct kokoro_voice {
    struct tts_voice base;
    const struct style *style;
    const struct spoken *spoken; /* NULL: no language has this letter */
    bool can_speak;
    char long_name[BUILTIN_NAME_BYTES];
};

static struct kokoro_files files;                    /* const after start, and its mapping gone */
static struct session *session;                      /* const after start */
static struct gate gate;                             /* from load to unload */
static struct kokoro_voice *voices, *standard_voice; /* const after load */
static uint32_t threads;                             /* const after load */
static char notes[NOTES_BYTES];                      /* const after start */

/* --- load --- */

static const char *kokoro_read_dir(void)
{
    return tts_builtin.read_dir();
}

static const struct spoken *spoken_by(const char *voice)
{
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (languages[i].letter == voice[0])
            return &languages[i];
    return nullptr;
}

static enum err make_voices(char why[TTS_WHY_BYTES])
{
    voices = mem_zero(files.styles.n, sizeof *voices);
    if (!voices)
        return ERR_NOMEM;
    for (size_t i = 0; i < files.styles.n; i++) {
        struct kokoro_voice *v = &voices[i];
        v->style = &files.styles.voice[i];
        v->spoken = spoken_by(v->style->name);
        v->can_speak =
            v->spoken && v->spoken->espeak && espeak_has_language(str_of(v->spoken->espeak));
        v->base =
            (struct tts_voice){.driver = &tts_kokoro,
                               .name = builtin_other_name(v->style->name, files.name, v->long_name),
                               .language = v->spoken ? v->spoken->code : "",
                               .rate_hz = RATE_HZ};
        if (v->can_speak && (!standard_voice || strcmp(v->style->name, standard_name) == 0))
            standard_voice = v;
    }
    if (standard_voice)
        return OK;
    snprintf(why, TTS_WHY_BYTES,
             "of the model's voices none speaks a language that espeak-ng has rules for here; get "
             "one such as af_heart.bin, or install the package espeak-ng-data");
    return ERR_UNSUPPORTED;
}

static enum err kokoro_load(const struct tts_load *load, char why[TTS_WHY_BYTES])
{
    try(tts_builtin.load(load, why));
    try(kokoro_files_open(load, &files, why));
    try(make_voices(why));
    threads = load->threads ? load->threads : 1;
    uint32_t at_once = cores_online() / threads;
    gate_init(&gate, at_once ? at_once : 1);
    return session_prepare();
}

static void kokoro_unload(void)
{
    session_destroy(session);
    session = nullptr;
    session_close_all();
    if (threads)
        gate_finish(&gate);
    threads = 0;
    free(voices);
    voices = standard_voice = nullptr;
    kokoro_files_close(&files);
    tts_builtin.unload();
}

/* --- an utterance --- */

struct utterance {
    const struct tts_listener *listener;
    struct session_stop stop;
};

/* Some exports take the speed in whole numbers: another one would be rounded without a word. */
static enum err check_speed(float speed, char why[TTS_WHY_BYTES])
{
    if (files.facts.speed == ELEMENT_FLOAT || (speed >= 1 && speed == truncf(speed)))
        return OK;
    snprintf(why, TTS_WHY_BYTES,
             "this export of the model takes whole speeds only, such as 1 or 2, not %.2f; choose "
             "one of these, or an export whose speed is a float",
             (double)speed);
    return ERR_UNSUPPORTED;
}

static struct session_input speed_input(float speed, float *as_float, int32_t *as_int32,
                                        int64_t *as_int64)
{
    *as_float = speed;
    *as_int32 = (int32_t)speed;
    *as_int64 = (int64_t)speed;
    switch (files.facts.speed) {
    case ELEMENT_INT32:
        return (struct session_input){"speed", SESSION_INTS32, as_int32, 1, {1}};
    case ELEMENT_INT64:
        return (struct session_input){"speed", SESSION_INTS, as_int64, 1, {1}};
    default:
        return (struct session_input){"speed", SESSION_FLOATS, as_float, 1, {1}};
    }
}

static enum err compute(const struct kokoro_voice *voice, const struct tokens *t, float speed,
                        struct session_stop *stop, struct session_output *ret_out,
                        char why[TTS_WHY_BYTES])
{
    float as_float;
    int32_t as_int32;
    int64_t as_int64;
    const struct session_input inputs[] = {
        {files.facts.tokens, SESSION_INTS, t->id, 2, {1, (int64_t)t->n}},
        {"style", SESSION_FLOATS, style_for(voice->style, t->n - 2), 2, {1, STYLE_SIZE}},
        speed_input(speed, &as_float, &as_int32, &as_int64),
    };
    return session_run(session, inputs, 3, &files.facts.sound, 1, ret_out, stop, why);
}

static enum err say(const struct kokoro_voice *voice, const struct tokens *t, float speed,
                    struct utterance *u, char why[TTS_WHY_BYTES])
{
    struct session_output out;
    if (!gate_enter(&gate, true, &u->stop.is_set))
        return ERR_CANCELED;
    enum err err = ERR_CANCELED; /* who is gone by now is not computed */
    if (u->listener->piece(u->listener->to, nullptr, 0))
        err = compute(voice, t, speed, &u->stop, &out, why);
    gate_leave(&gate);
    try(err);
    bool is_taken = samples_hand_over(u->listener, RATE_HZ, 1, out.data, out.count);
    session_free(&out, 1);
    return is_taken ? OK : ERR_CANCELED;
}

static void on_gone(void *arg)
{
    struct utterance *u = arg;
    session_stop_set(&u->stop);
    gate_wake(&gate);
}

static enum err put_symbols(const struct spoken *language, struct str phrase, struct buf *into)
{
    autobuf raw = BUF(ESPEAK_PHONEMES_MAX);
    try(espeak_phonemes(language->espeak, phrase, MISAKI_TIE, &raw));
    return misaki_from_espeak(buf_str(&raw), language->rules, into);
}

static enum err say_all(const struct kokoro_voice *voice, struct str phrase, float speed,
                        struct utterance *u, char why[TTS_WHY_BYTES])
{
    autobuf symbols = BUF(SYMBOLS_BYTES);
    autofree struct tokens *t = mem_zero(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    try(put_symbols(voice->spoken, phrase, &symbols));
    struct str rest = buf_str(&symbols);
    while (tokens_next(&files.vocab, &rest, t))
        try(say(voice, t, speed, u, why));
    return OK;
}

static enum err refuse_language(const struct kokoro_voice *voice, char why[TTS_WHY_BYTES])
{
    const struct spoken *s = voice->spoken;
    if (s && s->espeak)
        snprintf(why, TTS_WHY_BYTES,
                 "espeak-ng has no rules for %s here, the language of the voice %s", s->name,
                 voice->base.name);
    else
        snprintf(why, TTS_WHY_BYTES,
                 "the voice %s speaks %s, whose phonemes cannot be made here; choose another one",
                 voice->base.name, s ? s->name : "a language that its name does not tell");
    return ERR_UNSUPPORTED;
}

static enum err kokoro_synthesise(struct tts_voice *base, struct str phrase, float speed,
                                  const struct tts_listener *listener, char why[TTS_WHY_BYTES])
{
    const struct kokoro_voice *voice = (const struct kokoro_voice *)base;
    struct utterance u = {.listener = listener};
    if (!voice->can_speak)
        return refuse_language(voice, why);
    try(check_speed(speed, why));
    session_stop_init(&u.stop);
    if (listener->watch)
        listener->watch(listener->to, on_gone, &u);
    enum err err = say_all(voice, phrase, speed, &u, why);
    if (listener->watch)
        listener->watch(listener->to, nullptr, nullptr);
    session_stop_finish(&u.stop);
    return err;
}

/* --- start --- */

struct trial {
    bool is_heard;
};

/* A broken model's samples may all be 0 or no numbers, which are handed over as 0. */
static bool hear_piece(void *to, const int16_t *samples, size_t count)
{
    struct trial *t = to;
    for (size_t i = 0; i < count && !t->is_heard; i++)
        t->is_heard = samples[i] != 0;
    return true;
}

/* Whether it gives sound shows when it is told to; and the first real phrase is then as fast as the later ones. */
static enum err try_it(char why[TTS_WHY_BYTES])
{
    struct trial trial = {};
    const struct tts_listener listener = {.piece = hear_piece, .to = &trial};
    try(kokoro_synthesise(&standard_voice->base, S("Hello, I am ready."), 1, &listener, why));
    if (trial.is_heard)
        return OK;
    snprintf(why, TTS_WHY_BYTES, "the model gives no sound");
    return ERR_INVALID;
}

static enum err open_session(char why[TTS_WHY_BYTES])
{
    try(session_open_all(threads, why));
    try(session_create(files.onnx, &session, why));
    return try_it(why);
}

static enum err kokoro_start(char why[TTS_WHY_BYTES])
{
    enum err err = open_session(why);
    kokoro_files_unmap(&files);
    size_t able = 0;
    for (size_t i = 0; i < files.styles.n; i++)
        able += voices[i].can_speak;
    if (err == OK)
        snprintf(notes, sizeof notes, "%d Hz, %zu voice%s of %.63s, %u threads", RATE_HZ, able,
                 able == 1 ? "" : "s", files.name, threads);
    return err;
}

static void kokoro_warm_up(void)
{
    tts_builtin.warm_up();
}

static const char *kokoro_notes(void)
{
    return notes;
}

/* --- voices --- */

static enum err kokoro_voices(struct buf *into)
{
    for (size_t i = 0; i < files.styles.n; i++)
        if (voices[i].can_speak)
            try(buf_addf(into, "%s, ", voices[i].base.name));
    return tts_builtin.voices(into);
}

static enum err kokoro_languages(struct buf *into)
{
    return tts_builtin.languages(into);
}

/* One that cannot speak is opened, too: what is said for it tells why. */
static enum err kokoro_voice_open(struct str name, struct tts_voice **ret_voice)
{
    if (name.n == 0) {
        *ret_voice = &standard_voice->base;
        return OK;
    }
    for (size_t i = 0; i < files.styles.n; i++) {
        if (str_eq(name, str_of(voices[i].base.name))) {
            *ret_voice = &voices[i].base;
            return OK;
        }
    }
    return tts_builtin.voice_open(name, ret_voice);
}

static void kokoro_voice_close(struct tts_voice *voice)
{
    if (voice->driver != &tts_kokoro)
        voice->driver->voice_close(voice);
}

const struct tts_driver tts_kokoro = {
    .name = "kokoro",
    .speaks_at_once = true,
    .read_dir = kokoro_read_dir,
    .load = kokoro_load,
    .start = kokoro_start,
    .unload = kokoro_unload,
    .warm_up = kokoro_warm_up,
    .notes = kokoro_notes,
    .voices = kokoro_voices,
    .languages = kokoro_languages,
    .voice_open = kokoro_voice_open,
    .voice_close = kokoro_voice_close,
    .synthesise = kokoro_synthesise,
};
