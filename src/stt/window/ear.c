// SPDX-License-Identifier: Apache-2.0
#include "stt/window/ear.h"

#include <stdio.h>
#include <stdlib.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/memory_room.h"
#include "stt/pool.h"
#include "stt/vad.h"
#include "stt/window/lanes.h"
#include "stt/window/pace.h"
#include "stt/window/repeat.h"
#include "stt/window/result.h"
#include "stt/window/weights_path.h"
#include "stt/window/window.h"
#include "wire/script.h"

static_assert((int)VAD_FRAME == (int)WINDOW_FRAME && (int)VAD_RATE_HZ == (int)HEARER_RATE_HZ);

enum {
    STREAMS = 2,
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
    int16_t frame[VAD_NEWS_MAX][WINDOW_FRAME]; /* not judged yet, and the one that is coming */
    size_t frames, frame_n;
    uint64_t fed, told; /* samples; `told`: when the last partial was given */
    struct pace pace;
    bool spoken;              /* there was a voice, of whatever kind */
    int language;             /* as asked for; once something was heard for good, that one's */
    int guess;                /* of the last hearing */
    struct stt_result before; /* what was heard for good */
    int32_t carried[CARRIED_MAX];
    size_t carried_n;
    struct heard heard; /* of the samples from heard_at on; none: 0 */
    uint64_t heard_at;
    size_t heard_count;
    int heard_as;     /* the language that it was heard as */
    enum guard doubt; /* about it */
};

static const struct hearer *hearer;          /* const after load */
static void (*tell_guard)(enum guard guard); /* const after load */
static char name[NAME_BYTES], notes[200];    /* const after load */

/* --- load --- */

struct options {
    uint32_t streams, lanes;
};

static enum err read_options(struct str text, struct options *o, char why[STT_WHY_BYTES])
{
    const struct script_word words[] = {{"streams", .number = &o->streams},
                                        {"lanes", .number = &o->lanes}};
    try(script_parse(nullptr, text, words, sizeof words / sizeof *words, why));
    bool streams_fit = o->streams >= 1 && o->streams <= POOL_MAX, lanes_fit = o->lanes <= POOL_MAX;
    if (streams_fit && lanes_fit)
        return OK;
    snprintf(why, STT_WHY_BYTES,
             streams_fit ? "lanes= in stt.script goes to %d" : "stt.streams goes from 1 to %d",
             POOL_MAX);
    return ERR_INVALID;
}

static void describe(const struct hearer_facts *facts, const struct lanes_facts *lanes,
                     uint32_t model_mib)
{
    snprintf(notes, sizeof notes,
             "%s weights, %s; %u MB, and up to %u MB for each of %u lanes of %u threads",
             facts->type, facts->knows, model_mib, (uint32_t)(lanes->memory_bytes >> 20),
             lanes->lanes, lanes->threads);
}

enum err ear_load(const struct hearer *of, const struct stt_load *load,
                  struct stt_loaded *ret_loaded, char why[STT_WHY_BYTES])
{
    struct options o = {.streams = STREAMS};
    struct hearer_facts facts;
    struct lanes_facts lanes;
    uint64_t before = memory_own().resident_bytes;
    hearer = of;
    tell_guard = load->guarded;
    try(read_options(load->options, &o, why));
    try(weights_path_open(of, load, &facts, name, sizeof name, why));
    uint64_t with_model = memory_own().resident_bytes;
    const struct lanes_wish wish = {.hearer = of,
                                    .lanes = o.lanes,
                                    .streams = o.streams,
                                    .threads = load->threads ? load->threads : 1};
    try(lanes_open(&wish, &lanes, why));
    describe(&facts, &lanes, with_model > before ? (uint32_t)((with_model - before) >> 20) : 0);
    *ret_loaded = (struct stt_loaded){.model = name,
                                      .languages = facts.languages,
                                      .notes = notes,
                                      .rate_hz = HEARER_RATE_HZ,
                                      .slots = o.streams};
    return OK;
}

void ear_unload(void)
{
    lanes_close();
    if (hearer)
        hearer->close();
}

/* --- hearing --- */

/* What is heard now stands when the utterance ends here. */
static bool is_last(const struct stt_utterance *u, bool for_good)
{
    return for_good || window_has_paused(u->window);
}

/* To find the language out costs as much again as the words. While somebody speaks it is taken for that of the last
 * hearing; what stands must not depend on how often that was. */
static int language_of(const struct stt_utterance *u, bool for_good)
{
    return is_last(u, for_good) ? u->language : u->guess;
}

/* ERR_BUSY: not for good, and somebody else is being heard. */
static enum err hear(struct stt_utterance *u, const struct window_range *range, bool for_good,
                     bool whole)
{
    uint64_t took_us;
    struct hearing window = {.samples = range->samples,
                             .count = range->count,
                             .whole = whole,
                             .language = language_of(u, for_good),
                             .translate = u->request.translate,
                             .temperature = u->request.temperature,
                             .before = u->carried,
                             .before_n = u->carried_n};
    enum err err = lanes_hear(&u->request, &window, for_good, &u->heard, &took_us);
    if (err != ERR_BUSY)
        u->heard_count = 0;
    try(err);
    if (!for_good)
        pace_note(&u->pace, took_us);
    u->heard_at = range->at;
    u->heard_count = range->count;
    u->heard_as = window.language;
    u->guess = u->heard.language;
    u->doubt = hearer->doubt(&u->heard);
    (void)repeat_unloop(&u->heard);
    return OK;
}

static bool is_heard(const struct stt_utterance *u, const struct window_range *range, bool for_good)
{
    return u->heard_count == range->count && u->heard_at == range->at &&
           (u->heard_as == u->language || !is_last(u, for_good));
}

/* What nobody has said is not looked at: the model would find words in it. */
static enum guard silence_in(const struct window *w)
{
    if (window_outstanding(w) < OUTSTANDING_MIN)
        return GUARD_silence;
    return window_voices(w) < VOICES_MIN ? GUARD_short : GUARD_NONE;
}

static void drop_heard(struct stt_utterance *u)
{
    u->heard.words_n = 0;
    buf_clear(&u->heard.text);
}

/* What is doubtful is heard once more with all the context there is, and then has to stand. Each hearing is told once. */
static enum err settle(struct stt_utterance *u, const struct window_range *range)
{
    if (u->doubt == GUARD_NONE)
        return OK;
    tell_guard(u->doubt);
    if (u->doubt == GUARD_no_speech || u->doubt == GUARD_guess) {
        drop_heard(u);
        return OK;
    }
    bool is_same = u->carried_n == 0 && hearer->sees_whole(range->count);
    u->carried_n = 0;
    if (!is_same)
        try(hear(u, range, true, true));
    enum guard doubt = hearer->doubt_for_good(&u->heard);
    if (doubt == GUARD_NONE)
        return OK;
    if (!is_same)
        tell_guard(doubt);
    drop_heard(u);
    return OK;
}

static void carry(struct stt_utterance *u)
{
    const struct heard *h = &u->heard;
    if (!hearer->tokens || u->doubt != GUARD_NONE || h->words_n == 0) {
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
    if (!is_heard(u, &range, true))
        try(hear(u, &range, true, false));
    try(settle(u, &range));
    try(result_add(&u->before, &u->heard, u->window));
    carry(u);
    if (u->heard.words_n > 0) {
        u->language = u->heard.language;
        const char *spoken = hearer->language_name(u->language);
        u->before.language = spoken[0] ? spoken : nullptr; /* it does not tell */
    }
    u->heard_count = 0;
    return OK;
}

/* --- an utterance --- */

void ear_close(struct stt_utterance *u)
{
    vad_destroy(u->vad);
    window_destroy(u->window);
    heard_finish(&u->heard);
    stt_result_finish(&u->before);
    free(u);
}

static enum err refuse_language(const struct stt_request *r)
{
    struct str shown = r->language.n ? str_sub(r->language, 0, 16) : S("that is spoken");
    snprintf(
        r->why, STT_WHY_BYTES,
        r->translate
            ? "the model %.60s does not translate from the language %.*s: choose a Whisper for "
              "many languages with stt.model"
            : "the model %.60s does not hear the language %.*s: set the option language, or "
              "choose another model with stt.model",
        name, STR_FMT(shown));
    return ERR_UNSUPPORTED;
}

static enum err find_language(const struct stt_request *r, int *ret_language)
{
    int language = hearer->language(r->language.n ? r->language : S("auto"), r->translate);
    if (language == HEARER_LANGUAGE_UNKNOWN)
        return refuse_language(r);
    *ret_language = language;
    return OK;
}

enum err ear_open(const struct stt_request *request, struct stt_utterance **ret_u)
{
    int language;
    try(find_language(request, &language));
    struct stt_utterance *u = mem_zero(1, sizeof *u);
    if (!u)
        return ERR_NOMEM;
    u->request = *request;
    u->language = u->guess = language;
    u->before.text.cap = STT_TEXT_MAX;
    if (hearer->tokens)
        u->carried_n = hearer->tokens(request->prompt, u->carried, CARRIED_MAX);
    enum err err = vad_create(&u->vad);
    if (err == OK)
        err = window_create(&u->window);
    if (err == OK)
        *ret_u = u;
    else
        ear_close(u);
    return err;
}

static enum err hear_judged(struct stt_utterance *u, const struct vad_news *news)
{
    for (uint32_t i = 0; i < news->n; i++) {
        enum voice voice = news->of[i].likely >= VAD_LIKELY ? VOICE_STANDS_OUT
                           : news->of[i].sounds_so          ? VOICE_SOUNDS
                                                            : VOICE_NONE;
        try(window_frame(u->window, u->frame[i], voice));
        if (!window_is_full(u->window))
            continue;
        try(commit(u));
        window_next(u->window);
    }
    u->frames -= news->n;
    memmove(u->frame[0], u->frame[news->n], u->frames * sizeof *u->frame);
    return OK;
}

static enum err hear_frame(struct stt_utterance *u)
{
    struct vad_news news;
    u->frame_n = 0;
    try(vad_frame(u->vad, u->frame[u->frames], &news));
    u->frames++;
    return hear_judged(u, &news);
}

enum err ear_feed(struct stt_utterance *u, const int16_t *samples, size_t count)
{
    while (count > 0) {
        size_t n = WINDOW_FRAME - u->frame_n;
        n = n < count ? n : count;
        memcpy(u->frame[u->frames] + u->frame_n, samples, n * sizeof *samples);
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

static enum err put_partial(struct stt_utterance *u, struct buf *into, bool with_heard,
                            bool *ret_sure)
{
    struct str before = buf_str(&u->before.text), now = buf_str(&u->heard.text);
    try(buf_add(into, before));
    if (!with_heard || now.n == 0 || hearer->doubt_for_good(&u->heard) != GUARD_NONE)
        return OK;
    if (before.n > 0)
        try(buf_add_byte(into, ' '));
    *ret_sure = u->doubt == GUARD_NONE; /* it would be heard anew, perhaps with other words */
    return buf_add(into, now);
}

enum err ear_partial(struct stt_utterance *u, struct buf *into, bool *ret_sure)
{
    struct window_range range;
    uint64_t since_ms = pcm_samples_to_ms(u->fed - u->told, HEARER_RATE_HZ);
    bool speaks = window_range(u->window, &range) && silence_in(u->window) == GUARD_NONE;
    if (!speaks || is_heard(u, &range, false)) {
        if (since_ms < TOLD_MS)
            return ERR_AGAIN;
    } else {
        if (!pace_is_due(&u->pace, since_ms, window_has_paused(u->window)))
            return ERR_AGAIN;
        enum err err = hear(u, &range, false, false);
        /* The final says so; until then it is tried as often as it would be heard. */
        if (err == ERR_NOMEM)
            u->told = u->fed;
        try(err == ERR_BUSY || err == ERR_NOMEM ? ERR_AGAIN : err);
    }
    u->told = u->fed;
    return put_partial(u, into, speaks, ret_sure);
}

struct str ear_settled(const struct stt_utterance *u)
{
    return buf_str(&u->before.text);
}

enum err ear_finish(struct stt_utterance *u, struct stt_result *result)
{
    struct vad_news last;
    if (u->frame_n > 0) {
        int16_t *frame = u->frame[u->frames];
        memset(frame + u->frame_n, 0, (WINDOW_FRAME - u->frame_n) * sizeof *frame);
        try(hear_frame(u));
    }
    try(vad_end(u->vad, &last));
    try(hear_judged(u, &last));
    try(commit(u));
    if (u->fed > 0 && !u->spoken)
        tell_guard(GUARD_silence);
    struct stt_result empty = *result;
    *result = u->before;
    u->before = empty;
    return OK;
}
