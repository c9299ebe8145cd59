// SPDX-License-Identifier: Apache-2.0
#include "stt/whisper/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <whisper.h>

#include "base/check.h"
#include "base/mem.h"
#include "stt/libwhisper.h"
#include "stt/whisper/doubt.h"
#include "stt/whisper/whisper_check.h"
#include "stt/window/window.h"

enum {
    MODEL_FRAME = HEARER_RATE_HZ / 50,
    MODEL_FRAMES_MAX = 1280, /* the encoder's; see frames_of */
    MODEL_FRAMES_SPARE = 64, /* of silence behind the sound: the model wants to hear the end */
    MODEL_SAMPLES_MAX = (MODEL_FRAMES_MAX - MODEL_FRAMES_SPARE) * MODEL_FRAME,
};
static_assert((int)WINDOW_FRAMES_MAX * (int)WINDOW_FRAME <= (int)MODEL_SAMPLES_MAX &&
              (int)WHISPER_WHY_BYTES == (int)HEARER_WHY_BYTES);

enum {
    FRAMES_STEP = 256,
    TOKENS_MAX = 200,
    TOKENS_BASE = 8, /* so many tokens, and more a second, are no speech but a loop */
    TOKENS_PER_SECOND = 7,
    SAMPLES_HEARD =
        HEARER_RATE_HZ / 8, /* libwhisper leaves out what is shorter than 0.11 s, without a word */
};
static constexpr float UNSURE =
    -0.6f; /* mean log-probability below which it is asked whether anybody spoke */

static struct whisper_context *context; /* const after model_open */

struct hearer_lane {
    struct whisper_state *state;
    float *samples;               /* MODEL_SAMPLES_MAX */
    const struct hearing *window; /* during a call */
};

static bool is_stopped(void *arg)
{
    const struct hearing *w = ((const struct hearer_lane *)arg)->window;
    return w->stopped && w->stopped(w->arg);
}

static bool is_meant(void *)
{
    return true;
}

/* --- the model --- */

static enum err model_open(const char *path, char why[HEARER_WHY_BYTES])
{
    libwhisper_begin();
    struct whisper_context_params p = whisper_context_default_params();
    p.use_gpu = false;
    libwhisper_forget();
    context = whisper_init_from_file_with_params_no_state(path, p);
    if (context)
        return OK;
    libwhisper_explain(why, HEARER_WHY_BYTES, "libwhisper cannot load the model");
    return ERR_INVALID;
}

static void model_close(void)
{
    whisper_free(context);
    context = nullptr;
}

/* --- languages --- */

/* Whatever it hears it can translate. A model for English knows "en" alone. */
static int model_language(struct str tag, bool)
{
    char name[8] = "";
    struct str rest = tag, first = tag;
    (void)str_cut(&rest, '-', &first);
    if (first.n == 0 || first.n >= sizeof name)
        return HEARER_LANGUAGE_UNKNOWN;
    for (size_t i = 0; i < first.n; i++)
        name[i] = (char)(first.p[i] >= 'A' && first.p[i] <= 'Z' ? first.p[i] + 32 : first.p[i]);
    bool knows_many = whisper_is_multilingual(context);
    if (strcmp(name, "auto") == 0)
        return knows_many ? HEARER_LANGUAGE_AUTO : whisper_lang_id("en");
    int id = whisper_lang_id(name);
    /* It takes names as well ("german"), which are no tags. */
    if (id < 0 || strcmp(whisper_lang_str(id), name) != 0)
        return HEARER_LANGUAGE_UNKNOWN;
    bool is_known = knows_many ? whisper_token_lang(context, id) < whisper_token_translate(context)
                               : strcmp(name, "en") == 0;
    return is_known ? id : HEARER_LANGUAGE_UNKNOWN;
}

static const char *model_language_name(int language)
{
    const char *name = language < 0 ? nullptr : whisper_lang_str(language);
    return name ? name : "";
}

static size_t model_tokens(struct str text, int32_t *into, size_t max)
{
    autobuf copy =
        BUF(HEARD_TEXT_MAX + 1); /* with a blank in front, as words in the middle have it */
    autofree whisper_token *all = nullptr;
    int n = 0;
    if (text.n > 0 && text.n <= HEARD_TEXT_MAX && buf_add_byte(&copy, ' ') == OK &&
        buf_add(&copy, text) == OK && buf_z(&copy))
        all = mem_zero(HEARD_TEXT_MAX + 1, sizeof *all); /* a token is a byte at least */
    if (all)
        n = whisper_tokenize(context, copy.p, all, HEARD_TEXT_MAX + 1);
    size_t count = n > 0 ? (size_t)n : 0, kept = count < max ? count : max;
    if (kept)
        memcpy(into, all + count - kept, kept * sizeof *into);
    return kept;
}

/* --- lanes --- */

static void model_lane_destroy(struct hearer_lane *lane)
{
    if (!lane)
        return;
    if (lane->state)
        whisper_free_state(lane->state);
    free(lane->samples);
    free(lane);
}

static enum err model_lane_create(struct hearer_lane **ret_lane, char why[HEARER_WHY_BYTES])
{
    struct hearer_lane *lane = mem_zero(1, sizeof *lane);
    if (!lane)
        return ERR_NOMEM;
    lane->samples = mem_zero(MODEL_SAMPLES_MAX, sizeof *lane->samples);
    libwhisper_forget();
    lane->state = lane->samples ? whisper_init_state(context) : nullptr;
    if (!lane->state) {
        libwhisper_explain(why, HEARER_WHY_BYTES,
                           "there is too little memory to hear with this model");
        model_lane_destroy(lane);
        return ERR_NOMEM;
    }
    *ret_lane = lane;
    return OK;
}

/* Whole steps of 256: libwhisper's attention always goes over such, and what a window does not fill holds what another one
 * has left there, so that it would hear somebody else's sound, too. */
static int frames_of(size_t samples)
{
    static_assert(MODEL_FRAMES_MAX % FRAMES_STEP == 0);
    int frames = (int)((samples + MODEL_FRAME - 1) / MODEL_FRAME) + MODEL_FRAMES_SPARE;
    return (frames + FRAMES_STEP - 1) / FRAMES_STEP * FRAMES_STEP;
}

static bool model_sees_whole(size_t samples)
{
    return frames_of(samples) == MODEL_FRAMES_MAX;
}

static struct whisper_full_params params_of(struct hearer_lane *lane, const struct hearing *w)
{
    struct whisper_full_params p = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
    int tokens = TOKENS_BASE + (int)(w->count * TOKENS_PER_SECOND / HEARER_RATE_HZ);
    p.n_threads = w->threads ? (int)w->threads : 1;
    p.no_context = true;
    p.no_timestamps = true;
    p.single_segment = true;
    p.suppress_nst = true;
    p.print_progress = false;
    p.print_timestamps = false;
    p.greedy.best_of = 1;
    p.translate = w->translate && whisper_is_multilingual(context);
    p.temperature = w->temperature;
    p.temperature_inc = 0; /* chance would give the same sound other words */
    /* What is to be believed is decided elsewhere. */
    p.entropy_thold = 0;
    p.logprob_thold = -INFINITY;
    p.no_speech_thold = 2;
    p.max_tokens = tokens < TOKENS_MAX - 1 ? tokens : TOKENS_MAX - 1;
    p.audio_ctx = w->whole ? MODEL_FRAMES_MAX : frames_of(w->count); /* else the last one's */
    p.language = w->language == HEARER_LANGUAGE_AUTO ? "auto" : whisper_lang_str(w->language);
    p.prompt_tokens = w->before_n ? w->before : nullptr;
    p.prompt_n_tokens = (int)w->before_n;
    p.abort_callback = is_stopped;
    p.abort_callback_user_data = lane;
    return p;
}

/* --- text --- */

static enum err take_text(struct hearer_lane *lane, struct heard *h)
{
    autobuf raw = BUF(HEARD_TEXT_MAX);
    autofree struct heard_byte *bytes = mem_zero(HEARD_TEXT_MAX, sizeof *bytes);
    double sum = 0;
    if (!bytes)
        return ERR_NOMEM;
    int segments = whisper_full_n_segments_from_state(lane->state);
    for (int s = 0; s < segments; s++) {
        int n = whisper_full_n_tokens_from_state(lane->state, s);
        for (int i = 0; i < n && h->tokens_n < TOKENS_MAX; i++) {
            whisper_token_data t = whisper_full_get_token_data_from_state(lane->state, s, i);
            if (t.id >= whisper_token_eot(context))
                continue;
            size_t at = raw.n;
            try(buf_add(&raw, str_of(whisper_token_to_str(context, t.id))));
            for (; at < raw.n; at++)
                bytes[at].confidence =
                    t.p >= 0 && t.p <= 1 ? t.p : 0; /* a broken model's is no number */
            h->tokens[h->tokens_n++] = t.id;
            sum += (double)t.plog;
        }
    }
    h->logprob = h->tokens_n ? (float)(sum / (double)h->tokens_n) : 0;
    return heard_put(h, buf_str(&raw), bytes);
}

/* libwhisper's own figure is of the wrong place: a row of logits that it has not computed. What the model says after the
 * bare start of a transcript is what its makers compare with. */
static enum err find_no_speech(struct hearer_lane *lane, int threads, float *ret_share)
{
    const whisper_token start = whisper_token_sot(context);
    if (whisper_decode_with_state(context, lane->state, &start, 1, 0, threads) != 0)
        return ERR_INTERNAL;
    const float *logits = whisper_get_logits_from_state(lane->state);
    *ret_share = expf(heard_logprob(logits, whisper_n_vocab(context), whisper_token_nosp(context)));
    return OK;
}

/* --- hearing --- */

static bool no_encoder(struct whisper_context *, struct whisper_state *, void *)
{
    return false;
}

/* Makes the spectrum and sets the number of frames, and goes no further. */
static enum err prepare(struct hearer_lane *lane, struct whisper_full_params p, size_t count)
{
    p.language = "en";
    p.encoder_begin_callback = no_encoder;
    libwhisper_expect(is_meant, nullptr);
    int failed = whisper_full_with_state(context, lane->state, p, lane->samples, (int)count);
    libwhisper_expect(is_stopped, lane);
    return failed ? ERR_INTERNAL : OK;
}

/* The token that is likeliest behind the bare start, as the model's makers do it. libwhisper's own way takes the frames of
 * the window before, cannot be stopped, and sorts what may be no numbers. */
static enum err find_language(struct hearer_lane *lane, int threads, const char **ret_language)
{
    const whisper_token start = whisper_token_sot(context), end = whisper_token_translate(context);
    if (whisper_encode_with_state(context, lane->state, 0, threads) != 0)
        return ERR_INTERNAL;
    if (is_stopped(lane))
        return ERR_CANCELED;
    if (whisper_decode_with_state(context, lane->state, &start, 1, 0, threads) != 0)
        return ERR_INTERNAL;
    const float *logits = whisper_get_logits_from_state(lane->state);
    int best = 0;
    for (int id = 1; id <= whisper_lang_max_id() && whisper_token_lang(context, id) < end; id++)
        if (logits[whisper_token_lang(context, id)] > logits[whisper_token_lang(context, best)])
            best = id;
    *ret_language = whisper_lang_str(best);
    return is_stopped(lane) ? ERR_CANCELED : OK;
}

static enum err hear_samples(struct hearer_lane *lane, struct whisper_full_params p, size_t count)
{
    bool is_auto = lane->window->language == HEARER_LANGUAGE_AUTO;
    if (is_auto) {
        try(prepare(lane, p, count));
        try(find_language(lane, p.n_threads, &p.language));
    }
    int failed = whisper_full_with_state(context, lane->state, p, is_auto ? nullptr : lane->samples,
                                         is_auto ? 0 : (int)count);
    if (is_stopped(lane))
        return ERR_CANCELED;
    return failed ? ERR_INTERNAL : OK;
}

static enum err hear(struct hearer_lane *lane, struct heard *heard)
{
    const struct hearing *window = lane->window;
    size_t count = window->count;
    for (size_t i = 0; i < count; i++)
        lane->samples[i] = (float)window->samples[i] / 32768;
    while (count < SAMPLES_HEARD)
        lane->samples[count++] = 0;
    struct whisper_full_params p = params_of(lane, window);
    try(hear_samples(lane, p, count));
    heard->language = whisper_is_multilingual(context)
                          ? whisper_full_lang_id_from_state(lane->state)
                          : whisper_lang_id("en");
    try(take_text(lane, heard));
    if (!(heard->logprob > UNSURE))
        try(find_no_speech(lane, p.n_threads, &heard->no_speech));
    return OK;
}

static enum err model_hear(struct hearer_lane *lane, const struct hearing *window,
                           struct heard *heard, char why[HEARER_WHY_BYTES])
{
    check(window->count >= HEARER_SAMPLES_MIN && window->count <= MODEL_SAMPLES_MAX);
    heard_clear(heard);
    lane->window = window;
    libwhisper_expect(is_stopped, lane);
    libwhisper_forget();
    enum err err = hear(lane, heard);
    libwhisper_expect(nullptr, nullptr);
    if (err == ERR_INTERNAL)
        libwhisper_explain(why, HEARER_WHY_BYTES, "the recogniser cannot evaluate this sound");
    return err;
}

/* --- as a hearer --- */

static enum err check_file(struct str file, struct hearer_facts *ret_facts,
                           char why[HEARER_WHY_BYTES])
{
    struct whisper_facts facts;
    try(whisper_check(file, &facts, why));
    *ret_facts =
        (struct hearer_facts){.type = facts.type,
                              .languages = facts.multilingual ? "auto" : "en",
                              .knows = facts.multilingual ? "many languages" : "English only"};
    return OK;
}

const struct hearer whisper_hearer = {
    .wanted = "a Whisper model, such as base.en or a file ggml-base.en.bin",
    .check = check_file,
    .open = model_open,
    .close = model_close,
    .lane_create = model_lane_create,
    .lane_destroy = model_lane_destroy,
    .hear = model_hear,
    .language = model_language,
    .language_name = model_language_name,
    .sees_whole = model_sees_whole,
    .tokens = model_tokens,
    .doubt = doubt_of,
    .doubt_for_good = doubt_for_good,
};
