// SPDX-License-Identifier: Apache-2.0
/*
 * The clauses of a job, in order: each is asked for of the server elsewhere while the one before it sounds, and its sound goes to
 * the job's program as it comes. The server has first_sound_ms from the moment on that the listener has nothing left to
 * hear; then the program speaks: what is left of this clause, and all that come after it.
 *
 * Sound is kept until the program takes it, which it does as its listener hears: at most PASS_MAX bytes in the job's backlog and
 * what two requests bring.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "server/engine/mouth/parts.h"

enum {
    AHEAD = 2,       /* requests of a job at once */
    BUSY_AHEAD = 16, /* requests of all jobs: then no more are made ahead of time */
    BUSY = 48,       /* nor any at all */
    PASS_MAX = 128 * 1024,
    PIECE_BYTES = 32 * 1024,
    USUAL_MS_PER_BYTE = 65, /* of speech: some 15 characters a second */
    SURE_MS = 300, /* so much earlier does the local voice set in, in the middle of a clause */
};

struct clause {
    struct clause *next;
    struct buf text, words;   /* as it came; what there is to be said of it */
    bool is_asked, is_spoken; /* of the server; some of its sound has been passed on */
    uint64_t us, starved_us;  /* of its sound, passed on; for which there was none amid it */
    uint64_t front_us;        /* when it came to the front; 0: it has not */
    struct speech speech;
};

struct reading {
    struct job *job;
    struct mouth *mouth;
    float speed;
    bool is_ours;             /* of the server's voice, so far */
    enum mouth_reason reason; /* why not any more */
    bool is_finishing;        /* tts_finish has come */
    struct clause *first, **tail;
    size_t queued;           /* bytes of the clauses that wait */
    uint64_t heard_until_us; /* what was passed on lasts so long, at least */
    struct timer timer;      /* the listener's patience */
};

static void advance_or_break(struct reading *r);

static void on_news(void *arg)
{
    advance_or_break(arg);
}

/* --- the queue --- */

static void clause_free(struct clause *c)
{
    if (c->is_asked)
        speech_finish(&c->speech);
    buf_finish(&c->text);
    buf_finish(&c->words);
    free(c);
}

static size_t cost(const struct clause *c)
{
    return sizeof *c +
           2 * c->text.n; /* its words are never longer; so all of it fits the backlog */
}

static void pop(struct reading *r)
{
    struct clause *c = r->first;
    r->first = c->next;
    r->queued -= cost(c);
    if (!r->first)
        r->tail = &r->first;
    clause_free(c);
}

/* ERR_BUSY: as much waits as would in a job's backlog. */
static enum err push(struct reading *r, struct str text)
{
    struct clause *c = mem_zero(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->text = BUF(WIRE_PAYLOAD_MAX);
    c->words = BUF(text.n);
    enum err err = buf_add(&c->text, text);
    if (err == OK)
        err = mouth_ask_words(text, &c->words);
    if (err == OK && r->queued + cost(c) > JOB_BACKLOG_MAX)
        err = ERR_BUSY;
    if (err != OK) {
        clause_free(c);
        return err;
    }
    r->queued += cost(c);
    *r->tail = c;
    r->tail = &c->next;
    return OK;
}

/* --- the local voice --- */

static enum err put_text(struct reading *r, struct str text)
{
    return job_put(r->job, MSG_tts_text, &(struct msg_tts_text){text});
}

/* From here on: the rest of the first clause, and all others. */
static enum err fall_back(struct reading *r, enum mouth_reason reason, struct str rest)
{
    r->is_ours = false;
    r->reason = reason;
    timer_stop(&r->timer);
    for (bool is_first = true; r->first; is_first = false) {
        struct str text = is_first ? rest : buf_str(&r->first->text);
        r->mouth->fallbacks[reason]++;
        try(put_text(r, text));
        pop(r);
    }
    return OK;
}

/* What the server has not spoken, reckoned from how fast it speaks: a word may be heard twice, none is left out if that
 * can be helped. */
static struct str rest_of(const struct reading *r, const struct clause *c)
{
    struct str text = buf_str(&c->text);
    double per_byte = r->mouth->ms_per_byte > 0 ? r->mouth->ms_per_byte : USUAL_MS_PER_BYTE;
    double whole_ms = (double)text.n * per_byte / (double)r->speed;
    if (!c->is_spoken)
        return text;
    if (c->speech.reason == MOUTH_endless)
        return mouth_ask_close(text);
    double spoken_ms = (double)c->us / 1000 - SURE_MS;
    text = str_sub(text, mouth_ask_rest(text, spoken_ms / whole_ms), text.n);
    return text.n ? text : S(".");
}

/* --- the server's --- */

/* Nothing of it is to be said: it counts 0, and nobody is asked. */
static bool is_mute(const struct clause *c)
{
    return !mouth_ask_has_words(buf_str(&c->words));
}

static bool may_ask(const struct reading *r, bool is_first)
{
    return r->mouth->is_up && r->mouth->live < (is_first ? BUSY : BUSY_AHEAD);
}

static enum err ask(struct reading *r, struct clause *c)
{
    c->is_asked = true;
    return speech_begin(&c->speech, r->mouth, buf_str(&c->words), r->speed, on_news, r);
}

/* Its sound may be here already. */
static enum err find_kept(struct reading *r, struct clause *c)
{
    uint32_t rate_hz;
    const struct buf *samples =
        mouth_kept_find(&r->mouth->kept, buf_str(&c->words), r->speed, &rate_hz);
    if (!samples)
        return OK;
    r->mouth->again++;
    c->is_asked = true;
    return speech_again(&c->speech, r->mouth, samples, rate_hz);
}

static enum err ask_ahead(struct reading *r)
{
    struct clause *c = r->first;
    for (int i = 0; c && i < AHEAD; i++, c = c->next) {
        if (c->is_asked || is_mute(c))
            continue;
        try(find_kept(r, c));
        if (c->is_asked)
            continue;
        if (!may_ask(r, i == 0))
            break;
        try(ask(r, c));
    }
    return OK;
}

static enum err put_sound(struct reading *r, struct clause *c, size_t bytes)
{
    struct speech *s = &c->speech;
    const struct msg_tts_sound sound = {.rate_hz = s->sound.rate_hz,
                                        .level =
                                            loudness_level(&r->mouth->loudness, s->sound.rate_hz),
                                        .samples = str_sub(buf_str(&s->samples), 0, bytes)};
    try(job_put(r->job, MSG_tts_sound, &sound));
    loudness_add(&r->mouth->loudness, s->sound.rate_hz, (const int16_t *)s->samples.p,
                 bytes / sizeof(int16_t));
    uint64_t now = clock_us();
    if (c->is_spoken && now > r->heard_until_us)
        c->starved_us += now - r->heard_until_us;
    uint64_t us = bytes / sizeof(int16_t) * 1000000 / s->sound.rate_hz;
    r->heard_until_us = (r->heard_until_us > now ? r->heard_until_us : now) + us;
    c->us += us;
    c->is_spoken = true;
    buf_eat(&s->samples, bytes);
    return OK;
}

/* As much as the program takes. */
static enum err pass_sound(struct reading *r, struct clause *c)
{
    struct speech *s = &c->speech;
    while (s->sound.is_loud && s->samples.n && job_backlog(r->job) < PASS_MAX)
        try(put_sound(r, c, s->samples.n < PIECE_BYTES ? s->samples.n : PIECE_BYTES));
    return OK;
}

static enum err end_clause(struct reading *r, struct clause *c)
{
    mouth_learn_speed(r->mouth, c->us / 1000, c->text.n, r->speed);
    mouth_kept_add(&r->mouth->kept, buf_str(&c->words), r->speed, c->speech.sound.rate_hz,
                   &c->speech.copy);
    r->mouth->clauses++;
    if (r->mouth->is_up && c->speech.asked_ms) /* not one whose sound was here already */
        r->mouth->backoff_ms = 0;
    try(put_text(r, mouth_ask_close(buf_str(&c->text))));
    pop(r);
    return OK;
}

/* One step with the first clause. False: it waits for somebody. */
static enum err step(struct reading *r, bool *ret_goes_on)
{
    struct clause *c = r->first;
    *ret_goes_on = true;
    if (is_mute(c)) {
        enum err err = put_text(r, buf_str(&c->text));
        pop(r);
        return err;
    }
    if (!c->is_asked)
        return fall_back(r, r->mouth->is_up ? MOUTH_busy : MOUTH_away, buf_str(&c->text));
    try(pass_sound(r, c));
    if (c->speech.state == SPEECH_COMING || (c->speech.samples.n && c->speech.sound.is_loud)) {
        *ret_goes_on = false;
        return OK;
    }
    return c->speech.state == SPEECH_WHOLE ? end_clause(r, c)
                                           : fall_back(r, c->speech.reason, rest_of(r, c));
}

/* The listener's patience runs while nothing keeps the sound but the server. All gaps of a clause wear it out
 * together: a server that drips is as little use as one that hangs. */
static void watch(struct reading *r)
{
    const struct clause *c = r->first;
    bool waits = c && c->is_asked && c->speech.state == SPEECH_COMING &&
                 !(c->speech.sound.is_loud && c->speech.samples.n);
    if (!waits) {
        timer_stop(&r->timer);
        return;
    }
    uint64_t now = clock_us(), from = c->front_us;
    if (r->heard_until_us > from)
        from = r->heard_until_us;
    uint64_t due = from + (uint64_t)r->mouth->first_sound_ms * 1000;
    uint64_t left = due > now ? due - now : 0;
    timer_start(&r->timer, left > c->starved_us ? (left - c->starved_us) / 1000 + 1 : 0);
}

static enum err advance(struct reading *r)
{
    for (bool goes_on = true; r->is_ours && r->first && goes_on;) {
        if (!r->first->front_us)
            r->first->front_us = clock_us();
        enum err err = ask_ahead(r);
        if (err == OK)
            err = step(r, &goes_on);
        else /* of ours; the local voice may need less */
            err = fall_back(r, MOUTH_memory, rest_of(r, r->first));
        try(err);
    }
    watch(r);
    if (r->first || !r->is_finishing)
        return OK;
    r->is_finishing = false;
    return job_put(r->job, MSG_tts_finish, &(struct msg_tts_finish){});
}

/* Not from inside of job_send. r may be gone afterwards. */
static void advance_or_break(struct reading *r)
{
    struct job *j = r->job;
    enum err err = advance(r);
    if (err != OK)
        job_break(j, err, err_text(err));
}

static void on_patience(void *arg)
{
    struct reading *r = arg;
    struct speech *s = &r->first->speech;
    speech_give_up(s, s->sound.is_loud ? MOUTH_stalled : MOUTH_late);
    advance_or_break(r);
}

/* --- the job --- */

static bool is_for_us(const struct mouth *m, const struct msg_tts_open *open)
{
    bool is_named = open->voice.n && !str_eq(open->voice, str_of(m->name));
    float speed = open->speed == 0.0f ? 1.0f : open->speed;
    return !is_named && speed >= 0.25f && speed <= 4.0f && mouth_api_has_speed(m->api, speed);
}

/* The program opens its own voice, in case that it has to speak. */
static enum err begin(struct job *j, const struct msg_tts_open *open)
{
    struct mouth *m = j->engine->mouth;
    struct msg_tts_open own = *open;
    if (str_eq(open->voice, str_of(m->name)) || open->voice.n == 0)
        own.voice = str_of(m->local_voice);
    if (!is_for_us(m, open))
        return job_put(j, MSG_tts_open, &own);
    struct reading *r = mem_zero(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->job = j;
    r->mouth = m;
    r->speed = open->speed == 0.0f ? 1.0f : open->speed;
    r->is_ours = true;
    r->tail = &r->first;
    timer_init(&r->timer, j->engine->loop, on_patience, r);
    j->filtered = r;
    return job_put(j, MSG_tts_open, &own);
}

static enum err take_text(struct reading *r, struct str text)
{
    if (!r->is_ours) {
        r->mouth->fallbacks[r->reason]++;
        return put_text(r, text);
    }
    try(push(r, text));
    return advance(r);
}

static enum err mouth_send(struct job *j, enum msg_type type, const void *msg)
{
    struct reading *r = j->filtered;
    if (type == MSG_tts_open && !r)
        return begin(j, msg);
    if (!r)
        return job_put(j, type, msg);
    if (type == MSG_tts_text)
        return take_text(r, ((const struct msg_tts_text *)msg)->text);
    if (type != MSG_tts_finish)
        return job_put(j, type, msg);
    r->is_finishing = true;
    return advance(r);
}

static void mouth_go_on(struct job *j)
{
    advance_or_break(j->filtered);
}

static void mouth_drop(struct job *j)
{
    struct reading *r = j->filtered;
    timer_stop(&r->timer);
    while (r->first)
        pop(r);
    free(r);
}

static enum err mouth_begin(struct engine *e, const struct engine_config *config)
{
    return mouth_create(e, config->mouth, &e->mouth);
}

static void mouth_stop(struct engine *e)
{
    mouth_destroy(e->mouth);
}

const struct job_filter mouth_filter = {.begin = mouth_begin,
                                        .stop = mouth_stop,
                                        .send = mouth_send,
                                        .go_on = mouth_go_on,
                                        .drop = mouth_drop};
