// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/pieces.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    FRAMES_MAX = 1 << 16, /* of an utterance: ten minutes */
    VALUES = 1 + CUT_BESIDE_MAX,
    NAME_BYTES = 48,
    PART_MAX = 1 << 30,
};

/* --- the parts --- */

static enum err open_part(const struct graph *g, struct pieces *p, enum cut_part part,
                          char why[SESSION_WHY_BYTES])
{
    autobuf file = BUF(PART_MAX);
    try(cut_write(g, &p->cut, part, &file));
    return session_create(buf_str(&file), &p->part[part], why);
}

static void plan(struct pieces *p, uint32_t rate_hz)
{
    p->schedule = (struct schedule){
        .frame_ns = (uint32_t)((uint64_t)p->cut.hop * 1000000000 / rate_hz),
        .flow_around = p->cut.flow_around,
        .decoder_around = p->cut.decoder_around,
    };
}

enum err pieces_open(struct str model, uint32_t rate_hz, struct pieces *p,
                     char why[SESSION_WHY_BYTES])
{
    struct graph g;
    try(graph_read(model, &g));
    enum err err = cut_find(&g, &p->cut);
    for (int part = 0; part < PIECES_PARTS && err == OK; part++)
        err = open_part(&g, p, (enum cut_part)part, why);
    graph_finish(&g);
    if (err == OK)
        plan(p, rate_hz);
    return err;
}

void pieces_close(struct pieces *p)
{
    for (int part = 0; part < PIECES_PARTS; part++) {
        session_destroy(p->part[part]);
        p->part[part] = nullptr;
    }
    cut_finish(&p->cut);
}

/* --- an utterance --- */

struct utterance {
    struct pieces *p;
    int64_t speaker;
    struct session_output text[VALUES]; /* the latent, and what stands beside it */
    float *frames;                      /* channels × count: what the flow gives */
    float *window[VALUES];              /* room for a piece's part of the above */
    uint32_t count, flowed, said;       /* of them those from the first on that are there */
    uint64_t sounds_us;                 /* since when it sounds; 0: not yet */
    const struct speech_hearer *hearer;
    char *why;
};

static bool hand_over(const struct utterance *u, const float *samples, size_t count)
{
    return u->hearer->sound(u->hearer->to, samples, count);
}

static enum err run(const struct utterance *u, enum cut_part part,
                    const struct session_input *inputs, size_t inputs_n, const char *const *names,
                    size_t outputs_n, struct session_output *ret_outputs, uint64_t *ret_took_us)
{
    struct session_stop *stop = u->hearer->stop;
    if (!gate_enter(u->p->gate, u->sounds_us == 0, stop ? &stop->is_set : nullptr))
        return ERR_CANCELED;
    enum err err = ERR_CANCELED; /* who is gone by now is not computed */
    const uint64_t begun_us = clock_us();
    if (hand_over(u, nullptr, 0))
        err = session_run(u->p->part[part], inputs, inputs_n, names, outputs_n, ret_outputs, stop,
                          u->why);
    *ret_took_us = clock_us() - begun_us;
    gate_leave(u->p->gate);
    return err;
}

static enum err break_off(const struct utterance *u)
{
    snprintf(u->why, SESSION_WHY_BYTES, "the voice gives something else than it should");
    return ERR_INTERNAL;
}

static const char *numbered(const char *name, size_t i, char into[NAME_BYTES])
{
    snprintf(into, NAME_BYTES, "%s%zu", name, i);
    return into;
}

static struct session_input speaker_of(const struct utterance *u)
{
    return (struct session_input){"sid", SESSION_INTS, &u->speaker, 1, {1}};
}

/* Frames `from` to `to` of rows of `count`. */
static void copy_window(const float *rows, size_t rows_n, size_t count, size_t from, size_t to,
                        float *into)
{
    for (size_t i = 0; i < rows_n; i++)
        memcpy(into + i * (to - from), rows + i * count + from, (to - from) * sizeof *into);
}

static bool is_row_of(const struct session_output *o, uint32_t count)
{
    return o->rank == 3 && o->dims[0] == 1 && o->dims[1] >= 1 && o->dims[2] == count;
}

static enum err say_text(struct utterance *u, const struct phoneme_ids *ids,
                         struct speech_scales scales)
{
    const struct cut *c = &u->p->cut;
    const int64_t count = (int64_t)ids->n;
    const float factors[] = {scales.noise, scales.length, scales.noise_w};
    const struct session_input inputs[] = {
        {"input", SESSION_INTS, ids->id, 2, {1, count}},
        {"input_lengths", SESSION_INTS, &count, 1, {1}},
        {"scales", SESSION_FLOATS, factors, 1, {3}},
        speaker_of(u),
    };
    char beside[CUT_BESIDE_MAX][NAME_BYTES];
    const char *names[VALUES] = {CUT_LATENT};
    for (size_t i = 0; i < c->beside_n; i++)
        names[i + 1] = numbered(CUT_BESIDE, i, beside[i]);
    uint64_t took_us;
    try(run(u, CUT_TEXT, inputs, c->text_takes_speaker ? 4 : 3, names, 1 + c->beside_n, u->text,
            &took_us));
    int64_t frames = u->text[0].rank == 3 ? u->text[0].dims[2] : 0;
    if (frames < 1 || frames > FRAMES_MAX || u->text[0].dims[1] != c->channels)
        return break_off(u);
    u->count = (uint32_t)frames;
    for (size_t i = 0; i < 1 + c->beside_n; i++)
        if (!is_row_of(&u->text[i], u->count))
            return break_off(u);
    return OK;
}

static enum err make_room(struct utterance *u)
{
    const struct cut *c = &u->p->cut;
    u->frames = mem_zero((size_t)c->channels * u->count, sizeof *u->frames);
    if (!u->frames)
        return ERR_NOMEM;
    for (size_t i = 0; i < 1 + c->beside_n; i++) {
        u->window[i] = mem_zero(u->text[i].count, sizeof(float));
        if (!u->window[i])
            return ERR_NOMEM;
    }
    return OK;
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* So many frames more; a rest that is hardly more than what surrounds it goes along. */
static enum err flow_piece(struct utterance *u, uint32_t frames)
{
    static const char *const names[] = {CUT_FRAMES};
    const struct cut *c = &u->p->cut;
    uint32_t to = less(u->count, u->flowed + frames);
    if (u->count - to <= c->flow_around)
        to = u->count;
    const uint32_t first = u->flowed - less(u->flowed, c->flow_around);
    const uint32_t last = less(u->count, to + c->flow_around), n = last - first;
    char beside[CUT_BESIDE_MAX][NAME_BYTES];
    struct session_input inputs[VALUES + 1];
    struct session_output out;
    size_t inputs_n = 0;
    for (; inputs_n < 1 + c->beside_n; inputs_n++) {
        const struct session_output *t = &u->text[inputs_n];
        copy_window(t->data, (size_t)t->dims[1], u->count, first, last, u->window[inputs_n]);
        inputs[inputs_n] = (struct session_input){
            inputs_n ? numbered(CUT_BESIDE, inputs_n - 1, beside[inputs_n - 1]) : CUT_LATENT,
            SESSION_FLOATS,
            u->window[inputs_n],
            3,
            {1, t->dims[1], n}};
    }
    if (c->flow_takes_speaker)
        inputs[inputs_n++] = speaker_of(u);
    uint64_t took_us;
    try(run(u, CUT_FLOW, inputs, inputs_n, names, 1, &out, &took_us));
    schedule_measure(&u->p->schedule.flow_ns, n, took_us);
    bool fits = is_row_of(&out, n) && out.dims[1] == c->channels;
    for (size_t i = 0; fits && i < c->channels; i++)
        memcpy(u->frames + i * u->count + u->flowed, out.data + i * n + (u->flowed - first),
               (to - u->flowed) * sizeof *u->frames);
    session_free(&out, 1);
    u->flowed = to;
    return fits ? OK : break_off(u);
}

/* What is kept before each stage but the first: from, to, counted from what came out of the one before. */
struct kept {
    int64_t from[CUT_STAGES_MAX], to[CUT_STAGES_MAX];
    uint32_t first, last; /* samples that come out */
};

static struct kept keep(const struct cut *c, uint32_t first, uint32_t last, uint32_t from,
                        uint32_t to)
{
    struct kept k = {.first = first * c->stage[0].stride, .last = last * c->stage[0].stride};
    uint32_t rate = c->stage[0].stride;
    for (size_t i = 1; i < c->stages_n; i++) {
        const struct cut_stage *s = &c->stage[i];
        uint32_t left = from * rate - less(from * rate, s->around), right = to * rate + s->around;
        left = left > k.first ? left : k.first;
        right = less(right, k.last);
        k.from[i] = left - k.first;
        k.to[i] = right - k.first;
        k.first = left * s->stride;
        k.last = right * s->stride;
        rate *= s->stride;
    }
    return k;
}

static enum err decode_piece(struct utterance *u, uint32_t frames)
{
    static const char *const names[] = {CUT_SOUND};
    const struct cut *c = &u->p->cut;
    const uint32_t from = u->said, to = u->said + frames;
    const uint32_t first = from - less(from, c->decoder_around);
    const uint32_t last = less(u->count, to + c->decoder_around);
    const struct kept k = keep(c, first, last, from, to);
    char digits[2 * CUT_STAGES_MAX][NAME_BYTES];
    struct session_input inputs[2 * CUT_STAGES_MAX + 2];
    size_t n = 0;
    copy_window(u->frames, c->channels, u->count, first, last, u->window[0]);
    inputs[n++] = (struct session_input){
        CUT_FRAMES, SESSION_FLOATS, u->window[0], 3, {1, c->channels, last - first}};
    for (size_t i = 1; i < c->stages_n; i++) {
        inputs[n++] = (struct session_input){
            numbered(CUT_FROM, i, digits[2 * i]), SESSION_INTS, &k.from[i], 1, {1}};
        inputs[n++] = (struct session_input){
            numbered(CUT_TO, i, digits[2 * i + 1]), SESSION_INTS, &k.to[i], 1, {1}};
    }
    if (c->decoder_takes_speaker)
        inputs[n++] = speaker_of(u);
    struct session_output out;
    uint64_t took_us;
    try(run(u, CUT_DECODER, inputs, n, names, 1, &out, &took_us));
    schedule_measure(&u->p->schedule.decoder_ns, last - first, took_us);
    bool fits = out.count == k.last - k.first, is_taken = true;
    if (u->sounds_us == 0)
        u->sounds_us = clock_us();
    u->said = to;
    if (fits)
        is_taken = hand_over(u, out.data + (from * c->hop - k.first), (to - from) * c->hop);
    session_free(&out, 1);
    return !fits ? break_off(u) : is_taken ? OK : ERR_CANCELED;
}

/* What the listener has not heard yet, if he hears it as soon as it is there. */
static int64_t lead_us(const struct utterance *u)
{
    uint64_t said_us = (uint64_t)u->said * u->p->schedule.frame_ns / 1000;
    return (int64_t)said_us - (int64_t)(clock_us() - u->sounds_us);
}

/* Frames that the decoder could make sound of now. */
static uint32_t ready(const struct utterance *u)
{
    const uint32_t around = u->flowed == u->count ? 0 : u->p->cut.decoder_around;
    return u->flowed - less(u->flowed, u->said + around);
}

/* A rest that is hardly more than what surrounds it goes along. */
static uint32_t next_length(const struct utterance *u, uint32_t wanted)
{
    const uint32_t all = ready(u);
    const bool is_end = u->flowed == u->count && all <= wanted + u->p->cut.decoder_around / 2;
    return is_end ? all : less(all, wanted);
}

static enum err say_first(struct utterance *u)
{
    const uint32_t frames = less(u->count, schedule_first(&u->p->schedule));
    try(flow_piece(u, frames + u->p->cut.decoder_around));
    return decode_piece(u, frames);
}

static enum err say(struct utterance *u)
{
    const struct schedule *s = &u->p->schedule;
    try(say_first(u));
    while (u->said < u->count) {
        while (ready(u) < SCHEDULE_PIECE_MIN && u->flowed < u->count)
            try(flow_piece(u, schedule_flow(s, lead_us(u))));
        try(decode_piece(u, next_length(u, schedule_piece(s, lead_us(u)))));
    }
    return OK;
}

enum err pieces_say(struct pieces *p, const struct phoneme_ids *ids, int64_t speaker,
                    struct speech_scales scales, const struct speech_hearer *hearer,
                    char why[SESSION_WHY_BYTES])
{
    struct utterance u = {.p = p, .speaker = speaker, .hearer = hearer, .why = why};
    enum err err = say_text(&u, ids, scales);
    if (err == OK)
        err = make_room(&u);
    if (err == OK)
        err = say(&u);
    session_free(u.text, VALUES);
    free(u.frames);
    for (size_t i = 0; i < VALUES; i++)
        free(u.window[i]);
    return err;
}
