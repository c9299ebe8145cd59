// SPDX-License-Identifier: Apache-2.0
/*
 * A recogniser for tests: it hears one word for each piece of sound of `word` ms, whatever the sound,
 * and on demand has the faults of real ones. Options: those of wire/script.h (a call is an utterance; a
 * step is 100 ms of sound, and the end of the utterance is one more), and
 *
 *     streams=2     utterances at once
 *     word=300      ms of sound for each word
 *     text=how do i add documents | what about deleting them
 *                   what is heard; with bars: utterance after utterance, and again from the front
 *
 *     learn=0       ms that it takes each stream to learn the documents' words
 *     unlearnt=0    1: it cannot learn them
 *
 *     sum=1         instead: how many samples came, and a sum of them, in figures
 *
 * The final has all the words, also of an utterance that was too short for them; one without any sound
 * has none. Confidence is always 0.5.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "audio/pcm.h"
#include "base/mem.h"
#include "stt/driver.h"
#include "stt/pool.h"
#include "wire/script.h"

enum { STEP_MS = 100, OPEN_WAIT_MS = 2000 };

struct stt_utterance {
    struct stt_request request;
    struct script_call call;
    struct str text;
    void *slot;
    uint64_t fed;       /* samples */
    uint32_t sum;       /* of them; depends on their order too */
    struct buf figures; /* with sum=1: what is heard */
};

static struct script script;
static uint32_t streams, word_ms, sum;                                  /* const after load */
static uint32_t learn_ms, unlearnt;                                     /* const after load */
static void (*learnt)(uint32_t telling, enum err err, const char *why); /* const after load */
static atomic_bool told, leaving;
static struct buf text = BUF(STT_TEXT_MAX); /* const after load */
static struct pool *slots;                  /* const after load */

static bool is_leaving(void *)
{
    return atomic_load(&leaving);
}

static enum err make_slot(void *arg, void **ret_item)
{
    (void)arg;
    if (atomic_load(&told))
        (void)script_wait(learn_ms, is_leaving, nullptr);
    *ret_item = mem_zero(1, 1);
    return *ret_item != nullptr ? OK : ERR_NOMEM;
}

static void destroy_slot(void *arg, void *item)
{
    (void)arg;
    free(item);
}

static void all_renewed(void *, uint32_t telling)
{
    learnt(telling, unlearnt ? ERR_NOMEM : OK, unlearnt ? "as the script says" : "");
}

static enum err scripted_load(const struct stt_load *load, struct stt_loaded *ret_loaded,
                              char why[STT_WHY_BYTES])
{
    static const struct script_word words[] = {
        {"streams", .number = &streams},   {"word", .number = &word_ms},
        {"sum", .number = &sum},           {"learn", .number = &learn_ms},
        {"unlearnt", .number = &unlearnt}, {"text", .text = &text}};
    static const struct pool_maker maker = {
        .make = make_slot, .destroy = destroy_slot, .renewed = all_renewed};
    streams = 2;
    word_ms = 300;
    try(script_parse(&script, load->options, words, sizeof words / sizeof *words, why));
    if (text.n == 0)
        try(buf_add(&text, S("how do i add documents")));
    if (streams == 0 || streams > POOL_MAX || word_ms == 0)
        return ERR_INVALID;
    learnt = load->learnt;
    try(pool_create(&maker, streams, &slots));
    *ret_loaded = (struct stt_loaded){.model = "script",
                                      .languages = "en",
                                      .notes = "for tests",
                                      .rate_hz = PCM_RATE_RECOGNISE,
                                      .slots = streams};
    return OK;
}

static void scripted_unload(void)
{
    atomic_store(&leaving, true);
    pool_destroy(slots);
    buf_finish(&text);
}

static void scripted_words(struct buf words, uint32_t telling)
{
    buf_finish(&words);
    atomic_store(&told, true);
    pool_renew(slots, telling);
}

/* The text of the nth utterance, from 1. */
static struct str text_of(uint32_t nth)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == '|';
    struct str rest = buf_str(&text), piece = rest;
    for (uint32_t i = 0; i <= (nth - 1) % count; i++)
        if (!str_cut(&rest, '|', &piece))
            break;
    return str_trim(piece);
}

static void scripted_close(struct stt_utterance *u)
{
    if (u->slot != nullptr)
        pool_give(slots, u->slot, true);
    buf_finish(&u->figures);
    free(u);
}

static enum err scripted_open(const struct stt_request *request, struct stt_utterance **ret_u)
{
    struct stt_utterance *u = mem_zero(1, sizeof *u);
    if (u == nullptr)
        return ERR_NOMEM;
    u->request = *request;
    request->rest(request->arg);
    enum err err = pool_take(slots, OPEN_WAIT_MS, request->stopped, request->arg, &u->slot);
    request->resume(request->arg);
    if (err != OK) {
        scripted_close(u);
        return err;
    }
    u->call = script_begin(&script);
    u->text = text_of(u->call.number);
    *ret_u = u;
    return OK;
}

static enum err step(struct stt_utterance *u)
{
    const struct stt_request *r = &u->request;
    return script_step(&script, &u->call, r->stopped, r->arg, r->why);
}

static uint64_t steps_of(uint64_t samples)
{
    return pcm_samples_to_ms(samples, PCM_RATE_RECOGNISE) / STEP_MS;
}

static enum err scripted_feed(struct stt_utterance *u, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        u->sum = u->sum * 31 + (uint16_t)samples[i];
    uint64_t due = steps_of(u->fed + count) - steps_of(u->fed);
    u->fed += count;
    for (; due > 0; due--)
        try(step(u));
    return OK;
}

/* The bytes of the first `words` words. */
static size_t first_words(struct str s, uint64_t words)
{
    size_t n = 0;
    while (words > 0 && n < s.n) {
        n += n > 0;
        while (n < s.n && s.p[n] != ' ')
            n++;
        words--;
    }
    return n;
}

static enum err scripted_partial(struct stt_utterance *u, struct buf *into, bool *)
{
    uint64_t words = pcm_samples_to_ms(u->fed, PCM_RATE_RECOGNISE) / word_ms;
    return buf_add(into, str_sub(u->text, 0, first_words(u->text, words)));
}

static struct str scripted_settled(const struct stt_utterance *u)
{
    uint64_t words = pcm_samples_to_ms(u->fed, PCM_RATE_RECOGNISE) / word_ms;
    return sum ? S("") : str_sub(u->text, 0, first_words(u->text, words));
}

static enum err scripted_finish(struct stt_utterance *u, struct stt_result *result)
{
    try(step(u));
    if (sum) {
        u->figures = BUF(64);
        try(buf_addf(&u->figures, "%llu samples %u", (unsigned long long)u->fed, u->sum));
        u->text = buf_str(&u->figures);
    }
    struct str rest = u->text, word;
    while (u->fed > 0 && str_cut(&rest, ' ', &word)) {
        if (word.n == 0)
            continue;
        try(mem_grow((void **)&result->words, &result->words_room, result->words_n + 1,
                     sizeof *result->words));
        if (result->text.n > 0)
            try(buf_add_byte(&result->text, ' '));
        uint32_t nth = (uint32_t)result->words_n;
        result->words[result->words_n++] = (struct stt_word){.at = (uint32_t)result->text.n,
                                                             .length = (uint32_t)word.n,
                                                             .start_ms = nth * word_ms,
                                                             .end_ms = (nth + 1) * word_ms,
                                                             .confidence = 0.5f};
        try(buf_add(&result->text, word));
    }
    return OK;
}

const struct stt_driver stt_scripted = {
    .name = "scripted",
    .step_ms = 200,
    .agreeing = 3,
    .times_words = true,
    .load = scripted_load,
    .unload = scripted_unload,
    .words = scripted_words,
    .open = scripted_open,
    .feed = scripted_feed,
    .partial = scripted_partial,
    .settled = scripted_settled,
    .finish = scripted_finish,
    .close = scripted_close,
};
