// SPDX-License-Identifier: Apache-2.0
/*
 * A synthesiser for tests: an exact tone per phrase, and on demand the mishaps of real ones. Options
 * are wire/script's (a call is a phrase, a step is a piece of 20 ms of sound) and
 *
 *     ms=60      length of the tone for each byte of the phrase
 *
 * Every voice exists but "missing", so that tests need not know the real ones.
 */
#include "tts/driver.h"
#include "wire/script.h"

enum { RATE_HZ = 22050, PIECE_MS = 20, TONE_HZ = 441, LEVEL = 8000, NORMAL_MS = 60 };
static_assert((int)SCRIPT_WHY_BYTES <= (int)TTS_WHY_BYTES);

static struct script script;
static uint32_t byte_ms = NORMAL_MS; /* const after load */
static struct tts_voice tone = {&tts_scripted, "tone", "en", RATE_HZ};

static const char *scripted_read_dir(void)
{
    return nullptr;
}

static enum err scripted_load(const struct tts_load *load, char why[TTS_WHY_BYTES])
{
    static const struct script_word words[] = {{"ms", .number = &byte_ms}};
    return script_parse(&script, load->options, words, sizeof words / sizeof *words, why);
}

static enum err scripted_voices(struct buf *into)
{
    return buf_add(into, S("tone"));
}

static enum err scripted_languages(struct buf *into)
{
    return buf_add(into, S("en"));
}

static enum err scripted_voice_open(struct str name, struct tts_voice **ret_voice)
{
    if (str_eq(name, S("missing")))
        return ERR_NOTFOUND;
    *ret_voice = &tone;
    return OK;
}

static void scripted_voice_close(struct tts_voice *voice)
{
    (void)voice;
}

/* A triangle: loud from its first samples on, so that nothing of it is taken for silence. */
static int16_t tone_at(size_t i)
{
    enum { PERIOD = RATE_HZ / TONE_HZ };
    int phase = (int)(i % PERIOD) - PERIOD / 2;
    return (int16_t)((phase < 0 ? -phase : phase) * (4 * LEVEL / PERIOD) - LEVEL);
}

/* No samples ask no more than whether any are wanted. */
static bool canceled(void *arg)
{
    const struct tts_listener *l = arg;
    return !l->piece(l->to, nullptr, 0);
}

static enum err scripted_synthesise(struct tts_voice *voice, struct str phrase, float speed,
                                    const struct tts_listener *l, char why[TTS_WHY_BYTES])
{
    (void)voice;
    enum { STEP = RATE_HZ * PIECE_MS / 1000 };
    int16_t samples[STEP];
    struct script_call call = script_begin(&script);
    size_t count = (size_t)((double)(phrase.n * byte_ms) * RATE_HZ / 1000 / (double)speed);
    for (size_t at = 0; at < count; at += STEP) {
        size_t step = count - at < STEP ? count - at : STEP;
        for (size_t i = 0; i < step; i++)
            samples[i] = tone_at(at + i);
        try(script_step(&script, &call, canceled, (void *)l, why));
        if (!l->piece(l->to, samples, step))
            return ERR_CANCELED;
    }
    return OK;
}

const struct tts_driver tts_scripted = {
    .name = "scripted",
    .read_dir = scripted_read_dir,
    .load = scripted_load,
    .voices = scripted_voices,
    .languages = scripted_languages,
    .voice_open = scripted_voice_open,
    .voice_close = scripted_voice_close,
    .synthesise = scripted_synthesise,
};
