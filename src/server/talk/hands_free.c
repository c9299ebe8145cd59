// SPDX-License-Identifier: Apache-2.0
/* A conversation without a button: what the ear hears, and what follows for the floor. */
#include "base/check.h"
#include "base/conf.h"
#include "base/log.h"
#include "server/engine/engine.h"
#include "server/talk/barge.h"
#include "server/talk/conversation_parts.h"
#include "server/talk/eagerness.h"
#include "server/talk/unfinished.h"

enum {
    SILENCE_MIN_MS = 100,              /* there are such in words */
    LATE_MS = 500,                     /* by so much the detector's word may come after the sound */
    RECENT_MS = BARGE_STUCK_MS + 3000, /* a voice over the answer is kept until it is judged */
    RETRY_MS = 250,                    /* for an engine that is gone */
    WORDS_MAX = 4096,                  /* bytes: what matters are the first few */
    HEARD_BEFORE_MS = 6000, /* of the answer: an echo is late, and so is the recogniser */
    HEARD_AFTER_MS = 1500,
    EXPECTED_MS = 140,       /* of silence: he may have finished */
    EXPECTED_SOONER_MS = 40, /* the same behind the end of a sentence */
    GOES_ON_MS = 120,        /* of voice since then: he has not */
};

static void move(struct conversation *c, enum floor_move m)
{
    enum floor to = floor_next(c->free.floor, m);
    check(to != FLOOR_STATES);
    if (to != c->free.floor)
        log_line(LOG_DEBUG, c->turn ? turn_id(c->turn) : 0, "the floor: %s → %s",
                 floor_name(c->free.floor), floor_name(to));
    c->free.floor = to;
}

static uint64_t sample_at(const struct conversation *c, uint64_t ms)
{
    return pcm_ms_to_samples(ms, c->wishes.in_rate_hz);
}

/* Sound that belongs to a voice which begins there: before it was heard there was its first consonant. */
static uint64_t with_pre_roll(const struct conversation *c, uint64_t from_ms)
{
    uint64_t before = (uint64_t)c->talk->conf->vad_preroll_ms;
    return from_ms > before ? from_ms - before : 0;
}

static void tell(struct conversation *c, enum conversation_news what, uint64_t at_ms)
{
    c->events->news(c->arg, c->turn, what, at_ms);
}

/* --- a voice over the answer --- */

static void stop_overhearing(struct conversation *c)
{
    overhear_drop(c->free.overheard);
    c->free.overheard = nullptr;
    c->free.words_final = c->free.deaf = false;
    buf_clear(&c->free.words);
}

/* The listener need not hear the answer softly any more. */
static void let_go(struct conversation *c)
{
    stop_overhearing(c);
    c->free.told = false;
}

static void judge(struct conversation *c);

static void on_words(void *arg, struct str text, uint32_t audio_ms, bool final)
{
    struct conversation *c = arg;
    c->free.decoded_to_ms = c->free.overheard_from_ms + audio_ms;
    buf_clear(&c->free.words);
    if (buf_add(&c->free.words, str_sub(text, 0, utf8_prefix(text, WORDS_MAX))) != OK)
        c->free.deaf = true;
    c->free.words_final = final;
    judge(c);
}

static void on_deaf(void *arg)
{
    struct conversation *c = arg;
    c->free.deaf = true;
}

/* Listens to the voice from `from_ms` on. */
static void overhear(struct conversation *c, uint64_t from_ms)
{
    static const struct overhear_events events = {.words = on_words, .deaf = on_deaf};
    struct hands_free *f = &c->free;
    stop_overhearing(c);
    f->voice_from_ms = f->decoded_to_ms = from_ms;
    enum err err = overhear_begin(c->talk, c->wishes.in_rate_hz, c->wishes.answer.use_rag, &events,
                                  c, &f->overheard);
    if (err == OK) {
        size_t n;
        uint64_t from = with_pre_roll(c, from_ms);
        const int16_t *samples = recent_since(&f->recent, sample_at(c, from), &n);
        f->overheard_from_ms = pcm_samples_to_ms(recent_end(&f->recent) - n, c->wishes.in_rate_hz);
        err = overhear_sound(f->overheard, samples, n);
    }
    f->deaf = err != OK;
}

/* --- who has the floor --- */

/* Somebody speaks since from_ms, and the floor is his. False: he may not have it. */
static bool begin_user(struct conversation *c, uint64_t from_ms)
{
    struct hands_free *f = &c->free;
    let_go(c);
    f->echo = f->claim = false;
    buf_clear(&f->partial);
    f->is_expected = false;
    bool asked = conversation_ask(c, true, buf_str(&f->before));
    buf_clear(&f->before);
    if (!asked)
        return false;
    size_t n;
    const int16_t *samples = recent_since(&f->recent, sample_at(c, with_pre_roll(c, from_ms)), &n);
    f->turn_from_ms = pcm_samples_to_ms(recent_end(&f->recent) - n, c->wishes.in_rate_hz);
    tell(c, CONVERSATION_SPEECH_STARTED, from_ms);
    enum err err = turn_audio(c->turn, samples, n);
    if (err != OK)
        turn_fail(c->turn, err, err_text(err));
    return c->turn != nullptr;
}

static void end_user(struct conversation *c)
{
    move(c, FLOOR_QUIET);
    if (!c->turn)
        return;
    tell(c, CONVERSATION_SPEECH_STOPPED, c->free.ear.voice_ms);
    turn_stop(c->turn);
}

static void on_voice(struct conversation *c)
{
    struct hands_free *f = &c->free;
    uint64_t from_ms = f->ear.from_ms;
    if (f->floor == FLOOR_FREE) {
        move(c, FLOOR_VOICE);
        if (!begin_user(c, from_ms) && f->floor == FLOOR_USER)
            move(c, FLOOR_OVER);
        return;
    }
    if (f->floor != FLOOR_ANSWER)
        return;
    move(c, f->echo ? FLOOR_DOUBT : FLOOR_VOICE);
    f->told = f->floor == FLOOR_DUCKED && turn_sounds(c->turn);
    if (f->told)
        tell(c, CONVERSATION_DUCK, from_ms);
    overhear(c, from_ms);
}

static void on_quiet(struct conversation *c)
{
    if (c->free.floor == FLOOR_USER) {
        end_user(c);
    } else if (c->free.floor != FLOOR_DUCKED) { /* there the judge sees the silence sooner */
        stop_overhearing(c);
        move(c, FLOOR_QUIET);
    }
}

static void interrupt(struct conversation *c)
{
    struct hands_free *f = &c->free;
    uint64_t from_ms = f->voice_from_ms;
    bool told = f->told;
    /* The words before are not lost: their final is on its way. */
    if (turn_state(c->turn) == TURN_FINALISING)
        return;
    move(c, FLOOR_INTERRUPT);
    /* He goes on before anything was answered: it is one question. Without memory it is two. */
    buf_clear(&f->before);
    if (!turn_sounds(c->turn))
        (void)buf_add(&f->before, turn_question(c->turn));
    if (!begin_user(c, from_ms)) {
        if (f->floor != FLOOR_USER)
            return;
        /* Refused: the answer goes on. */
        move(c, FLOOR_ASKED);
        if (told)
            tell(c, CONVERSATION_RESUMED, f->ear.now_ms);
        return;
    }
    if (!f->ear.speaking)
        end_user(c);
}

static void dismiss(struct conversation *c, bool echo)
{
    struct hands_free *f = &c->free;
    bool goes_on = ear_silence_ms(&f->ear) < BARGE_SILENCE_MS;
    f->echo = f->echo || echo;
    if (f->told)
        tell(c, CONVERSATION_RESUMED, f->ear.now_ms);
    f->told = false;
    if (f->floor == FLOOR_DUCKED)
        move(c, goes_on ? FLOOR_DOUBT : FLOOR_RESUME);
    if (goes_on)
        return;
    stop_overhearing(c);
    ear_stop(&f->ear); /* the next sound is judged anew */
    if (f->floor == FLOOR_DOUBTED)
        move(c, FLOOR_QUIET);
}

static void judge(struct conversation *c)
{
    struct hands_free *f = &c->free;
    if ((f->floor != FLOOR_DUCKED && f->floor != FLOOR_DOUBTED) || !c->turn)
        return;
    const struct barge_evidence evidence = {
        .heard = buf_str(&f->words),
        .final = f->words_final,
        .deaf = f->deaf,
        .spoken = turn_heard_now(c->turn, HEARD_BEFORE_MS, HEARD_AFTER_MS),
        .doubted = f->floor == FLOOR_DOUBTED,
        .voiced_ms = f->ear.voiced_ms,
        .silence_ms = ear_silence_ms(&f->ear),
        .total_ms = (uint32_t)(f->ear.now_ms - f->voice_from_ms),
        .decoded_ms = f->decoded_to_ms > f->voice_from_ms
                          ? (uint32_t)(f->decoded_to_ms - f->voice_from_ms)
                          : 0,
    };
    enum barge_verdict verdict = barge_judge(&evidence);
    bool over = evidence.silence_ms >= BARGE_SILENCE_MS;
    if (verdict == BARGE_INTERRUPT)
        interrupt(c);
    else if (verdict != BARGE_WAIT && (f->floor == FLOOR_DUCKED || over))
        dismiss(c, verdict == BARGE_ECHO);
    else if (verdict != BARGE_WAIT) /* it goes on: what comes now is judged without what has been */
        overhear(c, f->ear.now_ms);
    else if (over && f->overheard)
        overhear_finish(f->overheard);
}

/* --- the ear --- */

/* The words so far are of all that he has said. */
static bool has_all_words(const struct conversation *c)
{
    const struct hands_free *f = &c->free;
    return c->turn && f->turn_from_ms + turn_decoded_ms(c->turn) >= f->ear.voice_ms;
}

static uint32_t in_patience(const struct conversation *c, int64_t ms)
{
    uint32_t percent = c->wishes.patience_percent;
    if (percent == 0)
        percent = eagerness_percent(str_of(c->talk->conf->vad_eagerness));
    int64_t silence_ms = ms * percent / 100;
    return (uint32_t)(silence_ms > SILENCE_MIN_MS ? silence_ms : SILENCE_MIN_MS);
}

/* Who stops in the middle of a sentence gets more time; who has asked a question is answered at once. That is only known
 * when he has said nothing since. */
static uint32_t patience_ms(const struct conversation *c)
{
    const struct hands_free *f = &c->free;
    const struct conf *conf = c->talk->conf;
    struct str words = f->floor == FLOOR_USER ? buf_str(&f->partial) : S("");
    if (text_is_unfinished(words))
        return in_patience(c, conf->vad_unfinished_ms);
    bool is_asked = has_all_words(c) && text_is_question(words);
    bool is_sooner = conf->vad_question_ms < conf->vad_silence_ms;
    return in_patience(c, is_asked && is_sooner ? conf->vad_question_ms : conf->vad_silence_ms);
}

/* Before he has been silent for so long that he has finished, the answer is begun. That he goes on shows in his words, or,
 * before there are any, in his voice. */
static void expect_end(struct conversation *c)
{
    struct hands_free *f = &c->free;
    struct str words = buf_str(&f->partial);
    if (f->floor != FLOOR_USER || !c->turn)
        return;
    if (f->is_expected && f->ear.voiced_ms >= f->expected_voiced_ms + GOES_ON_MS) {
        f->is_expected = false;
        turn_goes_on(c->turn);
    }
    uint32_t enough_ms = text_is_finished(words) ? EXPECTED_SOONER_MS : EXPECTED_MS;
    if (!has_all_words(c) || ear_silence_ms(&f->ear) < enough_ms || text_is_unfinished(words))
        return;
    f->is_expected = true;
    f->expected_voiced_ms = f->ear.voiced_ms;
    turn_expect_stop(c->turn);
}

static void on_frame(struct conversation *c, uint8_t likely)
{
    struct hands_free *f = &c->free;
    enum ear_news news = ear_frame(&f->ear, likely, patience_ms(c));
    if (news == EAR_STARTED || (f->claim && f->floor == FLOOR_FREE && f->ear.speaking))
        on_voice(c);
    else if (news == EAR_STOPPED)
        on_quiet(c);
    expect_end(c);
    f->claim = f->claim && f->ear.speaking;
    judge(c);
}

static void on_frames(void *arg, struct str likely)
{
    struct conversation *c = arg;
    struct hands_free *f = &c->free;
    f->lost = f->outage = false;
    for (size_t i = 0; i < likely.n && f->watcher; i++)
        on_frame(c, (uint8_t)likely.p[i]);
    bool undecided = f->floor == FLOOR_DUCKED || f->floor == FLOOR_DOUBTED || f->claim;
    uint64_t keep = (uint64_t)c->talk->conf->vad_preroll_ms + ear_width_ms(&f->ear) + LATE_MS;
    if (undecided && f->ear.now_ms > f->voice_from_ms)
        keep += f->ear.now_ms - f->voice_from_ms;
    if (f->ear.now_ms > keep)
        recent_forget(&f->recent, sample_at(c, f->ear.now_ms - keep));
}

static void on_watcher_ended(void *arg, enum err err, const char *sentence)
{
    struct conversation *c = arg;
    (void)sentence; /* a later one tells what it means here */
    c->free.watcher = nullptr;
    c->free.lost |= err == ERR_ENGINE;
    hands_free_mend(c);
}

static enum err begin_watching(struct conversation *c)
{
    static const struct watcher_events events = {.frames = on_frames, .ended = on_watcher_ended};
    struct hands_free *f = &c->free;
    try(watcher_begin(c->talk->ears, c->wishes.in_rate_hz, &events, c, &f->watcher));
    /* Its first frame is the next sample. */
    ear_init(&f->ear, (uint32_t)c->talk->conf->vad_start_ms);
    f->ear.now_ms = f->ear.from_ms = f->ear.voice_ms =
        pcm_samples_to_ms(recent_end(&f->recent), c->wishes.in_rate_hz);
    f->ear.speaking = f->floor == FLOOR_USER; /* until he is silent */
    return OK;
}

/* Once, until something is heard again. */
static void tell_outage(struct conversation *c, enum err err, const char *sentence)
{
    if (!c->free.outage)
        c->events->failed(c->arg, err, sentence);
    c->free.outage = true;
}

/* Packets can be decoded from any one on; a file cannot be joined in its middle, so with WebM there is
 * no inlet to begin again: its client was told. */
static void on_retry(void *arg)
{
    struct conversation *c = arg;
    enum err err = c->inlet ? OK : conversation_listen(c);
    if (err == OK && !c->free.watcher)
        err = begin_watching(c);
    if (c->free.lost || err == ERR_ENGINE)
        tell_outage(c, ERR_ENGINE,
                    "the recogniser has stopped and is being restarted; the microphone stays open, "
                    "please speak again in a moment");
    else if (err != OK)
        tell_outage(c, err, "you cannot be heard just now; please speak again in a moment");
    if (err != OK)
        timer_start(&c->free.retry, RETRY_MS);
}

void hands_free_mend(struct conversation *c)
{
    timer_start(&c->free.retry, RETRY_MS);
}

void hands_free_hear(struct conversation *c, const int16_t *samples, size_t count)
{
    struct hands_free *f = &c->free;
    /* Without memory for it the first sound of a word is lost. */
    (void)recent_add(&f->recent, samples, count);
    enum err err = f->watcher ? watcher_sound(f->watcher, samples, count) : OK;
    if (err != OK) {
        watcher_drop(f->watcher); /* with a hole in it the times would be wrong */
        f->watcher = nullptr;
        hands_free_mend(c);
        tell_outage(c, err, "not all was heard; please speak again in a moment");
    }
    if (f->overheard && overhear_sound(f->overheard, samples, count) != OK)
        f->deaf = true;
    err = f->floor == FLOOR_USER && c->turn ? turn_audio(c->turn, samples, count) : OK;
    if (err != OK)
        turn_fail(c->turn, err, "the recogniser is too far behind; please speak again");
}

enum err hands_free_open(struct conversation *c)
{
    recent_finish(&c->free.recent);
    uint64_t recent_ms = RECENT_MS + (uint64_t)c->talk->conf->vad_preroll_ms;
    recent_init(&c->free.recent, (size_t)sample_at(c, recent_ms));
    c->free.lost = c->free.outage = false;
    try(conversation_listen(c));
    enum err err = begin_watching(c);
    if (err == ERR_ENGINE) { /* it comes back soon */
        hands_free_mend(c);
        return OK;
    }
    return err;
}

void hands_free_close(struct conversation *c)
{
    struct hands_free *f = &c->free;
    timer_stop(&f->retry);
    watcher_drop(f->watcher);
    f->watcher = nullptr;
    f->claim = false;
    recent_finish(&f->recent);
    if (f->floor == FLOOR_USER)
        end_user(c);
    else if (f->floor == FLOOR_DUCKED || f->floor == FLOOR_DOUBTED) {
        ear_stop(&f->ear);
        f->ear.now_ms += BARGE_SILENCE_MS;
        dismiss(c, false);
    }
}

/* --- what the conversation tells --- */

void hands_free_asked(struct conversation *c)
{
    let_go(c);
    c->free.echo = c->free.claim = false;
    move(c, FLOOR_ASKED);
}

void hands_free_over(struct conversation *c, enum err err)
{
    struct hands_free *f = &c->free;
    struct engine_info ears;
    engine_info(c->talk->ears, &ears);
    if (err == ERR_ENGINE && ears.state != ENGINE_READY)
        f->outage = true; /* the turn has told it */
    f->claim = f->floor == FLOOR_DUCKED && f->ear.speaking;
    f->echo = false;
    let_go(c);
    move(c, FLOOR_OVER);
}

void hands_free_sounds(struct conversation *c)
{
    if (c->free.floor != FLOOR_DUCKED || c->free.told)
        return;
    c->free.told = true;
    tell(c, CONVERSATION_DUCK, c->free.voice_from_ms);
}

void hands_free_partial(struct conversation *c, struct str text)
{
    buf_clear(&c->free.partial);
    /* What counts is how it ends; without memory he gets the usual time. */
    (void)buf_add(&c->free.partial,
                  str_sub(text, text.n > WORDS_MAX ? text.n - WORDS_MAX : 0, text.n));
}

bool hands_free_is_behind(const struct conversation *c, size_t backlog)
{
    return c->free.watcher && watcher_backlog(c->free.watcher) > backlog;
}

void hands_free_init(struct conversation *c)
{
    c->free.words = c->free.partial = BUF(WORDS_MAX);
    c->free.before = BUF(TURN_TEXT_MAX / 2);
    timer_init(&c->free.retry, c->talk->loop, on_retry, c);
}

void hands_free_finish(struct conversation *c)
{
    struct hands_free *f = &c->free;
    timer_stop(&f->retry);
    watcher_drop(f->watcher);
    overhear_drop(f->overheard);
    recent_finish(&f->recent);
    buf_finish(&f->words);
    buf_finish(&f->partial);
    buf_finish(&f->before);
}
