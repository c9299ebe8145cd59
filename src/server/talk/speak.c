// SPDX-License-Identifier: Apache-2.0
/* Tokens to sound: clauses go to the synthesiser as soon as they are whole; its sound leaves at the
 * pace of the listener's speaker. What is held back here is what the engine gets no credit for. */
#include "audio/opus_out.h"
#include "base/check.h"
#include "base/clock.h"
#include "server/engine/engine.h"
#include "server/talk/turn_parts.h"

enum { PACER_MS = 20, SOUND_PIECE_BYTES = 16 * 1024, LENGTH_BYTES = 2 };

/* What the pace allows to be sent next of `sound`; no samples: nothing. */
struct piece {
    struct str bytes;
    size_t samples, front_bytes; /* before the bytes, for ourselves */
};

static struct piece next_piece(const struct turn *t, struct str sound, uint64_t now)
{
    uint64_t room = pace_room(&t->pace, now);
    if (t->out_opus) {
        size_t samples = (size_t)pcm_ms_to_samples(OPUS_OUT_FRAME_MS, t->out_rate_hz);
        if (sound.n < LENGTH_BYTES || room < samples)
            return (struct piece){};
        size_t n = (uint8_t)sound.p[0] | (size_t)(uint8_t)sound.p[1] << 8;
        return (struct piece){str_sub(sound, LENGTH_BYTES, LENGTH_BYTES + n), samples,
                              LENGTH_BYTES};
    }
    size_t n = sound.n < room * sizeof(int16_t) ? sound.n : (size_t)room * sizeof(int16_t);
    if (n > SOUND_PIECE_BYTES)
        n = SOUND_PIECE_BYTES;
    return (struct piece){str_sub(sound, 0, n), n / sizeof(int16_t), 0};
}

/* Sends what the pace allows; a started answer goes on from the pacer's timer. */
static void send_sound(struct turn *t)
{
    size_t at = 0;
    for (;;) {
        uint64_t now = clock_us();
        struct piece p = next_piece(t, str_sub(buf_str(&t->sound), at, t->sound.n), now);
        if (p.samples == 0)
            break;
        pace_sent(&t->pace, p.samples, now);
        waterfall_close(&t->waterfall, STAGE_SYNTHESIZE, now);
        waterfall_open(&t->waterfall, STAGE_SPEAK, now);
        if (t->sink)
            t->sink->audio(t->arg, t, p.bytes);
        if (t->state == TURN_ENDED)
            return;
        at += p.front_bytes + p.bytes.n;
        if (t->tts)
            job_consumed(t->tts, p.bytes.n);
    }
    buf_eat(&t->sound, at);
    if (t->held) {
        timer_stop(&t->pacer);
    } else if (t->sound.n) {
        timer_start(&t->pacer, PACER_MS);
    } else if (t->sound_complete && t->state == TURN_SPEAKING) {
        waterfall_close(&t->waterfall, STAGE_SPEAK, clock_us());
        if (t->sound_begun && t->sink)
            t->sink->audio_end(t->arg, t);
        if (t->state == TURN_SPEAKING)
            turn_move(t, MOVE_SPOKEN);
    }
}

void speak_play_out(struct turn *t)
{
    uint64_t sent_ms = pcm_samples_to_ms(t->pace.sent, t->out_rate_hz ? t->out_rate_hz : 1);
    uint64_t played_ms = pace_position_ms(&t->pace, clock_us());
    if (!t->sound_begun || played_ms >= sent_ms)
        turn_move(t, MOVE_PLAYED);
    else if (!t->held)
        timer_start(&t->pacer, sent_ms - played_ms);
}

/* Goes on wherever the clock or the listener's report has brought us. */
static void go_on(struct turn *t)
{
    if (t->state == TURN_PLAYING)
        speak_play_out(t);
    else if (t->state != TURN_ENDED)
        send_sound(t);
}

static void on_pacer(void *arg)
{
    go_on(arg);
}

void speak_hold(struct turn *t)
{
    if (!t->speak)
        return;
    pace_hold(&t->pace, t->held, clock_us());
    if (t->held)
        timer_stop(&t->pacer);
    else if (t->sound_begun || t->sound_complete)
        timer_start(&t->pacer, 0);
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
    go_on(t);
}

bool turn_sounds(const struct turn *t)
{
    return t->sound_begun && t->state != TURN_ENDED;
}

struct str turn_heard_now(const struct turn *t, uint32_t before_ms, uint32_t after_ms)
{
    struct str answer = buf_str(&t->clauses.text);
    uint64_t now_ms = pace_position_ms(&t->pace, clock_us());
    uint64_t from_ms = now_ms > before_ms ? now_ms - before_ms : 0;
    return str_sub(answer, heard_prefix(&t->heard, answer, from_ms),
                   heard_prefix(&t->heard, answer, now_ms + after_ms));
}

static enum err keep_sound(struct turn *t, struct str sound)
{
    if (t->out_opus) {
        const char length[LENGTH_BYTES] = {(char)sound.n, (char)(sound.n >> 8)};
        if (sound.n == 0 || sound.n > OPUS_OUT_PACKET_MAX)
            return ERR_ENGINE;
        try(buf_add(&t->sound, (struct str){length, sizeof length}));
    } else if (sound.n % sizeof(int16_t)) {
        return ERR_ENGINE; /* half a sample: all that follows would be noise */
    }
    return buf_add(&t->sound, sound);
}

static bool begin_sound(struct turn *t)
{
    if (t->sound_begun)
        return true;
    t->sound_begun = true;
    if (t->sink)
        t->sink->audio_start(t->arg, t, t->out_rate_hz);
    return t->state != TURN_ENDED;
}

static void on_audio(struct turn *t, struct str sound)
{
    bool is_wager = t->wager.is_on;
    if (!is_wager && !begin_sound(t))
        return;
    enum err err = keep_sound(t, sound);
    if (is_wager && err != OK)
        wager_drop(t);
    else if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
    else if (!is_wager)
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
    if (t->wager.is_on) {
        wager_drop(t);
    } else if (err != OK) {
        turn_end_with(t, MOVE_FAIL, err, text);
    } else if (t->state !=
               TURN_SPEAKING) { /* nobody has told it yet that there is no more to say */
        turn_end_with(t, MOVE_FAIL, ERR_ENGINE, "the voice stopped in mid-sentence");
    } else {
        t->sound_complete = true;
        send_sound(t);
    }
}

static enum err open_synthesiser(struct turn *t)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    try((t->wager.is_on ? engine_open_spare : engine_open)(t->talk->tts, &events, t, &t->tts));
    const struct msg_tts_open open = {
        .voice = str_of(t->voice),
        .rate_hz = t->out_rate_hz,
        .speed = 1.0f,
        .format = t->out_opus ? S("opus") : S("pcm"),
    };
    return job_send(t->tts, MSG_tts_open, &open);
}

/* A wager's first clause alone is spoken, and only where nobody needs the voice. */
static bool may_speak(struct turn *t)
{
    struct wager *w = &t->wager;
    if (w->is_on && !w->is_mute && !t->tts && open_synthesiser(t) != OK) {
        w->is_mute = true;
        speak_drop(t); /* half of it may be open */
    }
    return !w->is_on || (!w->is_mute && t->heard.count == 0);
}

static void note_clause(struct turn *t)
{
    uint64_t now = clock_us();
    waterfall_close(&t->waterfall, STAGE_CLAUSE, now);
    waterfall_open(&t->waterfall, STAGE_SYNTHESIZE, now);
}

static enum err speak_clauses(struct turn *t)
{
    struct str clause;
    size_t end;
    while (may_speak(t) && clause_next(&t->clauses, &clause, &end)) {
        if (!t->tts)
            try(open_synthesiser(t));
        if (!t->wager.is_on)
            note_clause(t);
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

enum err speak_no_more(struct turn *t)
{
    clause_finish(&t->clauses);
    return t->speak ? speak_clauses(t) : OK;
}

enum err speak_end(struct turn *t)
{
    try(speak_no_more(t));
    if (!t->tts) { /* nothing to speak */
        turn_move(t, MOVE_SPOKEN);
        return OK;
    }
    const struct msg_tts_finish finish = {};
    return job_send(t->tts, MSG_tts_finish, &finish);
}

void speak_on(struct turn *t)
{
    if (t->heard.count > 0)
        note_clause(t);
    enum err err = t->speak ? speak_clauses(t) : OK;
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
    else if (t->sound.n > 0 && begin_sound(t))
        send_sound(t);
}

void speak_forget(struct turn *t)
{
    speak_drop(t);
    buf_clear(&t->sound);
    clause_free(&t->clauses);
    clause_init(&t->clauses);
    if (!t->speak)
        return;
    heard_finish(&t->heard);
    heard_init(&t->heard, t->out_rate_hz);
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
