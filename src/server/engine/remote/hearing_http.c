// SPDX-License-Identifier: Apache-2.0
/* An utterance as one request by HTTP: a recording is posted, and its words are answered. */
#include "base/clock.h"
#include "base/log.h"
#include "server/engine/remote/hearing.h"

enum {
    REFUSAL_MAX = 64 * 1024,
    USUAL_MS = 30000, /* of an utterance: how long a longer one took says nothing about others */
};

static void hang_up(struct remote_hearing *h)
{
    h->work.busy_until_ms = 0;
    fetch_cancel(h->fetch);
    h->fetch = nullptr;
    buf_clear(&h->reply);
}

/* More than the text costs some servers more time, so it is asked for where it is of use. */
static void ask(struct remote_hearing *h)
{
    struct remote_sound_ask what = remote_hearing_question(h);
    bool is_open = !what.language.n && !h->wish.translate;
    what.verbose = !h->remote->tells_text_alone && !h->asks_text_alone &&
                   (is_open || h->wish.segments != SEGMENTS_NONE);
    what.times_words = what.verbose && h->wish.segments == SEGMENTS_TIMED;
    h->asked_verbose = what.verbose;
    h->tries++;
    enum err err = remote_sound_ask(&h->sound, &what);
    if (err == OK)
        err = remote_hearing_start(h, buf_str(&h->sound.body));
    if (err != OK)
        remote_hearing_fail_later(h, err, err_text(err));
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
    remote_hearing_try_again(h, v, 0);
}

/* Not every server has verbose_json, and none says so in the same way. That it was this is known once it has heard the
 * same recording without. */
static bool ask_for_text_alone(struct remote_hearing *h, int status)
{
    if (!h->asked_verbose || (status != 400 && status != 422) || h->tries >= VERDICT_TRIES_MAX)
        return false;
    h->asks_text_alone = true;
    hang_up(h);
    remote_hearing_ask(h);
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
    remote_hearing_try_again(h, v, result->retry_after_s);
}

static enum err tell_segments(struct remote_hearing *h, const struct remote_transcript *t)
{
    const struct remote_transcript_wish wish = {.audio_ms = remote_sound_ms(&h->sound),
                                                .needs_times = h->wish.segments == SEGMENTS_TIMED};
    return h->wish.segments == SEGMENTS_NONE
               ? OK
               : remote_transcript_tell(t, &wish, remote_hearing_tell_segment, h);
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
        uint64_t took_us = clock_us() - h->asked_us;
        r->tells_text_alone = r->tells_text_alone || h->asks_text_alone;
        if (remote_sound_ms(&h->sound) <= USUAL_MS)
            r->took_us = took_us;
        remote_hearing_answer(h, buf_str(&t.text), remote_transcript_language(&t), took_us);
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
    hang_up(h);
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

/* --- the way --- */

static void begin(struct remote_hearing *) {} /* it is asked when there is something to ask */

static void late(struct remote_hearing *h)
{
    broke(h, ERR_LATE, ""); /* which ends it: it is not tried again */
}

const struct hearing_way hearing_http = {
    .tries_max = VERDICT_TRIES_MAX,
    .begin = begin,
    .more = remote_partial_ask,
    .end = remote_partial_end,
    .ask = ask,
    .late = late,
    .hang_up = hang_up,
};
