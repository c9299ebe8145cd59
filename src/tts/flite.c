// SPDX-License-Identifier: Apache-2.0
/*
 * English by flite (Black and Lenzo, "Flite: a small, fast speech synthesis engine", 2001). Its four
 * voices are linked in, so nothing is read after start. slt, rms and awb are statistical voices at
 * 16 kHz whose vocoder streams, kal an old diphone voice at 8 kHz. A voice is only read while it
 * speaks (ThreadSanitizer over flite's own source agrees), so threads share it without a lock.
 */
#include <flite/flite.h>

#include "tts/driver.h"
#include "tts/unicode.h"

cst_voice *register_cmu_us_slt(const char *voxdir);
cst_voice *register_cmu_us_rms(const char *voxdir);
cst_voice *register_cmu_us_awb(const char *voxdir);
cst_voice *register_cmu_us_kal(const char *voxdir);

static struct flite_voice {
    struct tts_voice base; /* const after load */
    cst_voice *(*reg)(const char *voxdir);
    cst_voice *voice;
} voices[] = {
    {.base = {.name = "rms"}, .reg = register_cmu_us_rms}, /* the first is the standard voice */
    {.base = {.name = "slt"}, .reg = register_cmu_us_slt},
    {.base = {.name = "awb"}, .reg = register_cmu_us_awb},
    {.base = {.name = "kal"}, .reg = register_cmu_us_kal},
};
enum { VOICES = sizeof voices / sizeof *voices };

static const char *flite_read_dir(void)
{
    return nullptr;
}

static enum err flite_load(const struct tts_load *load, char why[TTS_WHY_BYTES])
{
    (void)load, (void)why;
    flite_init();
    for (size_t i = 0; i < VOICES; i++) {
        cst_voice *voice = voices[i].reg(nullptr);
        voices[i].voice = voice;
        voices[i].base.driver = &tts_flite;
        voices[i].base.language = "en";
        voices[i].base.rate_hz =
            (uint32_t)flite_get_param_int(voice->features, "sample_rate", 16000);
    }
    return OK;
}

static enum err flite_voices(struct buf *into)
{
    for (size_t i = 0; i < VOICES; i++)
        try(buf_addf(into, "%s%s", i > 0 ? ", " : "", voices[i].base.name));
    return OK;
}

static enum err flite_languages(struct buf *into)
{
    return buf_add(into, S("en"));
}

static enum err flite_voice_open(struct str name, struct tts_voice **ret_voice)
{
    for (size_t i = 0; i < VOICES; i++) {
        if (name.n == 0 || str_eq(name, str_of(voices[i].base.name))) {
            *ret_voice = &voices[i].base;
            return OK;
        }
    }
    return ERR_NOTFOUND;
}

static void flite_voice_close(struct tts_voice *voice)
{
    (void)voice;
}

struct listener {
    tts_piece_fn piece;
    void *to;
    bool refused;
};

static int on_samples(const cst_wave *wave, int start, int size, int last,
                      cst_audio_streaming_info *asi)
{
    (void)last;
    struct listener *l = asi->userdata;
    if (size > 0 && !l->piece(l->to, wave->samples + start, (size_t)size))
        l->refused = true;
    return l->refused ? CST_AUDIO_STREAM_STOP : CST_AUDIO_STREAM_CONT;
}

static enum err flite_synthesise(struct tts_voice *base, struct str phrase, float speed,
                                 const struct tts_listener *to, char why[TTS_WHY_BYTES])
{
    (void)why;
    struct flite_voice *voice = (struct flite_voice *)base;
    autobuf ascii = BUF(TTS_PHRASE_MAX * 8);
    try(unicode_ascii(phrase, &ascii));
    const char *text = buf_z(&ascii);
    if (text == nullptr)
        return ERR_NOMEM;

    struct listener listener = {.piece = to->piece, .to = to->to};
    cst_audio_streaming_info *asi = new_audio_streaming_info(); /* goes with the utterance */
    asi->asc = on_samples;
    asi->min_buffsize = (int)(base->rate_hz / 50);
    asi->userdata = &listener;
    cst_utterance *utt = new_utterance();
    utt_set_input_text(utt, text);
    feat_set(utt->features, "streaming_info", audio_streaming_info_val(asi));
    /* The voice's own stretch is in its features; ours is laid over it. */
    float own = flite_get_param_float(voice->voice->features, "duration_stretch", 1.0f);
    feat_set_float(utt->features, "duration_stretch", own / speed);
    utt = flite_do_synth(utt, voice->voice, utt_synth);
    if (utt == nullptr)
        return ERR_INTERNAL;
    delete_utterance(utt);
    return listener.refused ? ERR_CANCELED : OK;
}

static bool ignore_piece(void *to, const int16_t *samples, size_t count)
{
    (void)to, (void)samples, (void)count;
    return true;
}

/* Pages the lexicon and the standard voice in. */
static void flite_warm_up(void)
{
    char why[TTS_WHY_BYTES];
    (void)flite_synthesise(&voices[0].base, S("Hello, I am ready."), 1.0f,
                           &(struct tts_listener){.piece = ignore_piece}, why);
}

const struct tts_driver tts_flite = {
    .name = "flite",
    .read_dir = flite_read_dir,
    .load = flite_load,
    .warm_up = flite_warm_up,
    .voices = flite_voices,
    .languages = flite_languages,
    .voice_open = flite_voice_open,
    .voice_close = flite_voice_close,
    .synthesise = flite_synthesise,
};
