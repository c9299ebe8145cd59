// SPDX-License-Identifier: Apache-2.0
/*
 * The clauses of a job, in order: each is asked for of the server elsewhere while the one before it sounds, and its sound goes to
 * the job's program as it comes. The server has first_sound_ms from the moment on that the listener has nothing left to
 * hear; then the program speaks: what is left of this clause, and all that come after it.
 *
 * Sound is kept until the program takes it, which it does as its listener hears: at most PASS_MAX bytes in the job's backlog and
 * what two requests bring. Nothing is asked for a job that waits for its place, nor for any where all of them keep too much.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "server/engine/mouth/parts.h"

enum {
    AHEAD = 2,                     /* requests of a job at once */
    BUSY_AHEAD = 16,               /* requests of all jobs: then no more are made ahead of time */
    BUSY = 48,                     /* nor any at all */
    HELD_AHEAD = 32 * 1024 * 1024, /* bytes of sound of all jobs: the same two steps */
    HELD_MAX = 128 * 1024 * 1024,
    PASS_MAX = 128 * 1024,
    PIECE_BYTES = 32 * 1024,
    USUAL_MS_PER_BYTE = 65, /* of speech: some 15 characters a second */
    SURE_MS = 300, /* so much earlier does the local voice set in, in the middle of a clause */
};

struct clause {
    struct clause *next;
    struct buf text, words;  /* as it came; what there is to be said of it */
    bool is_spoken;          /* some of its sound has been passed on */
    bool is_put_off;         /* asked for in its turn, no earlier */
    uint64_t us, starved_us; /* of its sound, passed on; for which there was none amid it */
    uint64_t front_us;       /* when it came to the front; 0: it has not */
    struct speech *speech;   /* NULL: the server has not been asked, as for most that wait */
};

struct reading {
    struct job *job;
    struct mouth *mouth;
    uint64_t id; /* among all that there were */
    float speed;
    bool is_ours;             /* of the server's voice, so far */
    enum mouth_reason reason; /* why not any more */
    bool is_finishing;        /* tts_finish has come */
    struct clause *first, **tail;
    size_t queued;           /* bytes of the clauses that wait */
    uint64_t heard_until_us; /* what was passed on lasts so long, at least */
    uint64_t passed_us;      /* when the last of it was */
    struct timer timer;      /* the listener's patience */
};

static void advance_or_break(struct reading *r);

static void on_news(void *arg)
{
    advance_or_break(arg);
}

/* --- the queue --- */

static void end_speech(struct clause *c)
{
    if (c->speech)
        speech_finish(c->speech);
    free(c->speech);
    c->speech = nullptr;
}

static void clause_free(struct clause *c)
{
    end_speech(c);
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

/* Where words are left to it, not only a pause. */
static void count_fallback(struct reading *r, struct str text)
{
    r->mouth->fallbacks[r->reason] += utf8_has_words(text);
}

/* From here on: the rest of the first clause, and all others. */
static enum err fall_back(struct reading *r, enum mouth_reason reason, struct str rest)
{
    r->is_ours = false;
    r->reason = reason;
    timer_stop(&r->timer);
    for (bool is_first = true; r->first; is_first = false) {
        struct str text = is_first ? rest : buf_str(&r->first->text);
        count_fallback(r, text);
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
    double spoken_ms = (double)c->us / 1000 - SURE_MS;
    text = str_sub(text, mouth_ask_rest(text, spoken_ms / whole_ms), text.n);
    return text.n ? text : S(".");
}

/* --- the server's --- */

/* Nothing of it is to be said, by the local voice's own rule: it counts 0, and nobody is asked. */
static bool is_mute(const struct clause *c)
{
    return !utf8_has_words(buf_str(&c->words));
}

static bool may_ask(const struct reading *r, bool is_first)
{
    const struct mouth *m = r->mouth;
    uint32_t most = is_first ? BUSY : m->is_single ? 1 : BUSY_AHEAD;
    return m->is_up && m->live < most && m->held < (is_first ? HELD_MAX : HELD_AHEAD);
}

/* It is asked for in its turn. */
static void take_back(struct clause *c)
{
    end_speech(c);
    c->is_put_off = true;
}

/* A request that was made ahead of time, and was one too many, is made again in its time. */
static void take_back_crowded(struct reading *r)
{
    for (struct clause *c = r->first ? r->first->next : nullptr; c; c = c->next) {
        if (!c->speech || c->speech->state != SPEECH_FAILED || c->speech->fault != SPEECH_CROWD)
            continue;
        take_back(c);
        r->mouth->is_single = true;
    }
}

/* Requests of other jobs. */
static uint32_t others(const struct reading *r)
{
    uint32_t own = 0;
    for (const struct clause *c = r->first; c; c = c->next)
        own += c->speech && c->speech->fetch;
    return r->mouth->live - own;
}

/* Of a failure at the front, which has not been told of: does it say that the server is of no use to anybody? */
static void judge(struct reading *r, const struct clause *c)
{
    const struct speech *s = c->speech;
    if (s->fault == SPEECH_TEXT)
        mouth_doubts(r->mouth, s, buf_str(&c->words));
    else if (s->fault == SPEECH_CROWD && others(r))
        r->mouth->is_single = true;
    else if (s->fault == SPEECH_CROWD)
        mouth_is_broken(r->mouth, s, s->reason, s->retry_after_s, "%s", s->why);
}

static enum err ask(struct reading *r, struct clause *c)
{
    c->speech = mem_zero(1, sizeof *c->speech);
    if (!c->speech)
        return ERR_NOMEM;
    try(speech_begin(c->speech, r->mouth, buf_str(&c->words), r->speed, on_news, r));
    if (mouth_wants_kept(r->mouth, buf_str(&c->words), r->speed, r->id))
        c->speech->copy.cap = KEPT_SOUND_MAX;
    return OK;
}

/* Its sound may be here already. */
static enum err find_kept(struct reading *r, struct clause *c)
{
    uint32_t rate_hz;
    const struct buf *samples = kept_find(&r->mouth->kept, buf_str(&c->words), r->speed, &rate_hz);
    if (!samples)
        return OK;
    c->speech = mem_zero(1, sizeof *c->speech);
    if (!c->speech)
        return ERR_NOMEM;
    r->mouth->again++;
    return speech_again(c->speech, r->mouth, samples, rate_hz);
}

static enum err get(struct reading *r, struct clause *c, bool is_first)
{
    try(find_kept(r, c));
    return c->speech || !may_ask(r, is_first) ? OK : ask(r, c);
}

static enum err ask_ahead(struct reading *r)
{
    struct clause *c = r->first;
    for (int i = 0; c && i < AHEAD; i++, c = c->next) {
        if (c->speech || is_mute(c))
            continue;
        if (c->is_put_off && i > 0)
            break;
        enum err err = get(r, c, i == 0);
        if (err != OK && i == 0)
            return err;
        if (err != OK)
            take_back(c); /* the first one sounds; there may be memory in this one's turn */
        if (!c->speech)
            break;
    }
    return OK;
}

/* The rest moves up only now and then, since it may be megabytes. Where nothing is left, nothing is there. */
static void take(struct speech *s, size_t bytes)
{
    s->taken += bytes;
    if (s->taken < s->samples.n - s->taken)
        return;
    buf_eat(&s->samples, s->taken);
    s->taken = 0;
}

static enum err put_sound(struct reading *r, struct clause *c, size_t bytes)
{
    struct speech *s = c->speech;
    const struct msg_tts_sound sound = {
        .rate_hz = s->sound.rate_hz,
        .level = loudness_level(&r->mouth->loudness, s->sound.rate_hz),
        .samples = str_sub(buf_str(&s->samples), s->taken, s->taken + bytes)};
    try(job_put(r->job, MSG_tts_sound, &sound));
    loudness_add(&r->mouth->loudness, s->sound.rate_hz, (const int16_t *)(s->samples.p + s->taken),
                 bytes / sizeof(int16_t));
    uint64_t now = clock_us();
    if (c->is_spoken && now > r->heard_until_us)
        c->starved_us += now - r->heard_until_us;
    uint64_t us = bytes / sizeof(int16_t) * 1000000 / s->sound.rate_hz;
    r->heard_until_us = (r->heard_until_us > now ? r->heard_until_us : now) + us;
    r->passed_us = now;
    c->us += us;
    c->is_spoken = true;
    take(s, bytes);
    return OK;
}

/* As much as the program takes. */
static enum err pass_sound(struct reading *r, struct clause *c)
{
    struct speech *s = c->speech;
    while (s->sound.is_loud && s->samples.n && job_backlog(r->job) < PASS_MAX) {
        size_t left = s->samples.n - s->taken;
        try(put_sound(r, c, left < PIECE_BYTES ? left : PIECE_BYTES));
    }
    return OK;
}

static enum err end_clause(struct reading *r, struct clause *c)
{
    mouth_learn_speed(r->mouth, c->us / 1000, c->text.n, r->speed);
    kept_add(&r->mouth->kept, buf_str(&c->words), r->speed, c->speech->sound.rate_hz,
             &c->speech->copy);
    r->mouth->clauses++;
    if (c->speech->asked_ms) /* not one whose sound was here already */
        mouth_is_well(r->mouth);
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
    if (!c->speech)
        return fall_back(r, r->mouth->is_up ? MOUTH_busy : MOUTH_away, buf_str(&c->text));
    try(pass_sound(r, c));
    if (c->speech->state == SPEECH_COMING || (c->speech->samples.n && c->speech->sound.is_loud)) {
        *ret_goes_on = false;
        return OK;
    }
    if (c->speech->state == SPEECH_WHOLE)
        return end_clause(r, c);
    judge(r, c);
    return fall_back(r, c->speech->reason, rest_of(r, c));
}

/* From when on the listener waits; what he has still to hear buys the server MOUTH_AHEAD_MS at most, since whoever sends the
 * sound on may have all of it already, and hears nothing of us meanwhile. */
static uint64_t waits_from(const struct reading *r, const struct clause *c)
{
    uint64_t from = r->passed_us > c->front_us ? r->passed_us : c->front_us;
    uint64_t latest = from + MOUTH_AHEAD_MS * 1000ull;
    if (r->heard_until_us > from)
        from = r->heard_until_us;
    return from < latest ? from : latest;
}

/* The listener's patience runs while nothing keeps the sound but the server. All gaps of a clause wear it out
 * together: a server that drips is as little use as one that hangs. */
static void watch(struct reading *r)
{
    const struct clause *c = r->first;
    bool waits = c && c->speech && c->speech->state == SPEECH_COMING &&
                 !(c->speech->sound.is_loud && c->speech->samples.n);
    if (!waits) {
        timer_stop(&r->timer);
        return;
    }
    uint64_t now = clock_us();
    uint64_t due = waits_from(r, c) + (uint64_t)r->mouth->first_sound_ms * 1000;
    uint64_t left = due > now ? due - now : 0;
    timer_start(&r->timer, left > c->starved_us ? (left - c->starved_us) / 1000 + 1 : 0);
}

static enum err advance(struct reading *r)
{
    if (!r->job->started)
        return OK; /* mouth_go_on comes with its place */
    for (bool goes_on = true; r->is_ours && r->first && goes_on;) {
        if (!r->first->front_us)
            r->first->front_us = clock_us();
        take_back_crowded(r);
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
    speech_give_up(r->first->speech);
    advance_or_break(r);
}

/* --- the job --- */

static bool can_say(const struct mouth *m, float speed)
{
    return speed >= 0.25f && speed <= 4.0f && mouth_api_has_speed(m->api, speed);
}

/* The program opens its own voice, in case that it has to speak. */
static enum err begin(struct job *j, const struct msg_tts_open *open)
{
    struct mouth *m = j->engine->mouth;
    float speed = open->speed == 0.0f ? 1.0f : open->speed;
    bool is_its = open->voice.n == 0 || str_eq(open->voice, str_of(mouth_name(m)));
    struct msg_tts_open own = *open;
    if (is_its)
        own.voice = str_of(m->local_voice);
    if (!is_its || !can_say(m, speed))
        return job_put(j, MSG_tts_open, &own);
    struct reading *r = mem_zero(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->job = j;
    r->mouth = m;
    r->id = ++m->jobs;
    r->speed = speed;
    r->is_ours = true;
    r->tail = &r->first;
    timer_init(&r->timer, j->engine->loop, on_patience, r);
    j->filtered = r;
    return job_put(j, MSG_tts_open, &own);
}

static enum err take_text(struct reading *r, struct str text)
{
    if (!r->is_ours) {
        count_fallback(r, text);
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
