// SPDX-License-Identifier: Apache-2.0
/* Tokens to sound: clauses go to the synthesiser as soon as they are whole; its sound leaves at the
 * pace of the listener's speaker. What is held back here is what the engine gets no credit for. */
#include "base/check.h"
#include "base/clock.h"
#include "server/engine/engine.h"
#include "server/talk/turn_parts.h"

enum { PACER_MS = 20, SOUND_PIECE_BYTES = 16 * 1024 };

/* Sends what the pace allows; a started answer goes on from the pacer's timer. */
static void send_sound(struct turn *t)
{
    for (;;) {
        uint64_t now = clock_us();
        uint64_t room = pace_room(&t->pace, now) * sizeof(int16_t);
        size_t n = t->sound.n < room ? t->sound.n : room;
        if (n > SOUND_PIECE_BYTES)
            n = SOUND_PIECE_BYTES;
        if (n == 0)
            break;
        pace_sent(&t->pace, n / sizeof(int16_t), now);
        waterfall_close(&t->waterfall, STAGE_SYNTHESIZE, now);
        waterfall_open(&t->waterfall, STAGE_SPEAK, now);
        if (t->sink)
            t->sink->audio(t->arg, t, str_sub(buf_str(&t->sound), 0, n));
        if (t->state == TURN_ENDED)
            return;
        buf_eat(&t->sound, n);
        if (t->tts)
            job_consumed(t->tts, n);
    }
    if (t->sound.n) {
        timer_start(&t->pacer, PACER_MS);
    } else if (t->sound_complete && t->state == TURN_SPEAKING) {
        waterfall_close(&t->waterfall, STAGE_SPEAK, clock_us());
        if (t->sound_begun && t->sink)
            t->sink->audio_end(t->arg, t);
        if (t->state == TURN_SPEAKING)
            turn_move(t, MOVE_SPOKEN);
    }
}

static void on_pacer(void *arg)
{
    struct turn *t = arg;
    if (t->state != TURN_ENDED)
        send_sound(t);
}

void speak_init(struct turn *t)
{
    timer_init(&t->pacer, t->talk->loop, on_pacer, t);
}

void turn_played(struct turn *t, uint64_t ms)
{
    if (t->state == TURN_ENDED || !t->sound_begun)
        return;
    pace_played(&t->pace, ms, clock_us());
    send_sound(t);
}

static void on_audio(struct turn *t, struct str samples)
{
    if (!t->sound_begun) {
        t->sound_begun = true;
        if (t->sink)
            t->sink->audio_start(t->arg, t, t->out_rate_hz);
        if (t->state == TURN_ENDED)
            return;
    }
    /* Whole samples only: an engine that sends half a sample is broken, and its odd byte is noise. */
    enum err err = samples.n % sizeof(int16_t) ? ERR_ENGINE : buf_add(&t->sound, samples);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
    else
        send_sound(t);
}

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct turn *t = arg;
    if (type == MSG_audio)
        on_audio(t, msg->audio.samples);
    else if (type == MSG_tts_clause)
        heard_clause_done(&t->heard, msg->tts_clause.samples);
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct turn *t = arg;
    t->tts = nullptr;
    if (err != OK) {
        turn_end_with(t, MOVE_FAIL, err, text);
        return;
    }
    t->sound_complete = true;
    send_sound(t);
}

static enum err open_synthesiser(struct turn *t)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    try(engine_open(t->talk->tts, &events, t, &t->tts));
    const struct msg_tts_open open = {
        .voice = str_of(t->voice), .rate_hz = t->out_rate_hz, .speed = 1.0f};
    return job_send(t->tts, MSG_tts_open, &open);
}

static enum err speak_clauses(struct turn *t)
{
    struct str clause;
    size_t end;
    while (clause_next(&t->clauses, &clause, &end)) {
        if (!t->tts)
            try(open_synthesiser(t));
        uint64_t now = clock_us();
        waterfall_close(&t->waterfall, STAGE_CLAUSE, now);
        waterfall_open(&t->waterfall, STAGE_SYNTHESIZE, now);
        try(heard_clause_sent(&t->heard, end));
        const struct msg_tts_text text = {clause};
        try(job_send(t->tts, MSG_tts_text, &text));
    }
    return OK;
}

enum err speak_text(struct turn *t, struct str text)
{
    try(clause_feed(&t->clauses, text));
    return t->speak ? speak_clauses(t) : OK;
}

enum err speak_end(struct turn *t)
{
    clause_finish(&t->clauses);
    if (t->speak)
        try(speak_clauses(t));
    if (!t->tts) { /* nothing to speak */
        turn_move(t, MOVE_SPOKEN);
        return OK;
    }
    const struct msg_tts_finish finish = {};
    return job_send(t->tts, MSG_tts_finish, &finish);
}

uint64_t speak_heard_bytes(const struct turn *t)
{
    struct str answer = buf_str(&t->clauses.text);
    if (!t->speak)
        return answer.n;
    return heard_prefix(&t->heard, answer, pace_position_ms(&t->pace, clock_us()));
}

void speak_drop(struct turn *t)
{
    job_cancel(t->tts);
    t->tts = nullptr;
    timer_stop(&t->pacer);
}
