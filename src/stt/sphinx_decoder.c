// SPDX-License-Identifier: Apache-2.0
#include "stt/sphinx_decoder.h"

#include <pocketsphinx.h>
#include <stdio.h>

#include "audio/pcm.h"
#include "base/mem.h"
#include "stt/pitch.h"
#include "stt/sphinx_mean.h"

enum {
    FRAMES_PER_S = 100,
    VAD_FRAMES = 5, /* of 20 ms: a step */
    VAD_SAMPLES = SPHINX_STEP / VAD_FRAMES,
    /* Ending an utterance takes 0.03 of its length, making a decoder 400 ms. */
    ABANDON_MAX_MS = 8000,
    /* The voice of an adapted utterance is known after so much voiced sound, half a second of speech. A
     * person who is silent for longer than EARLY_MS at first is heard as he is. */
    VOICED_MS = 250,
    EARLY_MS = 4000,
    EARLY_SAMPLES = EARLY_MS * (SPHINX_RATE_HZ / 1000),
    /* No word is so short, and PocketSphinx ends the process over the lattice of two or three frames. */
    WORD_SAMPLES = 100 * (SPHINX_RATE_HZ / 1000),
};

/* Weight of the documents' words. PocketSphinx adds the models after raising them to the language
 * weight (6.5), so it acts like 0.83; recognition changes little between 0.1 and 0.6. */
static const float documents_weight = 0.3f;
/* A high voice comes from a short vocal tract, whose resonances lie higher than those of the mixed crowd
 * that the acoustic model was trained on. Above this median pitch frequencies are divided by the factor
 * (Lee, Rose: A frequency warping approach to speaker normalization, 1998; here the pitch stands in for
 * the search for the best factor). It took away a quarter of the word errors of a synthetic woman's voice
 * and a twentieth of those of a real one's telephone prompts; from 1.05 to 1.10 it is much the same. */
static const double high_voice_hz = 155;
static const char high_warp[] = "1.08", no_warp[] = "1.0";

struct sphinx_decoder {
    ps_decoder_t *ps;
    ps_vad_t *vad;
    bool adapted; /* has the search "documents" */
    bool live;    /* in an utterance */
    struct mean mean;
    int16_t step[SPHINX_STEP]; /* not yet decoded */
    size_t step_n;
    uint64_t fed; /* samples of the utterance that were decoded */
    uint32_t quiet_ms;
    bool warped; /* frequencies are warped for a high voice */
    bool fitted; /* it is known whether they are to be, or too late */
    struct pitch pitch;
    int16_t early[EARLY_SAMPLES]; /* what was decoded before it was known */
};

static ps_config_t *make_config(void)
{
    ps_config_t *c = ps_config_init(nullptr);
    if (c != nullptr)
        ps_default_search_args(c);
    return c;
}

static enum err add_words(struct sphinx_decoder *d, const struct adaptation *a)
{
    struct str rest = buf_str(&a->extra);
    const char *word, *phones;
    while (adaptation_next(&rest, &word, &phones))
        if (ps_add_word(d->ps, word, phones, FALSE) < 0)
            return ERR_INTERNAL;
    return OK;
}

/* The model of the documents and the general one, mixed. */
static enum err add_documents(struct sphinx_decoder *d, ngram_model_t *general,
                              const char *arpa_path)
{
    ps_config_t *c = ps_get_config(d->ps);
    ngram_model_t *documents = ngram_model_read(c, arpa_path, NGRAM_ARPA, ps_get_logmath(d->ps));
    if (documents == nullptr)
        return ERR_INTERNAL;
    ngram_model_t *models[] = {general, documents};
    char general_name[] = "general", documents_name[] = "documents";
    char *names[] = {general_name, documents_name};
    const float weights[] = {1 - documents_weight, documents_weight};
    ngram_model_t *mixed = ngram_model_set_init(c, models, names, weights, 2);
    ngram_model_free(documents);
    if (mixed == nullptr)
        return ERR_INTERNAL;
    int rv = ps_add_lm(d->ps, "documents", mixed);
    ngram_model_free(mixed);
    return rv == 0 ? OK : ERR_INTERNAL;
}

static enum err add_searches(struct sphinx_decoder *d, const char *general_path,
                             const struct adaptation *a)
{
    ngram_model_t *general =
        ngram_model_read(ps_get_config(d->ps), general_path, NGRAM_AUTO, ps_get_logmath(d->ps));
    if (general == nullptr)
        return ERR_NOTFOUND;
    enum err err = ps_add_lm(d->ps, "general", general) == 0 ? OK : ERR_INTERNAL;
    if (err == OK && a != nullptr) {
        err = add_documents(d, general, a->arpa_path);
        d->adapted = err == OK;
    }
    ngram_model_free(general);
    return err;
}

static enum err init(struct sphinx_decoder *d, const struct adaptation *a)
{
    ps_config_t *c = make_config();
    if (c == nullptr)
        return ERR_NOMEM;
    const char *lm = ps_config_str(c, "lm");
    autofree char *general_path = mem_strdup(str_of(lm ? lm : ""));
    /* Words first, models after: words that are added to a search would go into its model too. */
    ps_config_set_str(c, "lm", nullptr);
    d->ps = ps_init(c);
    ps_config_free(c);
    if (general_path == nullptr)
        return ERR_NOMEM;
    if (d->ps == nullptr || general_path[0] == '\0')
        return ERR_NOTFOUND;
    if (a != nullptr)
        try(add_words(d, a));
    d->vad = ps_vad_init(PS_VAD_LOOSE, SPHINX_RATE_HZ, (double)VAD_SAMPLES / SPHINX_RATE_HZ);
    if (d->vad == nullptr)
        return ERR_NOMEM;
    return add_searches(d, general_path, a);
}

enum err sphinx_decoder_create(const struct adaptation *a, struct sphinx_decoder **ret_d)
{
    struct sphinx_decoder *d = mem_zero(1, sizeof *d);
    if (d == nullptr)
        return ERR_NOMEM;
    enum err err = init(d, a);
    if (err != OK) {
        sphinx_decoder_destroy(d);
        return err;
    }
    *ret_d = d;
    return OK;
}

void sphinx_decoder_destroy(struct sphinx_decoder *d)
{
    if (d == nullptr)
        return;
    ps_free(d->ps);
    ps_vad_free(d->vad);
    free(d);
}

const char *sphinx_model_dir(void)
{
    return ps_default_modeldir();
}

void sphinx_dictionary_path(char *into, size_t size)
{
    const char *dir = sphinx_model_dir();
    snprintf(into, size, "%s/en-us/cmudict-en-us.dict", dir != nullptr ? dir : "");
}

static enum err tell_mean(struct sphinx_decoder *d)
{
    char text[MEAN_TEXT_BYTES];
    mean_text(&d->mean, text);
    return ps_set_cmn(d->ps, text) == 0 ? OK : ERR_INTERNAL;
}

static enum err warp(struct sphinx_decoder *d, bool high)
{
    if (d->warped == high)
        return OK;
    if (ps_config_set_str(ps_get_config(d->ps), "warp_params", high ? high_warp : no_warp) ==
            nullptr ||
        ps_reinit_feat(d->ps, nullptr) < 0)
        return ERR_INTERNAL;
    d->warped = high;
    return OK;
}

static enum err start(struct sphinx_decoder *d, bool follow)
{
    d->fed = 0;
    d->quiet_ms = 0;
    if (!follow)
        mean_begin(&d->mean);
    try(tell_mean(d));
    if (!follow && ps_start_stream(d->ps) < 0) /* forgets the noise that was heard */
        return ERR_INTERNAL;
    if (ps_start_utt(d->ps) < 0)
        return ERR_INTERNAL;
    d->live = true;
    return OK;
}

enum err sphinx_decoder_begin(struct sphinx_decoder *d, bool adapt, bool follow)
{
    bool adapted = adapt && d->adapted;
    d->step_n = 0;
    if (!follow) {
        pitch_begin(&d->pitch);
        d->fitted = !adapted;
        try(warp(d, false));
    } else {
        d->fitted = true; /* the speaker's voice stays as it was taken */
    }
    if (ps_activate_search(d->ps, adapted ? "documents" : "general") < 0)
        return ERR_INTERNAL;
    return start(d, follow);
}

/* Counts the silence at the end of what was heard. */
static void hear_silence(struct sphinx_decoder *d, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i + VAD_SAMPLES <= count; i += VAD_SAMPLES) {
        bool speech = ps_vad_classify(d->vad, samples + i) == PS_VAD_SPEECH;
        d->quiet_ms = speech ? 0 : d->quiet_ms + SPHINX_STEP_MS / VAD_FRAMES;
    }
}

static enum err decode(struct sphinx_decoder *d, const int16_t *samples, size_t count)
{
    if (ps_process_raw(d->ps, samples, count, FALSE, FALSE) < 0)
        return ERR_INTERNAL;
    hear_silence(d, samples, count);
    if (d->quiet_ms <= MEAN_QUIET_MS)
        mean_heard(&d->mean, ps_get_cmn(d->ps, TRUE),
                   (double)count * FRAMES_PER_S / SPHINX_RATE_HZ);
    d->fed += count;
    return tell_mean(d);
}

/* What was heard so far is heard again, as a high voice. */
static enum err hear_again(struct sphinx_decoder *d)
{
    size_t count = (size_t)d->fed;
    d->live = false;
    if (ps_end_utt(d->ps) < 0)
        return ERR_INTERNAL;
    try(warp(d, true));
    try(start(d, false));
    for (size_t at = 0; at < count; at += SPHINX_STEP)
        try(decode(d, d->early + at, SPHINX_STEP));
    return OK;
}

/* After each whole step, until the voice is known. */
static enum err fit(struct sphinx_decoder *d)
{
    memcpy(d->early + d->fed - SPHINX_STEP, d->step, sizeof d->step);
    pitch_hear(&d->pitch, d->step, SPHINX_STEP);
    bool known = pitch_voiced_ms(&d->pitch) >= VOICED_MS;
    d->fitted = known || d->fed + SPHINX_STEP > EARLY_SAMPLES;
    return known && pitch_median_hz(&d->pitch) >= high_voice_hz ? hear_again(d) : OK;
}

static enum err decode_step(struct sphinx_decoder *d)
{
    size_t count = d->step_n;
    d->step_n = 0;
    if (count == 0)
        return OK;
    try(decode(d, d->step, count));
    return d->fitted || count < SPHINX_STEP ? OK : fit(d);
}

enum err sphinx_decoder_feed(struct sphinx_decoder *d, const int16_t *samples, size_t count)
{
    while (count > 0) {
        size_t n = SPHINX_STEP - d->step_n;
        if (n > count)
            n = count;
        memcpy(d->step + d->step_n, samples, n * sizeof *samples);
        d->step_n += n;
        samples += n;
        count -= n;
        if (d->step_n == SPHINX_STEP)
            try(decode_step(d));
    }
    return OK;
}

enum err sphinx_decoder_partial(struct sphinx_decoder *d, struct buf *into)
{
    const char *words = ps_get_hyp(d->ps, nullptr);
    return words == nullptr ? OK : buf_add(into, str_of(words));
}

uint32_t sphinx_decoder_quiet_ms(const struct sphinx_decoder *d)
{
    return d->quiet_ms;
}

/* The word of a segment without the number of its pronunciation; empty for silence, noise, marks. */
static struct str segment_word(ps_seg_t *seg)
{
    struct str w = str_of(ps_seg_word(seg));
    if (w.n == 0 || strchr("<[+", w.p[0]) != nullptr)
        return S("");
    size_t paren = str_find_byte(w, '(');
    return str_sub(w, 0, paren > 0 ? paren : w.n);
}

static enum err add_segment(struct sphinx_decoder *d, ps_seg_t *seg, uint32_t at_ms,
                            struct stt_result *result)
{
    struct str text = segment_word(seg);
    if (text.n == 0)
        return OK;
    if (result->words_n == STT_SEGMENTS_MAX)
        return ERR_TOOBIG;
    try(mem_grow((void **)&result->words, &result->words_room, result->words_n + 1,
                 sizeof *result->words));
    if (result->text.n > 0)
        try(buf_add_byte(&result->text, ' '));
    int first, last;
    ps_seg_frames(seg, &first, &last);
    double confidence =
        logmath_exp(ps_get_logmath(d->ps), ps_seg_prob(seg, nullptr, nullptr, nullptr));
    result->words[result->words_n++] = (struct stt_word){
        .at = (uint32_t)result->text.n,
        .length = (uint32_t)text.n,
        .start_ms = at_ms + (uint32_t)first * 1000 / FRAMES_PER_S,
        .end_ms = at_ms + (uint32_t)(last + 1) * 1000 / FRAMES_PER_S,
        .confidence = confidence > 1 ? 1 : (float)confidence,
    };
    return buf_add(&result->text, text);
}

enum err sphinx_decoder_end(struct sphinx_decoder *d, uint32_t at_ms, struct stt_result *result)
{
    enum err err = decode_step(d);
    d->live = false;
    if (ps_end_utt(d->ps) < 0)
        return ERR_INTERNAL;
    if (d->fed < WORD_SAMPLES)
        return err;
    for (ps_seg_t *seg = ps_seg_iter(d->ps); seg != nullptr; seg = ps_seg_next(seg)) {
        if (err == OK)
            err = add_segment(d, seg, at_ms, result); /* on failure the rest is only walked over */
    }
    return err;
}

bool sphinx_decoder_abandon(struct sphinx_decoder *d)
{
    if (!d->live)
        return true;
    d->live = false;
    if (pcm_samples_to_ms(d->fed, SPHINX_RATE_HZ) > ABANDON_MAX_MS)
        return false;
    return ps_end_utt(d->ps) >= 0;
}
