// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "server/talk/keep.h"
#include "server/talk/turn_parts.h"

struct counter turns_begun, turns_failed, turns_canceled, tokens_generated;

static void turn_free(struct turn *t)
{
    timer_stop(&t->timer);
    timer_stop(&t->pacer);
    clause_free(&t->clauses);
    heard_finish(&t->heard);
    buf_finish(&t->question);
    buf_finish(&t->partial);
    buf_finish(&t->sound);
    free(t->voice);
    free(t);
}

/* How long the present state may last: its own limit, and what is left of the whole answer's. */
static void arm_limit(struct turn *t)
{
    const struct conf *conf = t->talk->conf;
    uint64_t now = clock_ms();
    if (t->held &&
        t->state >= TURN_SPEAKING) { /* it waits for the listener, who has a limit of his own */
        timer_stop(&t->timer);
        return;
    }
    uint64_t limit = turn_limit_ms(t->state, (uint32_t)conf->utterance_ms, (uint32_t)conf->turn_ms,
                                   t->talk->reply_ms);
    if (t->deadline_ms && now + limit > t->deadline_ms)
        limit = t->deadline_ms > now ? t->deadline_ms - now : 0;
    timer_start(&t->timer, limit);
}

static void words_are_over(struct turn *t)
{
    waterfall_start(&t->waterfall, clock_us());
    t->deadline_ms = clock_ms() + (uint64_t)t->talk->conf->turn_ms;
}

static void enter(struct turn *t)
{
    switch (t->state) {
    case TURN_LISTENING:
        break; /* the recogniser was asked in turn_begin */
    case TURN_FINALISING:
        words_are_over(t);
        waterfall_open(&t->waterfall, STAGE_TRANSCRIBE, t->waterfall.zero_us);
        listen_stop(t);
        break;
    case TURN_RETRIEVING:
        if (!t->deadline_ms)
            words_are_over(t);
        retrieve_begin(t);
        break;
    case TURN_ANSWERING:
        answer_begin(t);
        break;
    case TURN_SPEAKING: {
        enum err err = speak_end(t);
        if (err != OK)
            turn_end_with(t, MOVE_FAIL, err, err_text(err));
        break;
    }
    case TURN_PLAYING:
        t->spoken_us = clock_us();
        speak_play_out(t);
        break;
    case TURN_ENDED:
    case TURN_STATES:
        unreachable_state();
    }
}

static void on_timer(void *arg)
{
    struct turn *t = arg;
    if (t->state == TURN_ENDED) {
        turn_free(t);
    } else if (!t->entered) {
        t->entered = true;
        arm_limit(t);
        enter(t);
    } else if (t->state == TURN_LISTENING || t->state == TURN_PLAYING) {
        turn_move(t,
                  MOVE_TIMEOUT); /* long enough: answer what was said so far; or let it be heard */
    } else {
        turn_end_with(t, MOVE_TIMEOUT, ERR_LATE, "the answer took too long; please ask again");
    }
}

/* What the session remembers of this turn. When memory is short it gets the only copy, which the turn is then
 * done with but for the last look at it. */
static void remember(struct turn *t, struct str answer, size_t heard, bool interrupted)
{
    if (!t->answering || answer.n == 0 || t->session->ended)
        return;
    struct history *h = &t->session->history;
    if (history_add(h, SAID_BY_ASSISTANT, t->id, str_sub(answer, 0, heard), interrupted) == OK)
        return;
    history_take(h, SAID_BY_ASSISTANT, t->id, t->clauses.text.p, heard, interrupted);
    t->clauses.text = BUF(0);
}

static void end(struct turn *t, enum err err, const char *message)
{
    uint64_t now = t->spoken_us ? t->spoken_us : clock_us();
    wager_drop(t); /* nobody knows of it */
    struct str answer = buf_str(&t->clauses.text);
    size_t heard = err == OK ? answer.n : speak_heard_bytes(t);
    remember(t, answer, heard, err != OK);

    t->state = TURN_ENDED;
    listen_drop(t);
    answer_drop(t);
    speak_drop(t);
    if (err == ERR_CANCELED)
        counter_add(&turns_canceled, 1);
    else if (err != OK)
        counter_add(&turns_failed, 1);

    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->talk->live_count--;
    t->session->live = nullptr;
    keep_save(t->talk->keep, t->session);

    /* The caller up the stack may still look at the turn: it is freed in the loop's next round. */
    timer_start(&t->timer, 0);
    if (!t->sink)
        return;
    const struct turn_end what = {
        .err = err,
        .message = message,
        .spoken = t->sound_begun,
        .answer = answer,
        .heard = str_sub(answer, 0, heard),
        .usage = t->usage,
        .waterfall = &t->waterfall,
        .now_us = now,
    };
    t->sink->ended(t->arg, t, &what);
}

void turn_move(struct turn *t, enum turn_move move)
{
    enum turn_state to = turn_next(t->state, move);
    check(to != TURN_STATES);
    log_line(LOG_DEBUG, t->id, "%s → %s", turn_state_name(t->state), turn_state_name(to));
    if (to == TURN_ENDED) {
        end(t, OK, "");
        return;
    }
    t->state = to;
    arm_limit(t);
    enter(t);
}

void turn_end_with(struct turn *t, enum turn_move move, enum err err, const char *message)
{
    check(turn_next(t->state, move) == TURN_ENDED);
    if (err != ERR_CANCELED)
        log_line(LOG_WARN, t->id, "failed while %s: %s", turn_state_name(t->state), message);
    end(t, err, message);
}

static enum err turn_fill(struct turn *t, const struct turn_request *request)
{
    const struct conf *conf = t->talk->conf;
    t->use_rag = request->use_rag;
    t->speak = request->speak;
    t->in_rate_hz = request->in_rate_hz;
    t->out_rate_hz = request->out_rate_hz;
    t->out_opus = request->out_opus;
    t->max_tokens = request->max_tokens ? request->max_tokens : (uint32_t)conf->llm_max_tokens;
    t->question = t->partial = BUF(TURN_TEXT_MAX);
    t->sound = BUF(TURN_SOUND_MAX);
    clause_init(&t->clauses);
    if (t->speak) {
        heard_init(&t->heard, t->out_rate_hz);
        pace_init(&t->pace, t->out_rate_hz);
        t->voice = mem_strdup(request->voice.n ? request->voice : conf_standard_voice(conf));
        if (!t->voice)
            return ERR_NOMEM;
    }
    if (request->spoken) {
        memcpy(t->language, t->session->language, sizeof t->language);
        try(buf_add(&t->question, str_trim(request->before)));
    } else {
        struct str text = str_trim(request->text);
        if (text.n == 0)
            return ERR_INVALID;
        try(buf_add(&t->question, text));
    }
    return OK;
}

enum err turn_begin(struct talk *talk, struct session *session, const struct turn_request *request,
                    const struct turn_sink *sink, void *arg, struct turn **ret_turn)
{
    if (talk->draining)
        return ERR_DRAINING;
    if (talk->changing)
        return ERR_CHANGING;
    if (session->ended)
        return ERR_NOTFOUND;
    if (session->live)
        return ERR_CONFLICT;
    if (talk->live_count >= (uint64_t)talk->conf->max_turns)
        return ERR_BUSY;
    struct turn *t = mem_zero(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->talk = talk;
    t->session = session;
    t->sink = sink;
    t->arg = arg;
    t->id = ++talk->next_id;
    t->state = request->spoken ? TURN_LISTENING : TURN_RETRIEVING;
    timer_init(&t->timer, talk->loop, on_timer, t);
    speak_init(t);
    enum err err = turn_fill(t, request);
    if (err == OK && request->spoken)
        err = listen_begin(t);
    if (err != OK) {
        turn_free(t);
        return err;
    }
    t->next = talk->live;
    t->link = &talk->live;
    if (t->next)
        t->next->link = &t->next;
    talk->live = t;
    talk->live_count++;
    session->live = t;
    counter_add(&turns_begun, 1);
    /* The first state is entered from the loop, so that no callback fires in here. */
    timer_start(&t->timer, 0);
    *ret_turn = t;
    return OK;
}

bool talk_has_questions(const struct talk *talk)
{
    for (const struct turn *t = talk->live; t; t = t->next)
        if (t->state < TURN_ANSWERING)
            return true;
    return false;
}

uint64_t turn_id(const struct turn *t)
{
    return t->id;
}

enum turn_state turn_state(const struct turn *t)
{
    return t->state;
}

struct str turn_question(const struct turn *t)
{
    return buf_str(&t->question);
}

void turn_stop(struct turn *t)
{
    if (t->state == TURN_LISTENING) {
        t->entered = true;
        turn_move(t, MOVE_STOP);
    }
}

void turn_cancel(struct turn *t)
{
    if (t->state != TURN_ENDED)
        turn_end_with(t, MOVE_CANCEL, ERR_CANCELED, "canceled");
}

void turn_fail(struct turn *t, enum err err, const char *message)
{
    if (t->state != TURN_ENDED)
        turn_end_with(t, MOVE_FAIL, err, message);
}

void turn_hold(struct turn *t, bool held)
{
    if (t->state == TURN_ENDED || t->held == held)
        return;
    t->held = held;
    uint64_t now = clock_ms();
    if (held)
        t->held_ms = now;
    else if (t->deadline_ms)
        t->deadline_ms += now - t->held_ms;
    speak_hold(t);
    if (t->state >= TURN_SPEAKING)
        arm_limit(t);
}

void turn_abandon(struct turn *t)
{
    if (!t || t->state == TURN_ENDED)
        return;
    t->sink = nullptr;
    turn_cancel(t);
}
