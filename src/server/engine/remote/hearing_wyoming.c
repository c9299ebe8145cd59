// SPDX-License-Identifier: Apache-2.0
/*
 * An utterance over Wyoming: its connection is made when somebody begins to speak, and the sound leaves as it comes, so that
 * the server has it when he ends. Words that the server tells before are his partials. A connection that breaks while
 * he speaks is nobody's trouble yet: the sound is kept, and all of it is sent by another one when he has ended.
 */
#include "base/clock.h"
#include "base/log.h"
#include "server/engine/remote/hearing.h"

enum {
    TRIES_MAX = 2,         /* connections of an utterance */
    CHUNK_MIN = 2048,      /* bytes of sound in an event, but for the last one: 64 ms */
    CHUNK_MAX = 16 * 1024, /* half a second */
    QUEUED_MAX =
        64 * 1024, /* for a server that does not read; more than the socket's low-water mark */
    EVENT_MAX = 1024,
    SILENT_MAX_MS = 1200, /* of sound without a word: who barges in is judged by other means then */
};
static const char format[] = "{\"rate\":16000,\"width\":2,\"channels\":1}";
static_assert(PCM_RATE_RECOGNISE == 16000);

static void hang_up(struct remote_hearing *h)
{
    wyoming_line_close(&h->line);
    h->has_news = false;
}

/* --- what goes wrong --- */

static void look_for(struct remote *r, enum err err)
{
    if (err == ERR_NOTFOUND || err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_LATE)
        remote_look(r);
}

/* h may be gone. Not from inside of a write. */
static void broke(struct remote_hearing *h, enum err err, const char *why)
{
    struct remote *r = h->remote;
    struct verdict v = err == ERR_BUSY ? verdict_of_status(REMOTE_STT, 429, OK)
                                       : verdict_of_err(REMOTE_STT, err, h->was_answered);
    bool is_speaking = h->phase == COLLECTING;
    hang_up(h);
    log_warn("recogniser: %s%s%s%s", v.sentence, why[0] ? ": " : "", why,
             is_speaking ? "; it is asked anew when the speaker has ended" : "");
    if (!is_speaking) {
        v.passes = v.passes && !h->was_answered;
        remote_hearing_try_again(h, v, 0);
    } else if (h->wish.partials == PARTIALS_PROGRESS) { /* who waits for them can do without */
        remote_hearing_fail_later(h, v.err, v.sentence);
    }
    look_for(r, err);
}

/* --- to the server --- */

static enum err begin_sound(struct remote_hearing *h)
{
    autobuf data = BUF(EVENT_MAX);
    struct json_out j = {.to = &data};
    struct str model = str_of(h->remote->engine->model), language = remote_hearing_language(h);
    json_obj(&j);
    if (model.n)
        json_kstr(&j, "name", model);
    if (language.n)
        json_kstr(&j, "language", language);
    json_end(&j);
    try(json_finish(&j));
    try(wyoming_line_send(&h->line, "transcribe", buf_str(&data), S("")));
    return wyoming_line_send(&h->line, "audio-start", str_of(format), S(""));
}

/* As much as there is, and as the server takes. */
static enum err send_sound(struct remote_hearing *h)
{
    bool is_all = h->phase == ASKING;
    if (!h->has_begun)
        try(begin_sound(h));
    h->has_begun = true;
    for (;;) {
        struct str rest = str_sub(remote_sound_samples(&h->sound), h->sent, SIZE_MAX);
        struct str piece = str_sub(rest, 0, CHUNK_MAX);
        if (wyoming_line_queued(&h->line) > QUEUED_MAX || piece.n < (is_all ? 1 : CHUNK_MIN))
            break;
        try(wyoming_line_send(&h->line, "audio-chunk", str_of(format), piece));
        h->sent += piece.n;
    }
    bool is_over = is_all && !h->has_stopped && h->sent == remote_sound_samples(&h->sound).n;
    if (is_over)
        try(wyoming_line_send(&h->line, "audio-stop", S(""), S("")));
    h->has_stopped = h->has_stopped || is_over;
    return OK;
}

/* Also from inside of a write. What nothing can be heard of is not sent. */
static void go_on(struct remote_hearing *h)
{
    if (!wyoming_line_is_open(&h->line) || h->has_stopped || !h->sound.is_loud)
        return;
    enum err err = send_sound(h);
    if (err == OK)
        return;
    if (h->phase == ASKING)
        remote_hearing_fail_later(h, err, err_text(err));
    else
        hang_up(h); /* there may be memory for the next one */
}

/* --- from the server --- */

/* Words say not how far the server has heard: no further, than it had been sent when it told the ones before. */
static void show_news(struct remote_hearing *h)
{
    uint32_t heard_ms = h->heard_ms;
    h->heard_ms = (uint32_t)pcm_samples_to_ms(h->sent / sizeof(int16_t), PCM_RATE_RECOGNISE);
    h->shown_ms = remote_sound_ms(&h->sound);
    h->has_shown = true;
    h->has_news = false;
    autobuf words = BUF(REMOTE_TRANSCRIPT_MAX);
    enum err err = wyoming_words_so_far(&h->words, &words);
    if (err == OK)
        err = remote_partial_show(h, buf_str(&words), heard_ms);
    if (err != OK)
        log_debug("recogniser: a partial is left out: %s", err_text(err));
}

/* The first at once; then the latest of what has come, however small its pieces are. */
static void show_when_due(struct remote_hearing *h)
{
    bool is_due =
        !h->has_shown || remote_sound_ms(&h->sound) - h->shown_ms >= REMOTE_PARTIAL_STEP_MS;
    if (h->has_news && is_due && h->phase == COLLECTING && remote_partial_is_wanted(h))
        show_news(h);
}

static void answer(struct remote_hearing *h)
{
    struct wyoming_words words = h->words;
    uint64_t took_us = clock_us() - h->ended_us;
    const struct msg_stt_segment whole = {.end_ms = remote_sound_ms(&h->sound),
                                          .text = buf_str(&words.text)};
    wyoming_words_init(&h->words); /* they outlive h */
    bool is_wanted = h->wish.segments != SEGMENTS_NONE && words.text.n;
    if (!is_wanted || remote_hearing_tell_segment(h, &whole) == OK)
        remote_hearing_answer(h, whole.text, str_of(words.language), took_us);
    wyoming_words_finish(&words);
}

static void on_opened(void *arg)
{
    go_on(arg);
}

/* It is asked for when all sound has left, and not before. */
static void on_event(void *arg, const struct wyoming_event *event)
{
    struct remote_hearing *h = arg;
    h->remote->is_heard = true;
    enum err err = wyoming_words_take(&h->words, event);
    if (err == OK && h->words.is_whole && (!h->has_stopped || wyoming_line_queued(&h->line)))
        err = ERR_CONFLICT;
    if (str_eq(event->type, S("transcript-chunk"))) {
        h->has_news = true;
        h->told_ms = remote_sound_ms(&h->sound);
        h->was_answered = h->was_answered || h->has_stopped;
    }
    if (err != OK)
        broke(h, err, h->words.said);
    else if (h->words.is_whole)
        answer(h);
}

static void on_read(void *arg)
{
    struct remote_hearing *h = arg;
    h->remote->is_heard = true;
    h->was_answered = h->was_answered || (h->has_stopped && wyoming_line_is_within(&h->line));
    show_when_due(h);
}

static void on_drained(void *arg)
{
    go_on(arg);
}

static void on_ended(void *arg, enum err err, const char *why)
{
    broke(arg, err, why);
}

/* --- the way --- */

static enum err call(struct remote_hearing *h)
{
    static const struct wyoming_line_events events = {.opened = on_opened,
                                                      .event = on_event,
                                                      .read = on_read,
                                                      .drained = on_drained,
                                                      .ended = on_ended};
    wyoming_words_finish(&h->words);
    wyoming_words_init(&h->words);
    h->sent = 0;
    h->has_begun = h->has_stopped = h->was_answered = h->has_news = false;
    enum err err = wyoming_line_open(&h->line, h->remote, h->remote->connect_ms, &events, h);
    h->tries += err == OK; /* what could not be begun was no try of the server's */
    return err;
}

/* What the protocol cannot carry is refused at once. */
static void begin(struct remote_hearing *h)
{
    struct verdict untimed = verdict_of_err(REMOTE_STT, ERR_INVALID, false);
    if (h->wish.translate)
        remote_hearing_fail_later(h, ERR_UNSUPPORTED, "the recogniser's server translates nothing");
    else if (h->wish.segments == SEGMENTS_TIMED)
        remote_hearing_fail_later(h, untimed.err, untimed.sentence);
    else if (h->wish.partials == PARTIALS_PROGRESS && !h->remote->tells_partials)
        remote_hearing_fail_later(h, ERR_ENGINE,
                                  "the recogniser's server tells no words before the end");
    else
        (void)!call(h); /* it is tried again when there is all of the sound */
}

/* A server that tells words only once they are settled, or hangs, or cannot be reached, is of no use to who has to decide
 * by them, whatever its info says. */
static void more(struct remote_hearing *h)
{
    uint32_t ms = remote_sound_ms(&h->sound);
    if (!h->sound.is_loud)
        h->told_ms = ms; /* there was nothing to tell */
    if (h->wish.partials == PARTIALS_PROGRESS && ms - h->told_ms > SILENT_MAX_MS) {
        remote_hearing_fail_later(h, ERR_ENGINE, remote_partial_too_slow);
        return;
    }
    show_when_due(h);
    go_on(h);
}

static void end(struct remote_hearing *) {} /* what was sent is of use */

static void ask(struct remote_hearing *h)
{
    struct remote *r = h->remote;
    h->work.busy_until_ms = clock_ms() + r->reply_ms / 2 + remote_sound_ms(&h->sound);
    bool is_there = h->line.dial || h->line.sock;
    enum err err = is_there ? OK : call(h);
    if (err != OK)
        remote_hearing_fail_later(h, err, err_text(err));
    else
        go_on(h);
}

static void late(struct remote_hearing *h)
{
    broke(h, ERR_LATE, ""); /* which ends it */
}

const struct hearing_way hearing_wyoming = {
    .tries_max = TRIES_MAX,
    .begin = begin,
    .more = more,
    .end = end,
    .ask = ask,
    .late = late,
    .hang_up = hang_up,
};
