// SPDX-License-Identifier: Apache-2.0
/*
 * One utterance that a server elsewhere hears: collected, asked about when it has ended, tried again while that may
 * help, and ended in one way.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/engine/remote/hearing.h"
#include "wire/language_name.h"

enum {
    SHORT_MS = 100, /* nobody says a word in less */
    REFUSAL_MAX = 64 * 1024,
    PROMPT_MAX = 16 * 1024,
    AGREEING = 2,
    USUAL_MS = 30000, /* of an utterance: how long a longer one took says nothing about others */
};
enum { SEGMENTS_NONE, SEGMENTS_WANTED, SEGMENTS_TIMED }; /* as stt_open has it */

void remote_hearing_hang_up(struct remote_hearing *h)
{
    h->work.busy_until_ms = 0;
    fetch_cancel(h->fetch);
    h->fetch = nullptr;
    buf_clear(&h->reply);
}

static void hearing_free(struct remote_hearing *h)
{
    remote_hearing_hang_up(h);
    remote_work_remove(&h->work);
    timer_stop(&h->timer);
    deferred_cancel(&h->say);
    remote_sound_finish(&h->sound);
    agree_finish(&h->agree);
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
    remote_hearing_hang_up(h);
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

static enum err send_segment(void *arg, const struct msg_stt_segment *segment)
{
    struct remote_hearing *h = arg;
    if (h->phase == ASKING)
        remote_send(h->remote, h->work.stream, MSG_stt_segment, segment);
    return h->phase == ASKING ? OK : ERR_CANCELED;
}

/* --- the final --- */

/* Until the words are late. The longer the recording, the longer it takes. */
static uint64_t left_ms(const struct remote_hearing *h)
{
    uint64_t most = (uint64_t)h->remote->reply_ms + remote_sound_ms(&h->sound);
    uint64_t waited = (clock_us() - h->ended_us) / 1000;
    return waited < most ? most - waited : 0;
}

/* From inside of a write, too. More than the text costs some servers more time, so it is asked for where it is of use. */
static void ask(struct remote_hearing *h)
{
    struct remote_sound_ask what = remote_hearing_question(h);
    bool is_open = !what.language.n && !h->wish.translate;
    what.verbose = !h->remote->tells_text_alone && !h->asks_text_alone &&
                   (is_open || h->wish.segments != SEGMENTS_NONE);
    what.times_words = what.verbose && h->wish.segments == SEGMENTS_TIMED;
    h->asked_verbose = what.verbose;
    h->phase = ASKING;
    h->tries++;
    timer_start(&h->timer, left_ms(h));
    enum err err = remote_sound_ask(&h->sound, &what);
    if (err == OK)
        err = remote_hearing_start(h, buf_str(&h->sound.body));
    if (err != OK)
        remote_hearing_fail_later(h, err, err_text(err));
}

static void try_again_or_fail(struct remote_hearing *h, struct verdict v, uint32_t retry_after_s)
{
    uint32_t pause_ms = verdict_pause_ms(v, h->tries, retry_after_s, left_ms(h));
    if (!pause_ms) {
        hearing_fail(h, v.err, v.sentence);
        return;
    }
    remote_hearing_hang_up(h);
    h->phase = PAUSING;
    timer_start(&h->timer, pause_ms);
}

static void broke(struct remote_hearing *h, enum err err, const char *why)
{
    struct verdict v = verdict_of_err(REMOTE_STT, err, h->reply.n > 0);
    char said[REMOTE_SAID_BYTES] = "";
    if (err == ERR_SYNTAX) /* it may have told of a failure in place of words */
        (void)!remote_refusal_read(buf_str(&h->reply), str_of(h->remote->key), said);
    log_warn("recogniser: %s%s%s%s", v.sentence, why[0] || said[0] ? ": " : "", why, said);
    if (err == ERR_NOTFOUND || err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_LATE)
        remote_look(h->remote);
    v.passes = v.passes && !h->reply.n; /* what has begun to come may be too much for it */
    try_again_or_fail(h, v, 0);
}

/* Not every server has verbose_json, and none says so in the same way. That it was this is known once it has heard the
 * same recording without. */
static bool ask_for_text_alone(struct remote_hearing *h, int status)
{
    if (!h->asked_verbose || (status != 400 && status != 422) || h->tries >= VERDICT_TRIES_MAX)
        return false;
    h->asks_text_alone = true;
    remote_hearing_hang_up(h);
    ask(h);
    return true;
}

static void refused(struct remote_hearing *h, const struct fetch_result *result)
{
    char said[REMOTE_SAID_BYTES];
    enum err err = remote_refusal_read(buf_str(&h->reply), str_of(h->remote->key), said);
    if (ask_for_text_alone(h, result->status))
        return;
    struct verdict v = verdict_of_status(REMOTE_STT, result->status, err);
    bool is_nowhere = result->status == 404 || result->status == 405;
    if (h->wish.translate && is_nowhere)
        v = (struct verdict){ERR_UNSUPPORTED, "the recogniser's server translates nothing", false};
    log_warn("recogniser: %s (HTTP %d)%s%s", v.sentence, result->status, said[0] ? ": " : "", said);
    if (is_nowhere && !h->wish.translate)
        remote_look_for_path(h->remote, result->status);
    else if (result->status != 429 && result->status != 413)
        remote_look(h->remote);
    try_again_or_fail(h, v, result->retry_after_s);
}

static enum err tell_segments(struct remote_hearing *h, const struct remote_transcript *t)
{
    const struct remote_transcript_wish wish = {.audio_ms = remote_sound_ms(&h->sound),
                                                .needs_times = h->wish.segments == SEGMENTS_TIMED};
    return h->wish.segments == SEGMENTS_NONE ? OK
                                             : remote_transcript_tell(t, &wish, send_segment, h);
}

static void on_answered(struct remote_hearing *h)
{
    struct remote *r = h->remote;
    struct remote_transcript t = {};
    enum err err = h->reply.n ? remote_transcript_read(buf_str(&h->reply), &t) : ERR_CLOSED;
    if (err == OK)
        err = tell_segments(h, &t);
    if (h->phase == ASKING && err != OK) {
        broke(h, err, "");
    } else if (h->phase == ASKING) {
        struct str heard = remote_transcript_language(&t);
        uint64_t took_us = clock_us() - h->asked_us;
        const struct msg_stt_final final = {.text = buf_str(&t.text),
                                            .audio_ms = remote_sound_ms(&h->sound),
                                            .compute_us = took_us,
                                            .language =
                                                heard.n ? heard : remote_hearing_language(h)};
        uint32_t stream = h->work.stream;
        r->is_proven = true;
        r->tells_text_alone = r->tells_text_alone || h->asks_text_alone;
        if (final.audio_ms <= USUAL_MS)
            r->took_us = took_us;
        hearing_free(h);
        remote_send(r, stream, MSG_stt_final, &final);
    }
    remote_transcript_finish(&t);
}

/* --- what comes --- */

static void on_body(void *arg, struct str bytes)
{
    struct remote_hearing *h = arg;
    h->remote->is_heard = true;
    bool is_answer = fetch_status(h->fetch) == 200;
    size_t most = is_answer ? REMOTE_TRANSCRIPT_BODY_MAX : REFUSAL_MAX;
    enum err err = bytes.n > most - h->reply.n ? ERR_TOOBIG : buf_add(&h->reply, bytes);
    if (err == OK || !is_answer)
        return;
    remote_hearing_hang_up(h);
    if (h->phase == ASKING)
        broke(h, err, "");
    else
        h->gives_up = true;
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct remote_hearing *h = arg;
    h->fetch = nullptr;
    h->work.busy_until_ms = 0;
    if (h->phase == COLLECTING)
        remote_partial_hear(h, result);
    else if (result->err != OK)
        broke(h, result->err, result->why);
    else if (result->status == 200)
        on_answered(h);
    else
        refused(h, result);
}

static void on_timer(void *arg)
{
    struct remote_hearing *h = arg;
    if (h->phase == PAUSING) {
        ask(h);
    } else {
        broke(h, ERR_LATE, ""); /* which ends it: it is not tried again */
    }
}

/* What is found out by itself is not asked for: servers know no language "auto". */
struct str remote_hearing_language(const struct remote_hearing *h)
{
    return language_code(buf_str(&h->language));
}

enum err remote_hearing_start(struct remote_hearing *h, struct str body)
{
    static const struct fetch_events events = {.body = on_body, .done = on_done};
    struct remote *r = h->remote;
    const struct fetch_request request = {.url = h->wish.translate ? r->or_url : r->ask_url,
                                          .key = r->key,
                                          .body = body,
                                          .type = h->sound.type,
                                          .connect_ms = r->connect_ms,
                                          .is_fresh = h->tries > 1};
    h->asked_us = clock_us();
    try(fetch_start(r->fetcher, &request, &events, h, &h->fetch));
    /* Half of the time in which it is given up. */
    h->work.busy_until_ms = clock_ms() + r->reply_ms / 2 + remote_sound_ms(&h->sound);
    return OK;
}

struct remote_sound_ask remote_hearing_question(const struct remote_hearing *h)
{
    return (struct remote_sound_ask){.model = str_of(h->remote->engine->ready_model),
                                     .language = remote_hearing_language(h),
                                     .prompt = buf_str(&h->prompt),
                                     .temperature = h->wish.temperature};
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
    h->language = BUF(WIRE_PAYLOAD_MAX);
    h->prompt = BUF(PROMPT_MAX);
    h->reply = BUF(REMOTE_TRANSCRIPT_BODY_MAX);
    h->shown = BUF(REMOTE_TRANSCRIPT_MAX + 1);
    agree_init(&h->agree, AGREEING, REMOTE_TRANSCRIPT_MAX + 1);
    timer_init(&h->timer, r->engine->loop, on_timer, h);
    deferred_init(&h->say, r->engine->loop, on_say, h);
    remote_work_add(r, &h->work, stream);
    enum err err = begin(h, wish);
    if (err != OK)
        remote_hearing_fail_later(h, err, err_text(err));
}

static void add_sound(struct remote_hearing *h, struct str samples)
{
    enum err err = remote_sound_add(&h->sound, samples);
    if (err == OK)
        remote_partial_ask(h);
    else
        remote_hearing_fail_later(
            h, err,
            err == ERR_TOOBIG ? verdict_of_status(REMOTE_STT, 413, err).sentence : err_text(err));
}

static void finish(struct remote_hearing *h)
{
    h->ended_us = clock_us();
    remote_partial_end(h);
    enum err err = remote_sound_end(&h->sound);
    if (err != OK)
        remote_hearing_fail_later(h, err, err_text(err));
    else if (!h->sound.is_loud || remote_sound_ms(&h->sound) < SHORT_MS)
        say_later(h, UNHEARD);
    else
        ask(h);
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
};
