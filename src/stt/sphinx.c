// SPDX-License-Identifier: Apache-2.0
/*
 * PocketSphinx as a driver: English, general dictation with the models of Debian's package, streaming.
 * Options: streams=N, the utterances at once (2); each has a decoder of its own.
 */
#include <pocketsphinx/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "stt/driver.h"
#include "stt/pool.h"
#include "stt/sphinx_decoder.h"

enum {
    STREAMS = 2,
    OPEN_WAIT_MS = 2000,
    /* A long utterance is cut where the speaker pauses, so that neither memory nor the time for the
     * last words grows with it. Shorter ones are one piece: the language model spans them. */
    CUT_AFTER_MS = 15000,
    CUT_QUIET_MS = 400,
    CUT_ANYWHERE_MS = 40000,
    ARPA_MAX = 64 << 20, /* bytes; what NGRAM_TOKENS_MAX words can give is less */
};

struct stt_utterance {
    struct sphinx_decoder *decoder;
    struct stt_request request;
    struct stt_result before; /* the pieces that have ended */
    uint64_t fed;             /* samples of all pieces */
    uint64_t piece_at;        /* where the present piece begins */
};

static struct pool *pool;                                               /* const after load */
static void (*learnt)(uint32_t telling, enum err err, const char *why); /* const after load */
static char notes[64];                                                  /* const after load */

static struct {
    pthread_mutex_t mu;
    struct buf text;               /* mu: not yet counted */
    bool fresh;                    /* mu */
    struct memfile arpa;           /* the maker's thread */
    struct adaptation *adaptation; /* the maker's thread */
    enum err err;                  /* the maker's thread: why they are not learnt */
} documents = {.mu = PTHREAD_MUTEX_INITIALIZER};

static void say_in_log(void *arg, err_lvl_t level, const char *format, ...)
{
    (void)arg;
    if (level < ERR_ERROR)
        return;
    char line[240];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    line[strcspn(line, "\n")] = '\0';
    log_debug("pocketsphinx: %s", line);
}

/* NULL: there is nothing to count, or it cannot be (documents.err); the general model is left alone then. */
static struct adaptation *count_words(struct str text)
{
    char dictionary[512];
    sphinx_dictionary_path(dictionary, sizeof dictionary);
    uint64_t from = clock_us();
    struct adaptation *a = nullptr;
    enum err err = adaptation_create(text, dictionary, &documents.arpa, &a);
    documents.err = err == ERR_INVALID ? OK : err; /* no words: nothing to learn */
    if (err == OK)
        log_debug(
            "%zu words of the documents counted in %u ms; pronounced by rule %zu, left out %zu",
            a->words, (unsigned)((clock_us() - from) / 1000), a->pronounced, a->left_out);
    return a;
}

/* On the maker's thread. */
static void take_documents(void)
{
    pthread_mutex_lock(&documents.mu);
    struct buf text = documents.text;
    bool fresh = documents.fresh;
    documents.text = (struct buf){};
    documents.fresh = false;
    pthread_mutex_unlock(&documents.mu);
    if (fresh) {
        adaptation_destroy(documents.adaptation);
        documents.adaptation = count_words(buf_str(&text));
    }
    buf_finish(&text);
}

static enum err make_decoder(void *arg, void **ret_item)
{
    (void)arg;
    take_documents();
    struct sphinx_decoder *d;
    enum err err = sphinx_decoder_create(documents.adaptation, &d);
    if (err != OK && documents.adaptation != nullptr) {
        documents.err = err;
        err = sphinx_decoder_create(nullptr, &d);
    }
    if (err == OK)
        *ret_item = d;
    return err;
}

static void destroy_decoder(void *arg, void *item)
{
    (void)arg;
    sphinx_decoder_destroy(item);
}

static bool end_abandoned(void *arg, void *item)
{
    (void)arg;
    return sphinx_decoder_abandon(item);
}

static void all_renewed(void *, uint32_t telling)
{
    learnt(telling, documents.err, documents.err == OK ? "" : err_text(documents.err));
}

static enum err read_options(struct str options, uint32_t *streams, char why[STT_WHY_BYTES])
{
    struct str option, name;
    while (str_cut(&options, ',', &option)) {
        int64_t n;
        if (option.n == 0)
            continue;
        if (!str_cut(&option, '=', &name) || !str_eq(name, S("streams")) ||
            str_to_i64(option, &n) != OK || n < 1 || n > POOL_MAX) {
            snprintf(why, STT_WHY_BYTES, "PocketSphinx has one option, streams=1 to streams=%d",
                     POOL_MAX);
            return ERR_INVALID;
        }
        *streams = (uint32_t)n;
    }
    return OK;
}

static enum err sphinx_load(const struct stt_load *load, struct stt_loaded *ret_loaded,
                            char why[STT_WHY_BYTES])
{
    uint32_t streams = STREAMS;
    try(read_options(load->options, &streams, why));
    err_set_callback(say_in_log, nullptr);
    try(memfile_create(ARPA_MAX, &documents.arpa));
    const struct pool_maker maker = {.make = make_decoder,
                                     .destroy = destroy_decoder,
                                     .clean = end_abandoned,
                                     .renewed = all_renewed};
    learnt = load->learnt;
    enum err err = pool_create(&maker, streams, &pool);
    if (err != OK) {
        snprintf(why, STT_WHY_BYTES, "the model of PocketSphinx cannot be loaded (%s); %s",
                 err_text(err),
                 err == ERR_NOMEM ? "free some memory or lower stt.streams"
                                  : "install the package pocketsphinx-en-us");
        return err;
    }
    snprintf(notes, sizeof notes, "built-in, English only");
    *ret_loaded = (struct stt_loaded){
        .model = "en-us",
        .languages = "en",
        .notes = notes,
        .rate_hz = SPHINX_RATE_HZ,
        .slots = streams,
    };
    return OK;
}

static void sphinx_unload(void)
{
    pool_destroy(pool);
    pool = nullptr;
    adaptation_destroy(documents.adaptation);
    documents.adaptation = nullptr;
    memfile_finish(&documents.arpa);
    buf_finish(&documents.text);
}

static void sphinx_words(struct buf text, uint32_t telling)
{
    static bool had_words; /* the protocol thread's */
    bool news = had_words || text.n > 0;
    had_words = text.n > 0;
    pthread_mutex_lock(&documents.mu);
    struct buf old = documents.text;
    documents.text = text;
    documents.fresh |= news; /* what was told before and not looked at yet is news as well */
    pthread_mutex_unlock(&documents.mu);
    buf_finish(&old);
    if (news) {
        pool_renew(pool, telling);
        return;
    }
    pool_fill(pool);
    learnt(telling, OK, "");
}

static enum err begin(struct stt_utterance *u)
{
    const struct stt_request *r = &u->request;
    void *item;
    r->rest(r->arg);
    enum err err = pool_take(pool, OPEN_WAIT_MS, r->stopped, r->arg, &item);
    r->resume(r->arg);
    if (err == ERR_BUSY)
        snprintf(r->why, STT_WHY_BYTES, "the recogniser is listening to others; try again shortly");
    try(err);
    u->decoder = item;
    return sphinx_decoder_begin(u->decoder, r->adapt, false);
}

static void sphinx_close(struct stt_utterance *u)
{
    if (u->decoder != nullptr)
        pool_give_soiled(pool, u->decoder);
    stt_result_finish(&u->before);
    free(u);
}

static enum err sphinx_open(const struct stt_request *request, struct stt_utterance **ret_u)
{
    /* Who asks for English words gets them: no other language is heard. */
    if (request->language.n > 0 && !str_starts(request->language, S("en"))) {
        snprintf(request->why, STT_WHY_BYTES,
                 request->translate
                     ? "the built-in recogniser hears English only and cannot translate: pull a "
                       "Whisper for many languages and name it with stt.model"
                     : "the built-in recogniser hears English only: set the option language to "
                       "en, or choose another recogniser with stt.driver");
        return ERR_UNSUPPORTED;
    }
    struct stt_utterance *u = mem_zero(1, sizeof *u);
    if (u == nullptr)
        return ERR_NOMEM;
    u->request = *request;
    u->before.text.cap = STT_TEXT_MAX;
    enum err err = begin(u);
    if (err != OK) {
        sphinx_close(u);
        return err;
    }
    *ret_u = u;
    return OK;
}

static uint32_t piece_at_ms(const struct stt_utterance *u)
{
    return (uint32_t)pcm_samples_to_ms(u->piece_at, SPHINX_RATE_HZ);
}

/* Ends the piece and begins the next one where the speaker has paused. */
static enum err cut(struct stt_utterance *u)
{
    uint64_t ms = pcm_samples_to_ms(u->fed - u->piece_at, SPHINX_RATE_HZ);
    bool paused = ms >= CUT_AFTER_MS && sphinx_decoder_quiet_ms(u->decoder) >= CUT_QUIET_MS;
    if (!paused && ms < CUT_ANYWHERE_MS)
        return OK;
    try(sphinx_decoder_end(u->decoder, piece_at_ms(u), &u->before));
    u->piece_at = u->fed;
    return sphinx_decoder_begin(u->decoder, u->request.adapt, true);
}

static enum err sphinx_feed(struct stt_utterance *u, const int16_t *samples, size_t count)
{
    while (count > 0) {
        if (u->request.stopped(u->request.arg))
            return ERR_CANCELED;
        /* To the end of a step of the piece, so that cuts do not depend on the pieces we get. */
        size_t n = SPHINX_STEP - (size_t)((u->fed - u->piece_at) % SPHINX_STEP);
        if (n > count)
            n = count;
        try(sphinx_decoder_feed(u->decoder, samples, n));
        u->fed += n;
        samples += n;
        count -= n;
        if ((u->fed - u->piece_at) % SPHINX_STEP == 0)
            try(cut(u));
    }
    return OK;
}

static enum err sphinx_partial(struct stt_utterance *u, struct buf *into, bool *)
{
    try(buf_add(into, buf_str(&u->before.text)));
    size_t at = into->n;
    if (at > 0)
        try(buf_add_byte(into, ' '));
    try(sphinx_decoder_partial(u->decoder, into));
    if (at > 0 && into->n == at + 1)
        into->n = at;
    return OK;
}

static struct str sphinx_settled(const struct stt_utterance *u)
{
    return buf_str(&u->before.text);
}

static enum err sphinx_finish(struct stt_utterance *u, struct stt_result *result)
{
    try(sphinx_decoder_end(u->decoder, piece_at_ms(u), &u->before));
    pool_give(pool, u->decoder, true);
    u->decoder = nullptr;
    struct stt_result empty = *result;
    *result = u->before;
    u->before = empty;
    return OK;
}

const struct stt_driver stt_sphinx = {
    .name = "sphinx",
    .step_ms = 200,
    .agreeing = 3,
    .times_words = true,
    .read_dir = sphinx_model_dir,
    .load = sphinx_load,
    .unload = sphinx_unload,
    .words = sphinx_words,
    .open = sphinx_open,
    .feed = sphinx_feed,
    .partial = sphinx_partial,
    .settled = sphinx_settled,
    .finish = sphinx_finish,
    .close = sphinx_close,
};
