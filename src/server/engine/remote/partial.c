// SPDX-License-Identifier: Apache-2.0
/* What was said so far, asked of the server elsewhere as often as it can tell. */
#include "base/clock.h"
#include "server/engine/remote/hearing.h"

enum {
    LATE_MS = 2500,         /* who takes so long for what he hears is not asked for partials */
    PARTIAL_MAX_MS = 60000, /* of an utterance: longer ones are not sent again and again */
};
const char remote_partial_too_slow[] = "the recogniser's server cannot tell what is said in time";

/* They fail, or cost the server more than it has. */
static bool tells_none(const struct remote_hearing *h)
{
    bool hangs = h->fetch && clock_us() - h->asked_us > LATE_MS * 1000;
    return h->gives_up || hangs || h->remote->took_us > LATE_MS * 1000 ||
           remote_sound_ms(&h->sound) > PARTIAL_MAX_MS;
}

bool remote_partial_is_wanted(const struct remote_hearing *h)
{
    return h->wish.partials == PARTIALS_CHANGES || h->wish.partials == PARTIALS_PROGRESS;
}

/* When half as much again has come as it took to hear what there was, which is never more than the server can do. */
void remote_partial_ask(struct remote_hearing *h)
{
    uint64_t step = h->remote->took_us / 1000 * 3 / 2;
    uint32_t ms = remote_sound_ms(&h->sound);
    if (!remote_partial_is_wanted(h) || !h->sound.is_loud)
        return;
    if (tells_none(h)) {
        if (h->wish.partials == PARTIALS_PROGRESS) { /* who waits for them can do without */
            remote_partial_end(h);
            remote_hearing_fail_later(h, ERR_ENGINE, remote_partial_too_slow);
        }
        return;
    }
    if (h->fetch ||
        ms - h->asked_ms < (step > REMOTE_PARTIAL_STEP_MS ? step : REMOTE_PARTIAL_STEP_MS))
        return;
    const struct remote_sound_ask what = remote_hearing_question(h);
    h->asked_ms = ms;
    if (remote_sound_copy(&h->sound, &what, &h->copy) != OK ||
        remote_hearing_start(h, buf_str(&h->copy)) != OK)
        h->gives_up = true; /* the final is what counts */
}

/* One that is late says how busy the server is. */
void remote_partial_end(struct remote_hearing *h)
{
    uint64_t waits_us = h->fetch ? clock_us() - h->asked_us : 0;
    if (waits_us > h->remote->took_us)
        h->remote->took_us = waits_us;
    h->way->hang_up(h);
    buf_finish(&h->copy);
}

enum err remote_partial_show(struct remote_hearing *h, struct str words, uint32_t audio_ms)
{
    struct str text;
    size_t stable;
    try(agree_next(&h->agree, words, true, &text, &stable));
    bool is_same = str_eq(text, buf_str(&h->shown)) && stable == h->stable;
    if (h->wish.partials != PARTIALS_PROGRESS && (!text.n || is_same))
        return OK;
    buf_clear(&h->shown);
    try(buf_add(&h->shown, text));
    h->stable = stable;
    remote_send(h->remote, h->work.stream, MSG_stt_partial,
                &(struct msg_stt_partial){.text = buf_str(&h->shown),
                                          .stable_bytes = (uint32_t)stable,
                                          .audio_ms = audio_ms});
    return OK;
}

void remote_partial_hear(struct remote_hearing *h, const struct fetch_result *result)
{
    struct remote_transcript t = {};
    bool is_answer = result->err == OK && result->status == 200 &&
                     remote_transcript_read(buf_str(&h->reply), &t) == OK;
    buf_clear(&h->reply);
    buf_finish(&h->copy);
    if (!is_answer) {
        h->gives_up = true;
        if (result->err == ERR_NOTFOUND || result->err == ERR_CLOSED)
            remote_look(h->remote);
        return;
    }
    h->remote->took_us = clock_us() - h->asked_us;
    if (remote_partial_show(h, buf_str(&t.text), h->asked_ms) != OK)
        h->gives_up = true;
    remote_transcript_finish(&t);
}
