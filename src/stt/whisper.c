// SPDX-License-Identifier: Apache-2.0
/*
 * Whisper as a driver, by libwhisper. It hears whole windows only, so an utterance is a window of sound (whisper/window.h)
 * that is heard anew as it grows, and for good where the speaker pauses or ends; what was heard for good is not heard
 * again. Since the range that is heard ends with the last voice, the hearing in a pause is also that of the end: then
 * `finish` has nothing to compute. Options (a comma between them):
 *
 *     streams=2  utterances at once: a megabyte each
 *     lanes=0    windows heard at the same moment, tens of megabytes each; 0: one for every four threads
 *
 * Words that are waited for go before partials: these are left out while no lane is free.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "base/mem.h"
#include "stt/driver.h"
#include "stt/pool.h"
#include "stt/vad.h"
#include "stt/whisper/doubt.h"
#include "stt/whisper/file.h"
#include "stt/whisper/pace.h"
#include "stt/whisper/result.h"
#include "stt/whisper/window.h"
#include "wire/script.h"

static_assert((int)VAD_FRAME == (int)WINDOW_FRAME && (int)VAD_RATE_HZ == (int)MODEL_RATE_HZ &&
              (int)WINDOW_FRAMES_MAX * (int)WINDOW_FRAME <= (int)MODEL_SAMPLES_MAX);

enum {
    STREAMS = 2,
    THREADS_OF_LANE = 4, /* more are hardly faster */
    LANE_WAIT_MS = 1000,
    TOLD_MS = 200,       /* how often it is said how far it is, where nothing is heard */
    OUTSTANDING_MIN = 3, /* frames */
    VOICES_MIN = 5,      /* frames: 100 ms */
    CARRIED_MAX = 48,    /* tokens of a window that the next one is told */
    NAME_BYTES = 64,
};

struct stt_utterance {
    struct stt_request request;
    struct vad *vad;
    struct window *window;
    int16_t frame[WINDOW_FRAME];
    size_t frame_n;
    uint64_t fed, told; /* samples; `told`: when the last partial was given */
    struct pace pace;
    bool spoken; /* there was a voice, of whatever kind */
    int language;
    struct stt_result before; /* what was heard for good */
    int32_t carried[CARRIED_MAX];
    size_t carried_n;
    struct model_heard heard; /* of the samples from heard_at on; none: 0 */
    uint64_t heard_at;
    size_t heard_count;
    enum guard doubt; /* about it */
};

static struct pool *lanes;                   /* const after load */
static uint32_t threads;                     /* const after load: of a lane */
static void (*tell_guard)(enum guard guard); /* const after load */
static char name[NAME_BYTES], notes[200];    /* const after load */
static atomic_uint waiting;                  /* for a lane, to hear for good */

/* --- load --- */

struct options {
    uint32_t streams, lanes;
};

static enum err read_options(struct str text, struct options *o, char why[STT_WHY_BYTES])
{
    const struct script_word words[] = {{"streams", .number = &o->streams},
                                        {"lanes", .number = &o->lanes}};
    try(script_parse(nullptr, text, words, sizeof words / sizeof *words, why));
    if (o->streams >= 1 && o->streams <= POOL_MAX && o->lanes <= POOL_MAX)
        return OK;
    snprintf(why, STT_WHY_BYTES, "stt.streams goes from 1 to %d", POOL_MAX);
    return ERR_INVALID;
}

/* The first window touches all memory that a lane ever needs. One thread: the process is not locked in yet. */
static enum err warm_up(struct model_lane *lane)
{
    struct model_heard heard = {};
    autofree int16_t *silence = mem_zero(MODEL_RATE_HZ, sizeof *silence);
    if (!silence)
        return ERR_NOMEM;
    const struct model_window window = {.samples = silence,
                                        .count = MODEL_RATE_HZ,
                                        .language = model_language(S("en")),
                                        .threads = 1};
    enum err err = model_hear(lane, &window, &heard);
    model_heard_finish(&heard);
    return err;
}

static enum err make_lane(void *arg, void **ret_item)
{
    (void)arg;
    struct model_lane *lane;
    try(model_lane_create(&lane));
    enum err err = warm_up(lane);
    if (err == OK)
        *ret_item = lane;
    else
        model_lane_destroy(lane);
    return err;
}

static void destroy_lane(void *arg, void *item)
{
    (void)arg;
    model_lane_destroy(item);
}

/* What of this process is in memory; 0: the system does not say. */
static uint32_t memory_mib(void)
{
    char line[128];
    int64_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    bool is_there = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    struct str rest = str_of(is_there ? line : ""), piece = {};
    for (int i = 0; i < 2; i++) /* all of it, what is there */
        if (!str_cut(&rest, ' ', &piece))
            return 0;
    return str_to_i64(piece, &pages) == OK ? (uint32_t)(pages * sysconf(_SC_PAGESIZE) >> 20) : 0;
}

static uint32_t lanes_of(const struct options *o, uint32_t all_threads)
{
    uint32_t n = o->lanes ? o->lanes : all_threads / THREADS_OF_LANE;
    return n < 1 ? 1 : n > o->streams ? o->streams : n;
}

static enum err open_lanes(uint32_t count, char why[STT_WHY_BYTES])
{
    const struct pool_maker maker = {.make = make_lane, .destroy = destroy_lane};
    enum err err = pool_create(&maker, count, &lanes);
    if (err != OK)
        snprintf(
            why, STT_WHY_BYTES,
            "the model %.60s cannot be evaluated (%s); free some memory or choose a smaller one",
            name, err_text(err));
    return err;
}

static enum err whisper_load(const struct stt_load *load, struct stt_loaded *ret_loaded,
                             char why[STT_WHY_BYTES])
{
    struct options o = {.streams = STREAMS};
    struct whisper_facts facts;
    uint32_t all_threads = load->threads ? load->threads : 1, before = memory_mib();
    try(read_options(load->options, &o, why));
    try(whisper_file_open(load, &facts, name, sizeof name, why));
    uint32_t with_model = memory_mib(), count = lanes_of(&o, all_threads);
    try(open_lanes(count, why));
    threads = all_threads / count ? all_threads / count : 1;
    tell_guard = load->guarded;
    snprintf(notes, sizeof notes,
             "%s weights, %s; %u MB, and %u MB for each of %u lanes of %u threads", facts.type,
             facts.multilingual ? "many languages" : "English only", with_model - before,
             memory_mib() - with_model, count, threads);
    *ret_loaded = (struct stt_loaded){.model = name,
                                      .languages = facts.multilingual ? "auto" : "en",
                                      .notes = notes,
                                      .rate_hz = MODEL_RATE_HZ,
                                      .slots = o.streams};
    return OK;
}

static void whisper_unload(void)
{
    pool_destroy(lanes);
    lanes = nullptr;
    model_close();
}

/* --- hearing --- */

static enum err take_lane(struct stt_utterance *u, bool for_good, struct model_lane **ret_lane)
{
    const struct stt_request *r = &u->request;
    void *item;
    enum err err;
    if (!for_good) {
        err = atomic_load(&waiting) ? ERR_BUSY : pool_take(lanes, 0, r->stopped, r->arg, &item);
    } else {
        atomic_fetch_add(&waiting, 1);
        do
            err = pool_take(lanes, LANE_WAIT_MS, r->stopped, r->arg, &item);
        while (err == ERR_BUSY);
        atomic_fetch_sub(&waiting, 1);
    }
    if (err == OK)
        *ret_lane = item;
    return err;
}

/* ERR_BUSY: not for good, and somebody else is being heard. */
static enum err hear(struct stt_utterance *u, const struct window_range *range, bool for_good,
                     bool whole)
{
    struct model_lane *lane;
    const struct model_window window = {.samples = range->samples,
                                        .count = range->count,
                                        .whole = whole,
                                        .language = u->language,
                                        .translate = u->request.translate,
                                        .temperature = u->request.temperature,
                                        .before = u->carried,
                                        .before_n = u->carried_n,
                                        .threads = threads,
                                        .stopped = u->request.stopped,
                                        .arg = u->request.arg};
    try(take_lane(u, for_good, &lane));
    u->heard_count = 0;
    enum err err = model_hear(lane, &window, &u->heard);
    pool_give(lanes, lane, true);
    if (err == ERR_INTERNAL)
        snprintf(u->request.why, STT_WHY_BYTES, "the recogniser cannot evaluate this sound");
    try(err);
    u->heard_at = range->at;
    u->heard_count = range->count;
    u->doubt = doubt_of(&u->heard);
    (void)doubt_unloop(&u->heard);
    return OK;
}

static bool is_heard(const struct stt_utterance *u, const struct window_range *range)
{
    return u->heard_count == range->count && u->heard_at == range->at;
}

/* What nobody has said is not looked at: the model would find words in it. */
static enum guard silence_in(const struct window *w)
{
    if (window_outstanding(w) < OUTSTANDING_MIN)
        return GUARD_silence;
    return window_voices(w) < VOICES_MIN ? GUARD_short : GUARD_NONE;
}

static void drop_heard(struct stt_utterance *u, enum guard why)
{
    tell_guard(why);
    u->heard.words_n = 0;
    buf_clear(&u->heard.text);
    u->carried_n = 0;
}

/* What is doubtful is heard once more with all the context there is, and then has to stand. */
static enum err settle(struct stt_utterance *u, const struct window_range *range)
{
    if (u->doubt == GUARD_NONE)
        return OK;
    if (u->doubt == GUARD_no_speech) {
        drop_heard(u, GUARD_no_speech);
        return OK;
    }
    tell_guard(u->doubt);
    u->carried_n = 0;
    try(hear(u, range, true, true));
    enum guard doubt = doubt_for_good(&u->heard);
    if (doubt != GUARD_NONE)
        drop_heard(u, doubt);
    return OK;
}

static void carry(struct stt_utterance *u)
{
    const struct model_heard *h = &u->heard;
    if (u->doubt != GUARD_NONE || h->words_n == 0) {
        u->carried_n = 0; /* what is doubtful would be repeated */
        return;
    }
    u->carried_n = h->tokens_n < CARRIED_MAX ? h->tokens_n : CARRIED_MAX;
    memcpy(u->carried, h->tokens + h->tokens_n - u->carried_n, u->carried_n * sizeof *u->carried);
}

/* The window is heard for good. */
static enum err commit(struct stt_utterance *u)
{
    struct window_range range;
    if (!window_range(u->window, &range))
        return OK;
    u->spoken = true;
    enum guard silence = silence_in(u->window);
    if (silence != GUARD_NONE) {
        tell_guard(silence);
        u->carried_n = 0;
        return OK;
    }
    if (!is_heard(u, &range))
        try(hear(u, &range, true, false));
    try(settle(u, &range));
    try(result_add(&u->before, &u->heard, u->window));
    carry(u);
    if (u->heard.words_n > 0) {
        u->language = u->heard.language;
        u->before.language = model_language_name(u->language);
    }
    u->heard_count = 0;
    return OK;
}

/* --- an utterance --- */

static void whisper_close(struct stt_utterance *u)
{
    vad_destroy(u->vad);
    window_destroy(u->window);
    model_heard_finish(&u->heard);
    stt_result_finish(&u->before);
    free(u);
}

static enum err find_language(const struct stt_request *r, int *ret_language)
{
    int language = r->language.n ? model_language(r->language) : MODEL_LANGUAGE_AUTO;
    if (language == MODEL_LANGUAGE_UNKNOWN) {
        snprintf(
            r->why, STT_WHY_BYTES,
            r->translate
                ? "the model %.60s does not translate from the language %.*s: choose a Whisper for "
                  "many languages with stt.model"
                : "the model %.60s does not hear the language %.*s: set the option language, or "
                  "choose another model with stt.model",
            name, (int)(r->language.n < 16 ? r->language.n : 16), r->language.p);
        return ERR_UNSUPPORTED;
    }
    /* Of a model for English there is nothing to find out. */
    *ret_language = language == MODEL_LANGUAGE_AUTO ? model_language(S("auto")) : language;
    return OK;
}

static enum err whisper_open(const struct stt_request *request, struct stt_utterance **ret_u)
{
    int language;
    try(find_language(request, &language));
    struct stt_utterance *u = mem_zero(1, sizeof *u);
    if (!u)
        return ERR_NOMEM;
    u->request = *request;
    u->language = language;
    u->before.text.cap = STT_TEXT_MAX;
    u->carried_n = model_tokens(request->prompt, u->carried, CARRIED_MAX);
    enum err err = vad_create(&u->vad);
    if (err == OK)
        err = window_create(&u->window);
    if (err == OK)
        *ret_u = u;
    else
        whisper_close(u);
    return err;
}

static enum err hear_frame(struct stt_utterance *u)
{
    enum voice voice = vad_frame(u->vad, u->frame) > 0 ? VOICE_STANDS_OUT
                       : vad_sounds_like_voice(u->vad) ? VOICE_SOUNDS
                                                       : VOICE_NONE;
    u->frame_n = 0;
    try(window_frame(u->window, u->frame, voice));
    if (!window_is_full(u->window))
        return OK;
    try(commit(u));
    window_next(u->window);
    return OK;
}

static enum err whisper_feed(struct stt_utterance *u, const int16_t *samples, size_t count)
{
    while (count > 0) {
        size_t n = WINDOW_FRAME - u->frame_n;
        n = n < count ? n : count;
        memcpy(u->frame + u->frame_n, samples, n * sizeof *samples);
        u->frame_n += n;
        u->fed += n;
        samples += n;
        count -= n;
        if (u->frame_n < WINDOW_FRAME)
            break;
        if (u->request.stopped(u->request.arg))
            return ERR_CANCELED;
        try(hear_frame(u));
    }
    return OK;
}

static enum err hear_for_partial(struct stt_utterance *u, const struct window_range *range)
{
    uint64_t from = clock_us();
    enum err err = hear(u, range, false, false);
    if (err == OK)
        pace_note(&u->pace, clock_us() - from);
    return err == ERR_BUSY ? ERR_AGAIN : err;
}

static enum err put_partial(struct stt_utterance *u, struct buf *into, bool with_heard)
{
    struct str before = buf_str(&u->before.text), now = buf_str(&u->heard.text);
    try(buf_add(into, before));
    if (!with_heard || now.n == 0 || doubt_for_good(&u->heard) != GUARD_NONE)
        return OK;
    if (before.n > 0)
        try(buf_add_byte(into, ' '));
    return buf_add(into, now);
}

static enum err whisper_partial(struct stt_utterance *u, struct buf *into)
{
    struct window_range range;
    uint64_t since_ms = pcm_samples_to_ms(u->fed - u->told, MODEL_RATE_HZ);
    bool speaks = window_range(u->window, &range) && silence_in(u->window) == GUARD_NONE;
    if (!speaks || is_heard(u, &range)) {
        if (since_ms < TOLD_MS)
            return ERR_AGAIN;
    } else {
        if (!pace_is_due(&u->pace, since_ms, window_has_paused(u->window)))
            return ERR_AGAIN;
        try(hear_for_partial(u, &range));
    }
    u->told = u->fed;
    return put_partial(u, into, speaks);
}

static struct str whisper_settled(const struct stt_utterance *u)
{
    return buf_str(&u->before.text);
}

static enum err whisper_finish(struct stt_utterance *u, struct stt_result *result)
{
    if (u->frame_n > 0) {
        memset(u->frame + u->frame_n, 0, (WINDOW_FRAME - u->frame_n) * sizeof *u->frame);
        try(hear_frame(u));
    }
    try(commit(u));
    if (u->fed > 0 && !u->spoken)
        tell_guard(GUARD_silence);
    struct stt_result empty = *result;
    *result = u->before;
    u->before = empty;
    return OK;
}

const struct stt_driver stt_whisper = {
    .name = "whisper",
    .step_ms = WINDOW_FRAME_MS,
    .agreeing = 2,
    .load = whisper_load,
    .unload = whisper_unload,
    .open = whisper_open,
    .feed = whisper_feed,
    .partial = whisper_partial,
    .settled = whisper_settled,
    .finish = whisper_finish,
    .close = whisper_close,
};
