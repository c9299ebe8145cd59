// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "server/talk/conversation_parts.h"

/* --- what turns say --- */

static void on_partial(void *arg, struct turn *t, struct str text, size_t stable)
{
    struct conversation *c = arg;
    if (c->wishes.hands_free)
        hands_free_partial(c, text);
    c->events->turn.partial(c->arg, t, text, stable);
}

static void on_final(void *arg, struct turn *t, struct str text)
{
    struct conversation *c = arg;
    c->events->turn.final(c->arg, t, text);
}

static void on_citation(void *arg, struct turn *t, uint32_t index, const struct rag_hit *hit)
{
    struct conversation *c = arg;
    c->events->turn.citation(c->arg, t, index, hit);
}

static void on_token(void *arg, struct turn *t, struct str text)
{
    struct conversation *c = arg;
    c->events->turn.token(c->arg, t, text);
}

static void on_audio_start(void *arg, struct turn *t, uint32_t rate_hz)
{
    struct conversation *c = arg;
    c->events->turn.audio_start(c->arg, t, rate_hz);
    if (c->wishes.hands_free)
        hands_free_sounds(c);
}

static void on_audio(void *arg, struct turn *t, struct str sound)
{
    struct conversation *c = arg;
    c->events->turn.audio(c->arg, t, sound);
}

static void on_audio_end(void *arg, struct turn *t)
{
    struct conversation *c = arg;
    c->events->turn.audio_end(c->arg, t);
}

static void close_microphone(struct conversation *c)
{
    inlet_drop(c->inlet);
    c->inlet = nullptr;
    if (c->wishes.hands_free)
        hands_free_close(c);
}

static void on_ended(void *arg, struct turn *t, const struct turn_end *end)
{
    struct conversation *c = arg;
    c->turn = nullptr;
    if (!c->wishes.hands_free)
        close_microphone(c);
    c->events->turn.ended(c->arg, t, end);
    if (c->wishes.hands_free && !c->replacing)
        hands_free_over(c, end->err);
}

bool conversation_ask(struct conversation *c, bool spoken, struct str text)
{
    static const struct turn_sink sink = {
        .partial = on_partial,
        .final = on_final,
        .citation = on_citation,
        .token = on_token,
        .audio_start = on_audio_start,
        .audio = on_audio,
        .audio_end = on_audio_end,
        .ended = on_ended,
    };
    if (!spoken && str_trim(text).n == 0) {
        c->events->failed(c->arg, ERR_INVALID, "the text is empty");
        return false;
    }
    if (c->events->may_begin(c->arg) != OK)
        return false;
    c->replacing = true; /* who speaks again interrupts; a refused request does not */
    if (c->turn)
        turn_cancel(c->turn);
    c->replacing = false;
    struct turn_request request = c->wishes.answer;
    request.spoken = spoken;
    request.text = spoken ? S("") : text;
    request.before = spoken ? text : S("");
    enum err err = turn_begin(c->talk, c->session, &request, &sink, c, &c->turn);
    if (err != OK) {
        c->events->failed(c->arg, err, nullptr);
        if (c->wishes.hands_free)
            hands_free_over(c, OK);
        return false;
    }
    if (c->away)
        turn_hold(c->turn, true);
    return true;
}

/* --- the microphone --- */

static void on_samples(void *arg, const int16_t *samples, size_t count)
{
    struct conversation *c = arg;
    if (c->wishes.hands_free) {
        hands_free_hear(c, samples, count);
        return;
    }
    enum err err = turn_audio(c->turn, samples, count);
    if (err != OK)
        turn_fail(c->turn, err, "the recogniser is too far behind; please speak again");
}

static void on_inlet_ended(void *arg, enum err err, const char *sentence)
{
    struct conversation *c = arg;
    c->inlet = nullptr;
    if (c->wishes.hands_free && err == ERR_ENGINE && c->wishes.in == INLET_OPUS && !c->stopped) {
        hands_free_mend(c);
    } else if (c->wishes.hands_free) {
        hands_free_close(c);
        if (err != OK)
            c->events->failed(c->arg, err, sentence);
    } else if (err == OK) {
        turn_stop(c->turn);
    } else {
        turn_fail(c->turn, err, sentence);
    }
}

enum err conversation_listen(struct conversation *c)
{
    static const struct inlet_events events = {.samples = on_samples, .ended = on_inlet_ended};
    c->stopped = false;
    return inlet_begin(c->talk->ears, c->wishes.in, &events, c, &c->inlet);
}

/* --- what the user does --- */

void conversation_start(struct conversation *c)
{
    enum err err;
    if (c->wishes.hands_free) {
        close_microphone(c);
        err = hands_free_open(c);
        if (err != OK) {
            close_microphone(c);
            c->events->failed(c->arg, err, nullptr);
        }
        return;
    }
    if (!conversation_ask(c, true, S("")))
        return;
    err = conversation_listen(c);
    if (err != OK)
        turn_fail(c->turn, err, err_text(err));
}

void conversation_stop(struct conversation *c)
{
    c->stopped = true;
    if (c->inlet)
        inlet_end(c->inlet);
    else if (c->wishes.hands_free)
        hands_free_close(c); /* while its engine is gone, or it is closed */
}

void conversation_text(struct conversation *c, struct str text)
{
    if (conversation_ask(c, false, text) && c->wishes.hands_free)
        hands_free_asked(c);
}

void conversation_cancel(struct conversation *c)
{
    if (c->turn)
        turn_cancel(c->turn);
}

void conversation_played(struct conversation *c, uint64_t turn, uint64_t ms)
{
    if (c->turn && turn_id(c->turn) == turn)
        turn_played(c->turn, ms);
}

/* In push to talk an inlet is there only while a turn is. */
void conversation_sound(struct conversation *c, struct str bytes)
{
    if (!c->inlet)
        return; /* the microphone runs on for a moment after `stop` or an error */
    enum err err = inlet_sound(c->inlet, bytes);
    if (err == OK)
        return;
    if (!c->wishes.hands_free) {
        if (c->turn)
            turn_fail(c->turn, err, err_text(err));
        return;
    }
    close_microphone(c);
    c->events->failed(c->arg, err, "the sound came too fast; open the microphone again");
}

bool conversation_is_behind(const struct conversation *c, size_t backlog)
{
    if (!c->inlet)
        return false;
    return (c->turn && turn_backlog(c->turn) > backlog) || inlet_is_behind(c->inlet) ||
           (c->wishes.hands_free && hands_free_is_behind(c, backlog));
}

bool conversation_is_busy(const struct conversation *c)
{
    return c->turn != nullptr;
}

void conversation_hold(struct conversation *c, bool away)
{
    c->away = away;
    if (c->turn)
        turn_hold(c->turn, away);
}

/* --- life --- */

enum err conversation_create(struct talk *talk, struct session *session,
                             const struct conversation_wishes *wishes,
                             const struct conversation_events *events, void *arg,
                             struct conversation **ret_c)
{
    struct conversation *c = mem_zero(1, sizeof *c);
    char *voice = mem_strdup(wishes->answer.voice);
    if (!c || !voice) {
        free(c);
        free(voice);
        return ERR_NOMEM;
    }
    c->talk = talk;
    c->session = session;
    c->wishes = *wishes;
    if (c->wishes.in != INLET_PCM)
        c->wishes.in_rate_hz = PCM_RATE_RECOGNISE;
    c->voice = voice;
    c->wishes.answer.voice = str_of(voice);
    c->wishes.answer.in_rate_hz = c->wishes.in_rate_hz;
    c->events = events;
    c->arg = arg;
    hands_free_init(c);
    *ret_c = c;
    return OK;
}

void conversation_destroy(struct conversation *c)
{
    if (!c)
        return;
    turn_abandon(c->turn);
    inlet_drop(c->inlet);
    hands_free_finish(c);
    free(c->voice);
    free(c);
}
