// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/speech.h"

#include "base/log.h"
#include "base/mem.h"
#include "tts/piper/pieces.h"

enum { TRIAL_BYTES_MAX = 64 << 20 };
static constexpr float PEAK = 0.8f; /* of the trial: other sentences have some more */
static constexpr float GAIN_MAX = 4;
static constexpr float ALIKE = 2.0f / 32768; /* samples that differ by so much are the same */

struct speech {
    struct session *whole; /* NULL where it is cut */
    struct pieces pieces;
    struct gate gate;
    float gain;
};

static enum err say_whole(struct speech *s, const struct phoneme_ids *ids, int64_t speaker,
                          struct speech_scales scales, const struct speech_hearer *h,
                          char why[SESSION_WHY_BYTES])
{
    static const char *const names[] = {"output"};
    const int64_t count = (int64_t)ids->n;
    const float factors[] = {scales.noise, scales.length, scales.noise_w};
    const struct session_input inputs[] = {
        {"input", SESSION_INTS, ids->id, 2, {1, count}},
        {"input_lengths", SESSION_INTS, &count, 1, {1}},
        {"scales", SESSION_FLOATS, factors, 1, {3}},
        {"sid", SESSION_INTS, &speaker, 1, {1}},
    };
    struct session_output out;
    if (!gate_enter(&s->gate, true, h->stop ? &h->stop->is_set : nullptr))
        return ERR_CANCELED;
    enum err err = ERR_CANCELED; /* who is gone by now is not computed */
    if (h->sound(h->to, nullptr, 0))
        err = session_run(s->whole, inputs, speaker < 0 ? 3 : 4, names, 1, &out, h->stop, why);
    gate_leave(&s->gate);
    try(err);
    bool is_taken = h->sound(h->to, out.data, out.count);
    session_free(&out, 1);
    return is_taken ? OK : ERR_CANCELED;
}

/* --- does it sound the same? --- */

struct trial {
    struct buf sound;
    enum err err;
};

static bool on_trial(void *arg, const float *samples, size_t count)
{
    struct trial *t = arg;
    if (count > 0 && t->err == OK)
        t->err = buf_add(&t->sound, (struct str){(const char *)samples, count * sizeof *samples});
    return t->err == OK;
}

static bool are_alike(const struct buf *a, const struct buf *b)
{
    const float *x = (const float *)a->p, *y = (const float *)b->p;
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n / sizeof *x; i++) {
        float difference = x[i] > y[i] ? x[i] - y[i] : y[i] - x[i];
        if (!(difference <= ALIKE)) /* also no NaN */
            return false;
    }
    return true;
}

static float gain_of(const struct buf *sound)
{
    const float *x = (const float *)sound->p;
    float peak = PEAK / GAIN_MAX;
    for (size_t i = 0; i < sound->n / sizeof *x; i++) {
        float level = x[i] < 0 ? -x[i] : x[i];
        peak = level > peak ? level : peak;
    }
    return PEAK / peak;
}

static const struct speech_scales steady = {0, 1, 0}; /* chance would make two of anything */

/* Does it sound like `whole` in pieces? */
static enum err try_pieces(struct speech *s, const struct phoneme_ids *ids, int64_t speaker,
                           const struct buf *whole, bool *ret_alike)
{
    struct trial cut = {.sound = BUF(TRIAL_BYTES_MAX)};
    char why[SESSION_WHY_BYTES] = "it sounds different";
    s->pieces.schedule.is_trial = true;
    enum err err = pieces_say(&s->pieces, ids, speaker, steady,
                              &(struct speech_hearer){on_trial, &cut, nullptr}, why);
    s->pieces.schedule.is_trial = false;
    if (cut.err != OK)
        err = cut.err;
    *ret_alike = err == OK && are_alike(whole, &cut.sound);
    if (!*ret_alike)
        log_debug("the voice is said whole: %s", why);
    buf_finish(&cut.sound);
    return err == ERR_NOMEM ? err : OK;
}

/* --- one voice --- */

/* A voice whose graph cannot be cut is said whole. */
static enum err cut_voice(struct speech *s, struct str model, uint32_t rate_hz,
                          const struct phoneme_ids *ids, int64_t speaker, const struct buf *whole)
{
    char reason[SESSION_WHY_BYTES] = "its graph cannot be cut";
    bool is_alike = false;
    enum err err = pieces_open(model, rate_hz, &s->pieces, reason);
    if (err == OK)
        err = try_pieces(s, ids, speaker, whole, &is_alike);
    else
        log_debug("the voice is said whole: %s", reason);
    if (is_alike) {
        session_destroy(s->whole);
        s->whole = nullptr;
        return OK;
    }
    pieces_close(&s->pieces);
    return err == ERR_NOMEM ? err : OK;
}

static enum err open_voice(struct speech *s, struct str model, uint32_t rate_hz,
                           const struct phoneme_ids *ids, int64_t speaker,
                           char why[SESSION_WHY_BYTES])
{
    struct trial whole = {.sound = BUF(TRIAL_BYTES_MAX)};
    try(session_create(model, &s->whole, why));
    enum err err =
        say_whole(s, ids, speaker, steady, &(struct speech_hearer){on_trial, &whole, nullptr}, why);
    if (err == OK || whole.err != OK)
        err = whole.err;
    s->gain = gain_of(&whole.sound);
    if (err == OK)
        err = cut_voice(s, model, rate_hz, ids, speaker, &whole.sound);
    buf_finish(&whole.sound);
    return err;
}

enum err speech_create(struct str model, uint32_t rate_hz, const struct phoneme_ids *trial,
                       int64_t speaker, uint32_t at_once, struct speech **ret_s,
                       char why[SESSION_WHY_BYTES])
{
    struct speech *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    gate_init(&s->gate, at_once);
    s->pieces.gate = &s->gate;
    enum err err = open_voice(s, model, rate_hz, trial, speaker, why);
    if (err == OK)
        *ret_s = s;
    else
        speech_destroy(s);
    return err;
}

void speech_destroy(struct speech *s)
{
    if (!s)
        return;
    session_destroy(s->whole);
    pieces_close(&s->pieces);
    gate_finish(&s->gate);
    free(s);
}

bool speech_is_cut(const struct speech *s)
{
    return !s->whole;
}

float speech_gain(const struct speech *s)
{
    return s->gain;
}

enum err speech_say(struct speech *s, const struct phoneme_ids *ids, int64_t speaker,
                    struct speech_scales scales, const struct speech_hearer *hearer,
                    char why[SESSION_WHY_BYTES])
{
    return s->whole ? say_whole(s, ids, speaker, scales, hearer, why)
                    : pieces_say(&s->pieces, ids, speaker, scales, hearer, why);
}

void speech_wake(struct speech *s)
{
    gate_wake(&s->gate);
}
