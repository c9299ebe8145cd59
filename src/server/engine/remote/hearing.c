// SPDX-License-Identifier: Apache-2.0
/*
 * One utterance that a server elsewhere hears: collected, asked about when it has ended, tried again while that may
 * help, and ended in one way.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "server/engine/remote/hearing.h"
#include "wire/language_name.h"

enum {
    SHORT_MS = 100, /* nobody says a word in less */
    PROMPT_MAX = 16 * 1024,
    AGREEING = 2,
};

static void hang_up(struct remote_hearing *h)
{
    h->work.busy_until_ms = 0;
    h->way->hang_up(h);
}

static void hearing_free(struct remote_hearing *h)
{
    hang_up(h);
    remote_work_remove(&h->work);
    timer_stop(&h->timer);
    deferred_cancel(&h->say);
    remote_sound_finish(&h->sound);
    agree_finish(&h->agree);
    wyoming_words_finish(&h->words);
    struct buf *own[] = {&h->language, &h->prompt, &h->copy, &h->reply, &h->shown};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        buf_finish(own[i]);
    free(h);
}

/* --- to the job's owner, who may cancel it meanwhile --- */

static void hearing_fail(struct remote_hearing *h, enum err err, const char *sentence)
{
    struct remote *r = h->remote;
    uint32_t stream = h->work.stream;
    hearing_free(h);
    remote_send_failure(r, stream, err, sentence);
}

static void say_later(struct remote_hearing *h, enum hearing_phase phase)
{
    hang_up(h);
    timer_stop(&h->timer);
    h->phase = phase;
    deferred_call(&h->say);
}

void remote_hearing_fail_later(struct remote_hearing *h, enum err err, const char *sentence)
{
    h->err = err;
    h->sentence = sentence;
    say_later(h, FAILED);
}

static void on_say(void *arg)
{
    struct remote_hearing *h = arg;
    struct remote *r = h->remote;
    uint32_t stream = h->work.stream, audio_ms = remote_sound_ms(&h->sound);
    if (h->phase == FAILED) {
        hearing_fail(h, h->err, h->sentence);
        return;
    }
    bool is_canceled = h->phase == CANCELED;
    hearing_free(h);
    if (is_canceled)
        remote_send(r, stream, MSG_canceled, &(struct msg_canceled){});
    else
        remote_send(r, stream, MSG_stt_final, &(struct msg_stt_final){.audio_ms = audio_ms});
}

enum err remote_hearing_tell_segment(void *arg, const struct msg_stt_segment *segment)
{
    struct remote_hearing *h = arg;
    if (h->phase == ASKING)
        remote_send(h->remote, h->work.stream, MSG_stt_segment, segment);
    return h->phase == ASKING ? OK : ERR_CANCELED;
}

/* --- the final --- */

/* The longer the recording, the longer it takes. */
uint64_t remote_hearing_left_ms(const struct remote_hearing *h)
{
    uint64_t most = (uint64_t)h->remote->reply_ms + remote_sound_ms(&h->sound);
    uint64_t waited = (clock_us() - h->ended_us) / 1000;
    return waited < most ? most - waited : 0;
}

void remote_hearing_ask(struct remote_hearing *h)
{
    h->phase = ASKING;
    timer_start(&h->timer, remote_hearing_left_ms(h));
    h->way->ask(h);
}

void remote_hearing_try_again(struct remote_hearing *h, struct verdict v, uint32_t retry_after_s)
{
    uint32_t pause_ms = h->tries < h->way->tries_max ? verdict_pause_ms(v, h->tries, retry_after_s,
                                                                        remote_hearing_left_ms(h))
                                                     : 0;
    if (!pause_ms) {
        hearing_fail(h, v.err, v.sentence);
        return;
    }
    hang_up(h);
    h->phase = PAUSING;
    timer_start(&h->timer, pause_ms);
}

/* The owner hears it when h is gone, as he may begin another one. */
void remote_hearing_answer(struct remote_hearing *h, struct str text, struct str language,
                           uint64_t took_us)
{
    struct remote *r = h->remote;
    const struct msg_stt_final final = {.text = text,
                                        .audio_ms = remote_sound_ms(&h->sound),
                                        .compute_us = took_us,
                                        .language =
                                            language.n ? language : remote_hearing_language(h)};
    uint32_t stream = h->work.stream;
    r->is_proven = true;
    hearing_free(h);
    remote_send(r, stream, MSG_stt_final, &final);
}

static void on_timer(void *arg)
{
    struct remote_hearing *h = arg;
    if (h->phase == PAUSING)
        remote_hearing_ask(h);
    else
        h->way->late(h);
}

/* What is found out by itself is not asked for: servers know no language "auto". */
struct str remote_hearing_language(const struct remote_hearing *h)
{
    return language_code(buf_str(&h->language));
}

/* --- from the job's owner --- */

static enum err begin(struct remote_hearing *h, const struct msg_stt_open *wish)
{
    h->wish = *wish;
    h->wish.language = h->wish.prompt = (struct str){}; /* they are gone after this */
    if (wish->endpoint)
        return ERR_UNSUPPORTED; /* the server finds where speech ends */
    if (!(wish->temperature >= 0 && wish->temperature <= 1))
        h->wish.temperature = 0;
    try(buf_add(&h->language, wish->language));
    try(buf_add(&h->prompt, wish->prompt));
    return remote_sound_init(&h->sound, wish->rate_hz);
}

static void open_hearing(struct remote *r, uint32_t stream, const struct msg_stt_open *wish)
{
    struct remote_hearing *h = mem_zero(1, sizeof *h);
    if (!h) {
        deferred_call(&r->orphans);
        return;
    }
    h->remote = r;
    h->way = r->role->way;
    h->language = BUF(WIRE_PAYLOAD_MAX);
    h->prompt = BUF(PROMPT_MAX);
    h->reply = BUF(REMOTE_TRANSCRIPT_BODY_MAX);
    h->shown = BUF(REMOTE_TRANSCRIPT_MAX + 1);
    wyoming_words_init(&h->words);
    agree_init(&h->agree, AGREEING, REMOTE_TRANSCRIPT_MAX + 1);
    timer_init(&h->timer, r->engine->loop, on_timer, h);
    deferred_init(&h->say, r->engine->loop, on_say, h);
    remote_work_add(r, &h->work, stream);
    enum err err = begin(h, wish);
    if (err == OK)
        h->way->begin(h);
    else
        remote_hearing_fail_later(h, err, err_text(err));
}

static void add_sound(struct remote_hearing *h, struct str samples)
{
    enum err err = remote_sound_add(&h->sound, samples);
    if (err == OK)
        h->way->more(h);
    else
        remote_hearing_fail_later(
            h, err,
            err == ERR_TOOBIG ? verdict_of_status(REMOTE_STT, 413, err).sentence : err_text(err));
}

static void finish(struct remote_hearing *h)
{
    h->ended_us = clock_us();
    h->way->end(h);
    enum err err = remote_sound_end(&h->sound);
    if (err != OK)
        remote_hearing_fail_later(h, err, err_text(err));
    else if (!h->sound.is_loud || remote_sound_ms(&h->sound) < SHORT_MS)
        say_later(h, UNHEARD);
    else
        remote_hearing_ask(h);
}

static void take(struct remote *r, const struct frame *f, const union msg *msg)
{
    if (f->type == MSG_stt_open) {
        open_hearing(r, f->stream, &msg->stt_open);
        return;
    }
    struct remote_hearing *h = (struct remote_hearing *)remote_work_find(r, f->stream);
    if (!h)
        return;
    if (f->type == MSG_cancel)
        say_later(h, CANCELED);
    else if (h->phase == COLLECTING && f->type == MSG_audio)
        add_sound(h, msg->audio.samples);
    else if (h->phase == COLLECTING && f->type == MSG_stt_finish)
        finish(h);
}

static void free_work(struct remote_work *w)
{
    hearing_free((struct remote_hearing *)w);
}

const struct remote_role remote_stt = {
    .kind = REMOTE_STT,
    .name = "stt",
    .server = "recogniser's server",
    .path = "/audio/transcriptions",
    .or_path = "/audio/translations",
    .task = "automatic-speech-recognition",
    .take = take,
    .free_work = free_work,
    .asking = &remote_asking_models,
    .way = &hearing_http,
};

const struct remote_role remote_wyoming = {
    .kind = REMOTE_STT,
    .name = "stt",
    .server = "recogniser's server",
    .take = take,
    .free_work = free_work,
    .asking = &remote_asking_wyoming,
    .way = &hearing_wyoming,
};
