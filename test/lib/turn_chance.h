// SPDX-License-Identifier: Apache-2.0
/*
 * What may happen to turns, drawn by chance (chance.h): engines say what they like, in streams that live
 * and in streams that are dead, they die and come back, time passes to the end of what a state may last,
 * memory is short. What they say carries the number of its stream, by which whoever hears it tells that
 * it is of no turn before his own. Included after turn_rig.h.
 */
#pragma once

#include "alloc_fault.h"
#include "chance.h"
#include "server/talk/turn_parts.h"
#include "turn_rig.h"

enum { ENGINES = 3 };
static struct fake *const fakes[ENGINES] = {&rig.stt, &rig.llm, &rig.tts};

/* Each engine's streams that were there when the last turn ended: nothing of them may be heard again. */
static uint32_t dead_until[ENGINES];

static inline void all_is_dead(void)
{
    for (size_t i = 0; i < ENGINES; i++)
        dead_until[i] = fakes[i]->engine.next_stream;
}

/* --- what the engines say --- */

/* A stream that lives, or now and then one that does not, or never did. */
static inline uint32_t some_stream(const struct fake *f)
{
    if (f->open_count > 0 && chance(8))
        return f->open[chance(chance(4) ? 1 : (uint32_t)f->open_count)];
    return 1 + chance(f->engine.next_stream + 1);
}

static inline struct str words_of(uint32_t stream)
{
    static const char *const tails[] = {"how long do cats sleep", "stop.", "Or more. ", "uh huh",
                                        ""};
    static char text[64];
    int n = snprintf(text, sizeof text, "#%u %s", stream, tails[chance(countof(tails))]);
    return (struct str){text, (size_t)n};
}

/* All its samples, or pairs of bytes, are the number of the stream. */
static inline struct str sound_from(uint32_t stream, size_t samples)
{
    static uint16_t room[4 * PIECE_SAMPLES];
    for (size_t i = 0; i < samples; i++)
        room[i] = (uint16_t)stream;
    return (struct str){(const char *)room, samples * sizeof *room};
}

static inline void assert_alive(const struct fake *f, uint32_t stream)
{
    for (size_t i = 0; i < ENGINES; i++)
        if (fakes[i] == f)
            assert_true(stream > dead_until[i] && stream <= f->engine.next_stream);
}

static inline void assert_words_alive(const struct fake *f, struct str text)
{
    char number[16] = {};
    if (text.n == 0 || text.p[0] != '#')
        return;
    memcpy(number, text.p + 1, text.n - 1 < sizeof number - 1 ? text.n - 1 : sizeof number - 1);
    assert_alive(f, (uint32_t)strtoul(number, nullptr, 10));
}

static inline void assert_sound_alive(struct str sound)
{
    uint16_t stream;
    assert_true(sound.n >= sizeof stream);
    memcpy(&stream, sound.p, sizeof stream);
    if (stream) /* silence: of turn_rig.h's steps */
        assert_alive(&rig.tts, stream);
}

static inline void fails(struct fake *f, uint32_t stream)
{
    static const uint32_t errs[] = {ERR_MEDIA, ERR_NOMEM, ERR_ENGINE, OK, UINT32_MAX};
    const struct msg_fail fail = {errs[chance(countof(errs))], chance(2) ? S("no") : S("")};
    (void)fake_answer(f, stream, MSG_fail, &fail);
}

static inline void stt_says(struct fake *f, uint32_t stream)
{
    struct str text = chance(6) ? words_of(stream) : S("");
    if (chance(3))
        (void)fake_answer(f, stream, MSG_stt_partial,
                          &(struct msg_stt_partial){.text = text,
                                                    .stable_bytes = chance((uint32_t)text.n + 1),
                                                    .audio_ms = chance(20000)});
    else
        (void)fake_answer(f, stream, MSG_stt_final, &(struct msg_stt_final){.text = text});
}

static inline void llm_says(struct fake *f, uint32_t stream)
{
    if (chance(4))
        (void)fake_answer(f, stream, MSG_llm_token, &(struct msg_llm_token){words_of(stream)});
    else
        (void)fake_answer(f, stream, MSG_llm_done, &(struct msg_llm_done){.reason = S("stop")});
}

static inline void tts_says(struct fake *f, uint32_t stream)
{
    const struct msg_tts_clause clause = {.samples = chance(9) ? chance(50000) : UINT32_MAX};
    switch (chance(8)) {
    case 0:
    case 1:
        (void)fake_answer(f, stream, MSG_tts_clause, &clause);
        break;
    case 2:
    case 3:
        (void)fake_answer(f, stream, MSG_tts_done, &(struct msg_tts_done){clause.samples});
        break;
    default:
        (void)fake_answer(f, stream, MSG_audio,
                          &(struct msg_audio){sound_from(stream, 1 + chance(4 * PIECE_SAMPLES))});
    }
}

/* Nothing that the protocol forbids is sent twice: such an engine is killed. */
static inline void grants(struct fake *f, uint32_t stream)
{
    (void)fake_answer(f, stream, MSG_credit, &(struct msg_credit){chance(WIRE_CREDIT)});
}

static inline void says_something(struct fake *f, uint32_t stream)
{
    static void (*const own[ENGINES])(struct fake *, uint32_t) = {stt_says, llm_says, tts_says};
    size_t role = 0;
    while (fakes[role] != f)
        role++;
    if (f->engine.state != ENGINE_READY)
        return;
    if (chance(60) == 0)
        fails(f, stream);
    else if (chance(60) == 0) /* what is another engine's to say */
        own[chance(ENGINES)](f, stream);
    else if (chance(20) == 0)
        grants(f, stream);
    else
        own[role](f, stream);
}

static inline void some_engine_says(void)
{
    struct fake *f = fakes[chance(ENGINES)];
    says_something(f, some_stream(f));
}

/* What the live turn waits for comes, as it should. */
static inline void it_goes_well(void)
{
    const struct turn *t = rig.talk.live;
    const struct job *job = !t                            ? nullptr
                            : t->state == TURN_FINALISING ? t->stt
                            : t->state == TURN_ANSWERING  ? t->llm
                            : t->state == TURN_SPEAKING   ? t->tts
                                                          : nullptr;
    if (t && t->state == TURN_RETRIEVING)
        store_answers(OK);
    if (!job || !job->started)
        return;
    uint32_t stream = job->stream;
    if (t->state == TURN_FINALISING)
        (void)fake_answer(&rig.stt, stream, MSG_stt_final,
                          &(struct msg_stt_final){.text = t->wager.is_on && chance(4)
                                                              ? buf_str(&t->wager.words)
                                                              : words_of(stream)});
    else if (t->state == TURN_SPEAKING && chance(2))
        (void)fake_answer(&rig.tts, stream, MSG_tts_done, &(struct msg_tts_done){9});
    else if (t->state == TURN_SPEAKING)
        (void)fake_answer(&rig.tts, stream, MSG_audio,
                          &(struct msg_audio){sound_from(stream, PIECE_SAMPLES)});
    else if (chance(2))
        (void)fake_answer(&rig.llm, stream, MSG_llm_done, &(struct msg_llm_done){S("stop")});
    else
        (void)fake_answer(&rig.llm, stream, MSG_llm_token,
                          &(struct msg_llm_token){words_of(stream)});
}

static inline void store_tells(void)
{
    store_answers(chance(10) ? OK : ERR_IO);
}

static inline void store_refuses(void)
{
    rig.refuse_query = chance(4) ? OK : ERR_BUSY;
}

static inline void some_engine_fails(void)
{
    struct fake *f = fakes[chance(ENGINES)];
    if (f->engine.state == ENGINE_READY)
        fails(f, some_stream(f));
}

static inline void some_engine_dies(void)
{
    fake_die(fakes[chance(ENGINES)], chance(3000));
}

static inline void some_engine_comes_back(void)
{
    fake_come_back(fakes[chance(ENGINES)]);
}

static inline void all_come_back(void)
{
    for (size_t i = 0; i < ENGINES; i++)
        fake_come_back(fakes[i]);
}

static inline void waiting_is_over(void)
{
    for (size_t i = 0; i < ENGINES; i++)
        jobs_expire(&fakes[i]->engine, clock_ms());
}

/* --- time --- */

static inline uint64_t limit_of(const struct turn *t)
{
    return turn_limit_ms(t->state, (uint32_t)rig.conf.utterance_ms, (uint32_t)rig.conf.turn_ms,
                         rig.talk.reply_ms);
}

/* He has a limit of his own, which is not the turn's (api/call). */
static inline bool waits_for_the_listener(const struct turn *t)
{
    return t->held && t->state >= TURN_SPEAKING;
}

/* Wherever a turn stands, there is a moment at which it goes on by itself. */
static inline void assert_bounded(void)
{
    const struct turn *t = rig.talk.live;
    if (!t)
        return;
    assert_true(t->state < TURN_ENDED);
    if (waits_for_the_listener(t))
        return;
    assert_true(timer_armed(&t->timer));
    uint64_t now = clock_ms();
    assert_true(t->timer.due_ms <= now + limit_of(t));
    if (t->state > TURN_LISTENING && t->entered) { /* and so does the whole of the answer */
        assert_true(t->deadline_ms > 0);
        assert_true(t->timer.due_ms <= (t->deadline_ms > now ? t->deadline_ms : now));
    }
}

static inline void time_passes(void)
{
    pass_ms(chance(50) ? chance(300) : chance(1000000));
}

/* As much as the state may last, without a word of anybody's. */
static inline void limit_passes(void)
{
    loop_step(rig.loop, 0); /* a turn that has just begun enters its first state */
    const struct turn *t = rig.talk.live;
    if (!t || waits_for_the_listener(t))
        return;
    uint64_t id = t->id;
    enum turn_state state = t->state;
    pass_ms(limit_of(t) + 1);
    t = rig.talk.live;
    assert_true(!t || t->id != id || t->state > state);
}

/* The way from any state, limit by limit. */
static inline void assert_time_ends_it(void)
{
    for (int i = 0; i < TURN_STATES && rig.talk.live; i++)
        limit_passes();
    assert_null(rig.talk.live);
}

/* --- memory --- */

static inline void while_memory_is_short(void (*event)(void))
{
    alloc_fault_arm(chance(12));
    event();
    (void)alloc_fault_disarm();
}
