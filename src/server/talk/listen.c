// SPDX-License-Identifier: Apache-2.0
/* Sound to words: the recogniser's side of a turn. */
#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "server/talk/samples.h"
#include "server/talk/turn_parts.h"
#include "wire/partials.h"

static bool is_tag(struct str language)
{
    for (size_t i = 0; i < language.n; i++) {
        char c = language.p[i], low = c | 0x20;
        if ((low < 'a' || low > 'z') && (c < '0' || c > '9') && c != '-')
            return false;
    }
    return language.n < SESSION_LANGUAGE_BYTES;
}

/* A tag and nothing else, since it goes into what the language model is told. */
static void keep_language(struct turn *t, struct str language)
{
    language = is_tag(language) ? language : S("");
    snprintf(t->language, sizeof t->language, "%.*s", STR_FMT(language));
    memcpy(t->session->language, t->language, sizeof t->language);
}

static void on_final(struct turn *t, struct str text)
{
    waterfall_close(&t->waterfall, STAGE_TRANSCRIBE, clock_us());
    text = str_trim(text);
    enum err err = t->question.n > 0 && text.n > 0 ? buf_add_byte(&t->question, ' ') : OK;
    if (err == OK)
        err = buf_add(&t->question, text);
    if (err != OK) {
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
        return;
    }
    text = buf_str(&t->question);
    if (t->sink)
        t->sink->final(t->arg, t, text);
    if (t->state == TURN_FINALISING)
        turn_move(t, text.n ? MOVE_WORDS : MOVE_SILENCE);
}

/* The same words again only tell how far they reach. */
static void on_partial(struct turn *t, const struct msg_stt_partial *p)
{
    t->decoded_ms = p->audio_ms;
    bool is_same = str_eq(p->text, buf_str(&t->partial)) && p->stable_bytes == t->partial_stable;
    if (is_same || (p->text.n == 0 && t->partial.n == 0))
        return;
    buf_clear(&t->partial);
    (void)buf_add(&t->partial, p->text); /* without memory for it they are told again */
    t->partial_stable = p->stable_bytes;
    t->sink->partial(t->arg, t, p->text, p->stable_bytes);
    if (t->state <= TURN_FINALISING)
        ahead_hear(t, p->text);
}

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct turn *t = arg;
    if (type == MSG_stt_partial && t->sink && t->state <= TURN_FINALISING) {
        on_partial(t, &msg->stt_partial);
    } else if (type == MSG_stt_final && t->state == TURN_FINALISING) {
        keep_language(t, msg->stt_final.language);
        on_final(t, msg->stt_final.text);
    }
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct turn *t = arg;
    t->stt = nullptr;
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, text);
    else if (t->state <= TURN_FINALISING)
        turn_end_with(t, MOVE_FAIL, ERR_ENGINE, "the recogniser stopped in mid-sentence");
}

enum err listen_begin(struct turn *t)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    try(engine_open(t->talk->stt, &events, t, &t->stt));
    /* A recogniser elsewhere is not asked for more than it would say anyway. */
    const bool tells_progress = t->talk->conf->turn_ahead && t->talk->reply_ms == 0;
    const struct msg_stt_open open = {
        .rate_hz = t->in_rate_hz,
        .adapt = t->talk->conf->stt_adapt && t->use_rag,
        .partials = tells_progress ? PARTIALS_PROGRESS : PARTIALS_CHANGES,
        .language = str_of(t->talk->conf->language),
    };
    enum err err = job_send(t->stt, MSG_stt_open, &open);
    if (err != OK)
        listen_drop(t);
    return err;
}

enum err turn_audio(struct turn *t, const int16_t *samples, size_t count)
{
    if (t->state != TURN_LISTENING || !t->stt)
        return OK;
    return samples_send(t->stt, samples, count);
}

uint32_t turn_decoded_ms(const struct turn *t)
{
    return t->decoded_ms;
}

size_t turn_backlog(const struct turn *t)
{
    return t->stt ? job_backlog(t->stt) : 0;
}

void listen_stop(struct turn *t)
{
    const struct msg_stt_finish finish = {};
    enum err err = t->stt ? job_send(t->stt, MSG_stt_finish, &finish) : ERR_ENGINE;
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
}

void listen_drop(struct turn *t)
{
    job_cancel(t->stt);
    t->stt = nullptr;
}
